"""The rules of values and namespaces."""

from __future__ import annotations

import pytest
from hypothesis import given

from kv_common.errors import PayloadTooLarge, ValidationError
from kv_service import domain
from kv_service.domain import MAX_BODY_BYTES, MAX_VALUE_BYTES
from tests.unit.common import json_texts


def body_of(size: int, around: int = 0) -> bytes:
    """Return a PUT's body whose value has `size` bytes, with `around` spaces in front."""
    return b" " * around + b'{"value":"' + b"x" * (size - 2) + b'"}'


@given(json_texts.values)
def test_a_value_is_kept_byte_for_byte(text: str) -> None:
    assert domain.value_text(b'{ "value" : ' + text.encode() + b"\n}") == text


def test_a_value_may_have_390_000_bytes_and_not_one_more() -> None:
    assert MAX_VALUE_BYTES == 390_000
    assert len(domain.value_text(body_of(390_000))) == 390_000

    with pytest.raises(PayloadTooLarge) as refusal:
        domain.value_text(body_of(390_001))
    assert refusal.value.details == {"reason": "value_size", "max_bytes": 390_000}


def test_a_values_size_is_counted_in_bytes_and_not_in_characters() -> None:
    fits = '{"value":"' + "é" * 194_999 + '"}'
    assert domain.value_text(fits.encode()).startswith('"é')

    with pytest.raises(PayloadTooLarge):
        domain.value_text(('{"value":"' + "é" * 195_000 + '"}').encode())


def test_white_space_around_a_value_is_not_part_of_it() -> None:
    assert len(domain.value_text(body_of(390_000, around=9_000))) == 390_000


def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(PayloadTooLarge):
        domain.value_text(b"[" * (MAX_BODY_BYTES + 1))
    with pytest.raises(ValidationError):
        domain.value_text(b"[" * MAX_BODY_BYTES)


@pytest.mark.parametrize("body", [b"{}", b'{"values":1}', b'{"value":1,"value":1}', b'{"value":1,"ttl":5}', b"", b"[]"])
def test_a_put_needs_a_value_and_takes_nothing_else(body: bytes) -> None:
    with pytest.raises(ValidationError):
        domain.value_text(body)


def test_a_page_has_100_keys_unless_the_caller_says_1_to_1000() -> None:
    assert domain.page_limit(None) == 100
    assert [domain.page_limit(text) for text in ("1", "010", "1000")] == [1, 10, 1_000]


@pytest.mark.parametrize(
    "text", ["", "0", "1001", "-1", "+1", "1.0", "1e2", " 1", "1\n", "٣", "ten", "00001", "9999999999"]
)
def test_any_other_limit_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        domain.page_limit(text)
    assert refusal.value.details == {"field": "limit"}


def test_tokens_are_twelve_characters_and_use_the_whole_range() -> None:
    assert domain.new_token(lambda _below: 0) == "0" * 12
    assert domain.new_token(lambda below: below - 1) == "z" * 12
