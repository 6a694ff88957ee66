"""Fetches the user pool's JSON Web Key Set over HTTPS."""

from __future__ import annotations

import http.client
import json
import urllib.request
from typing import TYPE_CHECKING

from kv_common.auth.jwks import JwkSet, JwksUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_S = 2
MAX_BYTES = 65_536


def http_source(url: str) -> Callable[[], JwkSet]:
    """Return a function that fetches the key set at `url`, or raises JwksUnavailable."""

    def fetch() -> JwkSet:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310  # the URL is configuration
                document = json.loads(response.read(MAX_BYTES))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise JwksUnavailable(str(error)) from error
        if not isinstance(document, dict):
            raise JwksUnavailable("the key set is not an object")
        return document

    return fetch
