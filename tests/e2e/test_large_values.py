"""Values that exceed the size of an item, over HTTP: only their size differs from other values."""

from __future__ import annotations

import gzip
import random
import string
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.support.kv_process import environment_of
from tests.support.leftovers import objects
from tests.support.tenant import client, stack_output
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

MOST = 5_000_000


class Shop:
    """A tenant's namespace, its key, and its objects in the bucket."""

    def __init__(self, local: LocalEnvironment, http: httpx.Client, tenant: Tenant) -> None:
        self.local, self.http, self.tenant = local, http, tenant
        tenant.namespace("app")
        self.headers = {**tenant.key(), "content-type": "application/json"}
        table = stack_output(local, "kv", "TableName")
        where = {"PK": {"S": f"ACCOUNT#{tenant.account_id}"}, "SK": {"S": "NAMESPACE#app"}}
        self.id: str = local.aws_client("dynamodb").get_item(TableName=table, Key=where)["Item"]["id"]["S"]

    def put(self, key: str, text: str, **headers: str) -> httpx.Response:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.http.put(f"/v1/app/{key}", content=f'{{"value": {text}}}'.encode(), headers=sent)

    def get(self, key: str, **headers: str) -> httpx.Response:
        return self.http.get(f"/v1/app/{key}", headers={**self.headers, **headers}, follow_redirects=True)

    def objects(self) -> list[str]:
        return objects(self.local, f"values/{self.id}/")

    def pending(self) -> list[str]:
        s3, bucket = self.local.aws_client("s3"), environment_of(self.local, "kv")["OBJECTS_BUCKET"]
        return [key for key in self.objects() if s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]]

    def held(self) -> tuple[int, int]:
        shown = self.http.get("/v1/namespaces/app", headers=self.tenant.bearer).json()
        return shown["keys"], shown["bytes"]


@pytest.fixture
def shop(local: LocalEnvironment, http: httpx.Client, tenant: Tenant) -> Shop:
    return Shop(local, http, tenant)


def text_of(size: int, seed: int = 1) -> str:
    """A JSON text of `size` bytes that exceeds an item even when compressed."""
    some = "".join(random.Random(seed).choices(string.ascii_letters, k=60_000))
    return '"' + (some * (size // 60_000 + 1))[: size - 2] + '"'


def test_values_of_all_sizes_are_stored_and_deleted_completely(shop: Shop) -> None:
    small, large, most = text_of(100), text_of(1_000_000), text_of(MOST, seed=2)
    # New, large to large, large to small, small to large.
    for number, text in enumerate((large, most, small, most)):
        stored = shop.put("a", text)
        assert (stored.status_code, stored.json()["size"]) == (201 if number == 0 else 200, len(text))
        got = shop.get("a")
        assert got.text == f'{{"value":{text}}}'
        assert got.headers["ETag"] == stored.headers["ETag"]
    head = shop.http.head("/v1/app/a", headers=shop.headers)
    assert (head.headers["X-Value-Size"], head.headers["ETag"]) == (str(MOST), stored.headers["ETag"])
    assert shop.put("b", large).status_code == 201
    [a, b] = await_value(
        lambda: len(keys := shop.http.get("/v1/app", headers=shop.headers).json()["keys"]) == 2 and keys, within=5
    )
    assert (a["size"], b["size"]) == (MOST, 1_000_000)
    # Stored objects are confirmed, replaced ones are deleted, and storage is exact to the byte.
    await_value(lambda: len(shop.objects()) == 2 and not shop.pending(), within=15)
    await_value(lambda: shop.held() == (2, 2 + MOST + 1_000_000), within=15)

    for key in ("a", "b"):
        assert shop.http.delete(f"/v1/app/{key}", headers=shop.headers).status_code == 204
        assert shop.get(key).status_code == 404
    await_value(lambda: not shop.objects(), within=15)
    await_value(lambda: shop.held() == (0, 0), within=15)


def test_value_over_five_million_bytes_is_a_413(shop: Shop) -> None:
    response = shop.put("a", text_of(MOST + 1))
    assert response.status_code == 413
    assert response.json()["error"]["details"] == {"reason": "value_size", "max_bytes": MOST}
    assert shop.get("a").status_code == 404
    assert shop.objects() == []


def test_large_values_are_validated_like_small_ones(shop: Shop) -> None:
    deep = "[" * 129 + "]" * 129
    for text in (f"[{text_of(1_000_000)}, {deep}]", text_of(1_000_000)[:-1], f"[{text_of(1_000_000)}, NaN]"):
        assert shop.put("a", text).status_code == 400
    assert shop.objects() == []


def test_rejected_write_leaves_no_object(shop: Shop) -> None:
    etag = shop.put("a", "1").headers["ETag"]
    large = text_of(1_000_000)
    assert shop.put("a", large, if_none_match="*").status_code == 412
    assert shop.put("a", large, if_match='"another"').status_code == 412
    assert shop.objects() == []
    assert shop.put("a", large, if_match=etag).status_code == 200
    assert len(shop.objects()) == 1


def test_one_of_many_concurrent_creations_succeeds_and_the_others_leave_nothing(shop: Shop) -> None:
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda n: shop.put("a", text_of(1_100_000, n), if_none_match="*"), range(4)))
    [won] = [response for response in responses if response.status_code == 201]
    assert [response.status_code for response in responses if response is not won] == [412] * 3
    assert len(shop.objects()) == 1
    assert shop.get("a").headers["ETag"] == won.headers["ETag"]


