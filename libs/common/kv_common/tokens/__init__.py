"""Verification of Cognito access tokens; imports PyJWT, so a service imports it only where a token has come."""

from kv_common.tokens.jwks import SigningKeys
from kv_common.tokens.verifier import AccessToken, TokenVerifier

__all__ = ["AccessToken", "SigningKeys", "TokenVerifier"]
