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
from tests.unit.usage.fakes import ACCOUNT, NOW_S, FakeStandings, Shelf
from usage_service.container import Usage
from usage_service.domain.reports import NamespaceUse
from usage_service.domain.thresholds import Plan
from usage_service.http.app import create_app
from usage_service.service import Reports

TODAY = date(2026, 11, 20)


class World:
    """The whole service over fakes, and a caller of it."""

    def __init__(self) -> None:
        self.standings, self.shelf = FakeStandings(), Shelf()
        self.healthy = True
        self.api = create_app(self._usage)

    def _usage(self) -> Usage:
        reports = Reports(self.standings, self.shelf, now_s=lambda: NOW_S)
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
        answer: dict[str, Any] = self.api(gateway.event("GET", path, query=query, headers=headers), Context())
        return answer

    def history(self, query: str) -> list[tuple[str, int]]:
        answer = self.ask("/v1/usage/history", query)
        assert answer["statusCode"] == 200, answer["body"]
        return [(one["period"], one["requests"]) for one in json.loads(answer["body"])["history"]]


@pytest.fixture
def world() -> World:
    return World()


def test_the_month_is_shown_against_the_plan(world: World) -> None:
    world.standings.plan = Plan("pro", 1_000, 3_000, 1)
    world.standings.requests, world.standings.stored = 999, 1_000
    world.shelf.known = [NamespaceUse("n1", "app", 1_000, 3)]
    world.shelf.found = {(TODAY, "n1"): Served(requests={"get": 999}, bytes_in=7)}

    answer = world.ask("/v1/usage")

    assert json.loads(answer["body"]) == {
        "period": "2026-11",
        "plan": "pro",
        "requests": {"used": 999, "limit": 1_000, "percent": 99.9, "by_operation": {"get": 999}, "bytes_in": 7},
        "storage": {"used_bytes": 1_000, "limit_bytes": 3_000, "percent": 33.33, "keys": 3},
        "by_namespace": [{"namespace": "app", "requests": 999, "bytes_in": 7, "stored_bytes": 1_000, "keys": 3}],
        "updated_at": "2026-11-20T12:00:00.000Z",
    }


def test_what_is_below_zero_until_the_rest_has_come_is_shown_as_nothing(world: World) -> None:
    world.standings.stored = -5
    storage = json.loads(world.ask("/v1/usage")["body"])["storage"]
    assert (storage["used_bytes"], storage["percent"]) == (0, 0)


def test_a_history_takes_days_and_months_for_its_ends(world: World) -> None:
    world.shelf.known = [NamespaceUse("n1", "app", 0, 0)]
    world.shelf.found = {
        (date(2026, 2, 28), "n1"): Served(requests={"get": 2}, bytes_in=0),
        (TODAY, "-"): Served(requests={"get": 5}, bytes_in=0),
    }
    assert world.history("from=2026-02&to=2026-02")[-2:] == [("2026-02-27", 0), ("2026-02-28", 2)]
    assert world.history("from=2026-02-28&to=2026-03-01") == [("2026-02-28", 2), ("2026-03-01", 0)]
    assert world.history("granularity=month&from=2026-02-28")[0::9] == [("2026-02", 2), ("2026-11", 5)]
    assert world.history("granularity=month&from=2026-10&namespace=app") == [("2026-10", 0), ("2026-11", 0)]


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
def test_a_history_that_cannot_be_is_refused_with_the_reason(world: World, query: str, words: str) -> None:
    answer = world.ask("/v1/usage/history", query)
    assert answer["statusCode"] == 400
    error = error_of(answer)
    assert error["code"] == "VALIDATION_ERROR"
    assert words in error["message"]


def test_a_namespace_that_never_was_is_not_found(world: World) -> None:
    answer = world.ask("/v1/usage/history", "namespace=nobody-has-this")
    assert answer["statusCode"] == 404
    assert error_of(answer)["details"] == {"resource": "namespace"}


def test_the_month_takes_no_parameters(world: World) -> None:
    assert world.ask("/v1/usage", "account=other")["statusCode"] == 400


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/usage/history"])
@pytest.mark.parametrize("token", [None, "forged"])
def test_nothing_is_shown_without_a_session(world: World, path: str, token: str | None) -> None:
    assert world.ask(path, token=token)["statusCode"] == 401


@pytest.mark.parametrize(("healthy", "status"), [(True, 200), (False, 503)])
def test_health_tells_whether_the_table_answers(world: World, healthy: bool, status: int) -> None:  # noqa: FBT001
    world.healthy = healthy
    assert world.ask("/v1/health/usage", token=None)["statusCode"] == status
