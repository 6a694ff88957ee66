"""kv_common.lazy."""

from __future__ import annotations

from kv_common.lazy import lazy


def test_object_is_created_once_on_first_use() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("text")
        return "text"

    text = lazy(make)
    assert made == []
    assert (text.upper(), text.title()) == ("TEXT", "Text")
    assert made == ["text"]


def test_failed_creation_is_repeated() -> None:
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
