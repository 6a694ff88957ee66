"""The errors that callers see."""

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


def test_codes_and_statuses_are_those_that_were_published() -> None:
    assert {kind.code: kind.status for kind in AppError.__subclasses__()} == PUBLISHED


@pytest.mark.parametrize("kind", AppError.__subclasses__(), ids=lambda kind: kind.code)
def test_a_failure_is_ours_exactly_from_500_on(kind: type[AppError]) -> None:
    assert kind("m").is_server_error == (kind.status >= 500)


def test_unavailable_says_when_to_come_back() -> None:
    assert Unavailable().headers == {"Retry-After": "1"}
    assert Unavailable(retry_after=30).headers == {"Retry-After": "30"}


def test_the_module_shows_every_error_in_its_tree() -> None:
    assert errors.__doc__ is not None
    for code, status in PUBLISHED.items():
        assert any(code in line and str(status) in line for line in errors.__doc__.splitlines())
