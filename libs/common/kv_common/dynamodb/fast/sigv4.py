"""AWS Signature Version 4 for requests to DynamoDB: POST / without a query string.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials

    from kv_common.dynamodb.fast.endpoint import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_DIGEST = "sha256"


class Signer:
    """Signs requests with the current result of `credentials`."""

    def __init__(self, credentials: Callable[[], Credentials | ReadOnlyCredentials], region: str, service: str) -> None:
        self._credentials = credentials
        self._region = region
        self._service = service
        self._derived = ("", ""), hmac.new(b"", digestmod=_DIGEST)

    def sign(self, headers: dict[str, str], body: bytes, now_s: float) -> None:
        """Add the date, the session's token and the signature to `headers`, whose names are in lower case."""
        credentials = self._credentials()
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
        headers["x-amz-date"] = timestamp
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        names = sorted(headers)
        signed = ";".join(names)
        lines = "".join(f"{name}:{headers[name]}\n" for name in names)
        canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        day = timestamp[:8]
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        to_sign = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        mac = self._mac(credentials.secret_key or "", day)
        mac.update(to_sign.encode())
        credential = f"Credential={credentials.access_key}/{scope}"
        headers["authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={signed}, Signature={mac.hexdigest()}"

    def _mac(self, secret: str, day: str) -> hmac.HMAC:
        """Return a MAC with the signing key of a day.

        The key is derived again when the day or the secret changes; copying the MAC is faster than creating one.
        """
        derived_for, mac = self._derived
        if derived_for != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), _DIGEST)
            mac = hmac.new(key, digestmod=_DIGEST)
            self._derived = (secret, day), mac
        return mac.copy()
