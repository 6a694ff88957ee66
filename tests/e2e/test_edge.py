"""Headers of every response, and responses where no route matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.support.tenant import Tenant


@pytest.mark.parametrize("path", ["/", "/v1", "/nothing", "/v1/auth/nothing/here", "/v1/app/key/deeper"])
def test_unknown_path_is_a_404_in_the_standard_format(http: httpx.Client, path: str) -> None:
    response = http.get(path)
    assert response.status_code == 404
    error = response.json()["error"]
    assert (error["code"], error["correlation_id"]) == ("NOT_FOUND", response.headers["X-Correlation-Id"])


def test_wrong_method_is_a_405_that_lists_the_allowed_ones(http: httpx.Client) -> None:
    response = http.post("/v1/app/key", content=b"{}")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == "DELETE, GET, HEAD, PATCH, PUT"
    elsewhere = http.patch("/v1/auth/login", content=b"{}")
    assert (elsewhere.status_code, elsewhere.headers["Allow"]) == (405, "POST")
    # It has the form of a value's path, but with an invalid namespace.
    shaped = http.put("/v1/health/kv", content=b"{}")
    assert (shaped.status_code, shaped.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("offered", "taken"),
    [("order-42.A_b", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("a\tb", False), ('"', False)],
)
def test_correlation_id_is_accepted_if_it_is_safe_to_log(http: httpx.Client, offered: str, taken: bool) -> None:  # noqa: FBT001
    response = http.get("/v1/auth/config", headers={"X-Correlation-Id": offered})
    returned = response.headers["X-Correlation-Id"]
    assert (returned == offered) is taken
    assert len(returned) > 0


def test_every_response_has_the_security_headers(http: httpx.Client, tenant: Tenant) -> None:
    for response in (http.get("/v1/auth/me", headers=tenant.bearer), http.get("/v1/auth/me"), http.get("/nothing")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Strict-Transport-Security"].startswith("max-age=")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-API-Version"] == "1"
        assert response.headers["Content-Type"] == "application/json"


def test_every_service_reports_its_health(http: httpx.Client) -> None:
    kv, auth = (http.get(f"/v1/health/{name}").json() for name in ("kv", "auth"))
    assert (kv["status"], kv["dependencies"]) == ("ok", {"redis": "ok", "dynamodb": "ok"})
    assert (auth["status"], auth["dependencies"]) == ("ok", {"dynamodb": "ok"})
    assert kv["version"] == auth["version"]
