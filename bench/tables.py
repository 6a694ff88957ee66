"""Prints results on a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.results import Profile, Results

OPERATIONS = ("get", "put", "list", "delete", "denied", "not_modified")
_MODULES, _FUNCTIONS = 30, 120
_SPLIT_PACKAGES = ("botocore", "kv_common", "kv_service")


def show(part: str, results: Results) -> None:
    """Print one part."""
    title, rows = _ROWS[part](results)
    lines = [tuple(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(title)
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  " + "  ".join([line[0].ljust(widths[0]), *cells]))


def show_profile(profile: Profile) -> None:
    """Print a CPU profile by module and by function."""
    own: Counter[str] = Counter()
    for file, _, _, mine, _ in profile.functions:
        package, *rest = file.split("/")
        own["/".join([package, *rest[:2]]) if package in _SPLIT_PACKAGES else package] += round(mine)
    print("own CPU of a request by module, µs")
    for module, mine in own.most_common(_MODULES):
        print(f"  {mine:6} {module}")
    print("CPU of a request by function, µs with callees, and own")
    for file, line, name, mine, cumulative in profile.functions[:_FUNCTIONS]:
        print(f"  {cumulative:6.0f} {mine:6.0f}  {file}:{line} {name}")


Rows = tuple[str, "Iterable[tuple[object, ...]]"]


def _hot_path(results: Results) -> Rows:
    hot = results.hot_path
    if hot is None:
        return "", []
    rows: list[tuple[object, ...]] = [
        ("operation", "redis", "dynamodb", "cpu ms", "clients", "ours", "p50 ms", "p99 ms", "at 5 ms", "p99")
    ]
    for name in OPERATIONS:
        one = getattr(hot, name)
        rows.append(
            (
                name,
                f"{one.round_trips.redis:g}",
                f"{one.round_trips.dynamodb:g}",
                f"{one.cpu_ms:.3f}",
                f"{one.client_ms:.3f}",
                f"{one.ours_ms:.3f}",
                f"{one.wall_ms:.2f}",
                f"{one.wall_ms_p99:.2f}",
                f"{one.wall_ms_at_5ms:.2f}",
                f"{one.wall_ms_at_5ms_p99:.2f}",
            )
        )
    return f"Hot path: {hot.value_bytes} bytes, round trips and CPU of a request", rows


def _cold(results: Results) -> Rows:
    rows: list[tuple[object, ...]] = [("service", "import cpu ms", "first cpu ms", "cpu ms", "wall ms", "MB", "zip MB")]
    for name, one in (results.cold or {}).items():
        cpu = (one.import_cpu_ms, one.first_cpu_ms, one.cpu_ms, one.wall_ms)
        rows.append((name, *(f"{value:.0f}" for value in cpu), f"{one.rss_mb:.0f}", f"{one.zip_mb:.2f}"))
    return "Cold start: import and first request", rows


def _admission(results: Results) -> Rows:
    rows: list[tuple[object, ...]] = [("through", "clients", "accounts", "decisions/s", "PINGs/s", "ratio")]
    found = results.admission
    if found is not None:
        for through, decisions in (("the limiter", found.service), ("sockets", found.sockets)):
            rows += [
                (
                    through,
                    one.clients,
                    one.accounts,
                    f"{one.decisions_per_s:,.0f}",
                    f"{one.pings_per_s:,.0f}",
                    one.ratio,
                )
                for one in decisions
            ]
    return "Admission", rows


def _peers(results: Results) -> Rows:
    rows: list[tuple[object, ...]] = [("store", "operation", "cpu ms", "wall ms", "ratio")]
    for peer in results.peers or []:
        rows += [
            (
                f"{peer.name} {peer.version}",
                name,
                f"{peer.cpu_ms[name]:.3f}",
                f"{peer.wall_ms[name]:.3f}",
                peer.ratio[name],
            )
            for name in peer.wall_ms
        ]
    return "Peers, called in process", rows


def _growth(results: Results) -> Rows:
    rows: list[tuple[object, ...]] = [
        ("keys", "value B", "GET units", "PUT units", "of index", "LIST units", "GET B", "PUT B", "LIST B")
    ]
    rows += [
        (
            f"{one.keys:,}",
            f"{one.value_bytes:,}",
            f"{one.get_units:g}",
            f"{one.put_units:g}",
            f"{one.put_index_units:g}",
            f"{one.list_units:g}",
            f"{one.get_bytes:,}",
            f"{one.put_bytes:,}",
            f"{one.list_bytes:,}",
        )
        for one in results.growth or []
    ]
    return "Growth: units and bytes of a request", rows


def _front_door(results: Results) -> Rows:
    rows: list[tuple[object, ...]] = [("method", "clients", "req/s", "p50 ms", "p99 ms")]
    rows += [
        (one.method, one.clients, f"{one.requests_per_s:.0f}", one.p50_ms, one.p99_ms)
        for one in results.front_door or []
    ]
    return "HTTP API of the emulator", rows


def _event_path(results: Results) -> Rows:
    found = results.event_path
    if found is None:
        return "", []
    rows: list[tuple[object, ...]] = [("per 1,000 requests", "read units", "write units")]
    rows += [(caller, found.read_units[caller], found.write_units[caller]) for caller in found.write_units]
    rows.append(("events", "", sum(found.events.values())))
    rows.append(("recorded per second by a worker", "", found.consumed_per_s))
    rows.append(("CPU per event, ms", "", found.consumer_cpu_ms))
    if found.request_to_usage_p50_s is not None:
        rows.append(("request to usage, s: p50, p99", found.request_to_usage_p50_s, found.request_to_usage_p99_s))
        rows.append(("threshold to mail, s: p50, p99", found.crossing_to_mail_p50_s, found.crossing_to_mail_p99_s))
    return "Event path", rows


def _resources(results: Results) -> Rows:
    found = results.resources
    if found is None:
        return "", []
    return "Resources of a stage", [
        ("alarms", found.alarms),
        ("polled queues", found.queues),
        ("secrets", found.secrets),
        ("memory of kv's function, MB", found.memory_mb),
    ]


_ROWS: dict[str, Callable[[Results], Rows]] = {
    "hot_path": _hot_path,
    "cold": _cold,
    "admission": _admission,
    "peers": _peers,
    "growth": _growth,
    "front_door": _front_door,
    "event_path": _event_path,
    "resources": _resources,
}
