"""What kv depends on, kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kv_common.errors import AppError, Conflict, Unavailable
from kv_common.redis import RedisUnavailable
from kv_service.namespaces.model import EMPTY, Namespace, NamespaceRef, NamespaceStats, NamespaceStatus
from kv_service.persistence import NamespaceStore, ObjectStore, ServiceStore, TransactionStore, ValueStore
from kv_service.values.commands import Increment, apply
from kv_service.values.idempotency import KEPT_S, StoredResponse
from kv_service.values.model import Version, WriteStamp, unless_expired
from kv_service.values.pages import KeyRange
from kv_service.values.ports import Seen, VersionConflict
from tests.unit.common.admission_fakes import FakeRedis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kv_common.auth.jwks import JwkSet
    from kv_common.events import Event
    from kv_service.jobs.model import Job
    from kv_service.values.idempotency import IdempotencyKey, RecordedAnswer
    from kv_service.values.planning import Change
    from kv_service.values.preconditions import Precondition

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
NOW_MS = 1_795_176_000_250  # 2026-11-20T12:00:00.250Z


class Journal(list[str]):
    """What happened, in order, across stores."""


class FakeValueStore(ValueStore):
    """Versions by namespace id and key; `problem` is raised in place of an answer."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.values: dict[tuple[str, str], Version] = {}
        self.problem: Exception | None = None
        self.journal = Journal() if journal is None else journal
        self.spaces: list[NamespaceRef] = []
        self.before_replacing: list[Version] = []
        self.before_text: list[Version | None] = []
        self.consistent: list[bool] = []

    def fill(self, namespace_id: str, keys: list[str]) -> None:
        for key in keys:
            self.values[namespace_id, key] = Version(key, "1", 1, "e", NOW_MS, NOW_MS)

    def get(self, space: NamespaceRef, key: str, *, consistent: bool = True) -> Version | None:
        self._answer(space)
        self.consistent.append(consistent)
        return self.values.get((space.namespace_id, key))

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        self._answer(space)
        if not self.before_text:
            return found
        # Another writer is quicker, and has taken the object away.
        self.values.pop((space.namespace_id, found.key), None)
        if (newer := self.before_text.pop(0)) is not None:
            self.values[space.namespace_id, found.key] = newer
        return None

    def head(self, space: NamespaceRef, key: str, *, consistent: bool = True) -> Version | None:
        found = self.get(space, key, consistent=consistent)
        return None if found is None else replace(found, text=None)

    def put(self, space: NamespaceRef, version: Version, precondition: Precondition, *, now_ms: int) -> int | None:
        self._answer(space)
        old = self.values.get((space.namespace_id, version.key))
        creates = precondition.if_none_match is not None and precondition.if_none_match.any
        current = unless_expired(old, now_ms)
        if (old != current and not creates) or not precondition.holds(current.etag if current else None):
            raise VersionConflict(old)
        if version.stored_bytes > space.room and (old is None or old.size < version.stored_bytes - space.room):
            raise VersionConflict(old)
        created_at_ms = now_ms if current is None else current.created_at_ms
        self.values[space.namespace_id, version.key] = replace(version, created_at_ms=created_at_ms)
        return None if current is None else created_at_ms

    def increment(self, space: NamespaceRef, command: Increment, moment: WriteStamp) -> Version:
        self._answer(space)
        old = self.values.get((space.namespace_id, command.key))
        try:
            written = apply(command, unless_expired(old, moment.now_ms), moment, room=space.room)
        except AppError as problem:
            raise VersionConflict(old) from problem
        assert written.version is not None
        if old is not None and not old.is_live(moment.now_ms):
            raise VersionConflict(old)
        self.values[space.namespace_id, command.key] = written.version
        return written.version

    def delete(self, space: NamespaceRef, key: str, precondition: Precondition, *, now_ms: int) -> None:
        self._answer(space)
        old = self.values.get((space.namespace_id, key))
        current = unless_expired(old, now_ms)
        if not precondition.holds(current.etag if current else None):
            raise VersionConflict(old)
        self.values.pop((space.namespace_id, key), None)

    def replace(self, space: NamespaceRef, key: str, found: Version | None, version: Version | None) -> None:
        self._answer(space)
        if self.before_replacing:
            # Another writer is quicker.
            self.values[space.namespace_id, key] = self.before_replacing.pop(0)
        old = self.values.get((space.namespace_id, key))
        if (old and old.etag) != (found and found.etag):
            raise VersionConflict(old)
        self.values.pop((space.namespace_id, key), None)
        if version is not None:
            self.values[space.namespace_id, key] = version

    def page(
        self,
        space: NamespaceRef,
        *,
        prefix: str,
        limit: int,
        after: str | None,
        now_ms: int,
        consistent: bool = False,
        metadata: bool = False,
    ) -> KeyRange:
        self._answer(space)
        self.consistent.append(consistent)
        found = [
            version if metadata else replace(version, metadata=None)
            for (namespace_id, key), version in sorted(self.values.items())
            if namespace_id == space.namespace_id
            and key.startswith(prefix)
            and key > (after or "")
            and version.is_live(now_ms)
        ]
        shown = tuple(found[:limit])
        return KeyRange(shown, shown[-1].key if len(found) > limit else None)

    def delete_batch(self, space: NamespaceRef) -> int:
        self._answer(space)
        keys = [at for at in self.values if at[0] == space.namespace_id][:2]
        for at in keys:
            del self.values[at]
        if keys:
            self.journal.append("values deleted")
        return len(keys)

    def delete_all(self, space: NamespaceRef) -> None:
        self._answer(space)
        self.journal.append("swept")
        self.values = {at: value for at, value in self.values.items() if at[0] != space.namespace_id}

    def _answer(self, space: NamespaceRef) -> None:
        self.spaces.append(space)
        if self.problem is not None:
            raise self.problem


