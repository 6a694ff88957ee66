"""The user pool's public keys, cached by key id.

PyJWT's client rejects known keys if its cache has expired while the source is down, and fetches the key set again for
every unknown key id. Here an expired cache is used while the source fails, and every fetch is followed by a cooldown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt

from kv_common.errors import Unavailable

LIFESPAN_S = 3_600
STALE_IF_ERROR_S = 24 * 3_600
COOLDOWN_S = 30

JwkSet = Mapping[str, Any]


class JwksUnavailable(Exception):
    """The key set could not be fetched."""


class SigningKeys:
    """Signing keys by key id (`kid`), fetched with `fetch` (which raises JwksUnavailable) at most every COOLDOWN_S.

    `now` is a monotonic clock in seconds.
    """

    def __init__(self, fetch: Callable[[], JwkSet], now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._now = now
        self._keys: dict[str, Any] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def get(self, kid: str) -> Any | None:
        """Return the public key `kid`, or None if the pool does not have it.

        Raises Unavailable if the key set cannot be fetched and the cached one is older than STALE_IF_ERROR_S.
        """
        age = self._age()
        if age is None or age > LIFESPAN_S or kid not in self._keys:
            self._refresh()
        age = self._age()
        if age is None or age > STALE_IF_ERROR_S:
            raise Unavailable("Access tokens cannot be verified right now. Please retry.", retry_after=COOLDOWN_S)
        return self._keys.get(kid)

    def _age(self) -> float | None:
        return None if self._fetched_at is None else self._now() - self._fetched_at

    def _refresh(self) -> None:
        now = self._now()
        if self._tried_at is not None and now - self._tried_at < COOLDOWN_S:
            return
        self._tried_at = now
        try:
            self._keys = _parse(self._fetch())
        except JwksUnavailable:
            return
        self._fetched_at = now


def _parse(document: JwkSet) -> dict[str, Any]:
    """Return the keys for RS256 signatures of a JWK set by key id; ignore all others."""
    keys: dict[str, Any] = {}
    entries = document.get("keys")
    if not isinstance(entries, Sequence):
        raise JwksUnavailable("the key set has no list of keys")
    for entry in entries:
        if _signs_with_rs256(entry):
            try:
                keys[entry["kid"]] = jwt.PyJWK(entry, algorithm="RS256").key
            except jwt.PyJWTError:
                continue
    if not keys:
        raise JwksUnavailable("the key set has no key for RS256 signatures")
    return keys


def _signs_with_rs256(entry: Any) -> bool:
    """Return whether a key is for RS256 signatures by `use`, `key_ops` and `alg`, which PyJWT does not check."""
    if not isinstance(entry, Mapping):
        return False
    operations = entry.get("key_ops", ["verify"])
    return (
        isinstance(operations, list)
        and isinstance(entry.get("kid"), str)
        and entry.get("kty") == "RSA"
        and entry.get("alg", "RS256") == "RS256"
        and entry.get("use", "sig") == "sig"
        and "verify" in operations
    )
