"""Thresholds: 80, 90 and 100 percent of a limit, each published once per account, month and change of plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kv_common.plans import DEFAULT_PLAN

if TYPE_CHECKING:
    from collections.abc import Iterable

Metric = Literal["requests", "storage"]

THRESHOLDS = (80, 90, 100)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan an account is on and its limits; `changed_at_us` is 0 for one that has never changed its plan."""

    name: str
    requests_per_month: int
    storage_bytes: int
    changed_at_us: int = 0


FIRST_PLAN = Plan(DEFAULT_PLAN.name, DEFAULT_PLAN.requests_per_month, DEFAULT_PLAN.storage_bytes)
"""The plan of every account without a change of plan."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """An account has reached `threshold` percent of a limit."""

    metric: Metric
    threshold: int
    used: int
    limit: int


def crossings(metric: Metric, used: int, limit: int) -> tuple[Crossing, ...]:
    """Return every threshold that is reached, lowest first; of a limit of 0 every use reaches all."""
    return tuple(
        Crossing(metric, threshold, used, limit)
        for threshold in THRESHOLDS
        if used > 0 and used * 100 >= threshold * limit
    )


def mark(crossing: Crossing, plan: Plan) -> str:
    """Return the marker of a published crossing in its month: a change of plan makes all crossings new."""
    return f"{crossing.metric}#{crossing.threshold}#{plan.changed_at_us}"


def unpublished(found: Iterable[Crossing], plan: Plan, emitted: frozenset[str]) -> tuple[Crossing, ...]:
    """Return the crossings that the month's marks do not hold yet."""
    return tuple(crossing for crossing in found if mark(crossing, plan) not in emitted)


def percent(used: int, limit: int) -> float:
    """Return how much of the limit is used, to two decimals and rounded down: 100 means that it is reached."""
    if limit == 0:
        return 100.0 if used > 0 else 0.0
    return used * 10_000 // limit / 100
