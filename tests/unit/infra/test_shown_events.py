"""How an event looks on a terminal."""

from __future__ import annotations

import json

import pytest

from infra.operations.events.format import show

EVENT = {
    "time": "2026-11-20T10:00:01Z",
    "source": "kv.auth",
    "detail-type": "ApiKeyIssued",
    "detail": {
        "id": "key_1#issued",
        "version": 1,
        "occurred_at": "2026-11-20T10:00:00.000000Z",
        "account_id": "acc",
        "correlation_id": "trace-1",
        "data": {"key_id": "key_1", "name": "schlüssel"},
    },
}


def test_it_says_when_who_what_about_whom_its_ids_and_its_data() -> None:
    assert show(json.dumps(EVENT)) == (
        "2026-11-20T10:00:00.000000Z kv.auth    ApiKeyIssued        account=acc"
        ' id=key_1#issued correlation_id=trace-1 {"key_id":"key_1","name":"schlüssel"}'
    )


@pytest.mark.parametrize(
    "text", ["{}", "[]", '"text"', '{"detail": 3, "source": ["\\u001b"]}', '{"source": "\\u001b"}']
)
def test_whatever_somebody_sent_is_one_harmless_line(text: str) -> None:
    assert show(text).isprintable()
