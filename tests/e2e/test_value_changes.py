"""Expiry, preconditions, patches, counters and limits over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from tests.support.tenant import Tenant


@pytest.fixture
def headers(tenant: Tenant) -> dict[str, str]:
    tenant.namespace("app")
    return tenant.key()


def test_value_expires_after_its_ttl(http: httpx.Client, headers: dict[str, str]) -> None:
    stored = http.put("/v1/app/a", json={"value": 1, "ttl": 1, "metadata": {"é": "ü"}}, headers=headers)
    found = http.get("/v1/app/a", headers=headers)
    assert (stored.status_code, found.status_code) == (201, 200)
    assert found.headers["X-Expires-At"] == stored.headers["X-Expires-At"] == stored.json()["expires_at"]
    assert found.headers["X-Metadata"] == '{"\\u00e9":"\\u00fc"}'
    assert stored.json()["metadata"] == {"é": "ü"}

    await_value(lambda: http.get("/v1/app/a", headers=headers).status_code == 404, within=10)

    assert http.head("/v1/app/a", headers=headers).status_code == 404
    assert http.get("/v1/app", headers=headers).json() == {"keys": []}
    assert http.patch("/v1/app/a", json={"ttl": 5}, headers=headers).status_code == 404
    assert http.post("/v1/app/a/increment", headers=headers).json()["value"] == 1


def test_preconditions_apply_to_reads_and_writes(http: httpx.Client, headers: dict[str, str]) -> None:
    first = http.put("/v1/app/a", json={"value": 1}, headers={**headers, "If-None-Match": "*"})
    again = http.put("/v1/app/a", json={"value": 2}, headers={**headers, "If-None-Match": "*"})
    assert (first.status_code, again.status_code) == (201, 412)
    assert again.json()["error"]["code"] == "PRECONDITION_FAILED"
    etag = first.headers["ETag"]
    assert again.json()["error"]["details"] == {"etag": etag}

    unchanged = http.get("/v1/app/a", headers={**headers, "If-None-Match": f'"x", W/{etag}'})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", etag)
    assert http.head("/v1/app/a", headers={**headers, "If-None-Match": etag}).status_code == 304
    assert http.get("/v1/app/a", headers={**headers, "If-Match": '"x"'}).status_code == 412

    swapped = http.put("/v1/app/a", json={"value": 3}, headers={**headers, "If-Match": etag})
    assert swapped.status_code == 200
    for stale in (
        http.put("/v1/app/a", json={"value": 4}, headers={**headers, "If-Match": etag}),
        http.patch("/v1/app/a", json={"ttl": 4}, headers={**headers, "If-Match": etag}),
        http.post("/v1/app/a/increment", headers={**headers, "If-Match": etag}),
        http.delete("/v1/app/a", headers={**headers, "If-Match": etag}),
    ):
        assert stale.status_code == 412
    assert http.get("/v1/app/a", headers=headers).json() == {"value": 3}
    assert http.delete("/v1/app/a", headers={**headers, "If-Match": swapped.headers["ETag"]}).status_code == 204


def test_contradictory_and_malformed_preconditions_are_rejected(http: httpx.Client, headers: dict[str, str]) -> None:
    for sent in ({"If-Match": "*", "If-None-Match": "*"}, {"If-Match": "x"}, {"If-None-Match": '"x'}):
        response = http.put("/v1/app/a", json={"value": 1}, headers={**headers, **sent})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    for response in (
        http.delete("/v1/app/a", headers={**headers, "If-None-Match": "*"}),
        http.patch("/v1/app/a", json={"ttl": 1}, headers={**headers, "If-None-Match": "*"}),
        http.get("/v1/app", headers={**headers, "If-Match": "*"}),
    ):
        assert response.json()["error"]["details"][0]["field"] in ("if-none-match", "if-match")
    assert http.get("/v1/app/a", headers=headers).status_code == 404


def test_patch_changes_only_its_fields(http: httpx.Client, headers: dict[str, str]) -> None:
    http.put("/v1/app/a", content=b'{"value": {"a": 1.0, "b": {"c": -0, "d": 1e400}}}', headers=headers)
    patched = http.patch("/v1/app/a", json={"value": {"b": {"c": None}, "e": [1]}, "ttl": 60}, headers=headers)
    assert (patched.status_code, patched.json()["key"]) == (200, "a")
    response = http.get("/v1/app/a", headers=headers)
    assert response.content == b'{"value":{"a":1.0,"b":{"d":1e400},"e":[1]}}'
    assert response.headers["X-Expires-At"] == patched.json()["expires_at"]
    cleared = http.patch("/v1/app/a", json={"ttl": None}, headers=headers)
    assert "expires_at" not in cleared.json()
    assert "X-Expires-At" not in http.get("/v1/app/a", headers=headers).headers
    assert http.get("/v1/app/a?fields=b.d,e", headers=headers).content == b'{"value":{"b":{"d":1e400},"e":[1]}}'

    http.put("/v1/app/a", json={"value": [1]}, headers=headers)
    for refused in (
        http.patch("/v1/app/a", json={"value": {}}, headers=headers),
        http.get("/v1/app/a?fields=b", headers=headers),
    ):
        assert (refused.status_code, refused.json()["error"]["details"]) == (409, {"reason": "not_an_object"})


def test_counter_is_incremented(http: httpx.Client, headers: dict[str, str]) -> None:
    assert http.post("/v1/app/n/increment", headers=headers).json()["value"] == 1
    response = http.post("/v1/app/n/increment", json={"by": 2**62}, headers=headers)
    assert response.json()["value"] == 2**62 + 1
    assert response.headers["ETag"] == http.get("/v1/app/n", headers=headers).headers["ETag"]
    beyond = http.post("/v1/app/n/increment", json={"by": 2**62}, headers=headers)
    assert (beyond.status_code, beyond.json()["error"]["details"]) == (409, {"reason": "out_of_range"})
    http.put("/v1/app/n", json={"value": "1"}, headers=headers)
    text = http.post("/v1/app/n/increment", headers=headers)
    assert (text.status_code, text.json()["error"]["details"]) == (409, {"reason": "not_an_integer"})


def test_list_includes_metadata_on_request(http: httpx.Client, headers: dict[str, str]) -> None:
    stored = http.put("/v1/app/a", json={"value": 1, "metadata": {"m": 1}, "ttl": 60}, headers=headers)
    http.put("/v1/app/b", json={"value": [2]}, headers=headers)
    plain = http.get("/v1/app", headers=headers).json()["keys"]
    full = http.get("/v1/app?include=metadata&consistency=strong", headers=headers).json()["keys"]
    assert [set(one) for one in plain] == [
        {"key", "size", "created_at", "updated_at", "expires_at"},
        {"key", "size", "created_at", "updated_at"},
    ]
    assert full[0] == {**plain[0], "metadata": {"m": 1}, "etag": stored.headers["ETag"]}
    assert "metadata" not in full[1]


def test_limits_are_reported_at_no_cost(http: httpx.Client, tenant: Tenant, headers: dict[str, str]) -> None:
    before = http.get("/v1/limits", headers=headers)
    for _ in range(3):
        assert http.get("/v1/limits", headers=headers).json()["quota"] == before.json()["quota"]
    http.put("/v1/app/a", json={"value": 1}, headers=headers)
    after = http.get("/v1/limits", headers=tenant.key(scopes=["list"], namespaces=["app"])).json()
    assert after["quota"]["used"] == before.json()["quota"]["used"] + 1
    assert after["quota"]["remaining"] == after["quota"]["limit"] - after["quota"]["used"]
    assert (after["plan"], after["rate"]["limit"], after["rate"]["burst"]) == ("business", 1_000, 2_000)
    assert after["storage"]["limit"] == 10**12
    assert http.get("/v1/limits", headers=tenant.bearer).json()["plan"] == "business"
    assert http.get("/v1/limits").status_code == 401
    assert before.headers["X-Quota-Limit"] == str(after["quota"]["limit"])