class FakeTransactionStore(TransactionStore):
    """Several keys of a shelf at once, and the records of requests; `meanwhile` happens before a commit, once each."""

    def __init__(self, value_store: FakeValueStore) -> None:
        self.value_store = value_store
        self.records: dict[tuple[str, str], tuple[StoredResponse, int]] = {}
        self.meanwhile: list[Callable[[], None]] = []
        self.reads: list[tuple[str, ...]] = []
        self.commits: list[int] = []

    def read(
        self, space: NamespaceRef, keys: Sequence[str], once: IdempotencyKey | None = None, *, now_ms: int = 0
    ) -> Seen:
        self.reads.append(tuple(keys))
        record, until_ms = self.records.get((space.namespace_id, once.id), (None, 0)) if once else (None, 0)
        if until_ms <= now_ms:
            record = None
        return Seen(self.read_at_once(space, keys).versions, record)

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        return self.value_store.load(space, found)

    def read_at_once(self, space: NamespaceRef, keys: Sequence[str]) -> Seen:
        assert len(set(keys)) == len(keys) <= 100
        found = {key: self.value_store.get(space, key) for key in keys}
        return Seen({key: version for key, version in found.items() if version}, None)

    def commit(
        self,
        space: NamespaceRef,
        changes: Sequence[Change],
        once: IdempotencyKey | None,
        response: RecordedAnswer | None,
        *,
        now_ms: int,
    ) -> None:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        assert len(changes) + (once is not None) <= 100
        for change in changes:
            old = self.value_store.values.get((space.namespace_id, change.key))
            if (old.etag if old else None) != (change.found.etag if change.found else None):
                raise VersionConflict(None)
        if once is not None and response is not None:
            _, until_ms = self.records.get((space.namespace_id, once.id), (None, 0))
            if until_ms > now_ms:
                raise VersionConflict(None)
            self.records[space.namespace_id, once.id] = (
                StoredResponse(once.fingerprint, response),
                now_ms + KEPT_S * 1000,
            )
        self.commits.append(len(changes))
        for change in changes:
            if change.version is not None:
                self.value_store.values[space.namespace_id, change.key] = change.version
            elif not change.only_check:
                self.value_store.values.pop((space.namespace_id, change.key), None)


