"""kv_common.errors."""

from __future__ import annotations

import pytest

from kv_common import errors
from kv_common.errors import AppError, Unavailable

PUBLISHED = {
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "PRECONDITION_FAILED": 412,
    "PAYLOAD_TOO_LARGE": 413,
    "RATE_LIMITED": 429,
    "QUOTA_EXCEEDED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}


def test_codes_and_statuses_match_the_published_ones() -> None:
    assert {kind.code: kind.status for kind in AppError.__subclasses__()} == PUBLISHED


@pytest.mark.parametrize("kind", AppError.__subclasses__(), ids=lambda kind: kind.code)
def test_server_errors_start_at_500(kind: type[AppError]) -> None:
    assert kind("m").is_server_error == (kind.status >= 500)


def test_unavailable_has_retry_after() -> None:
    assert Unavailable().headers == {"Retry-After": "1"}
    assert Unavailable(retry_after=30).headers == {"Retry-After": "30"}


def test_module_docstring_lists_every_error() -> None:
    assert errors.__doc__ is not None
    for code, status in PUBLISHED.items():
        assert any(code in line and str(status) in line for line in errors.__doc__.splitlines())
