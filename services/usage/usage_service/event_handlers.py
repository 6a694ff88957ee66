"""Handlers of other services' events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.events import (
    AccountDeleted,
    NamespaceCreated,
    NamespaceDeleted,
    PlanChanged,
    RequestServed,
    StorageChanged,
)
from usage_service.container import bootstrap_consumers

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.events.consumer import Handler
    from usage_service.container import Consumers


def handlers(make: Callable[[], Consumers] = bootstrap_consumers) -> dict[str, Handler]:
    """Return the handlers, bound to their dependencies."""
    consumers = make()
    return {
        AccountDeleted.event_name(): lambda event: consumers.forget(event.account_id),
        NamespaceCreated.event_name(): consumers.standings.name_namespace,
        NamespaceDeleted.event_name(): consumers.standings.name_namespace,
        PlanChanged.event_name(): consumers.standings.change_plan,
        RequestServed.event_name(): consumers.meter.book,
        StorageChanged.event_name(): consumers.standings.change_storage,
    }
