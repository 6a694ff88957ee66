"""What a meter says, and what of it is told: everything once it can, nothing lost, nothing forgotten too soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from kv_common.admission.metering import MeterSnapshot
from kv_common.events import RequestServed, Served
from kv_service.metering import rules

if TYPE_CHECKING:
    from kv_service.metering.rules import UsageReport

MINUTE = 29_916_666
BEGAN_S = MINUTE * 60


def report_of(
    meter: dict[str, str], *, now_s: int = BEGAN_S + 75, after_s: int = 75, every: int = 15, quota: Any = None
) -> UsageReport | None:
    snapshot = MeterSnapshot("account", {"epoch": "e1", **meter}, quota or {})
    return rules.build_report(snapshot, now_s=now_s, flush_delay_s=after_s, key_use_report_minutes=every)


def test_a_minute_is_told_by_namespace_and_operation() -> None:
    report = report_of(
        {f"{MINUTE}|n1|get": "2", f"{MINUTE}|n1|put": "1", f"{MINUTE}|n1|in": "70", f"{MINUTE}|-|get": "3"},
        quota={"2026-11": "6"},
    )
    assert report is not None
    served = {"n1": Served(requests={"get": 2, "put": 1}, bytes_in=70), "-": Served(requests={"get": 3}, bytes_in=0)}
    assert report.minutes == (RequestServed(minute=MINUTE, epoch="e1", changes=6, namespaces=served),)
    assert report.used == {"2026-11": 6}
    assert report.ack.minutes == {MINUTE: 6}


def test_a_minute_waits_until_it_is_due() -> None:
    meter = {f"{MINUTE}|n1|get": "2"}
    assert report_of(meter, now_s=BEGAN_S + 74) is None
    assert report_of(meter, now_s=BEGAN_S + 75) is not None
    assert report_of(meter, now_s=BEGAN_S, after_s=0) is not None


def test_a_minute_that_was_told_is_told_again_only_when_it_has_changed() -> None:
    meter = {f"{MINUTE}|n1|get": "2", f"{MINUTE}|reported": "2"}
    assert report_of(meter) is None
    again = report_of({**meter, f"{MINUTE}|n1|put": "1"})
    assert again is not None
    assert again.minutes[0].changes == 3


def test_a_refund_is_a_change_although_less_is_counted() -> None:
    refunded = report_of({f"{MINUTE}|n1|get": "1", f"{MINUTE}|refunded": "1", f"{MINUTE}|reported": "2"})
    assert refunded is not None
    assert (refunded.minutes[0].changes, refunded.minutes[0].namespaces) == (
        3,
        {"n1": Served(requests={"get": 1}, bytes_in=0)},
    )


def test_a_minute_is_forgotten_when_it_cannot_change_any_more_also_if_it_was_told_before() -> None:
    meter = {f"{MINUTE}|n1|get": "2", f"{MINUTE}|reported": "2"}
    assert report_of(meter, now_s=BEGAN_S + 119) is None
    late = report_of(meter, now_s=BEGAN_S + 120)
    assert late is not None
    assert (late.minutes, late.ack.minutes, late.ack.forget) == ((), {MINUTE: 2}, frozenset({MINUTE}))
    both = report_of({f"{MINUTE}|n1|get": "2"}, now_s=BEGAN_S + 120)
    assert both is not None
    assert len(both.minutes) == 1
    assert both.ack.forget == frozenset({MINUTE})


def test_the_lag_is_how_long_the_oldest_minute_has_been_over() -> None:
    report = report_of({f"{MINUTE}|n1|get": "1", f"{MINUTE - 10}|n1|get": "1"}, now_s=BEGAN_S + 80)
    assert report is not None
    assert report.lag_s == 80 + 9 * 60


def test_a_key_is_told_at_its_first_use_then_now_and_then_and_when_it_has_stopped() -> None:
    def keys(used: int, before: int | None, now: int) -> dict[str, int]:
        meter = {"used|key_1": str(used)} | ({} if before is None else {"reported|key_1": str(before)})
        report = report_of(meter, now_s=now * 60)
        return {} if report is None else report.keys

    assert keys(100, None, 100) == {"key_1": 100}
    assert keys(110, 100, 110) == {}
    assert keys(115, 100, 115) == {"key_1": 115}
    assert keys(110, 100, 124) == {}
    assert keys(110, 100, 125) == {"key_1": 110}
    assert keys(100, 100, 200) == {}


def test_a_key_that_has_not_been_used_for_a_day_is_forgotten() -> None:
    report = report_of({"used|key_1": "100", "reported|key_1": "100"}, now_s=(100 + 24 * 60 + 1) * 60)
    assert report is not None
    assert (report.keys, report.ack.forget_keys) == ({}, frozenset({"key_1"}))


operations = st.tuples(st.sampled_from(["n1", "n2", "-"]), st.sampled_from(["get", "put"]))


@given(st.lists(st.tuples(operations, st.booleans()), max_size=40), st.sets(st.integers(0, 40)))
def test_what_is_told_last_is_what_was_counted_whenever_it_is_told(
    history: list[tuple[tuple[str, str], bool]], flushes: set[int]
) -> None:
    meter: dict[str, str] = {}
    counts: dict[tuple[str, str], int] = {}
    reports: list[RequestServed] = []

    def add(field: str, by: int) -> None:
        meter[field] = str(int(meter.get(field, "0")) + by)

    def flush() -> None:
        report = report_of(meter)
        if report is not None:
            reports.extend(report.minutes)
            meter[f"{MINUTE}|reported"] = str(report.minutes[0].changes)

    for step, ((namespace, operation), refund) in enumerate(history):
        if refund and counts.get((namespace, operation), 0) > 0:
            counts[namespace, operation] -= 1
            add(f"{MINUTE}|{namespace}|{operation}", -1)
            add(f"{MINUTE}|refunded", 1)
        else:
            counts[namespace, operation] = counts.get((namespace, operation), 0) + 1
            add(f"{MINUTE}|{namespace}|{operation}", 1)
        if step in flushes:
            flush()
    flush()
    assert [one.changes for one in reports] == sorted({one.changes for one in reports})
    last = reports[-1].namespaces if reports else {}
    reported_counts = {(ns, op): n for ns, served in last.items() for op, n in served.requests.items()}
    assert reported_counts == counts
