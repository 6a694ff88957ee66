"""What every answer has, and what answers where no route is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.support.tenant import Tenant


@pytest.mark.parametrize("path", ["/", "/v1", "/nothing", "/v1/auth/nothing/here", "/v1/app/key/deeper"])
def test_a_path_that_is_no_route_is_a_404_in_the_one_shape(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["correlation_id"]) == ("NOT_FOUND", answer.headers["X-Correlation-Id"])


def test_a_method_that_a_path_does_not_take_is_a_405_that_names_those_it_takes(http: httpx.Client) -> None:
    answer = http.post("/v1/app/key", content=b"{}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, PATCH, PUT"
    elsewhere = http.patch("/v1/auth/login", content=b"{}")
    assert (elsewhere.status_code, elsewhere.headers["Allow"]) == (405, "POST")
    # It has the shape of a value's path, where there can be none.
    shaped = http.put("/v1/health/kv", content=b"{}")
    assert (shaped.status_code, shaped.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("offered", "taken"),
    [("order-42.A_b", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("a\tb", False), ('"', False)],
)
def test_a_correlation_id_is_taken_when_it_is_safe_to_log(http: httpx.Client, offered: str, taken: bool) -> None:  # noqa: FBT001
    answer = http.get("/v1/auth/config", headers={"X-Correlation-Id": offered})
    returned = answer.headers["X-Correlation-Id"]
    assert (returned == offered) is taken
    assert len(returned) > 0


def test_every_answer_has_the_security_headers(http: httpx.Client, tenant: Tenant) -> None:
    for answer in (http.get("/v1/auth/me", headers=tenant.bearer), http.get("/v1/auth/me"), http.get("/nothing")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-API-Version"] == "1"
        assert answer.headers["Content-Type"] == "application/json"


def test_each_service_tells_how_it_is(http: httpx.Client) -> None:
    kv, auth = (http.get(f"/v1/health/{name}").json() for name in ("kv", "auth"))
    assert (kv["status"], kv["dependencies"]) == ("ok", {"redis": "ok", "dynamodb": "ok"})
    assert (auth["status"], auth["dependencies"]) == ("ok", {"dynamodb": "ok"})
    assert kv["version"] == auth["version"]
