"""Paddle's signature of a webhook: HMAC-SHA256 over the time it was sent and the very bytes of its body.

https://developer.paddle.com/webhooks/about/signature-verification
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from kv_common.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = "paddle-signature"
MAX_HEADER = 1_024
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def verify(header: str | None, body: bytes, secrets: Sequence[str], *, arrived_s: float, tolerance_s: float) -> None:
    """Return if one of `secrets` has signed `body` at about the time it arrived; Unauthorized otherwise.

    `header` is `ts=<seconds>;h1=<hex>`, with several h1 while Paddle rotates a secret. Parts of other names are for
    later versions of the scheme. Whatever is wrong, the answer is the same.
    """
    sent, digests = _read(header or "")
    if not sent or abs(arrived_s - int(sent)) > tolerance_s:
        raise _refusal()
    expected = [sign(secret, sent, body) for secret in secrets]
    # All are compared, so that the time taken says nothing about which one matched.
    matches = [hmac.compare_digest(one, given) for one in expected for given in digests]
    if not any(matches):
        raise _refusal()


def sign(secret: str, sent: str, body: bytes) -> str:
    """Return the digest of `body` sent at `sent`, the seconds since 1970 as the header spells them."""
    return hmac.new(secret.encode(), sent.encode() + b":" + body, hashlib.sha256).hexdigest()


def _read(header: str) -> tuple[str, list[str]]:
    """Return the time as it is spelled, or "" when there is not exactly one, and every digest of the first scheme."""
    if len(header) > MAX_HEADER:
        return "", []
    parts = [part.partition("=") for part in header.split(";")]
    times = [value for name, _, value in parts if name == "ts"]
    digests = [value for name, _, value in parts if name == "h1" and _DIGEST.fullmatch(value)]
    return times[0] if len(times) == 1 and _SECONDS.fullmatch(times[0]) else "", digests


def _refusal() -> Unauthorized:
    return Unauthorized("The webhook's signature is not valid.")
