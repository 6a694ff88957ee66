"""kv_common.identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common import identifiers
from kv_common.errors import ValidationError

BAD_NAMESPACES = [
    "", "a" * 51, "A", "aB", "1a", "-a", "a_b", "a.b", "a b", "a/b", "a%2Fb", "a\n", "\na", "é", "\uff41", "a٣", "a\0",
    "..", "*", "\u017f", "\u212a",
]  # fmt: skip
BAD_KEYS = [
    "", ".", "..", "k" * 256, "a/b", "a b", "a%2Fb", "a+b", "a\n", "\n", "é", "k٣", "a\0", "a?b", "a#b", "a*", "\u212a",
]  # fmt: skip


@pytest.mark.parametrize("text", ["a", "a1", "a-", "a--b", "a" * 50, "z9-", "v1", "user-data-2"])
def test_namespace_consists_of_lowercase_letters_digits_and_hyphens(text: str) -> None:
    assert identifiers.namespace(text) == text
    assert identifiers.is_namespace(text)


@pytest.mark.parametrize("text", BAD_NAMESPACES)
def test_other_namespace_names_are_rejected(text: str) -> None:
    assert not identifiers.is_namespace(text)
    with pytest.raises(ValidationError) as refusal:
        identifiers.namespace(text)
    assert [one.field for one in refusal.value.fields] == ["namespace"]


@pytest.mark.parametrize(
    "text",
    ["admin", "alerts", "api-keys", "auth", "billing", "docs", "errors", "health", "limits", "namespaces", "usage",
     "webhooks"],
)  # fmt: skip
def test_first_path_segments_of_the_api_are_reserved(text: str) -> None:
    assert not identifiers.is_namespace(text)
    with pytest.raises(ValidationError, match="reserved"):
        identifiers.namespace(text)


@pytest.mark.parametrize("text", ["a", "0", "...", ".a", "a.", "-", "_", ":", "user:42:name_v1.0-x", "K" * 255])
def test_key_consists_of_characters_that_need_no_encoding(text: str) -> None:
    assert identifiers.key(text) == text


@pytest.mark.parametrize("text", BAD_KEYS)
def test_other_keys_are_rejected(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        identifiers.key(text)
    assert [one.field for one in refusal.value.fields] == ["key"]


@given(st.from_regex(r"[A-Za-z0-9:_.-]{1,255}", fullmatch=True), st.data())
def test_start_of_a_key_is_a_valid_prefix(key: str, data: st.DataObject) -> None:
    prefix = key[: data.draw(st.integers(0, len(key)))]

    assert identifiers.key_prefix(prefix) == prefix


@pytest.mark.parametrize("text", [bad for bad in BAD_KEYS if bad not in ("", ".", "..")])
def test_impossible_prefix_is_rejected(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        identifiers.key_prefix(text)
    assert [one.field for one in refusal.value.fields] == ["prefix"]


@given(st.text(max_size=60))
def test_namespace_and_is_namespace_agree(text: str) -> None:
    try:
        identifiers.namespace(text)
    except ValidationError:
        assert not identifiers.is_namespace(text)
    else:
        assert identifiers.is_namespace(text)
