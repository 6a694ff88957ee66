"""kv_common.base62."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common import base62


@given(st.integers(1, 50), st.data())
def test_number_survives_a_round_trip_at_the_requested_width(width: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 62**width - 1))

    text = base62.encode(number, width)

    assert len(text) == width
    assert text.isascii()
    assert text.isalnum()
    assert base62.decode(text) == number


@given(st.integers(0, 62**8 - 1), st.integers(0, 62**8 - 1))
def test_texts_of_one_width_sort_like_their_numbers(one: int, other: int) -> None:
    assert (base62.encode(one, 8) < base62.encode(other, 8)) == (one < other)


@pytest.mark.parametrize(("number", "width"), [(-1, 3), (62**3, 3), (1, 0)])
def test_number_that_does_not_fit_is_rejected(number: int, width: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        base62.encode(number, width)


@pytest.mark.parametrize("text", ["-", "ab c", "é", "٣", "a\n", "+1", "_"])
def test_text_with_another_character_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="not base62"):
        base62.decode(text)