def test_large_object_can_be_patched_and_read_by_field(shop: Shop) -> None:
    big, other = text_of(1_000_000), text_of(1_000_000, seed=2)
    shop.put("a", f'{{"big": {big}, "n": 1.0}}')
    [first] = shop.objects()

    def patch(body: str) -> httpx.Response:
        return shop.http.patch("/v1/app/a", content=body, headers=shop.headers)

    # TTL and metadata change without the text.
    response = patch('{"ttl": 1000, "metadata": {"m": 1}}')
    assert (response.status_code, response.json()["metadata"]) == (200, {"m": 1})
    assert shop.objects() == [first]
    assert shop.get("a").text == f'{{"value":{{"big": {big}, "n": 1.0}}}}'
    assert patch(f'{{"value": {{"other": {other}, "n": null}}}}').status_code == 200
    assert shop.get("a").json() == {"value": {"big": big[1:-1], "other": other[1:-1]}}
    picked = shop.http.get("/v1/app/a?fields=other", headers=shop.headers)
    assert picked.json() == {"value": {"other": other[1:-1]}}
    assert patch('{"value": {"big": null, "other": null, "n": 2}}').status_code == 200
    assert shop.get("a").text == '{"value":{"n":2}}'
    await_value(lambda: not shop.objects(), within=15)


