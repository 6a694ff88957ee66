"""Three tenants, every route, each other's names, keys, ids and cursors: nothing leaks, and foreign equals missing.

The tables below name each route of the services once; a route that is added without an entry fails the last test.
"""

from __future__ import annotations

import importlib.util
import secrets
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kv_common import api_keys
from tests.support.leftovers import left_in_auth
from tests.support.tenant import Tenant, sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from infra.local.environment import LocalEnvironment

SECRET = "nobody-else-may-see-this"


@dataclass(frozen=True)
class Customer:
    """A tenant with one of every resource."""

    tenant: Tenant
    key_id: str
    key: dict[str, str]
    own: str
    """A namespace that only this tenant has; all have `shared`."""
    cursor: str
    alert_id: str
    job_id: str


@pytest.fixture(scope="module")
def customers(local: LocalEnvironment, http: httpx.Client) -> list[Customer]:
    made = []
    for name in ("one", "two", "three"):
        tenant = sign_up(local, http, plan="business")
        key = tenant.new_key(name=SECRET)
        headers = {"x-api-key": key["key"]}
        own = tenant.namespace(f"only-{name}")
        for namespace in (own, tenant.namespace("shared")):
            for letter in "abc":
                body = f'{{"value": "{SECRET} of {name}"}}'.encode()
                assert http.put(f"/v1/{namespace}/{letter}", content=body, headers=headers).status_code == 201
        cursor = http.get("/v1/shared?limit=1", headers=headers).json()["cursor"]
        job = http.post("/v1/namespaces/shared/imports", headers=tenant.bearer).json()["id"]
        made.append(Customer(tenant, key["id"], headers, own, cursor, welcome(http, tenant), job))
    return made


def welcome(http: httpx.Client, tenant: Tenant) -> str:
    """Return the id of an alert of the tenant."""

    def look() -> list[dict[str, Any]]:
        alerts: list[dict[str, Any]] = http.get("/v1/alerts", headers=tenant.bearer).json()["alerts"]
        return [alert for alert in alerts if alert["kind"] == "welcome"]

    alert_id: str = await_value(look, within=30)[0]["id"]
    return alert_id


def state(http: httpx.Client, customer: Customer) -> list[Any]:
    """Return everything that a customer can see, except counts and times that change by themselves."""
    namespaces = http.get("/v1/namespaces", headers=customer.tenant.bearer).json()["namespaces"]
    keys = http.get("/v1/api-keys", headers=customer.tenant.bearer).json()["api_keys"]
    return [
        [{name: value for name, value in one.items() if name not in ("keys", "bytes")} for one in namespaces],
        [{name: value for name, value in one.items() if name != "last_used_at"} for one in keys],
        http.get("/v1/alerts/preferences", headers=customer.tenant.bearer).json(),
        *(http.get(f"/v1/{name}", headers=customer.key).json() for name in (customer.own, "shared")),
        *(http.get(f"/v1/{name}/a", headers=customer.key).json() for name in (customer.own, "shared")),
    ]


def comparable(response: httpx.Response, *names: str) -> tuple[int, str]:
    """Return status and body of a response, without its correlation id and the requested names."""
    text = response.text.replace(response.headers["X-Correlation-Id"], "")
    for name in names:
        text = text.replace(name, "")
    return response.status_code, text


def on_namespace(method: str, path: str, body: bytes | None = None) -> Any:
    """Attack with an API key on a namespace given by name."""
    return lambda http, thief, name: http.request(method, path.format(name), content=body, headers=thief.key)


def on_dashboard(method: str, path: str, body: bytes | None = None) -> Any:
    """Attack with a session on a resource given by name or id."""
    return lambda http, thief, name: http.request(method, path.format(name), content=body, headers=thief.tenant.bearer)


