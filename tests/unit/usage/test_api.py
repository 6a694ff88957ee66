"""usage's routes, with fakes for all that is outside."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from kv_common.auth.verifier import AccessToken
from kv_common.errors import Unauthorized, Unavailable
from kv_common.events import Served
from tests.unit.common import gateway
from tests.unit.common.gateway import Context, error_of
from tests.unit.usage.fakes import ACCOUNT, NOW_S, FakeAccountStateStore, FakeReportStore
from usage_service.container import Usage
from usage_service.domain.reports import NamespaceUse
from usage_service.domain.thresholds import Plan
from usage_service.http.app import create_app
from usage_service.service import Reports

TODAY = date(2026, 11, 20)


class Harness:
    """The whole service over fakes, and a caller of it."""

    def __init__(self) -> None:
        self.standings, self.report_store = FakeAccountStateStore(), FakeReportStore()
        self.healthy = True
        self.api = create_app(self._usage)

    def _usage(self) -> Usage:
        reports = Reports(self.standings, self.report_store, now_s=lambda: NOW_S)
        return Usage(reports, self._verify, lambda: NOW_S, self._check)

    def _verify(self, token: str) -> AccessToken:
        if token != "valid":
            raise Unauthorized("The access token is not valid.")
        return AccessToken(ACCOUNT, {})

    def _check(self) -> None:
        if not self.healthy:
            raise Unavailable

    def ask(self, path: str, query: str = "", token: str | None = "valid") -> dict[str, Any]:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        response: dict[str, Any] = self.api(gateway.event("GET", path, query=query, headers=headers), Context())
        return response

    def history(self, query: str) -> list[tuple[str, int]]:
        response = self.ask("/v1/usage/history", query)
        assert response["statusCode"] == 200, response["body"]
        return [(one["period"], one["requests"]) for one in json.loads(response["body"])["history"]]


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_the_month_is_shown_against_the_plan(harness: Harness) -> None:
    harness.standings.plan = Plan("pro", 1_000, 3_000, 1)
    harness.standings.requests, harness.standings.stored = 999, 1_000
    harness.report_store.known = [NamespaceUse("n1", "app", 1_000, 3)]
    harness.report_store.found = {(TODAY, "n1"): Served(requests={"get": 999}, bytes_in=7)}

    response = harness.ask("/v1/usage")

    assert json.loads(response["body"]) == {
        "period": "2026-11",
        "plan": "pro",
        "requests": {"used": 999, "limit": 1_000, "percent": 99.9, "by_operation": {"get": 999}, "bytes_in": 7},
        "storage": {"used_bytes": 1_000, "limit_bytes": 3_000, "percent": 33.33, "keys": 3},
        "by_namespace": [{"namespace": "app", "requests": 999, "bytes_in": 7, "stored_bytes": 1_000, "keys": 3}],
        "updated_at": "2026-11-20T12:00:00.000Z",
    }


def test_what_is_below_zero_until_the_rest_has_come_is_shown_as_nothing(harness: Harness) -> None:
    harness.standings.stored = -5
    storage = json.loads(harness.ask("/v1/usage")["body"])["storage"]
    assert (storage["used_bytes"], storage["percent"]) == (0, 0)


def test_a_history_takes_days_and_months_for_its_ends(harness: Harness) -> None:
    harness.report_store.known = [NamespaceUse("n1", "app", 0, 0)]
    harness.report_store.found = {
        (date(2026, 2, 28), "n1"): Served(requests={"get": 2}, bytes_in=0),
        (TODAY, "-"): Served(requests={"get": 5}, bytes_in=0),
    }
    assert harness.history("from=2026-02&to=2026-02")[-2:] == [("2026-02-27", 0), ("2026-02-28", 2)]
    assert harness.history("from=2026-02-28&to=2026-03-01") == [("2026-02-28", 2), ("2026-03-01", 0)]
    assert harness.history("granularity=month&from=2026-02-28")[0::9] == [("2026-02", 2), ("2026-11", 5)]
    assert harness.history("granularity=month&from=2026-10&namespace=app") == [("2026-10", 0), ("2026-11", 0)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("granularity=week", "granularity"),
        ("from=yesterday", "'from'"),
        ("to=2026-02-30", "'to'"),
        ("to=2026-13", "'to'"),
        ("from=20261101", "'from'"),
        ("from=0001-01-01", "'from'"),
        ("from=2026-11-21", "before it begins"),
        ("from=2024-01-01&to=2026-01-01", "366 days at most"),
        ("from=2020-01&granularity=month", "24 months at most"),
        ("namespace=UPPER", "namespace"),
        ("namespace=usage", "reserved"),
        ("names=app", "Unknown query parameter"),
        ("from=2026-11-01&from=2026-11-02", "repeated"),
    ],
)
def test_a_history_that_cannot_be_is_refused_with_the_reason(harness: Harness, query: str, words: str) -> None:
    response = harness.ask("/v1/usage/history", query)
    assert response["statusCode"] == 400
    error = error_of(response)
    assert error["code"] == "VALIDATION_ERROR"
    assert words in f"{[one['field'] for one in error['details']]}: {error['message']}"


def test_a_namespace_that_never_was_is_not_found(harness: Harness) -> None:
    response = harness.ask("/v1/usage/history", "namespace=nobody-has-this")
    assert response["statusCode"] == 404
    assert error_of(response)["details"] == {"resource": "namespace"}


def test_the_month_takes_no_parameters(harness: Harness) -> None:
    assert harness.ask("/v1/usage", "account=other")["statusCode"] == 400


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/usage/history"])
@pytest.mark.parametrize("token", [None, "forged"])
def test_nothing_is_shown_without_a_session(harness: Harness, path: str, token: str | None) -> None:
    assert harness.ask(path, token=token)["statusCode"] == 401


@pytest.mark.parametrize(("healthy", "status"), [(True, 200), (False, 503)])
def test_health_tells_whether_the_table_answers(harness: Harness, healthy: bool, status: int) -> None:  # noqa: FBT001
    harness.healthy = healthy
    assert harness.ask("/v1/health/usage", token=None)["statusCode"] == status
