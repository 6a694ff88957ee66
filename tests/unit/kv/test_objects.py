"""The objects of large values are those that items name, whatever happens to the stream that tells of the items."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.errors import Unavailable
from kv_service.persistence import ObjectStore
from kv_service.storage_usage.object_changes import ObjectName, object_changes
from kv_service.storage_usage.object_lifecycle import ObjectTracker

StoredResponse = dict[str, Any]


def record(before: str | None, after: str | None, *, partition: str = "V#n1", key: str = "k") -> StoredResponse:
    """A change of an item; the images name an object, "" stands for one that holds its value itself."""
    where = {"PK": {"S": partition}, "SK": {"S": key}}
    change: StoredResponse = {"Keys": where}
    for image, object_id in (("OldImage", before), ("NewImage", after)):
        if object_id is not None:
            change[image] = {**where, "s": {"N": "1"}, **({"o": {"S": object_id}} if object_id else {"v": {"S": "1"}})}
    return {"dynamodb": change}


@pytest.mark.parametrize(
    ("before", "after", "named", "unnamed"),
    [
        (None, "o1", ["o1"], []),
        ("", "o1", ["o1"], []),
        ("o1", "o2", ["o2"], ["o1"]),
        ("o1", "", [], ["o1"]),
        ("o1", None, [], ["o1"]),
        ("o1", "o1", [], []),
        ("", None, [], []),
    ],
    ids=[
        "new",
        "small to large",
        "large to large",
        "large to small",
        "deleted or expired",
        "only its expiry changed",
        "never large",
    ],
)
def test_a_change_names_what_it_brings_in_and_unnames_what_it_takes_out(
    before: str | None, after: str | None, named: list[str], unnamed: list[str]
) -> None:
    found = object_changes([record(before, after)])
    assert found.named == {ObjectName("n1", one) for one in named}
    assert found.unnamed == {ObjectName("n1", one) for one in unnamed}


def test_what_came_and_went_in_one_batch_only_goes() -> None:
    found = object_changes([record(None, "o1"), record("o1", "o2"), record("o2", None)])
    assert not found.named
    assert found.unnamed == {ObjectName("n1", "o1"), ObjectName("n1", "o2")}


def test_only_values_have_objects() -> None:
    found = object_changes([record(None, "o1", partition="ACCOUNT#a"), record("o1", None, partition="I#n1")])
    assert not found.named | found.unnamed


class Bucket(ObjectStore):
    """The objects of values, and whether each waits to be named; fails as often as it is told to."""

    def __init__(self) -> None:
        self.pending: dict[tuple[str, str], bool] = {}
        self.failures = 0

    def put_value(self, namespace_id: str, object_id: str, text: bytes) -> None:
        assert text
        self.pending[namespace_id, object_id] = True

    def confirm(self, namespace_id: str, object_id: str) -> None:
        self._fail()
        if (namespace_id, object_id) in self.pending:
            self.pending[namespace_id, object_id] = False

    def delete_value(self, namespace_id: str, object_id: str) -> None:
        self.pending.pop((namespace_id, object_id), None)

    def delete_values(self, names: Any) -> None:
        self._fail()
        for name in names:
            self.pending.pop(name, None)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable


class Harness:
    """Items that name objects, as writers leave them, and the stream of their changes."""

    def __init__(self) -> None:
        self.bucket = Bucket()
        self.items: dict[tuple[str, str], str] = {}
        self.stream: list[StoredResponse] = []
        self.abandoned: set[tuple[str, str]] = set()
        self._made = Counter[str]()

    def write(self, namespace: str, key: str, how: str) -> None:
        if how == "small":
            self._change(namespace, key, "")
            return
        if how == "touch":
            if (namespace, key) in self.items:
                self._change(namespace, key, self.items[namespace, key])
            return
        self._made[namespace] += 1
        object_id = f"o{self._made[namespace]}"
        self.bucket.put_value(namespace, object_id, b"text")
        if how == "large":
            self._change(namespace, key, object_id)
        elif how == "refused":
            self.bucket.delete_value(namespace, object_id)
        else:
            self.abandoned.add((namespace, object_id))

    def remove(self, namespace: str, key: str) -> None:
        if (namespace, key) in self.items:
            self._change(namespace, key, None)

    def _change(self, namespace: str, key: str, after: str | None) -> None:
        before = self.items.pop((namespace, key), None)
        if after is not None:
            self.items[namespace, key] = after
        self.stream.append(record(before, after, partition=f"V#{namespace}", key=key))


namespaces = st.sampled_from(["n1", "n2"])
keys = st.sampled_from(["a", "b"])
writes = st.sampled_from(["large", "large", "small", "touch", "refused", "killed"])
steps = st.tuples(namespaces, keys, st.one_of(writes, st.just("removed")))


@given(st.lists(steps, max_size=40), st.data())
def test_what_is_left_is_what_items_name_however_the_stream_is_cut_repeated_and_interrupted(
    history: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    harness = Harness()
    for namespace, key, what in history:
        if what == "removed":
            harness.remove(namespace, key)
        else:
            harness.write(namespace, key, what)
    subject = ObjectTracker(harness.bucket)
    done = 0
    while done < len(harness.stream):
        start = data.draw(st.integers(0, done))
        end = data.draw(st.integers(start + 1, len(harness.stream)))
        harness.bucket.failures = data.draw(st.sampled_from([0, 0, 1, 2]))
        try:
            subject.track(harness.stream[start:end])
        except Unavailable:
            continue
        done = max(done, end)
    named = {(namespace, one) for (namespace, _), one in harness.items.items() if one}
    assert {name for name, pending in harness.bucket.pending.items() if not pending} == named
    # What a writer left behind when it was killed stays pending, so it goes by itself.
    assert {name for name, pending in harness.bucket.pending.items() if pending} == harness.abandoned
