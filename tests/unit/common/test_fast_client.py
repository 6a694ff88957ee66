"""kv_common.dynamodb.fast.client, compared with botocore: requests, results and exceptions."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
import types
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from kv_common import dynamodb
from kv_common.dynamodb import factory
from kv_common.dynamodb.fast.sigv4 import Signer
from tests.unit.common.scripted_server import (
    Reply,
    ScriptedServer,
    cuts_off,
    echoes,
    keeps_silent,
    refuses,
    resets,
    responses,
    says,
    sends,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient

    Request = tuple[str, dict[str, Any]]

KEY = {"PK": {"S": "V#1"}, "SK": {"S": "a"}}
GET: Request = ("GetItem", {"TableName": "t", "Key": KEY, "ConsistentRead": True})
PUT: Request = ("PutItem", {"TableName": "t", "Item": {**KEY, "v": {"B": b"\x00\xff"}, "ä": {"S": "\U0001f600"}}})
TRANSACTION: Request = ("TransactWriteItems", {"TransactItems": [{"Put": PUT[1]}]})
ATTEMPTS = 3


@pytest.fixture(autouse=True, scope="module")
def environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        # This file is about the fast client, whichever client the suite runs with.
        patched.setenv("DYNAMODB_CLIENT", "fast")
        patched.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        patched.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patched.setenv("AWS_SESSION_TOKEN", "token/+=")
        patched.setattr("boto3.DEFAULT_SESSION", None)
        # botocore pauses for up to a second before a retry.
        patched.setattr("botocore.endpoint.time", types.SimpleNamespace(sleep=lambda _: None))
        yield


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a call: a result, or the type and content of an exception."""

    raised: str
    told: Any
    asked: int

    @property
    def seen(self) -> tuple[str, Any]:
        """The result without the number of requests."""
        told = json.loads(json.dumps(self.told, default=repr))
        if isinstance(told, dict):
            for count in ("RetryAttempts", "MaxAttemptsReached"):
                told.get("ResponseMetadata", {}).pop(count, None)
        return self.raised, told


