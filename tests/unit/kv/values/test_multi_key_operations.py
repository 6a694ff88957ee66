"""Batches, and requests that happen once, through the service's own application with fakes of its stores."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kv_common.errors import Unavailable
from kv_service.values.model import Version
from tests.unit.common.gateway import error_of
from tests.unit.kv.fakes import NOW_MS
from tests.unit.kv.test_api import HERE, Harness

BATCH = "/v1/settings/batch"


@pytest.fixture
def harness() -> Harness:
    return Harness()


def batch(harness: Harness, *operations: dict[str, Any] | str, atomic: bool = False, **headers: str) -> dict[str, Any]:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in operations]
    body = f'{{"operations":[{",".join(texts)}],"atomic":{json.dumps(atomic)}}}'
    return harness.ask("POST", BATCH, body, **headers)


def results(response: dict[str, Any]) -> list[dict[str, Any]]:
    assert response["statusCode"] == 200, response["body"]
    found: list[dict[str, Any]] = json.loads(response["body"])["results"]
    return found


def put(key: str, value: object = 1, **more: object) -> dict[str, Any]:
    return {"op": "put", "key": key, "value": value, **more}


def get(key: str, **more: object) -> dict[str, Any]:
    return {"op": "get", "key": key, **more}


def keys(harness: Harness) -> dict[str, str | None]:
    return {key: version.text for (_, key), version in sorted(harness.value_store.values.items())}


@pytest.mark.parametrize("atomic", [False, True])
def test_each_operation_has_its_result_in_order(harness: Harness, *, atomic: bool) -> None:
    harness.ask("PUT", "/v1/settings/a", '{"value":{"x":1.0,"y":2},"ttl":60,"metadata":{"m":1}}')
    harness.ask("PUT", "/v1/settings/gone", '{"value":1}')

    told = results(
        batch(
            harness,
            get("a"),
            get("a", fields="x"),
            put("b", [1]),
            put("a", 7),
            {"op": "increment", "key": "a", "by": 3},
            get("a"),
            {"op": "delete", "key": "gone"},
            '{"op":"patch","key":"b2","value":{"z":1}}'
            if not atomic
            else '{"op":"put","key":"b2","value":{ "z":1e400}}',
            atomic=atomic,
        )
    )

    assert [one["status"] for one in told] == [200, 200, 201, 200, 200, 200, 204, 201 if atomic else 404]
    assert told[0]["value"] == {"x": 1.0, "y": 2}
    assert (told[0]["metadata"], told[0]["size"], "expires_at" in told[0]) == ({"m": 1}, 15, True)
    assert told[1]["value"] == {"x": 1.0}
    assert (told[3]["created_at"], told[4]["value"], told[5]["value"]) == ("2026-11-20T12:00:00.250Z", 10, 10)
    assert told[4]["etag"] == told[5]["etag"] != told[3]["etag"]
    assert keys(harness)["a"] == "10"
    if atomic:
        assert keys(harness) == {"a": "10", "b": "[1]", "b2": '{ "z":1e400}'}
    else:
        assert told[7]["error"]["code"] == "NOT_FOUND"


def test_a_value_in_a_batch_keeps_its_bytes(harness: Harness) -> None:
    text = '{ "b":1.0, "a" : [-0, 1e400, "\\ud800é,]}"] }'
    batch(harness, f' {{"op":"put" , "value" :{text} ,"key":"k"}} ', put("l", [1, {"a": [2]}]))

    response = batch(harness, get("k"), get("l"))

    assert f'"value":{text},' in response["body"]
    assert harness.ask("GET")["body"] == f'{{"value":{text}}}'


def test_a_value_in_a_batch_may_be_as_deep_as_any(harness: Harness) -> None:
    deepest = "[" * 128 + "]" * 128
    assert [one["status"] for one in results(batch(harness, f'{{"op":"put","key":"k","value":{deepest}}}'))] == [201]

    response = batch(harness, get("l"), f'{{"op":"put","key":"k","value":[{deepest}]}}')

    assert (response["statusCode"], error_of(response)["details"][0]["field"]) == (400, "operations.1")


def test_a_refused_operation_leaves_the_others_alone(harness: Harness) -> None:
    told = results(batch(harness, put("a"), put("b", if_match='"x"'), get("c"), put("d", if_none_match="*")))

    assert [one["status"] for one in told] == [201, 412, 404, 201]
    assert told[1]["error"]["code"] == "PRECONDITION_FAILED"
    assert set(keys(harness)) == {"a", "d"}


def test_nothing_of_an_atomic_batch_happens_if_something_cannot(harness: Harness) -> None:
    harness.ask("PUT", "/v1/settings/text", '{"value":"x"}')

    response = batch(harness, put("a"), {"op": "increment", "key": "text"}, get("c"), atomic=True)

    assert response["statusCode"] == 409
    details = error_of(response)["details"]
    assert details["reason"] == "not_applied"
    assert [(one["index"], one["status"], one["code"]) for one in details["failed"]] == [
        (1, 409, "CONFLICT"),
        (2, 404, "NOT_FOUND"),
    ]
    assert details["failed"][0]["details"] == {"reason": "not_an_integer"}
    assert set(keys(harness)) == {"text"}
    assert harness.transactions.commits == []


def test_what_an_atomic_batch_reads_has_not_moved_when_it_writes(harness: Harness) -> None:
    harness.ask("PUT", "/v1/settings/a", '{"value":1}')

    def overtake() -> None:
        harness.value_store.values[HERE, "a"] = Version("a", "2", 1, "other", NOW_MS, NOW_MS)

    harness.transactions.meanwhile = [overtake]

    told = results(batch(harness, get("a"), put("b"), atomic=True))

    assert told[0]["value"] == 2
    assert harness.transactions.commits == [2]


def test_an_atomic_batch_that_only_reads_commits_nothing(harness: Harness) -> None:
    harness.ask("PUT", "/v1/settings/a", '{"value":1}')

    assert [one["status"] for one in results(batch(harness, get("a"), get("a"), atomic=True))] == [200, 200]
    assert harness.transactions.commits == []


def test_a_batch_that_is_overtaken_again_and_again_may_be_retried(harness: Harness) -> None:
    def overtake() -> None:
        harness.value_store.values[HERE, "a"] = Version(
            "a", "2", 1, f"e{len(harness.transactions.meanwhile)}", NOW_MS, NOW_MS
        )

    harness.transactions.meanwhile = [overtake] * 100

    assert batch(harness, put("a"), put("b"), atomic=True)["statusCode"] == 503
    assert set(keys(harness)) == {"a"}


@pytest.mark.parametrize(
    "operations",
    [
        "[]",
        "{}",
        "1",
        "[1]",
        "[null]",
        '[{"op":"get"}]',
        '[{"op":"got","key":"a"}]',
        '[{"key":"a"}]',
        '[{"op":"get","key":"a b"}]',
        '[{"op":"get","key":1}]',
        '[{"op":"get","key":"a","value":1}]',
        '[{"op":"put","key":"a"}]',
        '[{"op":"put","key":"a","value":1,"ttl":0}]',
        '[{"op":"put","key":"a","value":1,"if_match":"x"}]',
        '[{"op":"put","key":"a","value":1,"if_match":"*","if_none_match":"*"}]',
        '[{"op":"delete","key":"a","if_none_match":"*"}]',
        '[{"op":"increment","key":"a","by":1.5}]',
        '[{"op":"patch","key":"a"}]',
        '[{"op":"get","key":"a","fields":""}]',
        '[{"op":"get","key":"a","key":"b"}]',
        '[{"op":"get","key":"a"},]',
        "[" + ",".join(['{"op":"get","key":"a"}'] * 101) + "]",
    ],
)
def test_a_malformed_batch_is_a_400_and_does_nothing(harness: Harness, operations: str) -> None:
    response = harness.ask("POST", BATCH, f'{{"operations":{operations}}}')

    assert response["statusCode"] == 400
    assert harness.value_store.spaces == []


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"operations":[{"op":"get","key":"a"}],"atomic":1}', '{"ops":[]}'])
def test_a_body_that_is_no_batch_is_a_400(harness: Harness, body: str) -> None:
    assert harness.ask("POST", BATCH, body)["statusCode"] == 400


@pytest.mark.parametrize("header", ["if-match", "if-none-match", "range"])
def test_a_batch_has_its_preconditions_inside(harness: Harness, header: str) -> None:
    body = json.dumps({"operations": [get("a")]})
    assert harness.ask("POST", BATCH, body, **{header: "*"})["statusCode"] == 400


def test_a_batch_that_fails_on_our_side_is_taken_back_and_part_of_one_is_told(harness: Harness) -> None:
    harness.value_store.problem = Unavailable()

    response = batch(harness, put("a"), put("b"))

    assert response["statusCode"] == 503
    assert [charge.cost for _, charge in harness.limiter.refunded] == [2]


def test_what_is_too_much_for_one_moment_is_refused_and_not_split(harness: Harness) -> None:
    for number in range(11):
        harness.value_store.values[HERE, f"k{number}"] = Version(
            f"k{number}", '{"a":"' + "x" * 380_000 + '"}', 380_008, "e", 1, 1
        )
    patches = [{"op": "patch", "key": f"k{number}", "value": {"b": 1}} for number in range(11)]

    response = batch(harness, *patches, atomic=True)

    assert (response["statusCode"], error_of(response)["details"]["reason"]) == (413, "transaction_size")
    assert harness.transactions.commits == []
    assert [one["status"] for one in results(batch(harness, *patches))] == [200] * 11


def ask_once(
    harness: Harness, body: str, method: str = "PUT", path: str = "/v1/settings/k", **more: str
) -> dict[str, Any]:
    return harness.ask(method, path, body, idempotency_key="key-1", **more)


def test_the_same_request_again_gets_the_first_answer_and_does_nothing(harness: Harness) -> None:
    first = ask_once(harness, '{"by":2}', "POST", "/v1/settings/k/increment")
    harness.ask("POST", "/v1/settings/k/increment")

    second = ask_once(harness, '{"by":2}', "POST", "/v1/settings/k/increment")

    assert (first["statusCode"], json.loads(first["body"])["value"]) == (200, 2)
    assert (second["statusCode"], second["body"]) == (200, first["body"])
    assert second["headers"]["ETag"] == first["headers"]["ETag"]
    assert second["headers"]["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first["headers"]
    assert keys(harness) == {"k": "3"}


def test_each_kind_of_write_happens_once(harness: Harness) -> None:
    request = [
        ("PUT", "/v1/settings/k", '{"value":{"n":1},"ttl":60}', 201),
        ("PATCH", "/v1/settings/k", '{"value":{"n":2}}', 200),
        ("POST", "/v1/settings/n/increment", "", 200),
        ("POST", BATCH, '{"operations":[{"op":"increment","key":"n"}]}', 200),
        ("POST", BATCH, '{"operations":[{"op":"increment","key":"n"}]} ', 409),
    ]
    for method, path, body, status in request:
        assert ask_once(harness, body, method, path)["statusCode"] == status
    before = dict(harness.value_store.values)
    for method, path, body, status in request:
        assert ask_once(harness, body, method, path)["statusCode"] == status
    assert harness.value_store.values == before


def test_a_refusal_is_an_answer_too(harness: Harness) -> None:
    refused = ask_once(harness, '{"value":{}}', "PATCH", x_correlation_id="one")
    harness.ask("PUT", body='{"value":{}}')

    again = ask_once(harness, '{"value":{}}', "PATCH", x_correlation_id="two")

    assert (refused["statusCode"], again["statusCode"]) == (404, 404)
    assert error_of(again) == {**error_of(refused), "correlation_id": "two"}
    assert again["headers"]["Idempotent-Replayed"] == "true"


def test_a_precondition_that_failed_once_fails_again(harness: Harness) -> None:
    assert ask_once(harness, '{"value":1}', if_match="*")["statusCode"] == 412
    harness.ask("PUT", body='{"value":2}')
    again = ask_once(harness, '{"value":1}', if_match="*")
    assert (again["statusCode"], error_of(again)["details"]) == (412, {"etag": None})


@pytest.mark.parametrize(
    ("body", "headers"), [('{"value":2}', {}), ('{"value":1} ', {}), ('{"value":1}', {"if_none_match": "*"})], ids=str
)
def test_the_same_key_with_another_request_is_a_conflict(harness: Harness, body: str, headers: dict[str, str]) -> None:
    ask_once(harness, '{"value":1}')

    response = ask_once(harness, body, **headers)

    assert (response["statusCode"], error_of(response)["details"]) == (409, {"reason": "idempotency_key_reused"})
    assert keys(harness) == {"k": "1"}


def test_the_same_key_is_another_one_on_another_route_and_in_another_namespace(harness: Harness) -> None:
    assert ask_once(harness, '{"value":1}')["statusCode"] == 201
    assert ask_once(harness, '{"value":1}', path="/v1/settings/l")["statusCode"] == 201
    assert len(harness.transactions.records) == 2


def test_of_two_that_race_one_acts_and_the_other_gets_its_answer(harness: Harness) -> None:
    responses: list[dict[str, Any]] = []
    harness.transactions.meanwhile = [
        lambda: responses.append(ask_once(harness, "", "POST", "/v1/settings/k/increment")),
    ]

    responses.append(ask_once(harness, "", "POST", "/v1/settings/k/increment"))

    assert [json.loads(one["body"])["value"] for one in responses] == [1, 1]
    assert ["Idempotent-Replayed" in one["headers"] for one in responses] == [False, True]
    assert keys(harness) == {"k": "1"}


def test_a_request_that_cannot_get_through_says_that_it_is_in_flight(harness: Harness) -> None:
    def overtake() -> None:
        harness.value_store.values[HERE, "k"] = Version(
            "k", "2", 1, f"e{len(harness.transactions.meanwhile)}", NOW_MS, NOW_MS
        )

    harness.transactions.meanwhile = [overtake] * 100

    response = ask_once(harness, '{"value":1}')

    assert (response["statusCode"], error_of(response)["details"]) == (409, {"reason": "idempotency_in_flight"})
    assert response["headers"]["Retry-After"] == "1"
    assert harness.transactions.records == {}


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
def test_a_malformed_idempotency_key_is_refused(harness: Harness, key: str) -> None:
    response = harness.ask("PUT", body='{"value":1}', idempotency_key=key)

    assert (response["statusCode"], error_of(response)["details"][0]["field"]) == (400, "idempotency-key")
    assert keys(harness) == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/settings/k"), ("HEAD", "/v1/settings/k"), ("DELETE", "/v1/settings/k"), ("GET", "/v1/settings")],
)
def test_what_is_idempotent_anyway_takes_no_idempotency_key(harness: Harness, method: str, path: str) -> None:
    assert harness.ask(method, path, idempotency_key="a")["statusCode"] == 400


def test_a_batch_that_happens_once_has_99_operations_at_most(harness: Harness) -> None:
    operations = [get(f"k{number}") for number in range(100)]

    assert batch(harness, *operations, idempotency_key="a")["statusCode"] == 400
    assert batch(harness, *operations[:99], idempotency_key="a")["statusCode"] == 200


def test_after_a_day_the_same_key_is_a_new_one(harness: Harness) -> None:
    ask_once(harness, "", "POST", "/v1/settings/k/increment")
    for at, (record, until_ms) in harness.transactions.records.items():
        assert until_ms == NOW_MS + 86_400_000
        harness.transactions.records[at] = (record, NOW_MS)

    assert json.loads(ask_once(harness, "", "POST", "/v1/settings/k/increment")["body"])["value"] == 2


def test_what_is_malformed_is_not_remembered(harness: Harness) -> None:
    assert ask_once(harness, '{"value":1,"ttl":0}')["statusCode"] == 400
    assert ask_once(harness, '{"value":1}')["statusCode"] == 201


def test_a_batch_reads_twenty_megabytes_at_most(harness: Harness) -> None:
    for number in range(5):
        harness.value_store.values[HERE, f"k{number}"] = Version(
            f"k{number}", "1", 4_500_000, f"e{number}", NOW_MS, NOW_MS
        )
    gets = [get(f"k{number}") for number in range(5)]

    told = results(batch(harness, *gets, put("a")))

    refused = [one for one in told if one["status"] == 413]
    assert [one["error"]["details"] for one in refused] == [{"reason": "read_size", "max_bytes": 20_000_000}]
    assert sorted(one["status"] for one in told) == [200, 200, 200, 200, 201, 413]
    assert batch(harness, *gets, atomic=True)["statusCode"] == 413
    assert batch(harness, *gets[:4], atomic=True)["statusCode"] == 200


@pytest.mark.parametrize("atomic", [False, True])
def test_a_large_text_that_is_gone_was_overtaken_and_is_read_again(harness: Harness, *, atomic: bool) -> None:
    harness.value_store.values[HERE, "k"] = Version("k", None, 400_000, "e1", NOW_MS, NOW_MS, object_id="e1")
    harness.value_store.before_text = [Version("k", '{"a":2}', 7, "e2", NOW_MS, NOW_MS)]

    told = results(batch(harness, get("k"), {"op": "patch", "key": "k", "value": {"b": 3}}, atomic=atomic))

    assert told[0]["value"] == {"a": 2}
    assert keys(harness) == {"k": '{"a":2,"b":3}'}
