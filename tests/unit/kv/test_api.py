"""kv's routes behind the gate, with fakes for all that is outside."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from kv_common import api_keys
from kv_common.admission import Admission, AdmissionData, Usage
from kv_common.api_keys import KeyStatus, Scope
from kv_common.errors import Conflict, NotFound, Unavailable
from kv_common.redis import RedisSettings
from kv_service.container import Kv
from kv_service.http.app import create_app
from kv_service.namespaces.service import Namespaces
from kv_service.settings import Settings
from kv_service.transfers.service import Transfers
from kv_service.values.large_responses import LargeResponses
from kv_service.values.model import StorageFull
from kv_service.values.service import Values
from kv_service.values.transactions import MultiKeyOperations
from tests.unit.common import gateway
from tests.unit.common.admission_fakes import FREE, KEY, Tables
from tests.unit.common.clocks import Clock
from tests.unit.common.gateway import Context, error_of
from tests.unit.common.issuer import CLIENT, ISSUER, Signer, claims
from tests.unit.kv.fakes import (
    ACCOUNT,
    NOW_MS,
    FakeLimiter,
    FakeNamespaceStore,
    FakeObjectStore,
    FakeServiceStore,
    FakeTransactionStore,
    FakeValueStore,
)
from tests.unit.kv.transfers.fakes import CrashPlan, FakeBulkStore, FakeTransferFiles, FakeTransferStore

if TYPE_CHECKING:
    from kv_common.admission import AdmissionRequest
    from kv_common.admission.model import Decision

NEW_KEY = api_keys.generate(ACCOUNT, lambda _bits: 2**255 + 99)
HERE = "n1"
SIGNER = Signer("pool-key-1")


class Gatekeeper(Admission):
    """Admission that notes what it was asked and what it gave back."""

    def __init__(self, redis: FakeLimiter, tables: Tables) -> None:
        clock = Clock()
        super().__init__(redis, tables, monotonic=clock, wall=lambda: NOW_MS / 1000)
        self.tickets: list[AdmissionRequest] = []
        self.refunds: list[Decision] = []

    def decide(self, ticket: AdmissionRequest) -> Decision:
        self.tickets.append(ticket)
        return super().decide(ticket)

    def refund(self, account_id: str, decision: Decision) -> bool:
        assert account_id == ACCOUNT
        self.refunds.append(decision)
        return super().refund(account_id, decision)


class Harness:
    """The whole service over fakes, and a caller of it."""

    def __init__(self) -> None:
        self.value_store, self.namespace_store, self.limiter = FakeValueStore(), FakeNamespaceStore(), FakeLimiter()
        self.objects = FakeObjectStore()
        self.tables = Tables(AdmissionData(KEY, FREE, HERE))
        self.gate = Gatekeeper(self.limiter, self.tables)
        self.service = FakeServiceStore({"keys": []})
        self.transfer_store, self.files = (
            FakeTransferStore(CrashPlan(), FakeBulkStore(CrashPlan())),
            FakeTransferFiles(CrashPlan()),
        )
        chance = random.Random(7)
        self.transactions = FakeTransactionStore(self.value_store)
        values = Values(
            self.value_store,
            now_ms=lambda: NOW_MS,
            random_below=chance.randrange,
            cursor_secret=lambda: b"s" * 32,
            wait=lambda _seconds: None,
        )
        self.kv = Kv(
            settings=Settings("kv", "credentials", "objects", RedisSettings("redis://redis"), ISSUER, (CLIENT,)),
            admission=self.gate,
            limiter=self.limiter,
            values=values,
            together=MultiKeyOperations(
                values,
                self.transactions,
                now_ms=lambda: NOW_MS,
                wait=lambda _seconds: None,
            ),
            delivery=LargeResponses(self.objects, chance.randrange),
            namespaces=Namespaces(
                self.namespace_store, self.limiter, now_ms=lambda: NOW_MS, random_below=chance.randrange
            ),
            transfers=lambda: Transfers(
                self.transfer_store,
                self.namespace_store,
                self.files,
                now_ms=lambda: NOW_MS,
                random_below=chance.randrange,
            ),
            service=self.service,
        )
        self.api = create_app(lambda: self.kv)

    def ask(
        self,
        method: str,
        path: str = "/v1/settings/k",
        body: str | None = None,
        *,
        key: str | None = NEW_KEY.text,
        query: str = "",
        **headers: str,
    ) -> dict[str, Any]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["x-api-key"] = key
        response: dict[str, Any] = self.api(
            gateway.event(method, path, query=query, headers=sent, body=body), Context()
        )
        return response

    def ask_as_owner(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        self.service.keys = {"keys": [SIGNER.jwk()]}
        return self.ask(method, path, body, key=None, authorization="Bearer " + SIGNER.sign(claims()))


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_a_value_is_put_and_comes_back_byte_for_byte(harness: Harness) -> None:
    text = '{ "b":1.0, "a" : [-0, 1e400, "\\ud800é"] }'

    put = harness.ask("PUT", body=f'{{"value": {text}}}')
    got = harness.ask("GET")

    assert put["statusCode"] == 201
    assert (got["statusCode"], got["body"]) == (200, f'{{"value":{text}}}')
    assert got["headers"]["ETag"] == put["headers"]["ETag"]
    assert re.fullmatch(r'"[0-9A-Za-z]{12}"', got["headers"]["ETag"])
    assert got["headers"]["Last-Modified"] == "Fri, 20 Nov 2026 12:00:00 GMT"
    assert json.loads(put["body"]) == {
        "key": "k",
        "size": len(text.encode()),
        "created_at": "2026-11-20T12:00:00.250Z",
        "updated_at": "2026-11-20T12:00:00.250Z",
    }


def test_a_second_put_is_a_200(harness: Harness) -> None:
    assert harness.ask("PUT", body='{"value":1}')["statusCode"] == 201
    assert harness.ask("PUT", body='{"value":1}')["statusCode"] == 200


def test_a_head_tells_the_size_and_has_no_body(harness: Harness) -> None:
    harness.ask("PUT", body='{"value":"é"}')

    response = harness.ask("HEAD")

    assert (response["statusCode"], response["body"]) == (200, "")
    assert response["headers"]["X-Value-Size"] == "4"


@pytest.mark.parametrize(("headers", "status"), [({}, 404), ({"if-match": "x"}, 400)], ids=["missing", "malformed"])
def test_a_head_has_no_body_when_it_fails_either(harness: Harness, headers: dict[str, str], status: int) -> None:
    response = harness.ask("HEAD", **headers)

    assert (response["statusCode"], response["body"]) == (status, "")
    assert response["headers"]["X-Correlation-Id"]


def test_a_delete_is_a_204_whether_there_was_a_value_or_not(harness: Harness) -> None:
    harness.ask("PUT", body='{"value":1}')

    assert [harness.ask("DELETE")["statusCode"] for _ in range(2)] == [204, 204]
    assert harness.ask("GET")["statusCode"] == 404


def test_a_list_pages_with_a_cursor(harness: Harness) -> None:
    harness.value_store.fill(HERE, ["a1", "a2", "b1"])

    first = json.loads(harness.ask("GET", "/v1/settings", query="prefix=a&limit=1")["body"])
    second = json.loads(harness.ask("GET", "/v1/settings", query=f"prefix=a&limit=1&cursor={first['cursor']}")["body"])

    assert [info["key"] for info in first["keys"] + second["keys"]] == ["a1", "a2"]
    assert set(first["keys"][0]) == {"key", "size", "created_at", "updated_at"}
    assert "cursor" not in second


@pytest.mark.parametrize("name", ["if-modified-since", "if-unmodified-since", "if-range", "range"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/settings/k"),
        ("GET", "/v1/settings/k"),
        ("DELETE", "/v1/settings/k"),
        ("GET", "/v1/settings"),
    ],
)
def test_a_precondition_that_is_not_supported_is_refused_and_not_ignored(
    harness: Harness, name: str, method: str, path: str
) -> None:
    response = harness.ask(method, path, '{"value":1}', **{name: "*"})

    assert response["statusCode"] == 400
    assert [one["field"] for one in error_of(response)["details"]] == [name]
    assert harness.value_store.values == {}
    assert harness.value_store.spaces == []


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/v1/settings/k", "fields=a,,b"),
        ("GET", "/v1/settings/k", "consistency=none"),
        ("PUT", "/v1/settings/k", "ttl=5"),
        ("DELETE", "/v1/settings/k", "x"),
        ("GET", "/v1/settings", "include=values"),
        ("GET", "/v1/settings", "limit=0"),
        ("GET", "/v1/settings", "limit=5&limit=6"),
        ("GET", "/v1/settings", "prefix=%20"),
        ("GET", "/v1/settings", "cursor=abc"),
        ("GET", "/v1/settings/a%20b", ""),
        ("GET", "/v1/settings/..", ""),
        ("GET", "/v1/Settings/k", ""),
        ("GET", "/v1/settings/" + "k" * 256, ""),
    ],
)
def test_a_malformed_request_is_a_400_that_counts_and_shows_the_limits(
    harness: Harness, method: str, path: str, query: str
) -> None:
    response = harness.ask(method, path, '{"value":1}', query=query)

    assert response["statusCode"] == 400
    assert response["headers"]["X-RateLimit-Limit"] == "10"
    assert [ticket.cost for ticket in harness.gate.tickets] == [1]
    assert harness.limiter.refunded == []


def test_reads_are_strong_and_lists_eventual_unless_the_caller_says_otherwise(harness: Harness) -> None:
    harness.ask("PUT", body='{"value":1}')
    harness.value_store.consistent.clear()

    for path in ("/v1/settings/k", "/v1/settings"):
        for query in ("", "consistency=strong", "consistency=eventual"):
            assert harness.ask("GET", path, query=query)["statusCode"] == 200

    assert harness.value_store.consistent == [True, True, False, False, True, False]


def test_what_an_operation_asks_admission_for(harness: Harness) -> None:
    for method, path in (
        ("GET", "/v1/settings/k"),
        ("HEAD", "/v1/settings/k"),
        ("PUT", "/v1/settings/k"),
        ("DELETE", "/v1/settings/k"),
        ("GET", "/v1/settings"),
    ):
        harness.ask(method, path, '{"value":1}' if method == "PUT" else None)

    request = [(t.operation, sorted(t.scopes), t.namespace, t.cost, t.bytes_in) for t in harness.gate.tickets]
    assert request == [
        ("get", [Scope.READ], "settings", 1, 0),
        ("get", [Scope.READ], "settings", 1, 0),
        ("put", [Scope.WRITE], "settings", 1, 11),
        ("delete", [Scope.DELETE], "settings", 1, 0),
        ("list", [Scope.LIST], "settings", 1, 0),
    ]
    assert {(t.account_id, t.digest) for t in harness.gate.tickets} == {(ACCOUNT, NEW_KEY.digest)}


def test_a_batch_asks_for_the_scopes_and_costs_as_much_as_its_operations(harness: Harness) -> None:
    operations = [{"op": "get", "key": "a"}, {"op": "put", "key": "b", "value": 1}, {"op": "delete", "key": "c"}]

    assert harness.ask("POST", "/v1/settings/batch", json.dumps({"operations": operations}))["statusCode"] == 200
    assert harness.ask("POST", "/v1/settings/batch", "{}")["statusCode"] == 400

    assert [(t.operation, sorted(t.scopes), t.cost) for t in harness.gate.tickets] == [
        ("batch", [Scope.DELETE, Scope.READ, Scope.WRITE], 3),
        ("batch", [], 1),
    ]


def test_every_admitted_answer_carries_both_forms_of_the_limits(harness: Harness) -> None:
    for response in (
        harness.ask("PUT", body='{"value":1}'),
        harness.ask("GET"),
        harness.ask("GET", "/v1/settings/other"),
    ):
        assert response["headers"]["X-RateLimit-Limit"] == "10"
        assert response["headers"]["RateLimit-Policy"].startswith('"rps";q=10;w=1, "month";q=10000;w=')


@pytest.mark.parametrize("size", [5_000_001, 5_010_001])
def test_a_value_or_body_that_is_too_large_is_a_413_that_does_not_count(harness: Harness, size: int) -> None:
    response = harness.ask("PUT", body='{"value":"' + "x" * (size - 2) + '"}')

    assert response["statusCode"] == 413
    assert error_of(response)["details"] == {"reason": "value_size", "max_bytes": 5_000_000}
    assert [ticket.cost for ticket in harness.gate.tickets] == [0]
    assert response["headers"]["X-Quota-Remaining"] == "10000"
    assert harness.value_store.values == {}


def test_the_largest_value_is_stored(harness: Harness) -> None:
    assert harness.ask("PUT", body='{"value":"' + "x" * 4_999_998 + '"}')["statusCode"] == 201


AWKWARD = '"' + "😀" * 1_249_999 + '"'
"""As an answer four times as large for Lambda, and too large in base64."""


def test_a_large_answer_comes_compressed_to_who_takes_it(harness: Harness) -> None:
    harness.ask("PUT", body=f'{{"value":{AWKWARD}}}')

    response = harness.ask("GET", accept_encoding="gzip")

    assert (response["statusCode"], response["isBase64Encoded"]) == (200, True)
    assert response["headers"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(response["body"])).decode() == f'{{"value":{AWKWARD}}}'


def test_who_does_not_is_sent_to_a_copy_of_it(harness: Harness) -> None:
    put = harness.ask("PUT", body=f'{{"value":{AWKWARD}}}')

    response = harness.ask("GET")

    assert (response["statusCode"], response["body"]) == (307, "")
    assert response["headers"]["ETag"] == put["headers"]["ETag"]
    assert response["headers"]["X-RateLimit-Limit"] == "10"
    [((namespace_id, name), kept)] = harness.objects.responses.items()
    assert response["headers"]["Location"] == f"https://example.com/{namespace_id}/{name}?for=300"
    assert (namespace_id, kept.decode()) == (HERE, f'{{"value":{AWKWARD}}}')


def test_a_request_without_a_credential_is_a_401_that_asks_nobody(harness: Harness) -> None:
    response = harness.ask("GET", key=None)

    assert response["statusCode"] == 401
    assert response["headers"]["WWW-Authenticate"] == "Bearer"
    assert harness.gate.tickets == []


@pytest.mark.parametrize("key", ["", "junk", NEW_KEY.text[:-1] + "0", NEW_KEY.text + " ", "kv_live_"])
def test_a_key_that_can_be_none_is_a_401_that_asks_nobody(harness: Harness, key: str) -> None:
    response = harness.ask("PUT", body='{"value":1}', key=key)

    assert response["statusCode"] == 401
    assert error_of(response)["message"] == "The API key is not valid."
    assert harness.gate.tickets == []


def test_unknown_revoked_and_expired_keys_get_the_same_answer_without_limits() -> None:
    responses = []
    for key in (
        replace(KEY, status=KeyStatus.UNKNOWN),
        replace(KEY, status=KeyStatus.REVOKED),
        replace(KEY, expires_at_ms=1),
    ):
        harness = Harness()
        harness.limiter.down = True
        harness.tables.facts = AdmissionData(key, FREE, HERE)
        response = harness.ask("GET", x_correlation_id="c")
        responses.append((response["statusCode"], response["headers"], response["body"]))

    assert responses[0][0] == 401
    assert "X-RateLimit-Limit" not in responses[0][1]
    assert responses[0] == responses[1] == responses[2]


def test_a_junk_request_of_an_invalid_key_is_a_401_and_not_a_400(harness: Harness) -> None:
    harness.limiter.down = True
    harness.tables.facts = AdmissionData(replace(KEY, status=KeyStatus.REVOKED), FREE, HERE)

    assert harness.ask("PUT", body="{")["statusCode"] == 401


def test_a_key_without_the_scope_is_a_403(harness: Harness) -> None:
    harness.limiter.down = True
    harness.tables.facts = AdmissionData(replace(KEY, scopes=frozenset({Scope.READ})), FREE, HERE)

    response = harness.ask("PUT", body='{"value":1}')

    assert response["statusCode"] == 403
    assert error_of(response)["details"] == {"required_scope": "write"}
    assert harness.value_store.values == {}


def test_a_missing_namespace_is_the_same_404_for_every_operation(harness: Harness) -> None:
    harness.tables.facts = AdmissionData(KEY, FREE, "")

    responses = [
        harness.ask("GET"),
        harness.ask("PUT", body='{"value":1}'),
        harness.ask("DELETE"),
        harness.ask("GET", "/v1/settings"),
    ]

    assert [response["statusCode"] for response in responses] == [404] * 4
    assert {error_of(response)["message"] for response in responses} == {"The namespace does not exist."}
    assert harness.value_store.spaces == []


def test_a_reserved_name_is_no_namespace(harness: Harness) -> None:
    harness.tables.facts = AdmissionData(KEY, FREE, "")

    assert harness.ask("GET", "/v1/usage/nothing")["statusCode"] == 404
    assert [ticket.namespace for ticket in harness.gate.tickets] == [""]


def test_another_services_path_is_none_of_a_value_and_costs_nothing(harness: Harness) -> None:
    response = harness.ask("PUT", "/v1/usage/history", body='{"value":1}')

    assert (response["statusCode"], response["headers"]["Allow"]) == (405, "GET")
    assert harness.gate.tickets == []


@pytest.mark.parametrize("problem", [Unavailable(), RuntimeError("a defect"), KeyError("v")], ids=repr)
def test_a_failure_on_our_side_is_taken_back(harness: Harness, problem: Exception) -> None:
    harness.value_store.problem = problem

    response = harness.ask("PUT", body='{"value":1}')

    assert response["statusCode"] >= 500
    [(account_id, charge)] = harness.limiter.refunded
    assert account_id == ACCOUNT
    assert (charge.operation, charge.cost, charge.bytes_in) == ("put", 1, 11)


@pytest.mark.parametrize("problem", [NotFound("m"), Conflict("m")], ids=lambda error: error.code)
def test_a_refusal_counts_like_any_request(harness: Harness, problem: Exception) -> None:
    harness.value_store.problem = problem

    assert harness.ask("PUT", body='{"value":1}')["statusCode"] < 500
    assert harness.gate.refunds == []


def test_what_there_is_no_room_for_does_not_count(harness: Harness) -> None:
    harness.value_store.problem = StorageFull()

    response = harness.ask("PUT", body='{"value":1}')

    assert (response["statusCode"], json.loads(response["body"])["error"]["details"]) == (
        413,
        {"reason": "storage_quota"},
    )
    assert [charge.operation for _, charge in harness.limiter.refunded] == ["put"]


def test_a_put_is_held_to_the_room_that_the_plan_leaves(harness: Harness) -> None:
    harness.tables.facts = AdmissionData(KEY, FREE, HERE, Usage(stored=FREE.storage - 5))

    harness.ask("PUT", body='{"value":1}')

    assert [space.room for space in harness.value_store.spaces] == [5]


def test_a_missing_key_counts(harness: Harness) -> None:
    assert harness.ask("GET")["statusCode"] == 404
    assert harness.gate.refunds == []
    assert harness.limiter.used == 1


def test_a_success_counts(harness: Harness) -> None:
    harness.ask("PUT", body='{"value":1}')

    assert harness.gate.refunds == []
    assert harness.limiter.used == 1


def logged(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_an_ordinary_get_is_one_line_of_at_most_237_bytes(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    # With the 26 bytes that CloudWatch adds, a line is a part of what a request costs: docs/adr/0031.
    harness.tables.facts = AdmissionData(replace(KEY, key_id="key_0123456789ab"), FREE, "0123456789ab")
    value = "correct-horse-battery-staple" * 36
    harness.ask("PUT", body=f'{{"value":"{value}"}}')
    logged(capsys)

    response = harness.ask("GET")

    [line] = logged(capsys)
    assert (response["statusCode"], len(response["body"]) > 1_000) == (200, True)
    assert len(line.encode()) <= 237
    told = json.loads(line)
    assert isinstance(told.pop("duration_ms"), float)
    assert told == {
        "correlation_id": response["headers"]["X-Correlation-Id"],
        "status": 200,
        "bytes_out": len(response["body"]),
        "route": "GET /v1/{namespace}/{key}",
        "key_id": "key_0123456789ab",
        "namespace_id": "0123456789ab",
        "account_id": ACCOUNT,
    }
    assert NEW_KEY.text not in line
    assert "battery" not in line


def test_a_put_tells_what_came_in(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    harness.ask("PUT", body='{"value":1}')

    [line] = logged(capsys)
    assert json.loads(line)["bytes_in"] == len('{"value":1}')


def test_the_line_of_a_request_that_redis_did_not_decide_on_says_so(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    for harness.limiter.down in (True, False):
        assert harness.ask("PUT", body='{"value":1}')["statusCode"] < 300

    assert [json.loads(line).get("limiter") for line in logged(capsys)] == ["local", None]


def test_a_key_that_was_not_proved_names_no_account_in_the_log(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    harness.limiter.down = True
    harness.tables.facts = AdmissionData(replace(KEY, status=KeyStatus.UNKNOWN), FREE, HERE)

    assert harness.ask("GET")["statusCode"] == 401

    [line] = logged(capsys)
    assert (json.loads(line)["error"], ACCOUNT in line) == ("UNAUTHORIZED", False)


def test_an_owners_token_opens_values_as_a_key_does(harness: Harness) -> None:
    assert harness.ask_as_owner("PUT", "/v1/settings/k", '{"value":1}')["statusCode"] == 201

    [ticket] = harness.gate.tickets
    assert (ticket.account_id, ticket.digest) == (ACCOUNT, None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/namespaces"),
        ("GET", "/v1/namespaces"),
        ("GET", "/v1/namespaces/settings"),
        ("DELETE", "/v1/namespaces/settings"),
    ],
)
def test_namespaces_are_their_owners_and_no_keys(harness: Harness, method: str, path: str) -> None:
    response = harness.ask(method, path, '{"name":"settings"}')

    assert response["statusCode"] == 401
    assert response["headers"]["WWW-Authenticate"] == "Bearer"
    assert harness.namespace_store.namespaces == {}


def test_a_namespace_is_made_shown_listed_and_deleted(harness: Harness) -> None:
    made = harness.ask_as_owner("POST", "/v1/namespaces", '{"name":"settings"}')
    shown = harness.ask_as_owner("GET", "/v1/namespaces/settings")
    listed = harness.ask_as_owner("GET", "/v1/namespaces")
    deleted = harness.ask_as_owner("DELETE", "/v1/namespaces/settings")

    namespace = {
        "name": "settings",
        "status": "active",
        "created_at": "2026-11-20T12:00:00.250Z",
        "keys": 0,
        "bytes": 0,
    }
    assert (made["statusCode"], json.loads(made["body"])) == (201, namespace)
    assert json.loads(shown["body"]) == namespace
    assert json.loads(listed["body"]) == {"namespaces": [namespace]}
    assert (deleted["statusCode"], json.loads(deleted["body"])) == (202, {"name": "settings", "status": "deleting"})
    gone = harness.ask_as_owner("GET", "/v1/namespaces/settings")
    assert json.loads(gone["body"]) == {**namespace, "status": "deleting"}


@pytest.mark.parametrize("body", ['{"name":"usage"}', '{"name":"A"}', '{"name":1}', "{}", '{"name":"a","x":1}', ""])
def test_a_namespace_needs_a_name_it_may_have(harness: Harness, body: str) -> None:
    assert harness.ask_as_owner("POST", "/v1/namespaces", body)["statusCode"] == 400
    assert harness.namespace_store.namespaces == {}


@pytest.mark.parametrize(
    ("redis", "table", "status", "state"),
    [
        ("ok", "ok", 200, "ok"),
        ("down", "ok", 200, "degraded"),
        ("ok", "down", 503, "down"),
        ("down", "down", 503, "down"),
    ],
)
def test_health_tells_what_answers_and_whether_the_service_can_serve(
    harness: Harness, redis: str, table: str, status: int, state: str
) -> None:
    harness.limiter.down, harness.service.down = redis == "down", table == "down"

    response = harness.ask("GET", "/v1/health/kv", key=None)

    body = json.loads(response["body"])
    assert response["statusCode"] == status
    assert body["status"] == state
    assert body["dependencies"] == {"redis": redis, "dynamodb": table}


def test_an_account_that_a_false_key_only_claims_is_not_logged(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    harness.ask("GET")
    harness.limiter.down = True
    harness.tables.facts = AdmissionData(replace(KEY, status=KeyStatus.UNKNOWN), FREE, HERE)
    harness.ask("GET")

    proved, claimed = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert proved["account_id"] == ACCOUNT
    assert claimed["status"] == 401
    assert ACCOUNT not in json.dumps(claimed)


def test_no_log_line_holds_the_key_or_the_value(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    harness.ask("PUT", body='{"value":"correct-horse-battery"}')
    harness.ask("PUT", body='{"value":"correct-horse-battery')
    harness.value_store.problem = RuntimeError("correct-horse-battery " + NEW_KEY.text)
    harness.ask("GET")

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["status"] for line in lines] == [201, 400, 500]
    for line in lines:
        assert "correct-horse" not in line
        assert NEW_KEY.text not in line
        assert NEW_KEY.text[-20:] not in line
        assert NEW_KEY.digest not in line
