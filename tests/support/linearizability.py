"""A linearizability checker: the algorithm of Wing & Gong, with memoization.

A call takes effect at one moment between its beginning and its end. A call whose answer never came may have taken
effect at any moment since it began, or not at all. A history is linearizable exactly if that of each object is (Herlihy
and Wing), so each of several keys is checked separately.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence


class Call(Protocol):
    """A call, timed by a clock that all clients share."""

    @property
    def begun(self) -> int:
        """When the request was sent."""

    @property
    def ended(self) -> int | None:
        """When the response arrived, None if it was lost."""


State = TypeVar("State", bound="Hashable")
OneCall = TypeVar("OneCall", bound=Call)


@dataclass(frozen=True, slots=True)
class Violation(Generic[OneCall]):
    """The longest valid order, and the calls of which none can come next."""

    order: tuple[OneCall, ...]
    stuck: tuple[OneCall, ...]

    def __str__(self) -> str:
        """The last calls of the order, and those that cannot follow."""
        fitting, stuck = ([f"  {call}" for call in calls] for calls in (self.order[-8:], self.stuck))
        return "\n".join(["These can have happened one after the other:", *fitting, "and then none of these:", *stuck])


def find_violation(
    calls: Iterable[OneCall], initial: State, step: Callable[[State, OneCall], Iterable[State]]
) -> Violation[OneCall] | None:
    """Return None when the calls on one object are linearizable, and else where every order comes to an end.

    `step` gives the states that a call with its answer can lead to, none where it cannot have happened.
    """
    history = sorted(calls, key=lambda call: call.begun)
    answered = sum(1 << index for index, call in enumerate(history) if call.ended is not None)
    # An order is characterized by its set of calls, as bits, and its state: no such pair is examined twice.
    start = longest = (0, initial)
    came_from: dict[tuple[int, State], tuple[tuple[int, State], int]] = {start: (start, 0)}
    stack = [start]
    while stack:
        node = stack.pop()
        placed, state = node
        if placed & answered == answered:
            return None
        if placed.bit_count() > longest[0].bit_count():
            longest = node
        for index in _candidates(history, placed):
            for following in step(state, history[index]):
                after = (placed | 1 << index, following)
                if after not in came_from:
                    came_from[after] = (node, index)
                    stack.append(after)
    stuck = tuple(history[index] for index in _candidates(history, longest[0]))
    order = []
    while longest != start:
        longest, index = came_from[longest]
        order.append(history[index])
    return Violation(tuple(reversed(order)), stuck)


def _candidates(history: Sequence[Call], placed: int) -> list[int]:
    """Return which calls can come next: those that began before any other remaining call had ended.

    They are in reverse: the last is tried first, and the one that began first is the best guess.
    """
    first = (~placed & (placed + 1)).bit_length() - 1
    found: list[int] = []
    earliest_end: int | None = None
    for index in range(first, len(history)):
        call = history[index]
        if earliest_end is not None and call.begun > earliest_end:
            break
        if not placed >> index & 1:
            found.append(index)
            if call.ended is not None and (earliest_end is None or call.ended < earliest_end):
                earliest_end = call.ended
    found.reverse()
    return found
