"""Authentication by access tokens, verified with the user pool's public keys.

`verifier` and `jwks` import PyJWT; they are imported by the first token.
"""
