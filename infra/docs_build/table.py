"""The table of all events in docs/events/README.md, with their producers and consumers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from infra.docs_build.events import summary
from kv_common.events.contracts import CATALOG

if TYPE_CHECKING:
    from infra.repository import Repository, Service

_BEGIN, _END = "<!-- made by `make docs` -->", "<!-- end -->"
_BETWEEN = re.compile(f"(?<={re.escape(_BEGIN)}\n).*?(?={re.escape(_END)})", re.DOTALL)


def subscriptions(service: Service) -> dict[str, list[str]]:
    """The events that a service's queues subscribe to, by source."""
    parts = json.loads(service.resources.read_text()).get("Metadata", {}).get("Parts", {})
    subscribed: dict[str, list[str]] = {}
    for queue in parts.get("queues", {}).values():
        for source, names in queue.get("From", {}).items():
            subscribed.setdefault(source, []).extend(names)
    return subscribed


def with_table(text: str, repository: Repository) -> str:
    """The README with the current table."""
    subscribed = {service.name: subscriptions(service) for service in repository.services()}
    lines = ["| event | from | consumed by | meaning |", "|---|---|---|---|"]
    for name, contract in sorted(CATALOG.items()):
        consumers = [
            service for service, sources in subscribed.items() if any(name in names for names in sources.values())
        ]
        link = f"[{name}]({name}.schema.json)"
        lines.append(f"| {link} | {contract.PRODUCER} | {', '.join(consumers) or 'no service'} | {summary(contract)} |")
    return _BETWEEN.sub(lambda _: "\n".join(lines) + "\n", text)
