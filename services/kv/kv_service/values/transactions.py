"""Operations on several keys, and idempotent requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kv_common import retry
from kv_common.dynamodb import TransactionConflict
from kv_common.errors import AppError, Unavailable
from kv_service.values.commands import Get, WriteResult, reads_text, require_found
from kv_service.values.idempotency import RecordedAnswer, in_flight
from kv_service.values.model import unless_expired
from kv_service.values.planning import plan
from kv_service.values.ports import VersionConflict
from kv_service.values.read_budget import ReadBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kv_common.clock import Clock
    from kv_common.http import Response
    from kv_service.namespaces.model import NamespaceRef
    from kv_service.values.commands import Command
    from kv_service.values.idempotency import IdempotencyKey
    from kv_service.values.model import Version
    from kv_service.values.planning import Outcome
    from kv_service.values.ports import TransactionStore
    from kv_service.values.service import Values

    Chain = list[tuple[int, Command]]

_AT_ONCE = 8
"""How many keys of a batch are worked on at the same time; botocore keeps ten connections."""

_ATTEMPTS = 25
_FIRST_PAUSE_S = 0.02
_MAX_PAUSE_S = 0.08


class MultiKeyOperations:
    """Several operations at once on the values of one `NamespaceRef`; `wait` sleeps for seconds."""

    def __init__(
        self,
        values: Values,
        store: TransactionStore,
        *,
        now_ms: Clock,
        wait: Callable[[float], None],
    ) -> None:
        self._values = values
        self._store = store
        self._now_ms = now_ms
        self._wait = wait

    def each(self, space: NamespaceRef, operations: Sequence[Command]) -> list[Outcome]:
        """Do the operations, each for itself; those on one key in their order.

        What is read before it is written takes one round trip for all keys, and every other operation those of its own.
        """
        chains: dict[str, Chain] = {}
        for index, one in enumerate(operations):
            chains.setdefault(one.key, []).append((index, one))
        looked_up = [key for key, chain in chains.items() if isinstance(chain[0][1], Get)]
        found = self._store.read(space, looked_up).versions if looked_up else {}
        outcomes: dict[int, Outcome] = {}
        allowance = ReadBudget()

        def follow(chain: Chain) -> None:
            outcomes.update(self._follow(space, chain, found, allowance))

        further: list[Chain] = []
        for key, chain in chains.items():
            if all(isinstance(one, Get) for _, one in chain) and not _is_offloaded(found.get(key)):
                follow(chain)
            else:
                further.append(chain)
        if len(further) == 1:
            follow(further[0])
        elif further:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(_AT_ONCE) as workers:
                # The list is what raises in this thread what was raised in another.
                list(workers.map(follow, further))
        if all(isinstance(outcome, Unavailable) for outcome in outcomes.values()):
            raise Unavailable
        return [outcomes[index] for index in range(len(operations))]

    def at_once(
        self,
        space: NamespaceRef,
        operations: Sequence[Command],
        show: Callable[[Sequence[Outcome]], Response],
        *,
        atomic: bool,
        once: IdempotencyKey | None,
    ) -> Response:
        """Do the operations at one moment and return what `show` makes of their outcomes.

        Atomic ones are all applied or none: NotApplied says why not. Of an idempotent request, the response is stored
        in the same transaction; a repetition returns only the response. Two round trips while nobody else writes the
        keys, one for an atomic batch that only reads.
        """
        keys = sorted({one.key for one in operations})
        if once is None and all(isinstance(one, Get) for one in operations):
            return self._retried(lambda: self._read_at_once(space, operations, keys, show), once)
        return self._retried(lambda: self._try(space, operations, keys, show, atomic=atomic, once=once), once)

    def _read_at_once(
        self,
        space: NamespaceRef,
        operations: Sequence[Command],
        keys: Sequence[str],
        show: Callable[[Sequence[Outcome]], Response],
    ) -> Response:
        found = self._with_texts(space, operations, self._store.read_at_once(space, keys).versions)
        return show(plan(operations, found, self._values.moment, room=space.room, atomic=True).outcomes)

    def _try(
        self,
        space: NamespaceRef,
        operations: Sequence[Command],
        keys: Sequence[str],
        show: Callable[[Sequence[Outcome]], Response],
        *,
        atomic: bool,
        once: IdempotencyKey | None,
    ) -> Response:
        now_ms = self._now_ms()
        seen = self._store.read(space, keys, once, now_ms=now_ms)
        if once is not None and seen.record is not None:
            return seen.record.replay(once)
        found = self._with_texts(space, operations, seen.versions)
        try:
            planned = plan(operations, found, self._values.moment, room=space.room, atomic=atomic)
            response = show(planned.outcomes)
        except AppError as refusal:
            answer = RecordedAnswer.of_error(refusal)
            if once is not None and answer is not None:
                self._store.commit(space, (), once, answer, now_ms=now_ms)
            raise
        self._store.commit(space, planned.changes, once, RecordedAnswer.of(response), now_ms=now_ms)
        return response

    def _retried(self, attempt: Callable[[], Response], once: IdempotencyKey | None) -> Response:
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
            if once is not None:
                raise in_flight() from conflict
            raise Unavailable("Too many requests are writing these keys. Please retry.") from conflict

    def _with_texts(
        self, space: NamespaceRef, operations: Sequence[Command], found: Mapping[str, Version]
    ) -> dict[str, Version]:
        """Return the versions with the bodies that the operations need; VersionConflict if one has been deleted."""
        allowance = ReadBudget()
        whole = dict(found)
        for one in operations:
            if reads_text(one) and one.key in found:
                allowance.take(found[one.key].size)
        for key in {one.key for one in operations if reads_text(one)} & set(found):
            version = self._store.load(space, found[key])
            if version is None:
                raise VersionConflict(None)
            whole[key] = version
        return whole

    def _follow(
        self, space: NamespaceRef, chain: Chain, found: Mapping[str, Version], allowance: ReadBudget
    ) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        written = False
        for index, one in chain:
            try:
                if not isinstance(one, Get):
                    written = True
                    outcomes[index] = _without_large_text(self._values.write(space, one))
                elif written or _is_offloaded(found.get(one.key)):
                    outcomes[index] = self._values.get(space, one, allowance)
                else:
                    outcomes[index] = self._looked_up(one, found.get(one.key), allowance)
            except AppError as problem:
                outcomes[index] = problem
        return outcomes

    def _looked_up(self, command: Get, found: Version | None, allowance: ReadBudget) -> Version:
        version = require_found(command, unless_expired(found, self._now_ms()))
        allowance.take(version.size)
        return version


def _is_offloaded(found: Version | None) -> bool:
    """Return whether the text of what was found is still to be read."""
    return found is not None and found.text is None


def _without_large_text(written: WriteResult) -> WriteResult:
    """Return what was written without what nobody asks for, and a hundred of would take too much room."""
    if written.version is None or not written.version.is_large:
        return written
    return replace(written, version=replace(written.version, text=None))