def make(url: str, *, direct: bool, read_timeout_s: float = 5) -> DynamoDBClient:
    """Return a fast client, or botocore's with the same settings."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", url)
        patched.setattr(factory, "READ_TIMEOUT_S", read_timeout_s)
        if not direct:
            return factory.boto3_client()
        made = dynamodb.client()
        # botocore uses the same endpoint and time-outs when it is called later.
        made.close()
    return made


def call(client: DynamoDBClient, request: Request) -> Any:
    operation, params = request
    return getattr(client, xform_name(operation))(**params)


@dataclass(frozen=True, slots=True)
class Pair:
    """A server and its two clients."""

    server: ScriptedServer
    direct: DynamoDBClient
    by_botocore: DynamoDBClient

    def outcomes(self, replies: Sequence[Reply], request: Request) -> tuple[Outcome, Outcome]:
        """Make the same call with both clients on a server with the same replies."""
        return self._outcome(self.direct, replies, request), self._outcome(self.by_botocore, replies, request)

    def _outcome(self, client: DynamoDBClient, replies: Sequence[Reply], request: Request) -> Outcome:
        self.server.script(replies)
        try:
            told = call(client, request)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is compared
            kind = type(error)
            told = getattr(error, "response", None)
            return Outcome(f"{kind.__module__}.{kind.__name__}", told, len(self.server.requests))
        return Outcome("", told, len(self.server.requests))


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with ScriptedServer() as server:
        pair = Pair(server, make(server.url, direct=True), make(server.url, direct=False))
        yield pair
        pair.by_botocore.close()


VALUE = {"v": {"S": 'ä\U0001f600"\\\n'}, "e": {"S": ""}, "n": {"N": "-9223372036854775808"}, "b": {"B": "AP8="}}
DEEP = {"m": {"M": {"l": {"L": [{"NULL": True}, {"BOOL": False}, {"BS": ["AP8=", ""]}, {"NS": ["1"]}]}}}}
CAPACITY = {"TableName": "t", "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}}
BATCH_GET: Request = ("BatchGetItem", {"RequestItems": {"t": {"Keys": [KEY]}}})
BATCH_WRITE: Request = ("BatchWriteItem", {"RequestItems": {"t": [{"DeleteRequest": {"Key": KEY}}]}})
UPDATE: Request = ("UpdateItem", {"TableName": "t", "Key": KEY, "UpdateExpression": "SET a = :a"})
READ_TRANSACTION: Request = ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "t", "Key": KEY}}]})
QUERY: Request = ("Query", {"TableName": "t", "Limit": 2})

ANSWERED: dict[str, tuple[Request, Any]] = {
    "an item": (GET, {"Item": {**VALUE, **DEEP}}),
    "no item": (GET, {}),
    "an empty item": (GET, {"Item": {}}),
    "what it consumed": (GET, {"Item": VALUE, "ConsumedCapacity": CAPACITY}),
    "a member nobody knows": (GET, {"Item": VALUE, "Weather": {"today": [1, None]}}),
    "a put": (PUT, {"Attributes": VALUE}),
    "an update": (UPDATE, {"Attributes": {"c": {"N": "1"}}}),
    "a removal": (("DeleteItem", {"TableName": "t", "Key": KEY}), {}),
    "a page": (QUERY, {"Items": [VALUE, DEEP], "Count": 2, "ScannedCount": 3, "LastEvaluatedKey": KEY}),
    "an empty page": (QUERY, {"Items": [], "Count": 0, "ScannedCount": 0}),
    "a batch read": (BATCH_GET, {"Responses": {"t": [VALUE], "u": []}, "UnprocessedKeys": {}}),
    "a batch read in part": (BATCH_GET, {"Responses": {}, "UnprocessedKeys": {"t": {"Keys": [KEY]}}}),
    "a batch written": (BATCH_WRITE, {"UnprocessedItems": {}}),
    "a batch written in part": (
        BATCH_WRITE,
        {"UnprocessedItems": {"t": [{"PutRequest": {"Item": VALUE}}, {"DeleteRequest": {"Key": KEY}}]}},
    ),
    "a transaction read": (READ_TRANSACTION, {"Responses": [{"Item": VALUE}, {}]}),
    "a transaction written": (TRANSACTION, {}),
}


@pytest.mark.parametrize("case", ANSWERED)
def test_response_is_decoded_like_botocore(pair: Pair, case: str) -> None:
    request, body = ANSWERED[case]
    direct, by_botocore = pair.outcomes([responses(body)], request)

    assert direct == by_botocore
    assert (direct.raised, direct.asked) == ("", 1)


REASONS = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "no", "Item": VALUE}]
FINAL = {
    "a failed condition": (PUT, refuses("ConditionalCheckFailedException")),
    "a failed condition with what stood there": (PUT, refuses("ConditionalCheckFailedException", Item=VALUE)),
    "a cancelled transaction": (TRANSACTION, refuses("TransactionCanceledException", CancellationReasons=REASONS)),
    "a conflict": (PUT, refuses("TransactionConflictException")),
}


@pytest.mark.parametrize("case", FINAL)
def test_expected_error_is_a_client_error_after_one_request(pair: Pair, case: str) -> None:
    request, reply = FINAL[case]
    direct, by_botocore = pair.outcomes([reply], request)

    # botocore raises the modeled subclass, which would require a complete client.
    code = direct.told["Error"]["Code"]
    assert (direct.raised, by_botocore.raised) == ("botocore.exceptions.ClientError", f"botocore.errorfactory.{code}")
    assert direct.told == by_botocore.told
    assert direct.asked == by_botocore.asked == 1


PROBLEMS = {
    "throttled": refuses("ProvisionedThroughputExceededException"),
    "too many requests": refuses("RequestLimitExceeded"),
    "another transaction going on": refuses("TransactionInProgressException"),
    "a failure of theirs": refuses("InternalServerError", "500 Internal Server Error"),
    "a failure on the way": says(b"<html>busy</html>", "503 Service Unavailable"),
    "cut off": cuts_off,
    "reset": resets,
    "no HTTP": sends(b"220 ready\r\n\r\n" * 2),
}


PASSING = {**PROBLEMS, "a wrong checksum": says(b"{}", x_amz_crc32="1")}


@pytest.mark.parametrize("case", PASSING)
def test_transient_failure_is_retried(pair: Pair, case: str) -> None:
    direct, by_botocore = pair.outcomes([PASSING[case], responses({"Item": VALUE})], GET)

    assert direct.seen == by_botocore.seen
    assert (direct.raised, direct.asked) == ("", 2)


@pytest.mark.parametrize("case", PROBLEMS)
def test_permanent_failure_is_botocores_exception_after_three_requests(pair: Pair, case: str) -> None:
    direct, by_botocore = pair.outcomes([PROBLEMS[case]], GET)

    assert direct.seen == by_botocore.seen
    assert direct.raised
    assert direct.asked == ATTEMPTS


@pytest.mark.parametrize(
    "replies", [[keeps_silent], [keeps_silent, responses({"Item": VALUE})]], ids=["always", "once"]
)
def test_silent_server_is_retried_after_the_time_out(replies: list[Reply]) -> None:
    with ScriptedServer() as server:
        pair = Pair(server, *(make(server.url, direct=direct, read_timeout_s=0.2) for direct in (True, False)))
        direct, by_botocore = pair.outcomes(replies, GET)
        pair.by_botocore.close()

    assert direct.seen == by_botocore.seen
    assert direct.asked == (ATTEMPTS if direct.raised else 2)


ODD = {
    "a mistake of ours": refuses("ValidationException"),
    "no such table": refuses("ResourceNotFoundException"),
    "no right": refuses("AccessDeniedException"),
    "expired credentials": refuses("ExpiredTokenException"),
    "a bad signature": refuses("InvalidSignatureException"),
    "garbage": says(b"\xff{"),
    "no object": responses([]),
    "a value of no type": responses({"Item": {"v": "text"}}),
    "a refusal without a word": says(b"", "400 Bad Request"),
}


@pytest.mark.parametrize("case", ODD)
def test_ambiguous_response_is_passed_to_botocore(pair: Pair, case: str) -> None:
    direct, by_botocore = pair.outcomes([ODD[case]], GET)

    assert direct.seen == by_botocore.seen
    assert direct.raised


def test_fragmented_response_is_decoded_like_botocore(pair: Pair) -> None:
    chunked = says(b"2\r\n{}\r\n0\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked")
    direct, by_botocore = pair.outcomes([chunked], GET)

    assert direct.seen == by_botocore.seen
    assert not direct.raised


def test_repeated_transaction_has_the_same_token(pair: Pair) -> None:
    pair.server.script([resets, responses({})])
    call(pair.direct, TRANSACTION)

    first, second = (json.loads(asked.body)["ClientRequestToken"] for asked in pair.server.requests)
    assert first == second


texts = st.text(st.characters(exclude_categories=["Cs"]))
attribute_values: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        st.builds(lambda text: {"S": text}, texts),
        st.builds(lambda number: {"N": str(number)}, st.integers()),
        st.builds(lambda content: {"B": content}, st.binary()),
        st.builds(lambda contents: {"BS": contents}, st.lists(st.binary(), max_size=3)),
        st.builds(lambda members: {"SS": members}, st.lists(texts, max_size=3)),
        st.builds(lambda truth: {"BOOL": truth}, st.booleans()),
    ),
    lambda inner: st.one_of(
        st.builds(lambda values: {"L": values}, st.lists(inner, max_size=3)),
        st.builds(lambda values: {"M": values}, st.dictionaries(texts, inner, max_size=3)),
    ),
    max_leaves=5,
)
items = st.dictionaries(texts, attribute_values, max_size=4)


@settings(max_examples=100, deadline=None)
@given(item=items)
def test_any_item_is_encoded_and_decoded_like_botocore(pair: Pair, item: dict[str, Any]) -> None:
    pair.server.script([echoes])
    results = [
        client.put_item(TableName="t", Item=item, ReturnValues="ALL_OLD") for client in (pair.direct, pair.by_botocore)
    ]

    direct, by_botocore = pair.server.requests
    assert json.loads(direct.body) == json.loads(by_botocore.body)
    assert results[0]["Attributes"] == results[1]["Attributes"] == item


def test_request_has_botocores_headers(pair: Pair) -> None:
    pair.server.script([responses({})])
    call(pair.direct, PUT)
    call(pair.by_botocore, PUT)
    direct, by_botocore = pair.server.requests

    assert direct.line == by_botocore.line == "POST / HTTP/1.1"
    for name in ("host", "content-type", "x-amz-target", "x-amz-security-token"):
        assert direct.headers[name] == by_botocore.headers[name], name
    assert direct.headers["user-agent"] == factory.USER_AGENT == by_botocore.headers["user-agent"].split(" ")[0]


@settings(max_examples=100, deadline=None)
@given(
    body=st.binary(),
    now_s=st.integers(0, 2**32),
    secret=st.text("abcXYZ019/+=", min_size=1, max_size=40),
    token=st.none() | st.text("abcXYZ019/+=", min_size=1, max_size=40),
)
def test_signature_equals_botocores(body: bytes, now_s: int, secret: str, token: str | None) -> None:
    plain = {"host": "dynamodb.eu-central-1.amazonaws.com", "content-type": "x-json", "x-amz-target": "D.GetItem"}
    ours = dict(plain)
    signer = Signer(lambda: ReadOnlyCredentials("AKID", secret, token), "eu-central-1", "dynamodb")
    signer.sign(ours, body, now_s)

    request = AWSRequest("POST", f"https://{plain['host']}/", headers=plain, data=body)
    with pytest.MonkeyPatch.context() as patched:
        moment = datetime.fromtimestamp(now_s, UTC).replace(tzinfo=None)
        patched.setattr("botocore.auth.get_current_datetime", lambda: moment)
        SigV4Auth(Credentials("AKID", secret, token), "dynamodb", "eu-central-1").add_auth(request)
    assert ours == {name.lower(): value for name, value in request.headers.items()}


def test_new_credentials_sign_the_next_request() -> None:
    held = [ReadOnlyCredentials("OLD", "first", None), ReadOnlyCredentials("NEW", "second", "token")]
    signer = Signer(lambda: held.pop(0), "eu-central-1", "dynamodb")
    old: dict[str, str] = {}
    new: dict[str, str] = {}
    signer.sign(old, b"", 0)
    signer.sign(new, b"", 0)

    assert "Credential=OLD/" in old["authorization"]
    assert "Credential=NEW/" in new["authorization"]
    assert new["x-amz-security-token"] == "token"


def test_connection_is_reused() -> None:
    with ScriptedServer([responses({})]) as server:
        client = make(server.url, direct=True)
        for _ in range(3):
            call(client, GET)

    assert [asked.connection for asked in server.requests] == [0, 0, 0]


def test_connection_closed_while_idle_is_replaced() -> None:
    with ScriptedServer([responses({})]) as server:
        client = make(server.url, direct=True)
        call(client, GET)
        server.hang_up()
        call(client, PUT)

    # One request each: no write was sent twice.
    assert [asked.connection for asked in server.requests] == [0, 1]


def test_connection_with_connection_close_is_not_reused() -> None:
    with ScriptedServer([says(b"{}", Connection="close")]) as server:
        client = make(server.url, direct=True)
        call(client, GET)
        call(client, GET)

    assert [asked.connection for asked in server.requests] == [0, 1]


def test_eight_threads_share_a_client() -> None:
    def get(number: int) -> None:
        key = {"PK": {"S": "t"}, "SK": {"S": str(number)}}
        found[number] = client.put_item(TableName="t", Item=key)["Attributes"]["SK"]["S"]

    found: dict[int, str] = {}
    with ScriptedServer([echoes]) as server:
        client = make(server.url, direct=True)
        for round_ in range(5):
            threads = [threading.Thread(target=get, args=(round_ * 8 + number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    assert found == {number: str(number) for number in range(40)}
    assert len({asked.connection for asked in server.requests}) <= 8


def listen(client: DynamoDBClient, event: str, listener: Any) -> None:
    client.meta.events.register(f"{event}.dynamodb.*", listener)


def test_client_events_are_emitted() -> None:
    sent: list[bytes] = []
    noted: list[tuple[int, dict[str, Any]]] = []
    with ScriptedServer([responses({"ConsumedCapacity": CAPACITY})]) as server:
        client = make(server.url, direct=True)
        listen(client, "provide-client-params", lambda params, **_: {**params, "ReturnConsumedCapacity": "TOTAL"})
        listen(client, "before-send", lambda request, **_: sent.append(request.body))
        listen(
            client,
            "after-call",
            lambda parsed, http_response, **_: noted.append((http_response.status_code, parsed["ConsumedCapacity"])),
        )
        call(client, GET)

    assert sent == [server.requests[0].body]
    assert json.loads(sent[0])["ReturnConsumedCapacity"] == "TOTAL"
    assert noted == [(200, CAPACITY)]


def test_before_send_handler_may_provide_the_response() -> None:
    canned = types.SimpleNamespace(status_code=200, headers={}, content=b'{"Item": {"v": {"S": "canned"}}}')
    with ScriptedServer([resets]) as server:
        client = make(server.url, direct=True)
        listen(client, "before-send", lambda **_: canned)
        found = call(client, GET)

    assert found["Item"] == {"v": {"S": "canned"}}
    assert server.requests == []


def test_other_operations_use_botocore(pair: Pair) -> None:
    pair.server.script([responses({"TableNames": ["t"]})])

    assert pair.direct.list_tables()["TableNames"] == ["t"]


LAZY = """
import sys
from kv_common import dynamodb
client = dynamodb.client()
client.put_item(TableName="t", Item={"PK": {"S": "a"}})
print("boto3" in sys.modules, "botocore" in sys.modules)
print(client.meta.region_name)
print("boto3" in sys.modules)
"""


def test_boto3_is_imported_on_first_use() -> None:
    with ScriptedServer([responses({})]) as server:
        run = subprocess.run(
            [sys.executable, "-c", LAZY],
            env={**os.environ, "AWS_ENDPOINT_URL": server.url},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )

    assert run.stdout.split() == ["False", "False", "eu-central-1", "True"]


def test_paginators_use_the_fast_client(monkeypatch: pytest.MonkeyPatch) -> None:
    last = {"Items": [KEY], "Count": 1, "ScannedCount": 1}
    with ScriptedServer([responses({**last, "LastEvaluatedKey": KEY}), responses(last)]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        pages = list(dynamodb.client().get_paginator("query").paginate(TableName="t"))

    assert [page["Items"] for page in pages] == [[KEY], [KEY]]
    assert json.loads(server.requests[1].body)["ExclusiveStartKey"] == KEY
    assert {asked.headers["user-agent"] for asked in server.requests} == {factory.USER_AGENT}


def test_server_certificate_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer([responses({"Item": VALUE})], tls=self_signed(tmp_path)) as server:
        with pytest.raises(SSLError):
            call(make(server.url, direct=True), GET)
        assert server.requests == []

        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        assert call(make(server.url, direct=True), GET)["Item"]["e"] == {"S": ""}


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a TLS context for a local server; its certificate is in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, secret)
    return context


def test_setting_selects_boto3s_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMODB_CLIENT", "boto3")
    assert isinstance(dynamodb.client(), BaseClient)


def test_unknown_client_is_an_error_that_names_both() -> None:
    with pytest.raises(factory.UnknownClientError, match="DYNAMODB_CLIENT is fast or boto3, not 'slow'"):
        dynamodb.client({"DYNAMODB_CLIENT": "slow"})
