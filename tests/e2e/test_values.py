"""Values over HTTP: packaged functions and a real Redis."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.support.tenant import Tenant

LIMIT_HEADERS = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Quota-Limit",
    "X-Quota-Remaining",
    "X-Quota-Reset",
    "RateLimit-Policy",
    "RateLimit",
)


@pytest.fixture
def headers(tenant: Tenant) -> dict[str, str]:
    tenant.namespace("app")
    return {**tenant.key(), "content-type": "application/json"}


def put(http: httpx.Client, headers: dict[str, str], key: str, text: str) -> httpx.Response:
    return http.put(f"/v1/app/{key}", content=f'{{"value": {text}}}'.encode(), headers=headers)


def test_new_value_is_a_201_and_replacement_a_200_that_keeps_created_at(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    first = put(http, headers, "a", "1")
    second = put(http, headers, "a", '"two"')
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["created_at"] == first.json()["created_at"]
    assert second.json()["updated_at"] > first.json()["updated_at"]
    assert (first.json()["size"], second.json()["size"]) == (1, 5)
    assert (first.json()["key"], first.json()["created_at"]) == ("a", first.json()["updated_at"])


def test_etag_never_repeats_even_for_the_same_value(http: httpx.Client, headers: dict[str, str]) -> None:
    etags = set()
    for _ in range(5):
        etags.add(put(http, headers, "a", "1").headers["ETag"])
        etags.add(put(http, headers, "a", "1").headers["ETag"])
        assert http.delete("/v1/app/a", headers=headers).status_code == 204
    assert len(etags) == 10
    assert all(etag.startswith('"') and etag.endswith('"') and len(etag) > 8 for etag in etags)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "true",
        '""',
        "-0",
        "1.0",
        "1e400",
        "123456789012345678901234567890123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        '{"b": 1, "a": 2, "b": 3}',
        '"\\ud800 alone, \\u00e9 escaped, \u00e9 not, \\/ \\b\\f\\n\\r\\t"',
        '[ 1 ,\n\t2 , { "x" : [ ] } ]',
        '"\U0001f600 \u2028 \u0000"'.replace("\u0000", "\\u0000"),
        "[" * 128 + "]" * 128,
    ],
)
def test_value_is_returned_byte_for_byte(http: httpx.Client, headers: dict[str, str], text: str) -> None:
    assert put(http, headers, "a", text).status_code == 201
    response = http.get("/v1/app/a", headers=headers)
    assert response.content == f'{{"value":{text}}}'.encode()
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{}",
        b'{"value": NaN}',
        b'{"value": Infinity}',
        b'{"value": -Infinity}',
        b'\xef\xbb\xbf{"value": 1}',
        b'{"value": 1} {}',
        b'{"value": 1}x',
        b'{"value": 1, "value": 2}',
        b'{"value": 1, "\\u0076alue": 2}',
        b'{"value": 1, "valve": 2}',
        b'{"value": 1, "ttl": 0}',
        b'{"value": 01}',
        b"{'value': 1}",
        b'{"value": [1,]}',
        b'{"value": "\xff"}',
        b'{"value": "\xed\xa0\x80"}',
        b'{"value": ' + b"[" * 129 + b"]" * 129 + b"}",
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream"])
def test_invalid_json_is_a_400(http: httpx.Client, headers: dict[str, str], body: bytes, content_type: str) -> None:
    response = http.put("/v1/app/a", content=body, headers={**headers, "content-type": content_type})
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert error["correlation_id"] == response.headers["X-Correlation-Id"]
    assert http.get("/v1/app/a", headers=headers).status_code == 404


def test_json_is_accepted_with_any_content_type(http: httpx.Client, headers: dict[str, str]) -> None:
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"):
        typed = {**headers, "content-type": content_type}
        assert put(http, typed, "a", '"\u00e9"').status_code in (200, 201)
        assert http.get("/v1/app/a", headers=headers).json() == {"value": "\u00e9"}


@pytest.mark.parametrize("size", [390_000, 390_001, 1_000_001])
def test_value_is_returned_from_every_kind_of_storage(http: httpx.Client, headers: dict[str, str], size: int) -> None:
    text = '"' + "x" * (size - 2) + '"'
    stored = put(http, headers, "a", text)
    assert (stored.status_code, stored.json()["size"]) == (201, size)
    assert http.get("/v1/app/a", headers=headers).text == f'{{"value":{text}}}'


def test_too_large_value_is_a_413_that_is_not_counted(http: httpx.Client, headers: dict[str, str]) -> None:
    stored = put(http, headers, "a", "1")
    refused = put(http, headers, "b", '"' + "x" * 4_999_999 + '"')
    assert refused.status_code == 413
    assert refused.json()["error"]["details"] == {"reason": "value_size", "max_bytes": 5_000_000}
    assert refused.headers["X-Quota-Remaining"] == stored.headers["X-Quota-Remaining"]


def test_head_returns_everything_but_the_value(http: httpx.Client, headers: dict[str, str]) -> None:
    stored = put(http, headers, "a", '{"name": "Ada"}')
    response = http.head("/v1/app/a", headers=headers)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["X-Value-Size"] == "15"
    assert response.headers["ETag"] == stored.headers["ETag"]
    age = time.time() - parsedate_to_datetime(response.headers["Last-Modified"]).timestamp()
    assert -5 < age < 60
    assert http.head("/v1/app/b", headers=headers).status_code == 404


def test_delete_is_a_204_whether_or_not_the_key_existed(http: httpx.Client, headers: dict[str, str]) -> None:
    put(http, headers, "a", "1")
    for _ in range(2):
        assert http.delete("/v1/app/a", headers=headers).status_code == 204
    assert http.get("/v1/app/a", headers=headers).json()["error"]["code"] == "NOT_FOUND"


def test_session_of_the_owner_can_read_and_write_values(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    assert put(http, tenant.bearer, "a", "1").status_code == 201
    response = http.get("/v1/app/a", headers=tenant.bearer)
    assert (response.json(), response.headers["X-RateLimit-Limit"]) == ({"value": 1}, "1000")


def test_every_response_has_both_kinds_of_limit_headers(
    http: httpx.Client, tenant: Tenant, headers: dict[str, str]
) -> None:
    read_only = tenant.key(scopes=["read"])
    responses = {
        201: put(http, headers, "a", "1"),
        200: http.get("/v1/app/a", headers=headers),
        204: http.delete("/v1/app/b", headers=headers),
        400: http.get("/v1/app/a?unknown=1", headers=headers),
        403: http.delete("/v1/app/a", headers=read_only),
        404: http.get("/v1/nowhere/a", headers=headers),
        413: put(http, headers, "a", '"' + "x" * 5_000_000 + '"'),
    }
    for status, response in responses.items():
        assert response.status_code == status
        assert [name for name in LIMIT_HEADERS if name not in response.headers] == []
        assert response.headers["RateLimit"].startswith(f'"rps";r={response.headers["X-RateLimit-Remaining"]};')
        assert response.headers["RateLimit-Policy"].startswith('"rps";q=1000;w=1, "month";q=20000000;w=')
        assert int(response.headers["X-Quota-Reset"]) > time.time()


def test_misses_are_counted_and_denials_are_not(http: httpx.Client, tenant: Tenant, headers: dict[str, str]) -> None:
    def left(response: httpx.Response) -> int:
        return int(response.headers["X-Quota-Remaining"])

    start = left(put(http, headers, "a", "1"))
    assert left(http.get("/v1/app/missing", headers=headers)) == start - 1
    assert left(http.get("/v1/nowhere/a", headers=headers)) == start - 2
    assert left(http.delete("/v1/app/a", headers=tenant.key(scopes=["read"]))) == start - 2


def test_unsupported_preconditions_and_unknown_parameters_are_rejected(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    for name in ("If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range"):
        response = http.put("/v1/app/a", content=b'{"value": 1}', headers={**headers, name: '"x"'})
        assert (response.status_code, response.json()["error"]["details"][0]["field"]) == (400, name.lower())
    assert http.get("/v1/app/a?field=x", headers=headers).status_code == 400
    assert http.get("/v1/app/a", headers=headers).status_code == 404


@pytest.mark.parametrize("key", ["a b", "a%20b", "é", "a*", "x" * 256, "a@b", "a,b", "%00"])
def test_invalid_characters_in_a_key_are_a_400(http: httpx.Client, headers: dict[str, str], key: str) -> None:
    response = put(http, headers, key, "1")
    assert (response.status_code, response.json()["error"]["details"][0]["field"]) == (400, "key")


@pytest.mark.parametrize("key", ["a", "A:b_c.d-e", "0", "x" * 255, "...", "batch", "user:1:settings"])
def test_such_keys_are_fine(http: httpx.Client, headers: dict[str, str], key: str) -> None:
    assert put(http, headers, key, "1").status_code == 201
    assert http.get(f"/v1/app/{key}", headers=headers).json() == {"value": 1}


def test_pages_list_every_key_once_in_order(http: httpx.Client, headers: dict[str, str]) -> None:
    for number in range(25):
        put(http, headers, f"user:{number:02}", str(number))
    put(http, headers, "other", "1")
    listed: list[str] = []
    query = "prefix=user:&limit=10"
    pages = 0
    while True:
        page = http.get(f"/v1/app?{query}", headers=headers).json()
        listed += [entry["key"] for entry in page["keys"]]
        pages += 1
        if "cursor" not in page:
            break
        query = f"prefix=user:&limit=10&cursor={page['cursor']}"
    assert (listed, pages) == ([f"user:{number:02}" for number in range(25)], 3)
    entry = http.get("/v1/app?limit=1", headers=headers).json()["keys"][0]
    assert sorted(entry) == ["created_at", "key", "size", "updated_at"]


def test_cursor_is_valid_only_for_its_own_list(http: httpx.Client, tenant: Tenant, headers: dict[str, str]) -> None:
    tenant.namespace("other")
    for key in ("a1", "a2", "b1"):
        put(http, headers, key, "1")
    cursor = http.get("/v1/app?prefix=a&limit=1", headers=headers).json()["cursor"]
    assert http.get(f"/v1/app?prefix=a&limit=1&cursor={cursor}", headers=headers).status_code == 200
    damaged = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for path in (
        f"/v1/app?prefix=b&cursor={cursor}",
        f"/v1/app?cursor={cursor}",
        f"/v1/other?prefix=a&cursor={cursor}",
        f"/v1/app?prefix=a&cursor={damaged}",
        "/v1/app?prefix=a&cursor=",
        "/v1/app?prefix=a&cursor=%F0%9F%98%80",
    ):
        response = http.get(path, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "VALIDATION_ERROR"), path


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=", "limit=-1", "limit=1&limit=2", "x=1"])
def test_invalid_list_parameters_are_a_400(http: httpx.Client, headers: dict[str, str], query: str) -> None:
    assert http.get(f"/v1/app?{query}", headers=headers).status_code == 400


def test_rate_limited_response_has_retry_after(http: httpx.Client, slow_tenant: Tenant) -> None:
    slow_tenant.namespace("app")
    headers = slow_tenant.key()
    responses = [http.get("/v1/app/a", headers=headers) for _ in range(8)]
    refused = [response for response in responses if response.status_code == 429]
    assert len(refused) >= 3
    assert refused[0].json()["error"]["code"] == "RATE_LIMITED"
    assert refused[0].headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 2
    assert [name for name in LIMIT_HEADERS if name not in refused[0].headers] == []


def test_quota_denies_requests_until_the_next_month(http: httpx.Client, small_tenant: Tenant) -> None:
    small_tenant.namespace("app")
    headers = small_tenant.key()
    statuses = [http.get("/v1/app/a", headers=headers).status_code for _ in range(3)]
    refused = http.get("/v1/app/a", headers=headers)
    assert (statuses, refused.status_code) == ([404] * 3, 429)
    assert refused.json()["error"]["code"] == "QUOTA_EXCEEDED"
    assert refused.headers["X-Quota-Remaining"] == "0"
    seconds_left = int(refused.headers["X-Quota-Reset"]) - time.time()
    assert abs(int(refused.headers["Retry-After"]) - seconds_left) < 10


def test_recreated_namespace_is_empty(http: httpx.Client, tenant: Tenant) -> None:
    headers = tenant.key()
    for _ in range(3):
        tenant.namespace("app")
        assert http.get("/v1/app", headers=headers).json() == {"keys": []}
        put(http, headers, "a", "1")
        deleted = http.delete("/v1/namespaces/app", headers=tenant.bearer)
        assert (deleted.status_code, deleted.json()) == (202, {"name": "app", "status": "deleting"})
        assert put(http, headers, "a", "1").status_code == 404
