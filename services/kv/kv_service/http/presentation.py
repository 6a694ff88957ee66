"""How answers about namespaces and limits look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.clock import month_span, timestamp
from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from kv_common.admission import Decision
    from kv_service.namespaces.model import Namespace, NamespaceStats


def show_namespace(namespace: Namespace, holdings: NamespaceStats) -> dict[str, object]:
    """Return a namespace as the API shows it."""
    return {
        "name": namespace.name,
        "status": namespace.status,
        "created_at": timestamp(namespace.created_at_ms),
        "keys": holdings.keys,
        "bytes": holdings.bytes,
    }


def show_limits(decision: Decision) -> dict[str, object]:
    """Return the state of an account's limits as the API shows it."""
    limits = decision.limits
    if limits is None:
        raise Unavailable
    return {
        "plan": limits.plan,
        "rate": {
            "limit": limits.rate,
            "burst": limits.burst,
            "remaining": decision.remaining,
            "reset_ms": decision.reset_ms,
        },
        "quota": {
            "limit": limits.quota,
            "used": decision.used,
            "remaining": max(0, limits.quota - decision.used),
            "resets_at": timestamp(month_span(decision.now_ms)[1]),
        },
        "storage": {"limit": limits.storage, "used": decision.stored},
    }
