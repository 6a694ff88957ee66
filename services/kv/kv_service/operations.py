"""What callers can do with namespaces and values; stores, clocks and randomness come as parameters."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kv_common import cursors
from kv_common.admission.redis_limiter import LimiterUnavailable, RedisLimiter
from kv_common.errors import NotFound
from kv_common.names import no_such_namespace
from kv_service import told
from kv_service.domain import (
    EMPTY,
    Holdings,
    KeyInfo,
    Namespace,
    NewValue,
    Page,
    PageRequest,
    RandomBelow,
    Space,
    Stored,
    Value,
    new_token,
)
from kv_service.jobs import Job, JobKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.times import Clock
    from kv_service.store import NamespaceStore, ValueStore


class Values:
    """Operations on the values of one `Space`."""

    def __init__(
        self, store: ValueStore, *, now_ms: Clock, random_below: RandomBelow, cursor_secret: Callable[[], bytes]
    ) -> None:
        self._store = store
        self._now_ms = now_ms
        self._random_below = random_below
        self._cursor_secret = cursor_secret

    def get(self, space: Space, key: str) -> Value:
        """Return the value of `key`; NotFound when there is none."""
        return _found(self._store.get(space, key))

    def head(self, space: Space, key: str) -> Value:
        """Return all but the text of the value of `key`; NotFound when there is none."""
        return _found(self._store.head(space, key))

    def put(self, space: Space, new: NewValue) -> Stored:
        """Store a value; what was under its key before is replaced, and its time of creation stays."""
        now_ms = self._now_ms()
        etag = new_token(self._random_below)
        created_at_ms = self._store.put(space, new, etag=etag, now_ms=now_ms)
        created = created_at_ms is None
        info = KeyInfo(new.key, len(new.text.encode()), now_ms if created_at_ms is None else created_at_ms, now_ms)
        return Stored(info, etag, created)

    def delete(self, space: Space, key: str) -> None:
        """Remove `key`; the same whether it was there or not."""
        self._store.delete(space, key)

    def page(self, space: Space, request: PageRequest) -> Page:
        """Return a page of keys; its cursor is good for the same namespace and prefix, and for nothing else."""
        scope = (space.account_id, space.namespace_id, request.prefix)
        after = None
        if request.cursor is not None:
            after = cursors.read(request.cursor, scope=scope, secret=self._cursor_secret())
        found = self._store.page(space, prefix=request.prefix, limit=request.limit, after=after)
        if found.last is None:
            return Page(found.keys, None)
        return Page(found.keys, cursors.sign(found.last, scope=scope, secret=self._cursor_secret()))


class Namespaces:
    """Operations on an account's namespaces."""

    def __init__(
        self, store: NamespaceStore, limiter: RedisLimiter, *, now_ms: Clock, random_below: RandomBelow
    ) -> None:
        self._store = store
        self._limiter = limiter
        self._now_ms = now_ms
        self._random_below = random_below

    def create(self, account_id: str, name: str, *, correlation_id: str) -> Namespace:
        """Make the namespace `name`; Conflict when it exists or the account has too many."""
        namespace = Namespace(name, new_token(self._random_below), self._now_ms())
        self._store.create(account_id, namespace, told.namespace_created(account_id, namespace, correlation_id))
        # Without Redis it is enough that the table knows the name: admission reads it there.
        with suppress(LimiterUnavailable):
            self._limiter.remember_namespace(account_id, name, namespace.id)
        return namespace

    def get(self, account_id: str, name: str) -> tuple[Namespace, Holdings]:
        """Return the namespace `name` and what it holds; NotFound when the account has none."""
        namespace = self._get(account_id, name)
        return namespace, self._store.holdings(account_id, namespace.id)

    def all(self, account_id: str) -> list[tuple[Namespace, Holdings]]:
        """Return the account's namespaces by name, and what they hold."""
        holdings = self._store.all_holdings(account_id)
        return [(namespace, holdings.get(namespace.id, EMPTY)) for namespace in self._store.all(account_id)]

    def delete(self, account_id: str, name: str, *, correlation_id: str) -> None:
        """Close the namespace and begin the job that removes it; the name may be used again at once."""
        namespace = self._get(account_id, name)
        job = Job(account_id, namespace.id, JobKind.DELETE_NAMESPACE, name, self._now_ms(), correlation_id)
        self._store.close(account_id, namespace, job)
        # The job does it again before it removes anything; this closes it at once where Redis answers.
        with suppress(LimiterUnavailable):
            self._limiter.forget_namespace(account_id, name, namespace.id)

    def _get(self, account_id: str, name: str) -> Namespace:
        namespace = self._store.get(account_id, name)
        if namespace is None:
            raise no_such_namespace()
        return namespace


def _found(value: Value | None) -> Value:
    if value is None:
        raise NotFound("There is no such key.", details={"resource": "key"})
    return value
