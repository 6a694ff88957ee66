"""What callers can do with values; the store, clocks and randomness come as parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from kv_common import cursors, retry
from kv_common.dynamodb import TransactionConflict
from kv_common.errors import Unavailable
from kv_service.namespaces.model import new_token
from kv_service.values.commands import (
    Delete,
    Get,
    Increment,
    Patch,
    Put,
    WriteResult,
    apply,
    not_modified,
    put_version,
    reads_text,
    require_found,
)
from kv_service.values.model import MAX_INTEGER_BYTES, Version, WriteStamp, is_large, unless_expired
from kv_service.values.pages import Page, PageRequest
from kv_service.values.ports import VersionConflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.clock import Clock
    from kv_service.namespaces.model import NamespaceRef, RandomBelow
    from kv_service.values.commands import Write
    from kv_service.values.ports import ValueStore
    from kv_service.values.read_budget import ReadBudget

_ATTEMPTS = 20
_FIRST_PAUSE_S = 0.02
_MAX_PAUSE_S = 0.08
_READS = 3
_TOO_MANY_WRITES = "Too many requests are writing this key. Please retry."


class Values:
    """Operations on the values of one `NamespaceRef`; `wait` sleeps for seconds."""

    def __init__(
        self,
        store: ValueStore,
        *,
        now_ms: Clock,
        random_below: RandomBelow,
        cursor_secret: Callable[[], bytes],
        wait: Callable[[float], None],
    ) -> None:
        self._store = store
        self._now_ms = now_ms
        self._random_below = random_below
        self._cursor_secret = cursor_secret
        self._wait = wait

    def get(self, space: NamespaceRef, command: Get, allowance: ReadBudget | None = None) -> Version:
        """Return the version under a key; NotFound when there is none, PreconditionFailed by `If-Match`.

        Its text is taken from `allowance`; PayloadTooLarge when that is used up.
        """
        for attempt in range(_READS):
            # A missing object was replaced by a write, or the eventual read lags behind.
            consistent = command.consistent or attempt > 0
            version = require_found(command, self._live(self._store.get(space, command.key, consistent=consistent)))
            if not_modified(command, version):
                return version
            if allowance is not None:
                allowance.take(version.size)
            whole = self._store.load(space, version)
            if whole is not None:
                return require_found(command, whole)
        raise Unavailable(_TOO_MANY_WRITES)

    def head(self, space: NamespaceRef, command: Get) -> Version:
        """Return the version under a key without its text."""
        return require_found(command, self._live(self._store.head(space, command.key, consistent=command.consistent)))

    def write(self, space: NamespaceRef, command: Write) -> WriteResult:
        """Do what `command` asks, at one moment; raises PreconditionFailed, NotFound, Conflict, PayloadTooLarge.

        It is one round trip where the table can tell whether it may be done. Where only we can, one more reads the key
        and one writes it on the condition that it has not changed, again and again while others write it.
        """
        if isinstance(command, Patch) or self._is_tight(space, command) or _is_large(command):
            return self._read_and_replace(space, command)
        try:
            return self._at_once(space, command)
        except VersionConflict as moved:
            return self._read_and_replace(space, command, moved.found)
        except TransactionConflict:
            return self._read_and_replace(space, command)

    def page(self, space: NamespaceRef, request: PageRequest) -> Page:
        """Return a page of keys; its cursor is good for the same namespace and prefix, and for nothing else."""
        scope = (space.account_id, space.namespace_id, request.prefix)
        after = None
        if request.cursor is not None:
            after = cursors.read(request.cursor, scope=scope, secret=self._cursor_secret())
        found = self._store.page(
            space,
            prefix=request.prefix,
            limit=request.limit,
            after=after,
            now_ms=self._now_ms(),
            consistent=request.consistent,
            metadata=request.metadata,
        )
        if found.last is None:
            return Page(found.keys, None)
        return Page(found.keys, cursors.sign(found.last, scope=scope, secret=self._cursor_secret()))

    def moment(self) -> WriteStamp:
        """Return what the next change is made with."""
        return WriteStamp(self._now_ms(), new_token(self._random_below))

    def _at_once(self, space: NamespaceRef, command: Put | Increment | Delete) -> WriteResult:
        moment = self.moment()
        match command:
            case Delete():
                self._store.delete(space, command.key, command.precondition, now_ms=moment.now_ms)
                return WriteResult(None, created=False)
            case Increment():
                return WriteResult(self._store.increment(space, command, moment), created=False)
            case Put():
                version = put_version(command, None, moment)
                created_at_ms = self._store.put(space, version, command.precondition, now_ms=moment.now_ms)
                if created_at_ms is None:
                    return WriteResult(version, created=True)
                return WriteResult(replace(version, created_at_ms=created_at_ms), created=False)

    def _read_and_replace(
        self, space: NamespaceRef, command: Write, found: Version | UnsetType | None = UNSET
    ) -> WriteResult:
        """Apply the command to the stored version, which `found` is if it has been read, and replace that version."""
        known = [found]

        def attempt() -> WriteResult:
            return self._replace(space, command, known.pop() if known else UNSET)

        try:
            return retry.call(
                attempt,
                on=(VersionConflict, TransactionConflict),
                attempts=_ATTEMPTS,
                first_pause_s=_FIRST_PAUSE_S,
                max_pause_s=_MAX_PAUSE_S,
                sleep=self._wait,
            )
        except (VersionConflict, TransactionConflict) as conflict:
            raise Unavailable(_TOO_MANY_WRITES) from conflict

    def _replace(self, space: NamespaceRef, command: Write, found: Version | UnsetType | None) -> WriteResult:
        if found is UNSET:
            found = self._store.get(space, command.key)
        moment = self.moment()
        current = unless_expired(found, moment.now_ms)
        if current is not None and reads_text(command):
            current = self._store.load(space, current)
            if current is None:
                raise VersionConflict(None)
        # An expired item that is still stored frees its bytes when it is replaced.
        freed = found.stored_bytes if found is not None and current is None else 0
        written = apply(command, current, moment, room=space.room + freed)
        self._store.replace(space, command.key, found, written.version)
        return written

    def _is_tight(self, space: NamespaceRef, command: Write) -> bool:
        """Return whether there may be no room for an integer, whose size the table would not tell."""
        return isinstance(command, Increment) and space.room < len(command.key) + MAX_INTEGER_BYTES

    def _live(self, version: Version | None) -> Version | None:
        return unless_expired(version, self._now_ms())


def _is_large(command: Write) -> bool:
    """Return whether a text needs an object, which the item comes to name in a step of its own."""
    return isinstance(command, Put) and is_large(command.size, command.metadata)