NAMESPACE_ROUTES: dict[str, Any] = {
    "GET /v1/{namespace}/{key}": on_namespace("GET", "/v1/{}/a"),
    "HEAD /v1/{namespace}/{key}": on_namespace("HEAD", "/v1/{}/a"),
    "PUT /v1/{namespace}/{key}": on_namespace("PUT", "/v1/{}/a", b'{"value": "stolen"}'),
    "PATCH /v1/{namespace}/{key}": on_namespace("PATCH", "/v1/{}/a", b'{"value": {"by": "thief"}}'),
    "POST /v1/{namespace}/{key}/increment": on_namespace("POST", "/v1/{}/a/increment"),
    "POST /v1/{namespace}/batch": on_namespace(
        "POST",
        "/v1/{}/batch",
        b'{"operations": [{"op": "get", "key": "a"}, {"op": "put", "key": "a", "value": "stolen"}], "atomic": true}',
    ),
    "DELETE /v1/{namespace}/{key}": on_namespace("DELETE", "/v1/{}/a"),
    "GET /v1/{namespace}": on_namespace("GET", "/v1/{}"),
    "GET /v1/namespaces/{namespace}": on_dashboard("GET", "/v1/namespaces/{}"),
    "DELETE /v1/namespaces/{namespace}": on_dashboard("DELETE", "/v1/namespaces/{}"),
    "POST /v1/namespaces/{namespace}/exports": on_dashboard("POST", "/v1/namespaces/{}/exports"),
    "POST /v1/namespaces/{namespace}/imports": on_dashboard("POST", "/v1/namespaces/{}/imports"),
}
JOB_ROUTES: dict[str, Any] = {
    "GET /v1/jobs/{job}": on_dashboard("GET", "/v1/jobs/{}"),
    "DELETE /v1/jobs/{job}": on_dashboard("DELETE", "/v1/jobs/{}"),
    "POST /v1/jobs/{job}/start": on_dashboard("POST", "/v1/jobs/{}/start"),
}
KEY_ROUTES: dict[str, Any] = {
    "GET /v1/api-keys/{key_id}": on_dashboard("GET", "/v1/api-keys/{}"),
    "PATCH /v1/api-keys/{key_id}": on_dashboard("PATCH", "/v1/api-keys/{}", b'{"name": "stolen"}'),
    "DELETE /v1/api-keys/{key_id}": on_dashboard("DELETE", "/v1/api-keys/{}"),
    "POST /v1/api-keys/{key_id}/rotate": on_dashboard("POST", "/v1/api-keys/{}/rotate", b'{"grace_seconds": 60}'),
}
ALERT_ROUTES: dict[str, Any] = {
    "POST /v1/alerts/{alert_id}/read": on_dashboard("POST", "/v1/alerts/{}/read"),
}
# Their answers hold what belongs to the session's account, and they take no name of anything.
OWN_ROUTES = {
    "GET /v1/alerts": "/v1/alerts",
    "GET /v1/alerts/preferences": "/v1/alerts/preferences",
    "GET /v1/jobs": "/v1/jobs",
    "GET /v1/namespaces": "/v1/namespaces",
    "GET /v1/api-keys": "/v1/api-keys",
    "GET /v1/auth/me": "/v1/auth/me",
    "GET /v1/limits": "/v1/limits",
    "GET /v1/usage": "/v1/usage",
    "GET /v1/usage/history": "/v1/usage/history",
    "GET /v1/billing/subscription": "/v1/billing/subscription",
}
SETTING_ROUTES = {"PUT /v1/alerts/preferences"}
CREATING_ROUTES = {"POST /v1/namespaces", "POST /v1/api-keys"}
ENDING_ROUTES = {"DELETE /v1/auth/me"}
# They buy for the session's account, or change what it has bought; tests/e2e/test_billing.py tries them.
BUYING_ROUTES = {"PATCH /v1/billing/subscription", "POST /v1/billing/checkout", "POST /v1/billing/portal"}
# They know no account, or prove it by a password, a code or a signed link.
PUBLIC_ROUTES = {
    "GET /v1/alerts/unsubscribe",
    "GET /v1/auth/config",
    "GET /v1/billing/plans",
    "GET /v1/docs",
    "GET /v1/health/alerts",
    "GET /v1/health/auth",
    "GET /v1/health/billing",
    "GET /v1/health/kv",
    "GET /v1/health/usage",
    "GET /v1/openapi.json",
    "POST /v1/alerts/unsubscribe",
    "POST /v1/auth/confirm",
    "POST /v1/auth/forgot-password",
    "POST /v1/auth/login",
    "POST /v1/auth/logout",
    "POST /v1/auth/refresh",
    "POST /v1/auth/resend",
    "POST /v1/auth/reset-password",
    "POST /v1/auth/signup",
    # It identifies an account by signed custom_data.
    "POST /v1/webhooks/paddle",
}