def test_batches_may_have_large_values_and_a_rejected_atomic_batch_leaves_no_object(shop: Shop) -> None:
    a, b, c = (text_of(1_600_000, seed) for seed in range(3))

    def send(*operations: str, atomic: bool = False, **headers: str) -> httpx.Response:
        body = f'{{"operations": [{", ".join(operations)}], "atomic": {str(atomic).lower()}}}'
        sent = {**shop.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return shop.http.post("/v1/app/batch", content=body, headers=sent, follow_redirects=True)

    def put(key: str, text: str) -> str:
        return f'{{"op": "put", "key": "{key}", "value": {text}}}'

    look = [f'{{"op": "get", "key": "{key}"}}' for key in "abc"]
    wrong = '{"op": "put", "key": "d", "value": 1, "if_match": "*"}'
    assert send(put("a", a), put("b", b), wrong, atomic=True).status_code == 409
    assert shop.objects() == []
    assert [one["status"] for one in send(put("a", a), wrong, put("b", b)).json()["results"]] == [201, 412, 201]
    assert [one["status"] for one in send(put("a", b), put("c", c), atomic=True).json()["results"]] == [200, 201]

    for atomic in (False, True):
        found = send(*look, atomic=atomic)
        assert [one["value"] for one in found.json()["results"]] == [b[1:-1], b[1:-1], c[1:-1]]
    await_value(lambda: len(shop.objects()) == 3 and not shop.pending(), within=15)

    # The text would fit into the item without metadata, but stays in the bucket and can be read.
    text = text_of(390_000)
    whole = f'{{"op": "put", "key": "e", "value": {text}, "metadata": {{"m": 1}}}}'
    assert send(whole, '{"op": "patch", "key": "e", "metadata": null}').status_code == 200
    for atomic in (False, True):
        [found] = send('{"op": "get", "key": "e"}', atomic=atomic).json()["results"]
        assert (found["value"], found["size"], "metadata" in found) == (text[1:-1], 390_000, False)
    assert len(shop.objects()) == 4

    # The repetition changes nothing and gets the first response, which may be large.
    first = send(put("a", c), *look, idempotency_key="i1")
    shop.put("a", "1")
    again = send(put("a", c), *look, idempotency_key="i1")
    assert again.content == first.content
    assert [one["size"] for one in first.json()["results"]] == [1_600_000] * 4
    assert shop.get("a").json() == {"value": 1}


def test_large_value_is_written_once_per_idempotency_key(shop: Shop) -> None:
    text = text_of(MOST)
    first, again = (shop.put("a", text, idempotency_key="i1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert len(shop.objects()) == 1
    assert shop.get("a").text == f'{{"value":{text}}}'


def test_large_value_cannot_be_incremented(shop: Shop) -> None:
    shop.put("a", text_of(1_000_000))
    response = shop.http.post("/v1/app/a/increment", headers=shop.headers)
    assert (response.status_code, response.json()["error"]["details"]) == (409, {"reason": "not_an_integer"})


@pytest.mark.parametrize("accept", ["gzip", "identity"])
def test_response_over_the_lambda_limit_reaches_the_client(shop: Shop, accept: str) -> None:
    text = '"' + "".join(random.Random(1).choices("абвгдежз", k=50_000)) * 49 + '"'
    body = f'{{"value": {text}}}'.encode()
    headers = {**shop.headers, "content-encoding": "gzip", "content-type": "application/octet-stream"}
    stored = shop.http.put("/v1/app/a", content=gzip.compress(body), headers=headers)
    assert (stored.status_code, stored.json()["size"]) == (201, len(text.encode()))

    response = shop.get("a", **{"accept-encoding": accept})

    assert response.text == f'{{"value":{text}}}'
    assert [one.status_code for one in response.history] == ([] if accept == "gzip" else [307])
    first = response.history[0] if response.history else response
    assert first.headers["ETag"] == stored.headers["ETag"]


def test_readers_see_complete_values_during_replacement(local: LocalEnvironment, shop: Shop) -> None:
    def text(key: str, number: int) -> str:
        return '"' + f"{key}{number:05}" * 180_000 + '"'

    for key in "ab":
        assert shop.put(key, text(key, 0)).status_code == 201
    over = Event()
    seen: Counter[tuple[str, int]] = Counter()

    def write(key: str) -> None:
        for number in range(1, 16):
            assert shop.put(key, text(key, number)).status_code == 200

    def read(key: str) -> None:
        with client(local) as http:
            while not over.is_set():
                response = http.get(f"/v1/app/{key}", headers=shop.headers)
                assert response.status_code == 200, response.text
                got = response.text.removeprefix('{"value":').removesuffix("}")
                number = int(got[2:7])
                assert got == text(key, number)
                seen[key, number] += 1

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read, key) for key in "aab"]
        writers = [pool.submit(write, key) for key in "ab"]
        for writer in writers:
            writer.result()
        over.set()
        for reader in readers:
            reader.result()
    assert len(seen) > 10
    assert all(shop.get(key).text == f'{{"value":{text(key, 15)}}}' for key in "ab")
    await_value(lambda: len(shop.objects()) == 2 and not shop.pending(), within=20)


def test_deleting_a_namespace_deletes_its_objects(local: LocalEnvironment, shop: Shop) -> None:
    for key in "abc":
        shop.put(key, text_of(1_000_001))
    assert len(objects(local, shop.id)) == 3
    assert shop.http.delete("/v1/namespaces/app", headers=shop.tenant.bearer).status_code == 202
    await_value(lambda: not objects(local, shop.id), within=20)
