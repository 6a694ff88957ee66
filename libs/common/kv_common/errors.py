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

`kv_common.http.app` converts them to responses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WHOLE_BODY = ""
"""The path of the request body itself, which `public_details` shows as `body`."""


class AppError(Exception):
    """An error with a message and details that are safe to show to the caller."""

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
    def public_details(self) -> dict[str, object] | list[object]:
        """The error's `details` as the API shows them; empty when there are none."""
        return self.details

    @property
    def is_server_error(self) -> bool:
        """Whether the service failed, so that the request is not counted."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its dotted path (`namespaces.0`), a stable code in snake case, and a message for people."""

    field: str
    code: str
    message: str


class ValidationError(AppError, ValueError):
    """The request is malformed; repeating it unchanged will fail again.

    It is a ValueError so that pydantic collects it from the domain rules that request models use as validators.
    """

    code = "VALIDATION_ERROR"
    status = 400

    def __init__(
        self,
        message: str,
        *,
        fields: Sequence[FieldError] = (),
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, details=details)
        self.fields = tuple(fields)

    @property
    def public_details(self) -> dict[str, object] | list[object]:
        """Every wrong field."""
        shown = [{"field": one.field or "body", "code": one.code, "message": one.message} for one in self.fields]
        return [*shown] if shown else self.details

    def within(self, path: str) -> ValidationError:
        """Return the same error for a part of a larger document, which is at `path` in it."""
        fields = [replace(one, field=f"{path}.{one.field}" if one.field else path) for one in self.fields]
        return ValidationError(self.message, fields=fields, details=self.details)


def field_error(field: str, code: str, message: str) -> ValidationError:
    """Return the error of a request in which one field (member, parameter or header) is wrong."""
    return ValidationError(message, fields=[FieldError(field, code, message)])


class Unauthorized(AppError):
    """The request has no valid credential; every reason gets the same response."""

    code = "UNAUTHORIZED"
    status = 401


class Forbidden(AppError):
    """The credential is valid but does not allow this operation."""

    code = "FORBIDDEN"
    status = 403


class NotFound(AppError):
    """The resource does not exist, or belongs to another account: the caller cannot distinguish the two."""

    code = "NOT_FOUND"
    status = 404


class MethodNotAllowed(AppError):
    """The path does not support this method; `Allow` lists the supported ones."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class Conflict(AppError):
    """The request conflicts with the current state, such as a name that is in use."""

    code = "CONFLICT"
    status = 409


class PreconditionFailed(AppError):
    """`If-Match` or `If-None-Match` was false."""

    code = "PRECONDITION_FAILED"
    status = 412


class PayloadTooLarge(AppError):
    """The body, the value or the account's storage would exceed its limit."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class RateLimited(AppError):
    """The account's token bucket is empty for the seconds in `Retry-After`."""

    code = "RATE_LIMITED"
    status = 429


class QuotaExceeded(AppError):
    """The month's requests are used up until the next month or a larger plan."""

    code = "QUOTA_EXCEEDED"
    status = 429


class Internal(AppError):
    """A defect of the service; its log line has the correlation id."""

    code = "INTERNAL"
    status = 500


class Unavailable(AppError):
    """A dependency did not respond in time; the request may be retried."""

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
