"""What requests for values ask for."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from msgspec import UNSET

from kv_common.errors import PayloadTooLarge, ValidationError
from kv_common.http.request import read_event
from kv_service.http import value_requests
from kv_service.http.value_requests import MAX_BODY_BYTES
from kv_service.values.commands import Get, Increment, Patch, Put
from kv_service.values.model import MAX_TTL_S, MAX_VALUE_BYTES
from kv_service.values.preconditions import NONE
from tests.support import json_texts
from tests.unit.common import gateway


def put_of(body: bytes | str) -> Put:
    text = body if isinstance(body, str) else body.decode("utf-8", "surrogateescape")
    return value_requests.read_put(read_event(gateway.event("PUT", "/v1/app/k", body=text)), "k")


def patch_of(body: str) -> Patch:
    return value_requests.read_patch(read_event(gateway.event("PATCH", "/v1/app/k", body=body)), "k")


def increment_of(body: str | None) -> Increment:
    return value_requests.read_increment(read_event(gateway.event("POST", "/v1/app/k/increment", body=body)), "k")


def get_of(query: str = "", **headers: str) -> Get:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return value_requests.read_get(read_event(gateway.event("GET", "/v1/app/k", query=query, headers=sent)), "k")


def body_of(size: int, around: int = 0) -> str:
    """Return a PUT's body whose value has `size` bytes, with `around` spaces in front."""
    return " " * around + '{"value":"' + "x" * (size - 2) + '"}'


@given(json_texts.values)
def test_a_value_is_taken_byte_for_byte(text: str) -> None:
    assert put_of('{ "value" : ' + text + "\n}").text == text
    assert put_of('{"ttl":5, "value" : ' + text + ' ,"metadata":null }').text == text


def test_a_value_may_have_its_most_bytes_and_not_one_more() -> None:
    assert put_of(body_of(MAX_VALUE_BYTES)).size == MAX_VALUE_BYTES
    with pytest.raises(PayloadTooLarge) as refusal:
        put_of(body_of(MAX_VALUE_BYTES + 1))
    assert refusal.value.details == {"reason": "value_size", "max_bytes": MAX_VALUE_BYTES}


def test_a_values_size_is_counted_in_bytes_and_not_in_characters() -> None:
    half = MAX_VALUE_BYTES // 2
    assert put_of('{"value":"' + "é" * (half - 1) + '"}').size == MAX_VALUE_BYTES
    with pytest.raises(PayloadTooLarge):
        put_of('{"value":"' + "é" * half + '"}')


def test_white_space_around_a_value_is_not_part_of_it() -> None:
    assert put_of(body_of(MAX_VALUE_BYTES, around=9_000)).size == MAX_VALUE_BYTES


def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(PayloadTooLarge):
        put_of("[" * (MAX_BODY_BYTES + 1))
    with pytest.raises(ValidationError):
        put_of("[" * MAX_BODY_BYTES)


@pytest.mark.parametrize("body", ["{}", '{"values":1}', '{"value":1,"value":1}', '{"value":1,"by":5}', "", "[]"])
def test_a_put_needs_a_value_and_takes_only_what_belongs_to_it(body: str) -> None:
    with pytest.raises(ValidationError):
        put_of(body)


def test_a_put_keeps_a_value_for_good_and_without_metadata_unless_it_says_otherwise() -> None:
    for body in ('{"value":1}', '{"value":1,"ttl":null,"metadata":null}'):
        assert put_of(body) == Put("k", "1", ttl_s=None, metadata=None)
    assert put_of('{"value":1,"ttl":1,"metadata":{ "a" : [1.0, "x y"] }}') == Put(
        "k", "1", ttl_s=1, metadata='{"a":[1.0,"x y"]}'
    )


@pytest.mark.parametrize("ttl", ["0", "-1", "1.5", "1e2", '"60"', "true", "[]", str(MAX_TTL_S + 1), "9" * 40])
def test_a_ttl_is_a_whole_number_of_seconds_from_one_on(ttl: str) -> None:
    for read, body in ((put_of, f'{{"value":1,"ttl":{ttl}}}'), (patch_of, f'{{"ttl":{ttl}}}')):
        with pytest.raises(ValidationError) as refusal:
            read(body)
        assert [one.field for one in refusal.value.fields] == ["ttl"]
    with pytest.raises(ValidationError):
        increment_of(f'{{"ttl":{ttl}}}')


