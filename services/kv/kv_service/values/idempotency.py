"""Idempotency keys: the same request again gets the first one's answer, and changes nothing.

What a request changes and its answer are written in one transaction. So a process that dies in between has done
neither, and of two that race only one does anything; the other finds its answer.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

from kv_common.errors import AppError, Conflict, NotFound, PreconditionFailed, field_error
from kv_common.http import Response

if TYPE_CHECKING:
    from kv_common.http import Request

KEPT_S = 24 * 3_600
REPLAYED = {"Idempotent-Replayed": "true"}

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_OUTCOMES: dict[str, type[AppError]] = {error.code: error for error in (Conflict, NotFound, PreconditionFailed)}


class IdempotencyKey(msgspec.Struct, frozen=True):
    """An idempotent request: `id` identifies it in its namespace, `fingerprint` its content."""

    id: str
    fingerprint: str


class RecordedAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a request was answered: its headers and body, or an error's code, message and details."""

    status: int
    body: str = ""
    headers: dict[str, str] = {}
    code: str = ""
    message: str = ""
    details: dict[str, msgspec.Raw] = {}

    @classmethod
    def of(cls, response: Response) -> RecordedAnswer:
        """Return a response as an answer."""
        return cls(response.status, response.body, dict(response.headers))

    @classmethod
    def of_error(cls, error: AppError) -> RecordedAnswer | None:
        """Return an error as an answer that will be the same next time, None where it may be another."""
        if error.code not in _OUTCOMES:
            return None
        details = {name: msgspec.Raw(msgspec.json.encode(detail)) for name, detail in error.details.items()}
        return cls(error.status, code=error.code, message=error.message, details=details)

    def again(self) -> Response:
        """Return the answer, or raise the error, and say that it is not the first time."""
        if not self.code:
            return Response(self.status, self.body, {**self.headers, **REPLAYED})
        raise _OUTCOMES[self.code](self.message, details=self.details, headers=REPLAYED)


class StoredResponse(msgspec.Struct, frozen=True):
    """The answer that was given to a request, and what that said."""

    fingerprint: str
    answer: RecordedAnswer

    def replay(self, once: IdempotencyKey) -> Response:
        """RecordedAnswer the request again; Conflict where the same key came with another request."""
        if self.fingerprint != once.fingerprint:
            raise Conflict(
                "This Idempotency-Key was used for another request.", details={"reason": "idempotency_key_reused"}
            )
        return self.answer.again()


def read_once(request: Request) -> IdempotencyKey | None:
    """Return what a request with an Idempotency-Key is known by, None where it has none."""
    key = request.header("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise field_error(
            "idempotency-key",
            "invalid_format",
            "An Idempotency-Key is 1 to 255 characters of printable ASCII without spaces.",
        )
    # The path names the key and the operation; the namespace by its id comes where the record is kept.
    said = (request.body, request.header("if-match"), request.header("if-none-match"))
    return IdempotencyKey(_digest(request.method, request.path, key), _digest(*said))


def in_flight() -> Conflict:
    """Say that the same request is still being carried out."""
    return Conflict(
        "A request with this Idempotency-Key is being carried out. Please retry.",
        details={"reason": "idempotency_in_flight"},
        headers={"Retry-After": "1"},
    )


def _digest(*parts: str | bytes | None) -> str:
    """Return a digest of parts under their lengths, so that no two sequences of them read alike."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"-" if data is None else str(len(data)).encode() + b":" + data)
    return digest.hexdigest()
