"""The tables in docs/benchmarks.md and docs/cost.md, made from the last figures: `python -m bench.documents`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.cost import Model, load_prices, sensitivity
from bench.results import load
from bench.tables import OPERATIONS
from bench.targets import verdicts
from infra.repository import Repository
from kv_common.plans import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.results import Decisions, Results

DOCUMENTS = ("benchmarks.md", "cost.md")
_PART = re.compile(r"(<!-- made by `make docs`: ([a-z ]+) -->\n).*?(?=<!-- end -->)", re.DOTALL)
_VOLUMES = (10**4, 10**5, 10**6, 10**7, 10**8, 10**9)


def filled(text: str, parts: Mapping[str, str]) -> str:
    """Return a document with its tables as they are now; a table that nobody makes is a KeyError."""
    return _PART.sub(lambda found: found[1] + parts[found[2]], text)


def parts() -> dict[str, str]:
    """Return every table by its name."""
    results = load()
    model = Model(results, load_prices())
    return {
        **_benchmarks(results),
        "targets": _table(
            ("target", "measured", ""), [(one.target, one.measured, one.verdict) for one in verdicts(model)]
        ),
        "requests": _requests(model),
        "floor": _floor(model),
        "volumes": _volumes(model),
        "plans": _plans(model),
        "sensitivity": _table(
            ("if", "$ a million requests"), [(name, f"{change:+.2f}") for name, change in sensitivity(model)]
        ),
        "prices": _prices(model),
        "background": _background(model),
    }


def _benchmarks(results: Results) -> dict[str, str]:
    made = {"machine": _machine(results)}
    if (hot := results.hot_path) is not None:
        made["hot path"] = _table(
            (
                "operation",
                "Redis",
                "DynamoDB",
                "CPU ms",
                "of it the two calls'",
                "ours",
                "p50 ms",
                "p99 ms",
                "p50 ms, DynamoDB at 5 ms",
                "bytes to and from Redis",
                "to and from DynamoDB",
            ),
            [
                (
                    name.replace("_", " "),
                    f"{one.trips.redis:g}",
                    f"{one.trips.dynamodb:g}",
                    f"{one.cpu_ms:.2f}",
                    f"{one.client_ms:.2f}",
                    f"{one.ours_ms:.2f}",
                    f"{one.wall_ms:.2f}",
                    f"{one.wall_ms_p99:.2f}",
                    f"{one.wall_ms_at_5ms:.2f}",
                    f"{one.bytes.redis_in} + {one.bytes.redis_out}",
                    f"{one.bytes.dynamodb_in} + {one.bytes.dynamodb_out}",
                )
                for name, one in ((name, getattr(hot, name)) for name in OPERATIONS)
            ],
        )
    made["cold start"] = _table(
        ("service", "CPU ms of the import", "of the first request", "of both", "MB resident", "MB zipped"),
        [
            (
                name,
                f"{one.import_cpu_ms:.0f}",
                f"{one.first_cpu_ms:.0f}",
                f"{one.cpu_ms:.0f}",
                f"{one.rss_mb:.0f}",
                f"{one.zip_mb:.2f}",
            )
            for name, one in (results.cold or {}).items()
        ],
    )
    if (admission := results.admission) is not None:
        rows = [("the limiter", one) for one in admission.service] + [("sockets", one) for one in admission.sockets]
        made["admission"] = _table(
            ("asked through", "clients", "accounts", "decisions a second", "PINGs a second", "ratio"),
            [(through, *_decided(one)) for through, one in rows],
        )
    made["peers"] = _table(
        ("store", "operation", "CPU ms", "ms", "times ours"),
        [
            (f"{peer.name} {peer.version}", name.replace("_", " "), f"{peer.cpu_ms[name]:.2f}", f"{wall:.2f}", times)
            for peer in results.peers or []
            for name, wall, times in ((name, peer.wall_ms[name], f"{peer.ratio[name]:.2f}") for name in peer.wall_ms)
        ],
    )
    made["growth"] = _table(
        ("keys", "bytes of a value", "GET, read units", "PUT, write units", "LIST 100, read units", "bytes of each"),
        [
            (
                f"{one.keys:,}",
                f"{one.value_bytes:,}",
                f"{one.get_units:g}",
                f"{one.put_units:g}, {one.put_index_units:g} of them the index's",
                f"{one.list_units:g}",
                f"{one.get_bytes:,} · {one.put_bytes:,} · {one.list_bytes:,}",
            )
            for one in results.growth or []
        ],
    )
    made["front door"] = _table(
        ("method", "clients", "requests a second", "p50 ms", "p99 ms"),
        [
            (one.method, one.clients, f"{one.requests_per_s:.0f}", f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}")
            for one in results.front_door or []
        ],
    )
    if (path := results.event_path) is not None:
        rows_of_path: list[tuple[object, ...]] = [
            (caller, f"{path.read_units[caller]:g}", f"{units:g}") for caller, units in path.write_units.items()
        ]
        made["event path"] = _table(("of 1,000 requests", "read units", "write units"), rows_of_path)
        made["event lag"] = _table(
            ("", "p50", "p99"),
            [
                ("request to usage, s", _or_not(path.request_to_usage_p50_s), _or_not(path.request_to_usage_p99_s)),
                ("crossing to mail, s", _or_not(path.crossing_to_mail_p50_s), _or_not(path.crossing_to_mail_p99_s)),
                ("events booked a second by one worker", f"{path.consumed_per_s:.0f}", ""),
                ("its CPU of an event, ms", f"{path.consumer_cpu_ms:.1f}", ""),
            ],
        )
    return made


def _decided(one: Decisions) -> tuple[object, ...]:
    counts = (one.clients, f"{one.accounts:,}", f"{one.decisions_per_s:,.0f}", f"{one.pings_per_s:,.0f}")
    return (*counts, f"{one.ratio:.2f}")


def _or_not(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _machine(results: Results) -> str:
    machine, times = results.machine, sorted(results.measured.values())
    return (
        f"{machine.cores} processors ({machine.processor}), {machine.memory_gb} GB, {machine.system}, "
        f"Python {machine.python}; measured {times[0]} to {times[-1]}.\n"
    )


def _requests(model: Model) -> str:
    columns = [model.request(operation, gateway=gateway) for operation in ("get", "put") for gateway in (True, False)]
    rows = [(name, *(f"{one[name]:.3f}" for one in columns)) for name in columns[0]]
    rows.append(("**all**", *(f"**{sum(one.values()):.2f}**" for one in columns)))
    inside = [sum(one.values()) - one["Transfer to the internet"] for one in columns]
    rows.append(("all, to clients in the region", *(f"{cost:.2f}" for cost in inside)))
    return _table(("$ a million", "GET, HTTP API", "GET, Function URL", "PUT, HTTP API", "PUT, Function URL"), rows)


def _floor(model: Model) -> str:
    lines = model.floor()
    rows = [(name, f"{cost:.2f}") for name, cost in lines.items()]
    rows.append(("**all**", f"**{sum(lines.values()):.2f}**"))
    price, admission = model.prices, model.results.admission
    serverless = 0.1 * 730 * price["redis_serverless_gb_hour"]
    ecpu = (admission.ecpu if admission else 1) * price["redis_serverless_ecpu_million"]
    text = _table(("$ a month", ""), rows)
    return (
        f"{text}\nElastiCache Serverless for Valkey in the node's place: ${serverless:.2f} a month and "
        f"${ecpu:.3f} a million requests (an admission takes {admission.script_us if admission else 0:.0f} µs of "
        f"Redis, about {admission.ecpu if admission else 1:.0f} times a plain GET). A second node, for an outage "
        f"without a gap in limits: ${730 * price['redis_node_hour']:.2f} more. Redis OSS in Valkey's place: "
        f"${730 * price['redis_oss_node_hour']:.2f} a node.\n"
    )


def _volumes(model: Model) -> str:
    rows = [
        (
            f"{requests:,}",
            *(f"{model.month(requests, gateway=gateway):,.2f}" for gateway in (True, False)),
            f"{model.month(requests, gateway=True) / requests * 10**6:,.2f}",
        )
        for requests in _VOLUMES
    ]
    return _table(("requests a month", "$, HTTP API", "$, Function URL", "$ a million, HTTP API"), rows)


def _plans(model: Model) -> str:
    rows = []
    for plan in CATALOG.values():
        cost = model.customer(plan)
        requests_only = sum(value for line, value in cost.items() if line != "storage")
        rows.append(
            (
                plan.name,
                plan.price,
                *(f"{cost[line]:.2f}" for line in ("requests", "metering", "payment")),
                f"**{plan.price - requests_only:+.2f}**",
                f"{cost['storage']:.2f}",
                f"**{plan.price - sum(cost.values()):+.2f}**",
            )
        )
    return _table(
        (
            "plan",
            "$ a month",
            "requests",
            "metering",
            "payment",
            "left, all requests used",
            "storage",
            "left, all storage used too",
        ),
        rows,
    )


def _prices(model: Model) -> str:
    rows = [
        (
            price.what,
            f"{price.usd:.10f}".rstrip("0").rstrip("."),
            f"<{price.source}>",
            "" if price.checked else "from memory",
        )
        for price in model.prices.prices.values()
    ]
    text = _table(("", "$", "source", ""), rows)
    return f"{model.prices.region}, looked up on {model.prices.looked_up}.\n\n{text}"


def _background(model: Model) -> str:
    minute, batch = model.minute() * 10**6, model.batch() * 10**6
    return (
        f"A minute in which an account made requests costs ${minute:.2f} a million to tell and to book, "
        f"{model.batch_s:.0f} seconds in which it wrote ${batch:.2f} a million to count.\n"
    )


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def main() -> None:
    """Write the tables anew."""
    made = parts()
    for name in DOCUMENTS:
        path = Repository.here().root / "docs" / name
        path.write_text(filled(path.read_text(), made))
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
