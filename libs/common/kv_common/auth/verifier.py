"""Verification of Cognito access tokens with PyJWT: the algorithm is pinned and every claim is looked at."""

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
# Base64url without padding, as RFC 7515 has it; PyJWT would also take padding.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_REQUIRED = ["exp", "iat", "iss", "sub", "token_use", "client_id"]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified access token: whose it is (`sub`, a UUID) and its claims."""

    account_id: str
    claims: dict[str, Any]


class TokenVerifier:
    """Verifies access tokens of one issuer, made for one of `client_ids`.

    Everything that is wrong with a token is the same Unauthorized; Unavailable means the keys could not be had.
    """

    def __init__(self, keys: SigningKeys, issuer: str, client_ids: Collection[str]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._client_ids = frozenset(client_ids)

    def verify(self, token: str) -> AccessToken:
        """Return what `token` says, once its signature, issuer, use, client and times have been checked."""
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
                # Cognito's access tokens have no audience; `client_id` takes its place below.
                options={"require": _REQUIRED, "verify_aud": False},
            )
        except jwt.InvalidTokenError as error:
            raise _invalid() from error
        self._require(claims)
        _require_unambiguous(token)
        return AccessToken(account_id=claims["sub"], claims=claims)

    def _require(self, claims: dict[str, Any]) -> None:
        """Check what PyJWT leaves open: the token's use and client, and claims of the wrong type."""
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
    """Refuse claims that repeat a member: two readers of such a token may see two different accounts."""
    payload = token.split(".")[1]
    try:
        text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        strict_json.split_object(text, allowed=msgspec.json.decode(text))
    except (binascii.Error, msgspec.DecodeError, ValidationError) as error:
        raise _invalid() from error


def _invalid() -> Unauthorized:
    return Unauthorized("The access token is not valid.", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
