"""kv_common.cursors."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kv_common import cursors
from kv_common.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = b"s" * 32
SCOPE = ("account", "namespace", "prefix")

positions = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
parts = st.text("ab", max_size=3)
scopes = st.lists(parts, max_size=4).map(tuple)


def is_valid(cursor: str, scope: tuple[str, ...] = SCOPE, secret: bytes = SECRET) -> bool:
    try:
        cursors.read(cursor, scope=scope, secret=secret)
    except ValidationError:
        return False
    return True


@given(positions, scopes, st.binary(min_size=1, max_size=64))
def test_cursor_returns_its_position(position: str, scope: tuple[str, ...], secret: bytes) -> None:
    cursor = cursors.sign(position, scope=scope, secret=secret)

    assert cursors.read(cursor, scope=scope, secret=secret) == position


@given(positions)
def test_cursor_needs_no_encoding_in_a_query_string(position: str) -> None:
    cursor = cursors.sign(position, scope=SCOPE, secret=SECRET)

    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(positions, st.data())
def test_flipped_bit_of_a_cursor_is_rejected(position: str, data: st.DataObject) -> None:
    cursor = cursors.sign(position, scope=SCOPE, secret=SECRET).encode()
    place, bit = data.draw(st.integers(0, len(cursor) - 1)), data.draw(st.integers(0, 7))
    flipped = bytearray(cursor)
    flipped[place] ^= 1 << bit

    assert not is_valid(flipped.decode("latin-1"))


@given(positions, st.data())
def test_flipped_bit_of_the_decoded_cursor_is_rejected(position: str, data: st.DataObject) -> None:
    cursor = cursors.sign(position, scope=SCOPE, secret=SECRET)
    content = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    place, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    content[place] ^= 1 << bit

    assert not is_valid(base64.urlsafe_b64encode(content).decode().rstrip("="))


@given(positions, scopes, scopes)
def test_cursor_is_invalid_for_another_list(position: str, scope: tuple[str, ...], other: tuple[str, ...]) -> None:
    assume(scope != other)

    assert not is_valid(cursors.sign(position, scope=scope, secret=SECRET), other)


def test_scopes_that_are_equal_when_joined_are_different_lists() -> None:
    assert not is_valid(cursors.sign("k", scope=("a", "bc"), secret=SECRET), ("ab", "c"))
    assert not is_valid(cursors.sign("k", scope=("a", ""), secret=SECRET), ("", "a"))
    assert not is_valid(cursors.sign("k", scope=("a",), secret=SECRET), ("a", ""))
    assert not is_valid(cursors.sign("", scope=("a", "k"), secret=SECRET), ("a",))


def test_cursor_signed_with_another_secret_is_rejected() -> None:
    assert not is_valid(cursors.sign("k", scope=SCOPE, secret=b"t" * 32))


def forged(make: Callable[[bytes], bytes]) -> str:
    """Return a valid cursor with changed content."""
    cursor = cursors.sign("key-1", scope=SCOPE, secret=SECRET)
    content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    return base64.urlsafe_b64encode(make(content)).decode().rstrip("=")


REFUSED = {
    "nothing": "",
    "one character": "A",
    "a position without a tag": base64.urlsafe_b64encode(b"key-1").decode().rstrip("="),
    "a tag of zeros": forged(lambda content: bytes(16) + content[16:]),
    "the tag alone": forged(lambda content: content[:16]),
    "half a tag": forged(lambda content: content[:8]),
    "a position cut short": forged(lambda content: content[:-1]),
    "a longer position": forged(lambda content: content + b"0"),
    "another position": forged(lambda content: content[:16] + b"key-2"),
    "bytes that are not UTF-8": forged(lambda content: content[:16] + b"\xff"),
    "spaces": forged(lambda content: content) + "  ",
    "a newline at the end": forged(lambda content: content) + "\n",
    "junk behind it": forged(lambda content: content) + "!",
    "no base64": "!!!!",
    "letters that are not ASCII": "éééé",
    "a lone surrogate": "\ud800",
    "padding alone": "====",
}


@pytest.mark.parametrize("cursor", REFUSED.values(), ids=REFUSED.keys())
def test_forged_or_damaged_cursor_is_rejected(cursor: str) -> None:
    assert is_valid(forged(lambda content: content))
    with pytest.raises(ValidationError) as refusal:
        cursors.read(cursor, scope=SCOPE, secret=SECRET)
    assert [one.field for one in refusal.value.fields] == ["cursor"]


@given(st.text(max_size=80))
def test_arbitrary_text_is_read_or_rejected(text: str) -> None:
    assert not is_valid(text)