class FakeObjectStore(ObjectStore):
    """Objects by namespace id and name; answers are fetched at example.com."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.responses: dict[tuple[str, str], bytes] = {}
        self.journal = Journal() if journal is None else journal
        self.held = 1

    def put_answer(self, namespace_id: str, name: str, body: bytes) -> None:
        self.responses[namespace_id, name] = body

    def presign_answer(self, namespace_id: str, name: str, *, expires_s: int) -> str:
        return f"https://example.com/{namespace_id}/{name}?for={expires_s}"

    def delete_batch(self, namespace_id: str) -> int:
        deleted, self.held = self.held, 0
        if deleted:
            self.journal.append(f"objects of {namespace_id} deleted")
        return deleted

    def delete_namespace(self, namespace_id: str) -> None:
        self.journal.append(f"objects of {namespace_id} swept")


class FakeNamespaceStore(NamespaceStore):
    """Namespaces by account and name, what they hold by id, and the jobs and events that came with changes of them."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.namespaces: dict[tuple[str, str], Namespace] = {}
        self.held: dict[tuple[str, str], NamespaceStats] = {}
        self.told: list[Event] = []
        self.jobs: list[Job] = []
        self.journal = Journal() if journal is None else journal

    def create(self, account_id: str, namespace: Namespace, event: Event) -> None:
        old = self.namespaces.get((account_id, namespace.name))
        if old is not None and old.status is NamespaceStatus.ACTIVE:
            raise Conflict(f"The namespace {namespace.name!r} exists already.")
        self.namespaces[account_id, namespace.name] = namespace
        self.held[account_id, namespace.id] = EMPTY
        self.told.append(event)
        self.journal.append("created in the table")

    def get(self, account_id: str, name: str) -> Namespace | None:
        return self.namespaces.get((account_id, name))

    def all(self, account_id: str) -> tuple[Namespace, ...]:
        return tuple(one for (owner, _), one in sorted(self.namespaces.items()) if owner == account_id)

    def stats(self, account_id: str, namespace_id: str) -> NamespaceStats:
        return self.held.get((account_id, namespace_id), EMPTY)

    def all_stats(self, account_id: str) -> dict[str, NamespaceStats]:
        return {one: held for (owner, one), held in self.held.items() if owner == account_id}

    def close(self, account_id: str, namespace: Namespace, job: Job) -> None:
        if namespace.status is NamespaceStatus.DELETING:
            return
        self.journal.append("closed in the table")
        self.namespaces[account_id, namespace.name] = replace(namespace, status=NamespaceStatus.DELETING)
        self.jobs.append(job)

    def remove(self, account_id: str, namespace: Namespace, event: Event) -> None:
        self.journal.append("removed from the table")
        if self.namespaces.get((account_id, namespace.name), namespace).id == namespace.id:
            self.namespaces.pop((account_id, namespace.name), None)
        self.told.append(event)


class FakeLimiter(FakeRedis):
    """A limiter that also keeps the names of namespaces."""

    def __init__(self, journal: Journal | None = None) -> None:
        super().__init__()
        self.journal = Journal() if journal is None else journal
        self.names: dict[tuple[str, str], str] = {}
        self.gone: set[str] = set()

    def remember_namespace(self, account_id: str, name: str, namespace_id: str) -> None:
        if self.down:
            raise RedisUnavailable("down")
        self.journal.append("remembered in Redis")
        self.names[account_id, name] = namespace_id

    def forget_namespace(self, account_id: str, name: str, namespace_id: str) -> None:
        if self.down:
            raise RedisUnavailable("down")
        self.journal.append("forgotten in Redis")
        self.gone.add(namespace_id)
        self.names.pop((account_id, name), None)

    def close_account(self, account_id: str) -> None:
        if self.down:
            raise RedisUnavailable("down")
        self.journal.append("account closed in Redis")
        self.names = {at: one for at, one in self.names.items() if at[0] != account_id}


class FakeServiceStore(ServiceStore):
    """The service's own items."""

    def __init__(self, keys: JwkSet) -> None:
        self.keys = keys
        self.down = False

    def signing_keys(self) -> JwkSet:
        return self.keys

    def check(self) -> None:
        if self.down:
            raise Unavailable
