"""Random metering events of kv, and the totals that usage has to derive from them."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kv_common.events import Event, RequestServed, Served, StorageChanged

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.events import Contract

SOURCE = "kv.kv"
OPERATIONS = ("delete", "get", "list", "put")

Totals = Counter[tuple[str, ...]]
"""Amounts by account, period, and what is counted."""


@dataclass(frozen=True)
class MeteringHistory:
    """Reports of one account activity, in the order of publication."""

    events: tuple[Event, ...]

    @classmethod
    def of_minute(cls, chance: random.Random, account_id: str, minute: int, *, reports: int) -> MeteringHistory:
        """Several reports of one (minute, epoch) with growing counts; refunds make some counts shrink."""
        epoch = f"{chance.getrandbits(32):08x}"
        namespaces = chance.sample(("-", "ns-one", "ns-two", "ns-three"), chance.choice((1, 1, 1, 2)))
        counts: Counter[tuple[str, str]] = Counter()
        events = []
        for changes in range(1, reports + 1):
            for namespace in namespaces:
                counts[namespace, chance.choice(OPERATIONS)] += chance.randint(1, 50)
                counts[namespace, "in"] += chance.randint(0, 5_000)
            if chance.random() < 0.1:
                refunded = chance.choice([at for at, count in counts.items() if count > 0 and at[1] != "in"])
                counts[refunded] -= 1
            served = {
                namespace: Served(
                    requests={
                        name: count for (where, name), count in counts.items() if where == namespace and name != "in"
                    },
                    bytes_in=counts[namespace, "in"],
                )
                for namespace in namespaces
            }
            event_ = RequestServed(minute=minute, epoch=epoch, changes=changes, namespaces=served)
            events.append(event(account_id, event_, f"{account_id}#{minute}#{epoch}", at_s=minute * 60 + 60))
        return cls(tuple(events))

    @classmethod
    def of_storage(cls, chance: random.Random, account_id: str) -> MeteringHistory:
        """One change of a namespace's storage."""
        change = StorageChanged(
            namespace_id=chance.choice(("ns-one", "ns-two")),
            bytes_delta=chance.randint(-2_000, 9_000),
            keys_delta=chance.randint(-1, 3),
            shard="shard-1",
            sequence=f"{chance.getrandbits(60):021d}",
        )
        return cls((event(account_id, change, f"{account_id}#storage#{change.sequence}"),))


def event(account_id: str, data: Contract, event_id: str | None = None, *, at_s: float | None = None) -> Event:
    """Return an event that happened at `at_s`, or now."""
    moment = datetime.now(UTC).timestamp() if at_s is None else at_s
    return Event(event_id or uuid.uuid4().hex, account_id, "metering", int(moment * 1_000_000), data)


def body(event_: Event, source: str = SOURCE) -> str:
    """Return the body of the message that the bus sends to a queue."""
    return json.dumps({"source": source, "detail-type": event_.name, "detail": json.loads(event_.encode())})


def record(message: str, message_id: str = "message") -> dict[str, Any]:
    """Return a message as Lambda passes it to the function."""
    return {"messageId": message_id, "body": message}


def make_events(chance: random.Random, accounts: Sequence[str], *, events: int) -> list[Event]:
    """Return reports of the last two days, whose months are still open."""
    now_minute = int(datetime.now(UTC).timestamp()) // 60
    made: list[Event] = []
    while len(made) < events:
        account_id = chance.choice(accounts)
        if chance.random() < 0.3:
            made += MeteringHistory.of_storage(chance, account_id).events
        else:
            minute = now_minute - chance.randrange(2, 48 * 60)
            made += MeteringHistory.of_minute(chance, account_id, minute, reports=chance.choice((1, 2, 2, 3, 4))).events
    return made[:events]


def expected(events: Iterable[Event]) -> Totals:
    """Return the expected totals: the newest report of each minute, and every change of storage once."""
    newest: dict[tuple[str, int, str], RequestServed] = {}
    changes: dict[str, tuple[str, StorageChanged]] = {}
    for event_ in events:
        if isinstance(event_.data, RequestServed):
            at = (event_.account_id, event_.data.minute, event_.data.epoch)
            if at not in newest or event_.data.changes > newest[at].changes:
                newest[at] = event_.data
        elif isinstance(event_.data, StorageChanged):
            changes[event_.id] = (event_.account_id, event_.data)
    totals: Totals = Counter()
    for (account_id, minute, _), served in newest.items():
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).date().isoformat()
        for namespace, counts in served.namespaces.items():
            for name, count in (
                *((f"n#{name}", count) for name, count in counts.requests.items()),
                ("in", counts.bytes_in),
            ):
                totals[account_id, f"DAY#{day}#{namespace}", name] += count
                totals[account_id, f"MONTH#{day[:7]}", name] += count
    for account_id, change in changes.values():
        for item in (f"NAMESPACE#{change.namespace_id}", "STANDING"):
            totals[account_id, item, "storedBytes"] += change.bytes_delta
            totals[account_id, item, "storedKeys"] += change.keys_delta
    return _present(totals)


def recorded_totals(client: DynamoDBClient, table: str, accounts: Iterable[str]) -> Totals:
    """Return the totals in the table, by minute, day, month and namespace."""
    totals: Totals = Counter()
    for account_id in accounts:
        pages = client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="PK = :p",
            ExpressionAttributeValues={":p": {"S": f"ACCOUNT#{account_id}"}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                for name, value in item.items():
                    if name.startswith("n#") or name in ("in", "storedBytes", "storedKeys"):
                        totals[account_id, item["SK"]["S"], name] += int(value["N"])
    return _present(totals)


def _present(totals: Totals) -> Totals:
    return Counter({at: amount for at, amount in totals.items() if amount})
