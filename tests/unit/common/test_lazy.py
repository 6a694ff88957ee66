"""What is made later is made once, when it is first asked for anything."""

from __future__ import annotations

from kv_common.lazy import lazy


def test_what_is_made_later_is_made_once_when_it_is_asked_for_something() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("text")
        return "text"

    text = lazy(make)
    assert made == []
    assert (text.upper(), text.title()) == ("TEXT", "Text")
    assert made == ["text"]


def test_what_could_not_be_made_is_tried_again() -> None:
    attempts: list[int] = []

    def make() -> int:
        attempts.append(1)
        return 1 // (len(attempts) - 1)

    number = lazy(make)
    for _ in range(2):
        try:
            found = number.real
        except ZeroDivisionError:
            continue
    assert (found, len(attempts)) == (1, 2)
