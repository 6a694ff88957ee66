"""Batches, and requests that happen once, through the service's own application with fakes of its stores."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kv_common.errors import Unavailable
from kv_service.values.model import Version
from tests.unit.common.gateway import error_of
from tests.unit.kv.fakes import NOW_MS
from tests.unit.kv.test_api import HERE, World

BATCH = "/v1/settings/batch"


@pytest.fixture
def world() -> World:
    return World()


def batch(world: World, *operations: dict[str, Any] | str, atomic: bool = False, **headers: str) -> dict[str, Any]:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in operations]
    body = f'{{"operations":[{",".join(texts)}],"atomic":{json.dumps(atomic)}}}'
    return world.ask("POST", BATCH, body, **headers)


def results(answer: dict[str, Any]) -> list[dict[str, Any]]:
    assert answer["statusCode"] == 200, answer["body"]
    found: list[dict[str, Any]] = json.loads(answer["body"])["results"]
    return found


def put(key: str, value: object = 1, **more: object) -> dict[str, Any]:
    return {"op": "put", "key": key, "value": value, **more}


def get(key: str, **more: object) -> dict[str, Any]:
    return {"op": "get", "key": key, **more}


def keys(world: World) -> dict[str, str | None]:
    return {key: version.text for (_, key), version in sorted(world.shelf.values.items())}


@pytest.mark.parametrize("atomic", [False, True])
def test_each_operation_has_its_result_in_order(world: World, *, atomic: bool) -> None:
    world.ask("PUT", "/v1/settings/a", '{"value":{"x":1.0,"y":2},"ttl":60,"metadata":{"m":1}}')
    world.ask("PUT", "/v1/settings/gone", '{"value":1}')

    told = results(
        batch(
            world,
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
    assert keys(world)["a"] == "10"
    if atomic:
        assert keys(world) == {"a": "10", "b": "[1]", "b2": '{ "z":1e400}'}
    else:
        assert told[7]["error"]["code"] == "NOT_FOUND"


def test_a_value_in_a_batch_keeps_its_bytes(world: World) -> None:
    text = '{ "b":1.0, "a" : [-0, 1e400, "\\ud800é,]}"] }'
    batch(world, f' {{"op":"put" , "value" :{text} ,"key":"k"}} ', put("l", [1, {"a": [2]}]))

    answer = batch(world, get("k"), get("l"))

    assert f'"value":{text},' in answer["body"]
    assert world.ask("GET")["body"] == f'{{"value":{text}}}'


def test_a_value_in_a_batch_may_be_as_deep_as_any(world: World) -> None:
    deepest = "[" * 128 + "]" * 128
    assert [one["status"] for one in results(batch(world, f'{{"op":"put","key":"k","value":{deepest}}}'))] == [201]

    answer = batch(world, get("l"), f'{{"op":"put","key":"k","value":[{deepest}]}}')

    assert (answer["statusCode"], error_of(answer)["details"][0]["field"]) == (400, "operations.1")


def test_a_refused_operation_leaves_the_others_alone(world: World) -> None:
    told = results(batch(world, put("a"), put("b", if_match='"x"'), get("c"), put("d", if_none_match="*")))

    assert [one["status"] for one in told] == [201, 412, 404, 201]
    assert told[1]["error"]["code"] == "PRECONDITION_FAILED"
    assert set(keys(world)) == {"a", "d"}


def test_nothing_of_an_atomic_batch_happens_if_something_cannot(world: World) -> None:
    world.ask("PUT", "/v1/settings/text", '{"value":"x"}')

    answer = batch(world, put("a"), {"op": "increment", "key": "text"}, get("c"), atomic=True)

    assert answer["statusCode"] == 409
    details = error_of(answer)["details"]
    assert details["reason"] == "not_applied"
    assert [(one["index"], one["status"], one["code"]) for one in details["failed"]] == [
        (1, 409, "CONFLICT"),
        (2, 404, "NOT_FOUND"),
    ]
    assert details["failed"][0]["details"] == {"reason": "not_an_integer"}
    assert set(keys(world)) == {"text"}
    assert world.transactions.commits == []


def test_what_an_atomic_batch_reads_has_not_moved_when_it_writes(world: World) -> None:
    world.ask("PUT", "/v1/settings/a", '{"value":1}')

    def overtake() -> None:
        world.shelf.values[HERE, "a"] = Version("a", "2", 1, "other", NOW_MS, NOW_MS)

    world.transactions.meanwhile = [overtake]

    told = results(batch(world, get("a"), put("b"), atomic=True))

    assert told[0]["value"] == 2
    assert world.transactions.commits == [2]


def test_an_atomic_batch_that_only_reads_commits_nothing(world: World) -> None:
    world.ask("PUT", "/v1/settings/a", '{"value":1}')

    assert [one["status"] for one in results(batch(world, get("a"), get("a"), atomic=True))] == [200, 200]
    assert world.transactions.commits == []


def test_a_batch_that_is_overtaken_again_and_again_may_be_retried(world: World) -> None:
    def overtake() -> None:
        world.shelf.values[HERE, "a"] = Version("a", "2", 1, f"e{len(world.transactions.meanwhile)}", NOW_MS, NOW_MS)

    world.transactions.meanwhile = [overtake] * 100

    assert batch(world, put("a"), put("b"), atomic=True)["statusCode"] == 503
    assert set(keys(world)) == {"a"}


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
def test_a_malformed_batch_is_a_400_and_does_nothing(world: World, operations: str) -> None:
    answer = world.ask("POST", BATCH, f'{{"operations":{operations}}}')

    assert answer["statusCode"] == 400
    assert world.shelf.spaces == []


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"operations":[{"op":"get","key":"a"}],"atomic":1}', '{"ops":[]}'])
def test_a_body_that_is_no_batch_is_a_400(world: World, body: str) -> None:
    assert world.ask("POST", BATCH, body)["statusCode"] == 400


@pytest.mark.parametrize("header", ["if-match", "if-none-match", "range"])
def test_a_batch_has_its_preconditions_inside(world: World, header: str) -> None:
    body = json.dumps({"operations": [get("a")]})
    assert world.ask("POST", BATCH, body, **{header: "*"})["statusCode"] == 400


def test_a_batch_that_fails_on_our_side_is_taken_back_and_part_of_one_is_told(world: World) -> None:
    world.shelf.problem = Unavailable()

    answer = batch(world, put("a"), put("b"))

    assert answer["statusCode"] == 503
    assert [charge.cost for _, charge in world.limiter.refunded] == [2]


def test_what_is_too_much_for_one_moment_is_refused_and_not_split(world: World) -> None:
    for number in range(11):
        world.shelf.values[HERE, f"k{number}"] = Version(
            f"k{number}", '{"a":"' + "x" * 380_000 + '"}', 380_008, "e", 1, 1
        )
    patches = [{"op": "patch", "key": f"k{number}", "value": {"b": 1}} for number in range(11)]

    answer = batch(world, *patches, atomic=True)

    assert (answer["statusCode"], error_of(answer)["details"]["reason"]) == (413, "transaction_size")
    assert world.transactions.commits == []
    assert [one["status"] for one in results(batch(world, *patches))] == [200] * 11


def ask_once(world: World, body: str, method: str = "PUT", path: str = "/v1/settings/k", **more: str) -> dict[str, Any]:
    return world.ask(method, path, body, idempotency_key="key-1", **more)


def test_the_same_request_again_gets_the_first_answer_and_does_nothing(world: World) -> None:
    first = ask_once(world, '{"by":2}', "POST", "/v1/settings/k/increment")
    world.ask("POST", "/v1/settings/k/increment")

    second = ask_once(world, '{"by":2}', "POST", "/v1/settings/k/increment")

    assert (first["statusCode"], json.loads(first["body"])["value"]) == (200, 2)
    assert (second["statusCode"], second["body"]) == (200, first["body"])
    assert second["headers"]["ETag"] == first["headers"]["ETag"]
    assert second["headers"]["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first["headers"]
    assert keys(world) == {"k": "3"}


def test_each_kind_of_write_happens_once(world: World) -> None:
    asked = [
        ("PUT", "/v1/settings/k", '{"value":{"n":1},"ttl":60}', 201),
        ("PATCH", "/v1/settings/k", '{"value":{"n":2}}', 200),
        ("POST", "/v1/settings/n/increment", "", 200),
        ("POST", BATCH, '{"operations":[{"op":"increment","key":"n"}]}', 200),
        ("POST", BATCH, '{"operations":[{"op":"increment","key":"n"}]} ', 409),
    ]
    for method, path, body, status in asked:
        assert ask_once(world, body, method, path)["statusCode"] == status
    before = dict(world.shelf.values)
    for method, path, body, status in asked:
        assert ask_once(world, body, method, path)["statusCode"] == status
    assert world.shelf.values == before


def test_a_refusal_is_an_answer_too(world: World) -> None:
    refused = ask_once(world, '{"value":{}}', "PATCH", x_correlation_id="one")
    world.ask("PUT", body='{"value":{}}')

    again = ask_once(world, '{"value":{}}', "PATCH", x_correlation_id="two")

    assert (refused["statusCode"], again["statusCode"]) == (404, 404)
    assert error_of(again) == {**error_of(refused), "correlation_id": "two"}
    assert again["headers"]["Idempotent-Replayed"] == "true"


def test_a_precondition_that_failed_once_fails_again(world: World) -> None:
    assert ask_once(world, '{"value":1}', if_match="*")["statusCode"] == 412
    world.ask("PUT", body='{"value":2}')
    again = ask_once(world, '{"value":1}', if_match="*")
    assert (again["statusCode"], error_of(again)["details"]) == (412, {"etag": None})


@pytest.mark.parametrize(
    ("body", "headers"), [('{"value":2}', {}), ('{"value":1} ', {}), ('{"value":1}', {"if_none_match": "*"})], ids=str
)
def test_the_same_key_with_another_request_is_a_conflict(world: World, body: str, headers: dict[str, str]) -> None:
    ask_once(world, '{"value":1}')

    answer = ask_once(world, body, **headers)

    assert (answer["statusCode"], error_of(answer)["details"]) == (409, {"reason": "idempotency_key_reused"})
    assert keys(world) == {"k": "1"}


def test_the_same_key_is_another_one_on_another_route_and_in_another_namespace(world: World) -> None:
    assert ask_once(world, '{"value":1}')["statusCode"] == 201
    assert ask_once(world, '{"value":1}', path="/v1/settings/l")["statusCode"] == 201
    assert len(world.transactions.records) == 2


def test_of_two_that_race_one_acts_and_the_other_gets_its_answer(world: World) -> None:
    answers: list[dict[str, Any]] = []
    world.transactions.meanwhile = [
        lambda: answers.append(ask_once(world, "", "POST", "/v1/settings/k/increment")),
    ]

    answers.append(ask_once(world, "", "POST", "/v1/settings/k/increment"))

    assert [json.loads(one["body"])["value"] for one in answers] == [1, 1]
    assert ["Idempotent-Replayed" in one["headers"] for one in answers] == [False, True]
    assert keys(world) == {"k": "1"}


def test_a_request_that_cannot_get_through_says_that_it_is_in_flight(world: World) -> None:
    def overtake() -> None:
        world.shelf.values[HERE, "k"] = Version("k", "2", 1, f"e{len(world.transactions.meanwhile)}", NOW_MS, NOW_MS)

    world.transactions.meanwhile = [overtake] * 100

    answer = ask_once(world, '{"value":1}')

    assert (answer["statusCode"], error_of(answer)["details"]) == (409, {"reason": "idempotency_in_flight"})
    assert answer["headers"]["Retry-After"] == "1"
    assert world.transactions.records == {}


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
def test_a_malformed_idempotency_key_is_refused(world: World, key: str) -> None:
    answer = world.ask("PUT", body='{"value":1}', idempotency_key=key)

    assert (answer["statusCode"], error_of(answer)["details"][0]["field"]) == (400, "idempotency-key")
    assert keys(world) == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/settings/k"), ("HEAD", "/v1/settings/k"), ("DELETE", "/v1/settings/k"), ("GET", "/v1/settings")],
)
def test_what_is_idempotent_anyway_takes_no_idempotency_key(world: World, method: str, path: str) -> None:
    assert world.ask(method, path, idempotency_key="a")["statusCode"] == 400


def test_a_batch_that_happens_once_has_99_operations_at_most(world: World) -> None:
    operations = [get(f"k{number}") for number in range(100)]

    assert batch(world, *operations, idempotency_key="a")["statusCode"] == 400
    assert batch(world, *operations[:99], idempotency_key="a")["statusCode"] == 200


def test_after_a_day_the_same_key_is_a_new_one(world: World) -> None:
    ask_once(world, "", "POST", "/v1/settings/k/increment")
    for at, (record, until_ms) in world.transactions.records.items():
        assert until_ms == NOW_MS + 86_400_000
        world.transactions.records[at] = (record, NOW_MS)

    assert json.loads(ask_once(world, "", "POST", "/v1/settings/k/increment")["body"])["value"] == 2


def test_what_is_malformed_is_not_remembered(world: World) -> None:
    assert ask_once(world, '{"value":1,"ttl":0}')["statusCode"] == 400
    assert ask_once(world, '{"value":1}')["statusCode"] == 201


def test_a_batch_reads_twenty_megabytes_at_most(world: World) -> None:
    for number in range(5):
        world.shelf.values[HERE, f"k{number}"] = Version(f"k{number}", "1", 4_500_000, f"e{number}", NOW_MS, NOW_MS)
    gets = [get(f"k{number}") for number in range(5)]

    told = results(batch(world, *gets, put("a")))

    refused = [one for one in told if one["status"] == 413]
    assert [one["error"]["details"] for one in refused] == [{"reason": "read_size", "max_bytes": 20_000_000}]
    assert sorted(one["status"] for one in told) == [200, 200, 200, 200, 201, 413]
    assert batch(world, *gets, atomic=True)["statusCode"] == 413
    assert batch(world, *gets[:4], atomic=True)["statusCode"] == 200


@pytest.mark.parametrize("atomic", [False, True])
def test_a_large_text_that_is_gone_was_overtaken_and_is_read_again(world: World, *, atomic: bool) -> None:
    world.shelf.values[HERE, "k"] = Version("k", None, 400_000, "e1", NOW_MS, NOW_MS, object_id="e1")
    world.shelf.before_text = [Version("k", '{"a":2}', 7, "e2", NOW_MS, NOW_MS)]

    told = results(batch(world, get("k"), {"op": "patch", "key": "k", "value": {"b": 3}}, atomic=atomic))

    assert told[0]["value"] == {"a": 2}
    assert keys(world) == {"k": '{"a":2,"b":3}'}
