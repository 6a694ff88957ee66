"""Writers of large values that crash, conflict or retry: no object is lost, and none is left over."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from kv_common import dynamodb, s3
from kv_common.clock import now_ms
from kv_common.errors import PreconditionFailed
from kv_service.namespaces.model import NamespaceRef
from kv_service.persistence import ObjectStore, ValueStore
from kv_service.values import preconditions
from kv_service.values.commands import Delete, Get, Patch, Put
from kv_service.values.service import Values
from tests.support.dynamodb_calls import lost_responses
from tests.support.kv_process import enter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.local.environment import LocalEnvironment

LARGE = '"' + "a" * 1_000_000 + '"'
OTHER = '"' + "b" * 1_000_000 + '"'


class Died(Exception):
    """The process has crashed."""


class BeforeTheItem(Protocol):
    """Calls a function once, after an object is written and before the item that references it."""

    def __call__(self, happens: Callable[[], None]) -> Any: ...


class Harness:
    """Values of a new namespace on the real table and bucket."""

    def __init__(self, env: dict[str, str]) -> None:
        self.client, self.s3 = dynamodb.client(), s3.client()
        self.table, self.bucket = env["TABLE"], env["OBJECTS_BUCKET"]
        self.objects = ObjectStore(lambda: self.s3, self.bucket)
        self.space = NamespaceRef("00000000-0000-4000-8000-000000000001", secrets.token_hex(6))
        self.values = self.values_on(self.client)

    def values_on(self, client: Any) -> Values:
        return Values(
            ValueStore(client, self.table, self.objects),
            now_ms=now_ms,
            random_below=secrets.randbelow,
            cursor_secret=lambda: b"s" * 32,
            wait=lambda _seconds: None,
        )

    def overtake(self, command: Put | Delete) -> None:
        """Write as another client, and process the stream record at once."""
        before = self.values._store.get(self.space, "k")
        self.values.write(self.space, command)
        if before is not None and before.object_id is not None:
            self.objects.delete_value(self.space.namespace_id, before.object_id)

    def text(self) -> str | None:
        return self.values.get(self.space, Get("k")).text

    def etag(self) -> str:
        return self.values.head(self.space, Get("k")).etag

    def names(self) -> list[str]:
        prefix = f"values/{self.space.namespace_id}/"
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [one["Key"].removeprefix(prefix) for one in found]

    def pending(self, name: str) -> bool:
        key = f"values/{self.space.namespace_id}/{name}"
        return bool(self.s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"])

    @contextmanager
    def before_the_item(self, happens: Callable[[], None]) -> Iterator[Values]:
        """Return values whose next large write is interrupted between the object and the item."""
        client, left = dynamodb.client(), [happens]

        def interrupt(**_: object) -> None:
            if left:
                left.pop()()

        client.meta.events.register("before-send.dynamodb.TransactWriteItems", interrupt)
        yield self.values_on(client)
        assert not left

    @contextmanager
    def answer_lost(self, meanwhile: Callable[[], None]) -> Iterator[Values]:
        """Return values whose next large write is repeated by the SDK after another write."""
        left = [meanwhile]

        def is_lost(operation: str) -> bool:
            if not left or operation != "TransactWriteItems":
                return False
            left.pop()()
            return True

        with lost_responses(is_lost):
            yield self.values_on(dynamodb.client())
        assert not left


@pytest.fixture
def harness(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> Harness:
    return Harness(enter(local, "kv", monkeypatch))


def die() -> None:
    raise Died


@pytest.mark.parametrize("before", [None, "1", OTHER], ids=["new", "small before", "large before"])
def test_writer_killed_before_the_item_leaves_an_object_that_expires(harness: Harness, before: str | None) -> None:
    if before is not None:
        harness.values.write(harness.space, Put("k", before))
    there = harness.names()
    with harness.before_the_item(die) as values, pytest.raises(Died):
        values.write(harness.space, Put("k", LARGE))
    [left] = set(harness.names()) - set(there)
    assert harness.pending(left)
    page = harness.values._store.page(harness.space, prefix="", limit=10, after=None, now_ms=now_ms(), consistent=True)
    assert left not in [version.object_id for version in page.keys]
    if before is not None:
        assert harness.text() == before


def test_writer_with_a_conflict_retries_and_leaves_one_object(harness: Harness) -> None:
    harness.values.write(harness.space, Put("k", "1"))
    with harness.before_the_item(lambda: harness.overtake(Put("k", "2"))) as values:
        written = values.write(harness.space, Put("k", LARGE))
    assert harness.text() == LARGE
    assert written.version
    assert harness.names() == [written.version.etag]


def test_precondition_that_fails_at_the_write_leaves_no_object(harness: Harness) -> None:
    harness.values.write(harness.space, Put("k", "1"))
    precondition = preconditions.read(f'"{harness.etag()}"', None)
    with harness.before_the_item(lambda: harness.overtake(Put("k", "2"))) as values, pytest.raises(PreconditionFailed):
        values.write(harness.space, Put("k", LARGE, precondition=precondition))
    assert (harness.text(), harness.names()) == ("2", [])


def test_patch_that_conflicts_with_a_small_value_is_merged_into_it(harness: Harness) -> None:
    harness.values.write(harness.space, Put("k", f'{{"a":{LARGE}}}'))
    with harness.before_the_item(lambda: harness.overtake(Put("k", '{"b":1}'))) as values:
        values.write(harness.space, Patch("k", '{"c":2}'))
    assert harness.text() == '{"b":1,"c":2}'


@pytest.mark.parametrize(
    ("overtaking", "text"), [(Put("k", OTHER), OTHER), (Delete("k"), None)], ids=["replaced", "deleted"]
)
@pytest.mark.parametrize("before", [None, "1"], ids=["new", "small before"])
def test_repeated_write_does_not_reference_a_deleted_object(
    harness: Harness, overtaking: Put | Delete, text: str | None, before: str | None
) -> None:
    if before is not None:
        harness.values.write(harness.space, Put("k", before))
    with harness.answer_lost(lambda: harness.overtake(overtaking)) as values:
        assert values.write(harness.space, Put("k", LARGE)).created == (before is None)
    if text is None:
        assert harness.values._store.get(harness.space, "k") is None
    else:
        assert harness.text() == text
