"""What operations on several keys come to, before anything is written: pure rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kv_common.errors import AppError, Conflict, PayloadTooLarge
from kv_service.values.commands import Get, WriteResult, apply, require_found
from kv_service.values.model import MAX_INLINE_BYTES, Version, unless_expired

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kv_service.values.commands import Command
    from kv_service.values.model import WriteStamp

MAX_WRITTEN_BYTES = 3_800_000
"""DynamoDB takes 4 MB in one transaction, bookkeeping included."""

Outcome = Version | WriteResult | AppError
"""What became of an operation: what was found, what was written, or why it was refused."""


class Change(msgspec.Struct, frozen=True):
    """What becomes of a key: from the version that was found to the one that comes, None for nothing.

    `only_check` asks that the key has stayed as it was found, and changes nothing.
    """

    key: str
    found: Version | None
    version: Version | None
    only_check: bool = False


class Plan(msgspec.Struct, frozen=True):
    """The outcomes of operations in their order, and the changes that make them true."""

    outcomes: tuple[Outcome, ...]
    changes: tuple[Change, ...]


class NotApplied(Conflict):
    """An atomic batch of which nothing happened, because some of it could not."""

    def __init__(self, failed: Mapping[int, AppError]) -> None:
        super().__init__(
            "Nothing of the batch was applied, because some of it could not be.",
            details={"reason": "not_applied", "failed": [{"index": index, **shown(e)} for index, e in failed.items()]},
        )


def shown(error: AppError) -> dict[str, object]:
    """Return why an operation was refused as a batch shows it."""
    public: dict[str, object] = {"status": error.status, "code": error.code, "message": error.message}
    return {**public, "details": error.public_details} if error.public_details else public


def plan(
    operations: Sequence[Command],
    found: Mapping[str, Version],
    moment: Callable[[], WriteStamp],
    *,
    room: int,
    atomic: bool,
) -> Plan:
    """Return what the operations come to, one after the other, where these versions are found under their keys.

    Each gets a `moment` of its own. Raises NotApplied where an atomic one is refused, and PayloadTooLarge where there
    is more to write than one transaction takes.
    """
    now_ms = moment().now_ms
    present = {key: unless_expired(version, now_ms) for key, version in found.items()}
    written: set[str] = set()
    outcomes: list[Outcome] = []
    for one in operations:
        current = present.get(one.key)
        try:
            if isinstance(one, Get):
                outcomes.append(require_found(one, current))
                continue
            outcome = apply(one, current, moment(), room=room)
        except AppError as problem:
            outcomes.append(problem)
            continue
        room -= (outcome.version.stored_bytes if outcome.version else 0) - (current.stored_bytes if current else 0)
        present[one.key] = outcome.version
        written.add(one.key)
        outcomes.append(outcome)
    failed = {index: one for index, one in enumerate(outcomes) if isinstance(one, AppError)}
    if atomic and failed:
        raise NotApplied(failed)
    changes = [Change(key, found.get(key), present[key]) for key in sorted(written)]
    if sum(one.version.size for one in changes if one.version and not one.version.is_large) > MAX_WRITTEN_BYTES:
        raise PayloadTooLarge(
            f"At one moment, values of {MAX_WRITTEN_BYTES} bytes in all at most can be written, "
            f"besides those of more than {MAX_INLINE_BYTES}.",
            details={"reason": "transaction_size", "max_bytes": MAX_WRITTEN_BYTES},
        )
    if atomic:
        only_read = sorted({one.key for one in operations} - written)
        changes += [Change(key, found.get(key), None, only_check=True) for key in only_read]
    return Plan(tuple(outcomes), tuple(changes))
