"""Listing reads no values, and neither skips nor repeats keys while others are added."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from kv_service.namespaces.model import NamespaceRef
from kv_service.values.commands import Put
from kv_service.values.pages import PageRequest

if TYPE_CHECKING:
    from kv_service.container import Kv
    from kv_service.values.model import Version

SPACE = NamespaceRef("00000000-0000-4000-8000-000000000001", "listed")


@pytest.fixture
def consumed(kv: Kv) -> list[dict[str, Any]]:
    """The consumed capacity of each query, as reported by DynamoDB."""
    capacities: list[dict[str, Any]] = []
    events = kv.service._client.meta.events

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"

    def note(parsed: dict[str, Any], **_: Any) -> None:
        capacities.append(parsed["ConsumedCapacity"])

    events.register("provide-client-params.dynamodb.Query", ask)
    events.register("after-call.dynamodb.Query", note)
    return capacities


def test_page_of_100_large_values_reads_no_value(kv: Kv, consumed: list[dict[str, Any]]) -> None:
    space = NamespaceRef(SPACE.account_id, "large")
    text = '"' + "x" * 100_000 + '"'
    for number in range(100):
        kv.values.write(space, Put(f"key-{number:03}", text))
    page = kv.values.page(space, PageRequest(prefix="", limit=100, cursor=None))
    assert [info.size for info in page.keys] == [len(text)] * 100
    # 10 MB of values would be about 1,250 units; a hundred index entries of some 100 bytes are two or three.
    assert consumed[0]["CapacityUnits"] <= 3
    assert "Table" not in consumed[0] or consumed[0]["Table"]["CapacityUnits"] == 0


def test_no_key_is_skipped_or_repeated_while_others_are_added(kv: Kv) -> None:
    space = NamespaceRef(SPACE.account_id, "busy")
    present = {f"a-{number:04}" for number in range(300)}
    for key in present:
        kv.values.write(space, Put(key, "1"))
    stop = threading.Event()

    def add() -> None:
        number = 0
        while not stop.is_set():
            # Before, between and after the existing keys.
            for key in (f"a-{number % 300:04}-new", f"0-{number}", f"z-{number}"):
                kv.values.write(space, Put(key, "2"))
            number += 1

    writer = threading.Thread(target=add)
    writer.start()
    try:
        listed: list[Version] = []
        cursor = None
        while True:
            page = kv.values.page(space, PageRequest(prefix="a-", limit=7, cursor=cursor))
            listed += page.keys
            cursor = page.cursor
            if cursor is None:
                break
    finally:
        stop.set()
        writer.join()
    keys = [info.key for info in listed]
    assert len(keys) == len(set(keys))
    assert keys == sorted(keys)
    assert present <= set(keys)
    assert all(key.startswith("a-") for key in keys)
