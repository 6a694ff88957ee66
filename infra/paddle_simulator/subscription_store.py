"""The simulated Paddle's subscriptions, a file each, so that its webhooks and its API agree."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING

from infra.paddle_simulator import entities
from infra.paddle_simulator.entities import Bought, Scheduled

if TYPE_CHECKING:
    from pathlib import Path

    from infra.paddle_simulator.entities import JSON

_ID = re.compile(r"sub_[a-z0-9]{1,40}", re.ASCII)


class SubscriptionStore:
    """Subscriptions by id, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, bought: Bought, at: datetime) -> JSON:
        """Keep a subscription as it is at `at`, and return its entity."""
        entity = entities.subscription(bought, at)
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{bought.id}.json"
        # Replaced whole, for the API may be reading it.
        draft = target.with_suffix(".new")
        draft.write_text(json.dumps(entity, indent=2) + "\n")
        draft.replace(target)
        return entity

    def entity(self, subscription_id: str) -> JSON | None:
        """Return a subscription's entity, or None."""
        path = self._folder / f"{subscription_id}.json"
        if not _ID.fullmatch(subscription_id) or not path.exists():
            return None
        entity: JSON = json.loads(path.read_text())
        return entity

    def get(self, subscription_id: str) -> Bought | None:
        """Return a subscription, or None."""
        entity = self.entity(subscription_id)
        return None if entity is None else _bought(entity)

    def all(self) -> list[JSON]:
        """Return every subscription's entity."""
        return [json.loads(path.read_text()) for path in sorted(self._folder.glob("sub_*.json"))]


def _bought(entity: JSON) -> Bought:
    scheduled = entity["scheduled_change"]
    return Bought(
        id=entity["id"],
        customer_id=entity["customer_id"],
        price_id=entity["items"][0]["price"]["id"],
        custom_data=entity["custom_data"],
        status=entity["status"],
        started_at=datetime.fromisoformat(entity["started_at"]),
        scheduled=None
        if scheduled is None
        else Scheduled(scheduled["action"], datetime.fromisoformat(scheduled["effective_at"])),
    )