@pytest.mark.parametrize("route", NAMESPACE_ROUTES)
def test_namespace_of_another_account_looks_missing(http: httpx.Client, customers: list[Customer], route: str) -> None:
    attack: Callable[[httpx.Client, Customer, str], httpx.Response] = NAMESPACE_ROUTES[route]
    for thief, victim in permutations(customers, 2):
        before = state(http, victim)
        missing = comparable(attack(http, thief, "nobody-has-this"), "nobody-has-this")
        foreign = comparable(attack(http, thief, victim.own), victim.own)
        assert foreign == missing
        assert foreign[0] == 404
        assert SECRET not in foreign[1]
        assert state(http, victim) == before


@pytest.mark.parametrize("route", KEY_ROUTES)
def test_key_of_another_account_looks_missing(http: httpx.Client, customers: list[Customer], route: str) -> None:
    attack: Callable[[httpx.Client, Customer, str], httpx.Response] = KEY_ROUTES[route]
    for thief, victim in permutations(customers, 2):
        before = state(http, victim)
        missing = comparable(attack(http, thief, "key_000000000000"), "key_000000000000")
        foreign = comparable(attack(http, thief, victim.key_id), victim.key_id)
        assert foreign == missing
        assert foreign[0] == 404
        assert state(http, victim) == before


@pytest.mark.parametrize("route", ALERT_ROUTES)
def test_alert_of_another_account_looks_missing(http: httpx.Client, customers: list[Customer], route: str) -> None:
    attack: Callable[[httpx.Client, Customer, str], httpx.Response] = ALERT_ROUTES[route]
    for thief, victim in permutations(customers, 2):
        nobodys = f"alert_{'0' * 17}"
        missing = comparable(attack(http, thief, nobodys), nobodys)
        foreign = comparable(attack(http, thief, victim.alert_id), victim.alert_id)
        assert foreign == missing
        assert foreign[0] == 404
        alerts = http.get("/v1/alerts", headers=victim.tenant.bearer).json()["alerts"]
        assert not any(alert["read"] for alert in alerts)


@pytest.mark.parametrize("route", JOB_ROUTES)
def test_job_of_another_account_looks_missing(http: httpx.Client, customers: list[Customer], route: str) -> None:
    attack: Callable[[httpx.Client, Customer, str], httpx.Response] = JOB_ROUTES[route]
    for thief, victim in permutations(customers, 2):
        missing = comparable(attack(http, thief, "0" * 12), "0" * 12)
        foreign = comparable(attack(http, thief, victim.job_id), victim.job_id)
        assert foreign == missing
        assert foreign[0] == 404
        path = f"/v1/jobs/{victim.job_id}"
        assert http.get(path, headers=victim.tenant.bearer).json()["status"] == "waiting"


def test_preferences_belong_to_the_session_account(http: httpx.Client, customers: list[Customer]) -> None:
    setter, other = customers[0], customers[1]
    before = state(http, other)
    body = {"email": False, "thresholds": [90]}
    assert http.put("/v1/alerts/preferences", json=body, headers=setter.tenant.bearer).status_code == 200
    assert state(http, other) == before


@pytest.mark.parametrize("route", OWN_ROUTES)
def test_lists_contain_only_the_session_accounts_items(
    http: httpx.Client, customers: list[Customer], route: str
) -> None:
    for customer in customers:
        text = http.get(OWN_ROUTES[route], headers=customer.tenant.bearer).text
        for other in customers:
            mine = other is customer
            if mine and route in ("GET /v1/alerts", "GET /v1/usage"):
                continue  # its key and its namespace are shown when their events have been processed
            assert (other.own in text) == (mine and "namespaces" in route)
            assert (other.job_id in text) == (mine and "jobs" in route)
            assert (other.key_id in text) == (mine and "api-keys" in route)
            assert (other.tenant.account_id in text) == (mine and "auth/me" in route)


