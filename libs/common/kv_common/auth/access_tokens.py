"""The verifier of access tokens for services that fetch the user pool's keys by URL."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

from kv_common.settings import require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kv_common.auth.verifier import AccessToken, TokenVerifier


def access_token_verifier(env: Mapping[str, str]) -> Callable[[str], AccessToken]:
    """Return the verifier of the stage's access tokens; raises InvalidSettings for a missing setting."""
    require(env, "TOKEN_ISSUER", "JWKS_URL", "TOKEN_CLIENT_IDS")
    return lazy_verifier(env["TOKEN_ISSUER"], env["JWKS_URL"], tuple(env["TOKEN_CLIENT_IDS"].split(",")))


def lazy_verifier(issuer: str, jwks_url: str, client_ids: tuple[str, ...]) -> Callable[[str], AccessToken]:
    """Return a verifier of access tokens.

    PyJWT and cryptography are imported by the first token, because some requests have none.
    """

    @cache
    def verifier() -> TokenVerifier:
        from kv_common.auth.jwks import SigningKeys
        from kv_common.auth.jwks_http import http_source
        from kv_common.auth.verifier import TokenVerifier

        return TokenVerifier(SigningKeys(http_source(jwks_url), time.monotonic), issuer, client_ids)

    return lambda token: verifier().verify(token)
