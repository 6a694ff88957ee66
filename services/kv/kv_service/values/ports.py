"""What the operations on values need of their stores, and the failures that they handle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kv_service.namespaces.model import NamespaceRef
    from kv_service.values.commands import Increment
    from kv_service.values.idempotency import IdempotencyKey, RecordedAnswer, StoredResponse
    from kv_service.values.model import Version, WriteStamp
    from kv_service.values.pages import KeyRange
    from kv_service.values.planning import Change
    from kv_service.values.preconditions import Precondition


class VersionConflict(Exception):
    """The key is in another state than the write expected; nothing was written.

    `found` is the stored version, which may have expired, or None.
    """

    def __init__(self, found: Version | None) -> None:
        super().__init__("the key is in another state")
        self.found = found


@dataclass(frozen=True, slots=True)
class Seen:
    """A consistent read of several keys: the versions that exist, by key, and the record of the request."""

    versions: Mapping[str, Version]
    record: StoredResponse | None


class ValueStore(Protocol):
    """Single keys of a namespace; every method may raise Unavailable.

    Expired versions are returned until the table has deleted them: callers decide by the clock. Pages leave them out.
    """

    def get(self, space: NamespaceRef, key: str, *, consistent: bool = True) -> Version | None:
        """Return the version under `key`; a large value's body is read by `load`."""

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        """Return a version with its body; None if the key has been overwritten since it was read."""

    def head(self, space: NamespaceRef, key: str, *, consistent: bool = True) -> Version | None:
        """Return the version under `key` without its body."""

    def put(self, space: NamespaceRef, version: Version, precondition: Precondition, *, now_ms: int) -> int | None:
        """Store `version`; return when the replaced one was created (ms), or None. Raises VersionConflict."""

    def increment(self, space: NamespaceRef, command: Increment, moment: WriteStamp) -> Version:
        """Add to the integer under the key, which starts at 0; return the new version. Raises VersionConflict."""

    def delete(self, space: NamespaceRef, key: str, precondition: Precondition, *, now_ms: int) -> None:
        """Delete `key`, if it exists. Raises VersionConflict."""

    def replace(self, space: NamespaceRef, key: str, found: Version | None, version: Version | None) -> None:
        """Store `version`, or delete, only if `found` is still stored. Raises VersionConflict."""

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
        """Return up to `limit` keys that start with `prefix`, in order, after the key `after`."""


class TransactionStore(Protocol):
    """Up to a hundred keys of a namespace at once; every method may raise Unavailable."""

    def read(
        self, space: NamespaceRef, keys: Sequence[str], once: IdempotencyKey | None = None, *, now_ms: int = 0
    ) -> Seen:
        """Return the versions under `keys`, each strongly consistent, and the record of a request."""

    def read_at_once(self, space: NamespaceRef, keys: Sequence[str]) -> Seen:
        """Return a consistent snapshot. Raises TransactionConflict and TransactionTooLarge."""

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        """Return a version with its body; see ValueStore."""

    def commit(
        self,
        space: NamespaceRef,
        changes: Sequence[Change],
        once: IdempotencyKey | None,
        answer: RecordedAnswer | None,
        *,
        now_ms: int,
    ) -> None:
        """Apply all changes and record the response, or none of it.

        Raises VersionConflict, TransactionConflict and TransactionTooLarge.
        """


class ResponseObjects(Protocol):
    """Objects that hold response bodies for two days; every method may raise Unavailable."""

    def put_answer(self, namespace_id: str, name: str, body: bytes) -> None:
        """Store a response's body."""

    def presign_answer(self, namespace_id: str, name: str, *, expires_s: int) -> str:
        """Return a URL of a stored body."""
