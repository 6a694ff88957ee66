"""Verification of Cognito access tokens with PyJWT: only RS256, and every required claim is checked."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import msgspec

from kv_common.errors import Unauthorized, ValidationError
from kv_common.json import strict as strict_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from kv_common.auth.jwks import SigningKeys

MAX_LENGTH = 8_192
LEEWAY_S = 60
_ACCESS = "access"
# Base64url without padding (RFC 7515); PyJWT accepts padding too.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_REQUIRED = ["exp", "iat", "iss", "sub", "token_use", "client_id"]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified access token: its account (`sub`, a UUID) and its claims."""

    account_id: str
    claims: dict[str, Any]


class TokenVerifier:
    """Verifies access tokens of one issuer, issued to one of `client_ids`.

    Raises the same Unauthorized for every reason, and Unavailable if the keys cannot be fetched.
    """

    def __init__(self, keys: SigningKeys, issuer: str, client_ids: Collection[str]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._client_ids = frozenset(client_ids)

    def verify(self, token: str) -> AccessToken:
        """Return the claims of `token` after checking its signature, issuer, use, client and times."""
        if len(token) > MAX_LENGTH or not _COMPACT.fullmatch(token):
            raise _invalid()
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise _invalid() from error
        kid = header.get("kid")
        if header.get("alg") != "RS256" or not isinstance(kid, str):
            raise _invalid()
        key = self._keys.get(kid)
        if key is None:
            raise _invalid()
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                issuer=self._issuer,
                leeway=LEEWAY_S,
                # Cognito's access tokens have no audience; `client_id` is checked below instead.
                options={"require": _REQUIRED, "verify_aud": False},
            )
        except jwt.InvalidTokenError as error:
            raise _invalid() from error
        self._require(claims)
        _require_unambiguous(token)
        return AccessToken(account_id=claims["sub"], claims=claims)

    def _require(self, claims: dict[str, Any]) -> None:
        """Check what PyJWT does not: the token's use, its client and the types of claims."""
        client_id = claims["client_id"]
        if claims["token_use"] != _ACCESS or not isinstance(client_id, str) or client_id not in self._client_ids:
            raise _invalid()
        if type(claims["exp"]) not in (int, float) or type(claims["iat"]) not in (int, float):
            raise _invalid()
        try:
            canonical = str(uuid.UUID(claims["sub"]))
        except (ValueError, AttributeError, TypeError) as error:
            raise _invalid() from error
        if canonical != claims["sub"]:
            raise _invalid()


def _require_unambiguous(token: str) -> None:
    """Reject duplicate claims: two parsers could read different accounts from such a token."""
    payload = token.split(".")[1]
    try:
        text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        strict_json.split_object(text, allowed=msgspec.json.decode(text))
    except (binascii.Error, msgspec.DecodeError, ValidationError) as error:
        raise _invalid() from error


def _invalid() -> Unauthorized:
    return Unauthorized("The access token is not valid.", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
