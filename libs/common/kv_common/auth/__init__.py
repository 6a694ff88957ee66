"""Who makes a request: access tokens of sessions, verified against the user pool's keys.

`verifier` and `jwks` import PyJWT, so they are imported only when a token has come.
"""
