"""What callers can do with namespaces and values; stores, clocks and randomness come as parameters."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kv_common import cursors
from kv_common.admission.redis_limiter import LimiterUnavailable, RedisLimiter
from kv_common.errors import Conflict, NotFound, Unavailable
from kv_common.names import no_such_namespace
from kv_service.domain import (
    MAX_KEYS_DELETED_AT_ONCE,
    KeyInfo,
    Namespace,
    NamespaceStatus,
    NewValue,
    Page,
    PageRequest,
    RandomBelow,
    Space,
    Stored,
    Value,
    new_token,
)

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
        self,
        store: NamespaceStore,
        values: ValueStore,
        limiter: RedisLimiter,
        *,
        now_ms: Clock,
        random_below: RandomBelow,
    ) -> None:
        self._store = store
        self._values = values
        self._limiter = limiter
        self._now_ms = now_ms
        self._random_below = random_below

    def create(self, account_id: str, name: str) -> Namespace:
        """Make the namespace `name`; Conflict when it exists or the account has too many."""
        namespace = Namespace(name, new_token(self._random_below), self._now_ms())
        self._store.create(account_id, namespace)
        # Without Redis it is enough that the table knows the name: admission reads it there.
        with suppress(LimiterUnavailable):
            self._limiter.remember_namespace(account_id, name, namespace.id)
        return namespace

    def get(self, account_id: str, name: str) -> Namespace:
        """Return the namespace `name`; NotFound when the account has none."""
        namespace = self._store.get(account_id, name)
        if namespace is None:
            raise no_such_namespace()
        return namespace

    def all(self, account_id: str) -> tuple[Namespace, ...]:
        """Return the account's namespaces by name."""
        return self._store.all(account_id)

    def delete(self, account_id: str, name: str) -> None:
        """Remove the namespace and its values; safe to repeat when it stopped half-way.

        First nobody new gets in (table, then Redis), then the values go, and the name comes free last. Without Redis
        it stops after the first step: processes that know the name from there would go on writing into nowhere.
        """
        namespace = self.get(account_id, name)
        space = Space(account_id, namespace.id)
        if namespace.status is NamespaceStatus.ACTIVE:
            if self._values.count(space, up_to=MAX_KEYS_DELETED_AT_ONCE + 1) > MAX_KEYS_DELETED_AT_ONCE:
                raise Conflict(
                    f"A namespace of more than {MAX_KEYS_DELETED_AT_ONCE} keys cannot be deleted: delete keys first.",
                    details={"reason": "too_many_keys", "max_keys": MAX_KEYS_DELETED_AT_ONCE},
                )
            self._store.mark_deleting(account_id, namespace)
        try:
            self._limiter.forget_namespace(account_id, name, namespace.id)
        except LimiterUnavailable as error:
            raise Unavailable("The namespace is closed and not yet deleted. Please retry.") from error
        self._values.delete_all(space)
        self._store.remove(account_id, namespace)


def _found(value: Value | None) -> Value:
    if value is None:
        raise NotFound("There is no such key.", details={"resource": "key"})
    return value
