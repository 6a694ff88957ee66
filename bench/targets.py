"""Performance and cost targets, compared with the latest results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cost import Model
    from bench.results import Admission, Cold, Comparison, Growth, HotPath, Peer


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, the measured figure, and whether the target is met."""

    target: str
    measured: str
    met: bool

    @property
    def verdict(self) -> str:
        """The result in one word."""
        return "met" if self.met else "**missed**"


def verdicts(model: Model) -> list[Verdict]:
    """Compare every target whose part was measured."""
    results = model.results
    found: list[Verdict] = []
    if results.hot_path is not None:
        found += _hot_path(results.hot_path)
    if results.cold is not None:
        found += _cold(results.cold["kv"])
    if results.comparison is not None:
        found += _comparison(results.comparison)
    if results.peers:
        found += _peers(results.peers)
    if results.admission is not None:
        found += _admission(results.admission)
    if results.growth:
        found += _growth(results.growth)
    if results.hot_path and results.growth and results.event_path and results.resources:
        found += _cost(model)
    return found


def _hot_path(hot: HotPath) -> Iterator[Verdict]:
    both = (hot.get, hot.put)
    round_trips = [f"{one.round_trips.redis:g} + {one.round_trips.dynamodb:g}" for one in both]
    one_each = all((one.round_trips.redis, one.round_trips.dynamodb) == (1, 1) for one in both)
    yield Verdict("GET and PUT: 1 round trip to Redis and 1 to DynamoDB", " and ".join(round_trips), one_each)
    cpu = [one.cpu_ms for one in both]
    met = all(one <= most for one, most in zip(cpu, (0.35, 0.45), strict=True))
    yield Verdict("GET and PUT: at most 0.35 and 0.45 ms of CPU", _pair(cpu, "ms"), met)
    ours = [one.ours_ms for one in both]
    yield Verdict("of which at most 0.15 ms outside the clients", _pair(ours, "ms"), max(ours) <= 0.15)
    wall = [one.wall_ms_at_5ms for one in both]
    yield Verdict("at most 7 ms if DynamoDB takes 5 ms", _pair(wall, "ms"), max(wall) <= 7)


def _cold(kv: Cold) -> Iterator[Verdict]:
    cpu = f"{kv.cpu_ms:.0f} ms"
    yield Verdict("kv: import and first request in at most 250 ms of CPU", cpu, kv.cpu_ms <= 250)
    yield Verdict("kv: a zip of at most 12 MB", f"{kv.zip_mb:.2f} MB", kv.zip_mb <= 12)
    yield Verdict("kv: at most 70 MB resident", f"{kv.rss_mb:.0f} MB", kv.rss_mb <= 70)


def _comparison(comparison: Comparison) -> Iterator[Verdict]:
    ratios = [comparison.ratio["get"], comparison.ratio["put"]]
    text = f"GET and PUT: at most 1.35 times the CPU of {comparison.revision}"
    yield Verdict(text, _pair(ratios, "times"), max(ratios) <= 1.35)
    text = f"kv cold start: at most 1.7 times that of {comparison.revision}"
    yield Verdict(text, f"{comparison.cold_ratio:.2f} times", comparison.cold_ratio <= 1.7)
    share = comparison.now.cold_cpu_ms / comparison.card_import_cpu_ms
    yield Verdict("kv cold start: at most 50 % of importing every library", f"{share:.0%}", share <= 0.5)


def _peers(peers: list[Peer]) -> Iterator[Verdict]:
    for peer, least in zip(peers, (1.2, 5), strict=False):
        ratio = peer.ratio["get"]
        yield Verdict(
            f"GET in process: at least {least:g} times faster than {peer.name}", f"{ratio:.2f} times", ratio >= least
        )


def _admission(admission: Admission) -> Iterator[Verdict]:
    for through, found in (("on sockets", admission.sockets), ("through the limiter", admission.service)):
        one = next(one for one in found if one.clients == 1)
        text = f"Admission {through}, one client: at least 60 % of the rate of PING"
        yield Verdict(text, f"{one.ratio:.0%}", one.ratio >= 0.6)
    rates = [one.ratio for one in admission.sockets if one.clients == 1]
    text = "Admission constant from 1 to 10,000 accounts (within 15 % of the rate of PING)"
    yield Verdict(text, " · ".join(f"{rate:.0%}" for rate in rates), min(rates) >= 0.85 * max(rates))


def _growth(growth: list[Growth]) -> Iterator[Verdict]:
    size = growth[0].value_bytes
    grown: list[Growth] = []
    for one in growth:
        if one.value_bytes != size or (grown and one.keys <= grown[-1].keys):
            break
        grown.append(one)
    units = {(one.get_units, one.put_units, one.list_units) for one in grown}
    bytes_of_pages = [one.list_bytes for one in grown]
    flat = len(units) == 1 and max(bytes_of_pages) <= 1.1 * min(bytes_of_pages)
    measured = f"to {grown[-1].keys:,}: {'same units' if len(units) == 1 else 'different units'}"
    text = "GET, PUT and a page cost the same from 100 to 1,000,000 keys"
    yield Verdict(text, measured, flat and grown[-1].keys >= 1_000_000)


def _cost(model: Model) -> Iterator[Verdict]:
    for operation, gateway, most in (
        ("get", True, 1.55),
        ("put", True, 2.05),
        ("get", False, 0.55),
        ("put", False, 1.05),
    ):
        lines = model.request(operation, gateway=gateway)
        inside = sum(lines.values()) - lines["Transfer to the internet"]
        front = "the HTTP API" if gateway else "a function URL"
        measured = f"${inside:.2f}, plus ${lines['Transfer to the internet']:.2f} for transfer to the internet"
        yield Verdict(f"${most} per million {operation.upper()}s behind {front}", measured, inside <= most)


def _pair(values: list[float], unit: str) -> str:
    return " and ".join(f"{value:.2f} {unit}" for value in values)
