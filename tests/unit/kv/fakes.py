"""What kv depends on, kept in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kv_common.admission.redis_limiter import LimiterUnavailable
from kv_common.errors import Conflict, Unavailable
from kv_service.domain import (
    EMPTY,
    Holdings,
    KeyInfo,
    KeyRange,
    Namespace,
    NamespaceStatus,
    NewValue,
    Space,
    StorageFull,
    Value,
)
from kv_service.store import NamespaceStore, ServiceStore, ValueStore
from tests.unit.common.admission_fakes import FakeRedis

if TYPE_CHECKING:
    from kv_common.events import Event
    from kv_common.tokens.jwks import JwkSet
    from kv_service.jobs import Job

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
NOW_MS = 1_795_176_000_250  # 2026-11-20T12:00:00.250Z


class Journal(list[str]):
    """What happened, in order, across stores."""


class Shelf(ValueStore):
    """Values by namespace id and key; `problem` is raised in place of an answer."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.values: dict[tuple[str, str], Value] = {}
        self.problem: Exception | None = None
        self.journal = Journal() if journal is None else journal
        self.spaces: list[Space] = []

    def fill(self, namespace_id: str, keys: list[str]) -> None:
        for key in keys:
            self.values[namespace_id, key] = Value("1", "e", KeyInfo(key, 1, NOW_MS, NOW_MS))

    def get(self, space: Space, key: str) -> Value | None:
        self._answer(space)
        return self.values.get((space.namespace_id, key))

    def head(self, space: Space, key: str) -> Value | None:
        found = self.get(space, key)
        return None if found is None else replace(found, text="")

    def put(self, space: Space, new: NewValue, *, etag: str, now_ms: int) -> int | None:
        self._answer(space)
        old = self.values.get((space.namespace_id, new.key))
        size = len(new.text.encode())
        if len(new.key) + size > space.room and (old is None or old.info.size < size - space.room):
            raise StorageFull
        created_at_ms = now_ms if old is None else old.info.created_at_ms
        info = KeyInfo(new.key, size, created_at_ms, now_ms)
        self.values[space.namespace_id, new.key] = Value(new.text, etag, info)
        return None if old is None else created_at_ms

    def delete(self, space: Space, key: str) -> None:
        self._answer(space)
        self.values.pop((space.namespace_id, key), None)

    def page(self, space: Space, *, prefix: str, limit: int, after: str | None) -> KeyRange:
        self._answer(space)
        found = [
            value.info
            for (namespace_id, key), value in sorted(self.values.items())
            if namespace_id == space.namespace_id and key.startswith(prefix) and key > (after or "")
        ]
        shown = tuple(found[:limit])
        return KeyRange(shown, shown[-1].key if len(found) > limit else None)

    def delete_some(self, space: Space) -> int:
        self._answer(space)
        keys = [at for at in self.values if at[0] == space.namespace_id][:2]
        for at in keys:
            del self.values[at]
        if keys:
            self.journal.append("values deleted")
        return len(keys)

    def delete_all(self, space: Space) -> None:
        self._answer(space)
        self.journal.append("swept")
        self.values = {at: value for at, value in self.values.items() if at[0] != space.namespace_id}

    def _answer(self, space: Space) -> None:
        self.spaces.append(space)
        if self.problem is not None:
            raise self.problem


class Directory(NamespaceStore):
    """Namespaces by account and name, what they hold by id, and the jobs and events that came with changes of them."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.namespaces: dict[tuple[str, str], Namespace] = {}
        self.held: dict[tuple[str, str], Holdings] = {}
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

    def holdings(self, account_id: str, namespace_id: str) -> Holdings:
        return self.held.get((account_id, namespace_id), EMPTY)

    def all_holdings(self, account_id: str) -> dict[str, Holdings]:
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


class Limiter(FakeRedis):
    """A limiter that also keeps the names of namespaces."""

    def __init__(self, journal: Journal | None = None) -> None:
        super().__init__()
        self.journal = Journal() if journal is None else journal
        self.names: dict[tuple[str, str], str] = {}
        self.gone: set[str] = set()

    def remember_namespace(self, account_id: str, name: str, namespace_id: str) -> None:
        if self.down:
            raise LimiterUnavailable("down")
        self.journal.append("remembered in Redis")
        self.names[account_id, name] = namespace_id

    def forget_namespace(self, account_id: str, name: str, namespace_id: str) -> None:
        if self.down:
            raise LimiterUnavailable("down")
        self.journal.append("forgotten in Redis")
        self.gone.add(namespace_id)
        self.names.pop((account_id, name), None)

    def close_account(self, account_id: str) -> None:
        if self.down:
            raise LimiterUnavailable("down")
        self.journal.append("account closed in Redis")
        self.names = {at: one for at, one in self.names.items() if at[0] != account_id}


class Service(ServiceStore):
    """The service's own items."""

    def __init__(self, keys: JwkSet) -> None:
        self.keys = keys
        self.down = False

    def signing_keys(self) -> JwkSet:
        return self.keys

    def check(self) -> None:
        if self.down:
            raise Unavailable
