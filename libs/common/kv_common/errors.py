"""The errors a caller can see, each with its stable code and HTTP status.

    AppError
    ├── ValidationError      VALIDATION_ERROR     400
    ├── Unauthorized         UNAUTHORIZED         401
    ├── Forbidden            FORBIDDEN            403
    ├── NotFound             NOT_FOUND            404
    ├── MethodNotAllowed     METHOD_NOT_ALLOWED   405
    ├── Conflict             CONFLICT             409
    ├── PreconditionFailed   PRECONDITION_FAILED  412
    ├── PayloadTooLarge      PAYLOAD_TOO_LARGE    413
    ├── RateLimited          RATE_LIMITED         429
    ├── QuotaExceeded        QUOTA_EXCEEDED       429
    ├── Internal             INTERNAL             500
    └── Unavailable          UNAVAILABLE          503

`kv_common.http.app` is the one place that turns them into answers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class AppError(Exception):
    """A refusal with a message and details that are safe to show to the caller."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})

    @property
    def is_server_error(self) -> bool:
        """Whether the failure is on our side, so that the caller owes nothing for the request."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class ValidationError(AppError):
    """The request is malformed; repeating it unchanged will fail again."""

    code = "VALIDATION_ERROR"
    status = 400


class Unauthorized(AppError):
    """No valid credential came with the request; every reason gets the same answer."""

    code = "UNAUTHORIZED"
    status = 401


class Forbidden(AppError):
    """The credential is valid and does not allow this operation."""

    code = "FORBIDDEN"
    status = 403


class NotFound(AppError):
    """It does not exist, or it is another account's: the caller cannot tell which."""

    code = "NOT_FOUND"
    status = 404


class MethodNotAllowed(AppError):
    """The path exists and does not take this method; `Allow` names those it takes."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class Conflict(AppError):
    """The request contradicts the present state, such as a name already taken."""

    code = "CONFLICT"
    status = 409


class PreconditionFailed(AppError):
    """`If-Match` or `If-None-Match` did not hold."""

    code = "PRECONDITION_FAILED"
    status = 412


class PayloadTooLarge(AppError):
    """The body, the value or the account's storage would exceed its limit."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class RateLimited(AppError):
    """The account's token bucket is empty; `Retry-After` says for how many seconds."""

    code = "RATE_LIMITED"
    status = 429


class QuotaExceeded(AppError):
    """The month's requests are used up until the month turns or the plan rises."""

    code = "QUOTA_EXCEEDED"
    status = 429


class Internal(AppError):
    """A defect on our side; the correlation id finds its log line."""

    code = "INTERNAL"
    status = 500


class Unavailable(AppError):
    """A dependency did not answer in time; repeating the request later is right."""

    code = "UNAVAILABLE"
    status = 503

    def __init__(
        self,
        message: str = "The service is temporarily unavailable. Please retry.",
        *,
        retry_after: int = 1,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, details=details, headers={"Retry-After": str(retry_after)})