def test_accounts_may_use_the_same_namespace_name(http: httpx.Client, customers: list[Customer]) -> None:
    values = [http.get("/v1/shared/a", headers=customer.key).json()["value"] for customer in customers]
    assert values == [f"{SECRET} of {name}" for name in ("one", "two", "three")]


def test_cursor_of_another_account_is_rejected_like_a_forged_one(http: httpx.Client, customers: list[Customer]) -> None:
    for thief, victim in permutations(customers, 2):
        foreign = comparable(http.get(f"/v1/shared?limit=1&cursor={victim.cursor}", headers=thief.key))
        forged = comparable(http.get(f"/v1/shared?limit=1&cursor={secrets.token_urlsafe(17)}", headers=thief.key))
        assert foreign == forged
        assert foreign[0] == 400


def test_forged_key_with_another_account_gives_no_access(http: httpx.Client, customers: list[Customer]) -> None:
    for victim in customers:
        made_up = {"x-api-key": api_keys.generate(victim.tenant.account_id, secrets.randbits).text}
        assert http.get("/v1/shared/a", headers=made_up).status_code == 401
        assert http.get("/v1/shared", headers=made_up).status_code == 401
        assert http.put("/v1/shared/a", content=b'{"value": 1}', headers=made_up).status_code == 401


def test_key_with_another_account_in_it_gives_no_access(http: httpx.Client, customers: list[Customer]) -> None:
    thief, victim = customers[0], customers[1]
    own, other = thief.key["x-api-key"], victim.key["x-api-key"]
    width = len(api_keys.PREFIX) + 22
    mixed = other[:width] + own[width:]
    assert http.get("/v1/shared/a", headers={"x-api-key": mixed}).status_code == 401


def test_creating_routes_create_for_the_session_account(http: httpx.Client, customers: list[Customer]) -> None:
    maker, other = customers[0], customers[1]
    before = state(http, other)
    name = "made-by-one"
    assert http.post("/v1/namespaces", json={"name": name}, headers=maker.tenant.bearer).status_code == 201
    # A key for namespace names that others use too gives access to its own account's only.
    key = maker.tenant.key(namespaces=[other.own])
    assert http.get(f"/v1/{other.own}/a", headers=key).status_code == 404
    assert state(http, other) == before
    assert http.get(f"/v1/namespaces/{name}", headers=other.tenant.bearer).status_code == 404


def test_deleting_an_account_deletes_nothing_of_another(
    local: LocalEnvironment, http: httpx.Client, customers: list[Customer]
) -> None:
    leaver = sign_up(local, http)
    leaver.namespace(customers[0].own)
    before = [state(http, customer) for customer in customers]
    assert http.delete("/v1/auth/me", headers=leaver.bearer).status_code == 202
    await_value(lambda: not left_in_auth(local, leaver), within=30)
    assert [state(http, customer) for customer in customers] == before


def test_every_route_is_covered_by_one_of_the_tables() -> None:
    routes = set()
    for service in ("alerts", "auth", "billing", "kv", "usage"):
        path = Path(__file__).parents[2] / "services" / service / "app.py"
        spec = importlib.util.spec_from_file_location(f"{service}_app", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        routes |= {f"{method} {pattern}" for pattern, methods in module.app.routes.items() for method in methods}
    own = [set(NAMESPACE_ROUTES), set(KEY_ROUTES), set(ALERT_ROUTES), set(JOB_ROUTES), set(OWN_ROUTES)]
    tables = [*own, BUYING_ROUTES, CREATING_ROUTES, ENDING_ROUTES, SETTING_ROUTES, PUBLIC_ROUTES]
    assert routes == set().union(*tables)
    assert sum(len(table) for table in tables) == len(routes)
