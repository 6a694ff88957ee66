"""Preconditions, as RFC 9110 has them."""

from __future__ import annotations

import pytest

from kv_common.errors import PreconditionFailed, ValidationError
from kv_service.values.preconditions import NONE, read


@pytest.mark.parametrize(
    ("text", "etag", "expected"),
    [
        ("*", "a", True),
        ("*", None, False),
        ('"a"', "a", True),
        ('"a"', "b", False),
        ('"a"', None, False),
        ('"a", "b"', "b", True),
        ('"a" ,,\t"b"', "b", True),
        ('W/"a"', "a", False),
        ('W/"a", "a"', "a", True),
        ('""', "a", False),
    ],
)
def test_if_match_holds_for_one_of_its_etags_compared_strongly(text: str, etag: str | None, expected: object) -> None:
    assert read(text, None).holds(etag) is expected


@pytest.mark.parametrize(
    ("text", "etag", "expected"),
    [
        ("*", "a", False),
        ("*", None, True),
        ('"a"', "a", False),
        ('"a"', "b", True),
        ('"a"', None, True),
        ('W/"a"', "a", False),
        ('"b", W/"a"', "a", False),
    ],
)
def test_if_none_match_holds_for_none_of_its_etags_compared_weakly(
    text: str, etag: str | None, expected: object
) -> None:
    assert read(None, text).holds(etag) is expected


def test_without_a_precondition_everything_holds() -> None:
    assert read(None, None) is NONE
    assert NONE.holds(None)
    assert NONE.holds("a")


def test_what_does_not_hold_says_what_there_is() -> None:
    for etag, shown in ((None, None), ("b", '"b"')):
        with pytest.raises(PreconditionFailed) as refusal:
            read('"a"', None).require(etag)
        assert refusal.value.details == {"etag": shown}


@pytest.mark.parametrize(
    "text",
    ["", "a", '"a', 'a"', '"a" "b"', '"a";"b"', "*, *", '*, "a"', 'w/"a"', '"a\x00"', '"a",', ", ".join(['"a"'] * 21)],
)
def test_what_is_no_list_of_etags_is_refused(text: str) -> None:
    for texts in ((text, None), (None, text)):
        with pytest.raises(ValidationError):
            read(*texts)


def test_both_at_once_contradict_each_other() -> None:
    with pytest.raises(ValidationError):
        read('"a"', "*")
