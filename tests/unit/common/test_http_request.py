"""kv_common.http.request."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kv_common.errors import ValidationError
from kv_common.http.request import read_event
from tests.unit.common import gateway


def test_http_api_event_is_parsed() -> None:
    request = read_event(gateway.load("http_api_get"))

    assert (request.method, request.path) == ("GET", "/v1/settings/user:42")
    assert request.route_key == "GET /v1/{namespace}/{key}"
    assert request.path_parameters == {"namespace": "settings", "key": "user:42"}
    assert request.query(allowed=("consistency", "fields")) == {"consistency": "eventual", "fields": "a,b.c"}
    assert request.correlation_id == "req-7.A_b"
    assert request.arrived_at_ms == 1_773_119_783_000
    assert request.body == b""
    assert request.bearer_token() is None


def test_text_body_is_encoded_in_utf_8() -> None:
    request = read_event(gateway.load("http_api_post_text"))

    assert request.body == '{"name":"café-☕"}'.encode()
    assert request.bearer_token() == "aaa.bbb.ccc"


def test_base64_body_is_decoded() -> None:
    assert read_event(gateway.load("http_api_post_base64")).body == b'{"name":"\xff"}'


def test_function_url_event_has_the_default_route() -> None:
    request = read_event(gateway.load("function_url_get"))

    assert request.route_key == "$default"
    assert request.path_parameters == {}


def test_header_names_are_case_insensitive() -> None:
    request = read_event(gateway.load("http_api_get", headers={"X-Api-Key": "k", "IF-MATCH": '"e"'}))

    assert (request.header("x-api-key"), request.header("if-match")) == ("k", '"e"')
    assert request.header("absent") is None


def test_event_without_headers_is_parsed() -> None:
    request = read_event(gateway.load("http_api_get", headers=None, pathParameters=None, rawQueryString=None))

    assert request.headers == {}
    assert request.query(allowed=()) == {}


@pytest.mark.parametrize("offered", ["a", "A-1._z", "0" * 64, "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"])
def test_safe_correlation_id_is_used(offered: str) -> None:
    assert read_event(gateway.load("http_api_get", headers={"x-correlation-id": offered})).correlation_id == offered


@pytest.mark.parametrize(
    "offered",
    ["", "0" * 65, "a b", "a\n", "a\r\nSet-Cookie: x", "é", "٣", "a;b", "<b>", '"', "a/b", "a,b", "%41", "\u212a"],
    ids=repr,
)
def test_unsafe_correlation_id_is_replaced(offered: str) -> None:
    made = read_event(gateway.load("http_api_get", headers={"x-correlation-id": offered})).correlation_id

    assert made != offered
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", made)


def test_generated_correlation_id_is_accepted_later() -> None:
    for _ in range(100):
        made = read_event(gateway.load("http_api_get", headers={})).correlation_id

        assert read_event(gateway.load("http_api_get", headers={"x-correlation-id": made})).correlation_id == made


def test_generated_correlation_ids_differ() -> None:
    event = gateway.load("function_url_get")

    assert len({read_event(event).correlation_id for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("abc", None),
        ("", None),
        ("Bearerabc", None),
    ],
)
def test_bearer_token_follows_the_scheme(header: str, token: str | None) -> None:
    assert read_event(gateway.load("http_api_get", headers={"authorization": header})).bearer_token() == token


def query(text: str, *allowed: str) -> dict[str, str]:
    return read_event(gateway.load("http_api_get", rawQueryString=text)).query(allowed=allowed)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=", {"a": ""}),
        ("a", {"a": ""}),
        ("a=%C3%A4+b%20c", {"a": "ä b c"}),
        ("a=1%262%3D3", {"a": "1&2=3"}),
        ("a=1=2", {"a": "1=2"}),
        ("%61=1", {"a": "1"}),
    ],
)
def test_query_parameters_are_decoded(text: str, parameters: dict[str, str]) -> None:
    assert query(text, "a", "b") == parameters


@pytest.mark.parametrize(
    "text",
    [
        "a=1&a=2", "a=1&a=1", "a=1&%61=2", "a&a", "c=1", "a=1&c=1", "A=1", "=1", "a=%FF", "a=%C3", "%FF=1",
        "a=%ED%A0%80", "a;b=1", "&".join(["a=1"] * 21),
    ],
)  # fmt: skip
def test_repeated_unknown_or_undecodable_query_parameter_is_rejected(text: str) -> None:
    with pytest.raises(ValidationError):
        query(text, "a", "b")


def test_error_of_an_unknown_query_parameter_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="'c'") as refusal:
        query("c=1", "b", "a")

    assert refusal.value.fields[0].message == "Allowed: a, b."


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_arbitrary_text_body_is_preserved(text: str) -> None:
    body = text.encode()
    event = gateway.load("http_api_post_text", body=text, headers={"content-length": str(len(body))})

    assert read_event(event).body == body


def with_body(body: str, **headers: str) -> dict[str, Any]:
    return gateway.load("http_api_post_text", body=body, headers={"content-type": "application/json", **headers})


def test_body_damaged_by_the_gateway_is_rejected() -> None:
    sent = b'{"name":"\xff"}'
    event = with_body(sent.decode("utf-8", "replace"), **{"content-length": str(len(sent))})

    with pytest.raises(ValidationError, match="UTF-8"):
        _ = read_event(event).body


def test_replacement_character_sent_by_the_client_is_accepted() -> None:
    sent = '{"name":"\ufffd"}'
    event = with_body(sent, **{"content-length": str(len(sent.encode()))})

    assert read_event(event).body == sent.encode()


@pytest.mark.parametrize("length", ["", "x", "-1", "1.5"])
def test_content_length_that_is_not_a_number_is_ignored(length: str) -> None:
    sent = '{"name":"\ufffd"}'

    assert read_event(with_body(sent, **{"content-length": length})).body == sent.encode()


@given(st.binary(min_size=1, max_size=12))
def test_damage_that_changes_the_length_is_rejected(sent: bytes) -> None:
    damaged = sent.decode("utf-8", "replace")
    # Three bytes of a four-byte character become one replacement character of three bytes: not detectable.
    assume(damaged.encode() == sent or len(damaged.encode()) != len(sent))
    try:
        taken = read_event(with_body(damaged, **{"content-length": str(len(sent))})).body
    except ValidationError:
        with pytest.raises(UnicodeDecodeError):
            sent.decode("utf-8", "strict")
    else:
        assert taken == sent
