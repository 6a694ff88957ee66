"""The verifier of access tokens for services that fetch the user pool's keys by URL."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kv_common.auth.verifier import AccessToken, TokenVerifier


def access_token_verifier(env: Mapping[str, str]) -> Callable[[str], AccessToken]:
    """Return the verifier of the stage's access tokens; raises MissingSetting for a missing setting.

    PyJWT and cryptography are imported by the first token, because some requests have none.
    """
    issuer, jwks_url = required(env, "TOKEN_ISSUER"), required(env, "JWKS_URL")
    client_ids = tuple(required(env, "TOKEN_CLIENT_IDS").split(","))

    @cache
    def verifier() -> TokenVerifier:
        from kv_common.auth.jwks import SigningKeys
        from kv_common.auth.jwks_http import http_source
        from kv_common.auth.verifier import TokenVerifier

        return TokenVerifier(SigningKeys(http_source(jwks_url), time.monotonic), issuer, client_ids)

    return lambda token: verifier().verify(token)
