"""How versions stand in the table."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kv_service.persistence import value_codec
from kv_service.values.model import Version
from tests.support import json_texts

if TYPE_CHECKING:
    from kv_common.dynamodb.items import Item

VERSION = Version("k", "1", 1, "e" * 12, 1_795_176_000_250, 1_795_176_000_251)


def version_of(text: str) -> Version:
    return replace(VERSION, text=text, size=len(text.encode()))


def size_of(item: Item) -> int:
    """The item's size as DynamoDB counts it, with its keys: names and texts in UTF-8, two digits of a number a byte."""
    size = len("PKSK") + len("V#") + 12 + len(VERSION.key)
    for name, value in item.items():
        [(kind, held)] = value.items()
        text = held if isinstance(held, bytes) else str(held).encode()
        size += len(name) + (len(text) // 2 + 2 if kind == "N" else len(text))
    return size


@given(json_texts.values, st.none() | st.integers(1, 2**33), st.none() | st.just('{"a":"é"}'))
def test_a_version_comes_back_as_it_was(text: str, expires_at_s: int | None, metadata: str | None) -> None:
    version = replace(version_of(text), expires_at_s=expires_at_s, metadata=metadata)

    assert value_codec.decode("k", value_codec.encode(version)) == version


@pytest.mark.parametrize("text", ["0", "-1", "9223372036854775807", "-9223372036854775808", "42"])
def test_integers_of_64_bits_are_numbers_that_the_table_can_add_to(text: str) -> None:
    assert value_codec.encode(version_of(text))["n"] == {"N": text}


@pytest.mark.parametrize("text", ["-0", "1.0", "1e2", "9223372036854775808", "00", " 1", '"1"', "-"])
def test_any_other_text_is_kept_as_a_text(text: str) -> None:
    assert value_codec.encode(version_of(text))["v"] == {"S": text}


def test_a_small_text_is_kept_as_it_is_and_a_larger_one_deflated_if_that_saves_a_write_unit() -> None:
    small = version_of('"' + "x" * 898 + '"')
    assert "S" in value_codec.encode(small)["v"]
    large = version_of('"' + "x" * 998 + '"')
    assert "B" in value_codec.encode(large)["v"]
    assert value_codec.decode("k", value_codec.encode(large)) == large
    noise = version_of('"' + "".join(random.Random(7).choices("".join(map(chr, range(93, 126))), k=1_500)) + '"')
    assert size_of(value_codec.encode(noise)) <= 1_024 or "S" in value_codec.encode(noise)["v"]


@given(st.integers(1, 4_000))
def test_deflating_never_costs_a_write_unit_more(size: int) -> None:
    text = '"' + "".join(random.Random(size).choices("0123456789abcdef", k=size)) + '"'
    version = version_of(text)
    plain: Item = {**value_codec.encode(version), "v": {"S": text}}

    assert -(-size_of(value_codec.encode(version)) // 1024) <= -(-size_of(plain) // 1024)


def test_a_text_has_no_room_that_takes_more_than_390_000_bytes_with_its_metadata() -> None:
    assert not version_of('"' + "x" * 389_998 + '"').is_large
    assert version_of('"' + "x" * 389_999 + '"').is_large
    assert not replace(version_of('"' + "x" * 389_996 + '"'), metadata="{}").is_large
    assert replace(version_of('"' + "x" * 389_997 + '"'), metadata="{}").is_large
