"""The rules of namespaces."""

from __future__ import annotations

from kv_service.namespaces import model as domain


def test_tokens_are_twelve_characters_and_use_the_whole_range() -> None:
    assert domain.new_token(lambda _below: 0) == "0" * 12
    assert domain.new_token(lambda below: below - 1) == "z" * 12
