"""What namespaces hold, from what the stream says of each change."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kv_common.errors import Unavailable
from kv_common.events import Event, StorageChanged
from kv_service.persistence import StorageStore
from kv_service.storage_usage import rules as storage
from kv_service.storage_usage.ports import MAX_NAMESPACES_PER_COUNT, AlreadyCounted, NamespacesDeleted
from kv_service.storage_usage.rules import UsageDelta
from kv_service.storage_usage.tracker import Tracker


def image(namespace: str, key: str, size: int) -> dict[str, Any]:
    return {"PK": {"S": f"V#{namespace}"}, "SK": {"S": key}, "s": {"N": str(size)}, "v": {"S": "…"}}


def record(
    sequence: int, before: int | None, after: int | None, *, namespace: str = "n1", key: str = "k", name: str = "?"
) -> dict[str, Any]:
    """A record of the stream; sizes are None where there was no item."""
    change: dict[str, Any] = {
        "SequenceNumber": str(sequence),
        "Keys": {"PK": {"S": f"V#{namespace}"}, "SK": {"S": key}},
    }
    if before is not None:
        change["OldImage"] = image(namespace, key, before)
    if after is not None:
        change["NewImage"] = image(namespace, key, after)
    return {"eventName": name, "dynamodb": change}


#: As AWS writes it when an item has expired: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
def expired(sequence: int, size: int, **where: str) -> dict[str, Any]:
    made = record(sequence, size, None, name="REMOVE", **where)
    return {**made, "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}


def test_a_change_counts_the_key_and_the_value_before_and_after() -> None:
    records = [
        record(1, None, 10, key="é"),
        record(2, 10, 4, key="é"),
        expired(3, 4, key="é"),
    ]
    assert [(one.bytes, one.keys) for one in storage.read_changes(records)] == [(12, 1), (-6, 0), (-6, -1)]


def test_what_happens_to_anything_but_values_is_not_counted() -> None:
    other = {"dynamodb": {"Keys": {"PK": {"S": "ACCOUNT#a"}, "SK": {"S": "PLAN"}}, "SequenceNumber": "1"}}
    assert storage.read_changes([other]) == []


def test_changes_that_come_to_nothing_are_not_told() -> None:
    changes = storage.read_changes([record(1, None, 10), record(2, 10, None), record(3, None, 5, namespace="n2")])
    assert storage.sum_deltas(changes) == [UsageDelta("n2", 6, 1)]


class Ledger(StorageStore):
    """Counts by namespace, as the table keeps them: one transaction at a time, positions by shard."""

    def __init__(self, owners: dict[str, str]) -> None:
        self.owned = owners
        self.closed: set[str] = set()
        self.positions: dict[str, int] = {}
        self.held: dict[str, tuple[int, int]] = {}
        self.told: list[Event] = []
        self.problems: list[Exception] = []

    def owners(self, namespace_ids: Any) -> dict[str, str]:
        return {one: self.owned[one] for one in namespace_ids if one in self.owned}

    def count(self, shard: str, *, first: int, last: int, sum_deltas: Any, events: Any) -> None:
        if self.problems:
            raise self.problems.pop()
        if first <= self.positions.get(shard, -1):
            raise AlreadyCounted(self.positions[shard])
        gone = frozenset(one.namespace_id for one in sum_deltas if self.owned[one.namespace_id] in self.closed)
        if gone:
            raise NamespacesDeleted(gone)
        assert len(sum_deltas) <= MAX_NAMESPACES_PER_COUNT
        self.positions[shard] = last
        for growth in sum_deltas:
            size, keys = self.held.get(growth.namespace_id, (0, 0))
            self.held[growth.namespace_id] = (size + growth.bytes, keys + growth.keys)
        self.told.extend(events)


def tracker(ledger: Ledger, lines: list[dict[str, object]] | None = None) -> Tracker:
    return Tracker(ledger, now_ms=lambda: 0, log=(lines if lines is not None else []).append)


def test_what_is_told_adds_up_to_what_is_held() -> None:
    ledger = Ledger({"n1": "a", "n2": "b"})
    tracker(ledger).track([record(1, None, 10), record(2, None, 20, namespace="n2"), record(3, 10, 5)], "s1")
    assert ledger.held == {"n1": (6, 1), "n2": (21, 1)}
    assert [(event.account_id, event.data) for event in ledger.told] == [
        ("a", StorageChanged(namespace_id="n1", bytes_delta=6, keys_delta=1, shard="s1", sequence="3")),
        ("b", StorageChanged(namespace_id="n2", bytes_delta=21, keys_delta=1, shard="s1", sequence="3")),
    ]


def test_namespaces_of_deleted_accounts_are_left_out_and_the_others_counted() -> None:
    ledger = Ledger({"n1": "a", "n2": "b"})
    ledger.closed = {"a"}
    tracker(ledger).track([record(n, None, 10, namespace=f"n{n}") for n in (1, 2, 3)], "s1")
    assert ledger.held == {"n2": (11, 1)}


def test_a_batch_of_many_namespaces_is_counted_in_parts_and_goes_on_where_it_stopped() -> None:
    names = [f"n{number}" for number in range(2 * MAX_NAMESPACES_PER_COUNT + 5)]
    ledger = Ledger(dict.fromkeys(names, "a"))
    records = [record(number, None, 10, namespace=name) for number, name in enumerate(names)]
    ledger.problems = [Unavailable()]
    subject = tracker(ledger)
    for _ in range(2):
        try:
            subject.track(records, "s1")
        except Unavailable:
            assert ledger.held == {}
    assert {keys for _, keys in ledger.held.values()} == {1}
    assert set(ledger.held) == set(names)


class Table:
    """A table of values and the records that its stream would have of each change."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], int] = {}
        self.records: list[dict[str, Any]] = []

    def put(self, namespace: str, key: str, size: int) -> None:
        before = self.items.get((namespace, key))
        self.items[namespace, key] = size
        self.records.append(record(len(self.records) + 1, before, size, namespace=namespace, key=key))

    def remove(self, namespace: str, key: str, *, by_ttl: bool) -> None:
        before = self.items.pop((namespace, key), None)
        if before is not None:
            made = expired if by_ttl else _deleted
            self.records.append(made(len(self.records) + 1, before, namespace=namespace, key=key))


