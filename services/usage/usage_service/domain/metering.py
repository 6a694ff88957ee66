"""Cumulative reports and what each adds to the totals.

RequestServed reports everything counted for (account, minute, epoch), again whenever it has grown, so the newest report
counts, by `changes`, not the number of reports. The recorded part of a (minute, epoch) is kept beside the totals, and
a newer report adds its difference: none for a duplicate, a negative one where
a request was taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kv_common.events import RequestServed, Served

Counts = Mapping[str, Served]
"""What was served, by namespace id; "-" stands for requests that named no namespace of the account."""

_NOTHING = Served(requests={}, bytes_in=0)


@dataclass(frozen=True, slots=True)
class Booked:
    """The recorded part of a (minute, epoch): up to which report, its counts, and in how many steps."""

    changes: int = -1
    counts: Counts = field(default_factory=dict)
    steps: int = 0


NOTHING_BOOKED = Booked()


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a report that is recorded at once: what to add to the totals, and the recorded part then."""

    differences: Counts
    after: Booked


def next_step(booked: Booked, report: RequestServed, *, at_most: int) -> Step | None:
    """Return the next step towards a report, over `at_most` namespaces; None when it or a newer one is recorded.

    Only the last step takes over the report's `changes`. A crash before it leaves the recorded part of each namespace,
    from which every report can be recorded in full.
    """
    if report.changes <= booked.changes:
        return None
    differences = {
        namespace: difference
        for namespace in sorted(booked.counts.keys() | report.namespaces.keys())
        if (difference := _difference(_of(booked.counts, namespace), _of(report.namespaces, namespace))) != _NOTHING
    }
    if len(differences) <= at_most:
        return Step(differences, Booked(report.changes, report.namespaces, booked.steps + 1))
    first = {namespace: differences[namespace] for namespace in list(differences)[:at_most]}
    counts = {**booked.counts, **{namespace: _of(report.namespaces, namespace) for namespace in first}}
    return Step(first, Booked(booked.changes, counts, booked.steps + 1))


def total(parts: Iterable[Served]) -> Served:
    """Return the sum of several counts."""
    requests: Counter[str] = Counter()
    bytes_in = 0
    for served in parts:
        # Adds differences too, which may be negative.
        requests.update(served.requests)
        bytes_in += served.bytes_in
    return Served(requests=dict(requests), bytes_in=bytes_in)


def _of(counts: Counts, namespace: str) -> Served:
    return counts.get(namespace, _NOTHING)


def _difference(before: Served, after: Served) -> Served:
    operations = before.requests.keys() | after.requests.keys()
    changes = {name: after.requests.get(name, 0) - before.requests.get(name, 0) for name in sorted(operations)}
    return Served(
        requests={name: change for name, change in changes.items() if change}, bytes_in=after.bytes_in - before.bytes_in
    )