@pytest.mark.parametrize("metadata", ["1", "[]", '"a"', "true"])
def test_metadata_is_an_object(metadata: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        put_of(f'{{"value":1,"metadata":{metadata}}}')
    assert [one.field for one in refusal.value.fields] == ["metadata"]


def test_metadata_may_have_1024_bytes_without_the_white_space_and_not_one_more() -> None:
    largest = '{"a":"' + "é" * 508 + '"}'
    assert put_of('{"value":1,"metadata":' + largest.replace(":", ":  ") + "}").metadata == largest

    with pytest.raises(PayloadTooLarge) as refusal:
        put_of('{"value":1,"metadata":' + largest.replace('"}', 'x"}') + "}")
    assert refusal.value.details == {"reason": "metadata_size", "max_bytes": 1_024}


def test_a_patch_leaves_alone_what_it_does_not_name() -> None:
    assert patch_of('{"value":{"a":null}}') == Patch("k", '{"a":null}', ttl_s=UNSET, metadata=UNSET)
    assert patch_of('{"ttl":null}') == Patch("k", None, ttl_s=None, metadata=UNSET)
    assert patch_of('{"metadata":{}}') == Patch("k", None, ttl_s=UNSET, metadata="{}")


@pytest.mark.parametrize("body", ["{}", '{"value":1}', '{"value":null}', '{"value":[]}', '{"a":{}}', "[]", ""])
def test_a_patch_is_an_object_that_changes_something(body: str) -> None:
    with pytest.raises(ValidationError):
        patch_of(body)


def test_an_increment_is_by_one_unless_it_says_otherwise() -> None:
    assert increment_of(None) == increment_of("") == increment_of("{}") == Increment("k", by=1, ttl_s=UNSET)
    assert increment_of('{"by":-9223372036854775808,"ttl":null}') == Increment("k", by=-(2**63), ttl_s=None)


@pytest.mark.parametrize("by", ["1.5", '"1"', "null", "true", "9223372036854775808", "-9223372036854775809", "1e400"])
def test_an_increment_is_by_an_integer_of_64_bits(by: str) -> None:
    with pytest.raises(ValidationError):
        increment_of(f'{{"by":{by}}}')


def test_a_get_is_strong_and_whole_unless_it_says_otherwise() -> None:
    assert get_of() == Get("k", fields=(), precondition=NONE, consistent=True)
    assert get_of("consistency=strong&fields=a,b.c") == Get("k", fields=(("a",), ("b", "c")))
    assert get_of("consistency=eventual") == Get("k", consistent=False)


@pytest.mark.parametrize(
    "query", ["fields=", "fields=a,", "fields=.a", "fields=a..b", "fields=" + ",".join("a" * 101), "consistency=weak"]
)
def test_a_parameter_that_means_nothing_is_refused(query: str) -> None:
    with pytest.raises(ValidationError):
        get_of(query)


@pytest.mark.parametrize(
    "headers",
    [
        {"if_match": '"a"', "if_none_match": '"b"'},
        {"if_modified_since": "Fri, 20 Nov 2026 12:00:00 GMT"},
        {"if_unmodified_since": "x"},
        {"range": "bytes=0-1"},
        {"if_range": '"a"'},
        {"if_match": "a"},
    ],
    ids=str,
)
def test_a_precondition_that_cannot_be_kept_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refusal:
        get_of(**headers)
    assert refusal.value.fields


def page_of(query: str = "") -> Any:
    return value_requests.read_page(read_event(gateway.event("GET", "/v1/app", query=query)))


def test_a_page_has_100_keys_unless_the_caller_says_1_to_1000() -> None:
    assert page_of().limit == 100
    assert [page_of(f"limit={text}").limit for text in ("1", "010", "1000")] == [1, 10, 1_000]


@pytest.mark.parametrize(
    "text", ["", "0", "1001", "-1", "%2B1", "1.0", "1e2", "%201", "1%0A", "%D9%A3", "ten", "00001", "9999999999"]
)
def test_any_other_limit_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        page_of(f"limit={text}")
    assert [one.field for one in refusal.value.fields] == ["limit"]


def test_a_page_reads_the_index_and_shows_no_metadata_unless_the_caller_says_so() -> None:
    page = page_of()
    assert (page.metadata, page.consistent) == (False, False)
    page = page_of("include=metadata&consistency=strong")
    assert (page.metadata, page.consistent) == (True, True)


@given(json_texts.values)
def test_whatever_a_body_is_it_is_taken_or_refused_as_malformed(text: str) -> None:
    for read in (put_of, patch_of, increment_of):
        with contextlib.suppress(ValidationError):
            read(text)
            assert isinstance(json.loads(text), dict)