def _deleted(sequence: int, size: int, **where: str) -> dict[str, Any]:
    return record(sequence, size, None, name="REMOVE", **where)


namespaces = st.sampled_from(["n1", "n2", "n3"])
keys = st.sampled_from(["a", "b", "ключ"])
steps = st.one_of(
    st.tuples(st.just("put"), namespaces, keys, st.integers(0, 500)),
    st.tuples(st.sampled_from(["delete", "expire"]), namespaces, keys, st.just(0)),
    st.tuples(st.just("empty"), namespaces, st.just(""), st.just(0)),
)


@given(st.lists(steps, max_size=60), st.data())
def test_bytes_and_keys_are_those_of_the_table_however_the_stream_is_cut_and_repeated(
    history: list[tuple[str, str, str, int]], data: st.DataObject
) -> None:
    table = Table()
    for what, namespace, key, size in history:
        if what == "put":
            table.put(namespace, key, size)
        elif what == "empty":
            for other, one in list(table.items):
                if other == namespace:
                    table.remove(namespace, one, by_ttl=False)
        else:
            table.remove(namespace, key, by_ttl=what == "expire")
    ledger = Ledger({"n1": "a", "n2": "a", "n3": "b"})
    subject = tracker(ledger)
    # As Lambda delivers: in order the first time, then anything again from any earlier point, cut anyhow.
    done = 0
    while done < len(table.records):
        start = data.draw(st.integers(0, done))
        end = data.draw(st.integers(start + 1, len(table.records)))
        subject.track(table.records[start:end], "s1")
        done = max(done, end)
    expected: dict[str, tuple[int, int]] = {}
    for (namespace, key), size in table.items.items():
        total, count = expected.get(namespace, (0, 0))
        expected[namespace] = (total + len(key.encode()) + size, count + 1)
    assert {name: held for name, held in ledger.held.items() if held != (0, 0)} == expected
    sums: dict[str, tuple[int, int]] = {}
    for event in ledger.told:
        assert isinstance(event.data, StorageChanged)
        total, count = sums.get(event.data.namespace_id, (0, 0))
        sums[event.data.namespace_id] = (total + event.data.bytes_delta, count + event.data.keys_delta)
    assert sums == ledger.held
    assert len({event.id for event in ledger.told}) == len(ledger.told)
