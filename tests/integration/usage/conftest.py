"""Fixtures of usage's integration tests: its consumer in this process, on the environment's real table."""

from __future__ import annotations

import importlib.util
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.kv_process import enter
from tests.support.metering import body, record, recorded_totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from infra.local.environment import LocalEnvironment
    from kv_common.events import Event
    from tests.support.metering import Totals

Item = dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """usage's real function in this process, and a look into its table."""

    on_events: Callable[..., Any]
    client: DynamoDBClient
    table: str

    def take(self, *events: Event) -> None:
        """Hand events to the function, one batch for each; AssertionError when it reports a failure."""
        for event in events:
            assert self.on_events({"Records": [record(body(event))]}, None) == {"batchItemFailures": []}

    def items(self, account_id: str) -> list[Item]:
        """Return every item of the table in which the account's id stands, wherever."""
        pages = self.client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"] if account_id in str(item)]

    def item(self, account_id: str, sort_key: str) -> Item:
        """Return an item of the account, {} if there is none."""
        found: list[Item] = [one for one in self.items(account_id) if one["SK"]["S"] == sort_key]
        return found[0] if found else {}

    def totals(self, accounts: Iterable[str]) -> Totals:
        """Return what is booked."""
        return recorded_totals(self.client, self.table, accounts)

    def published(self, account_id: str) -> list[Item]:
        """Return the account's items of the outbox."""
        return [item for item in self.items(account_id) if item["SK"]["S"].startswith("OUTBOX#")]


@pytest.fixture(scope="module")
def usage(local: LocalEnvironment) -> Iterator[Usage]:
    """usage's consumer, configured as the deployed function is."""
    with pytest.MonkeyPatch.context() as patched:
        env = enter(local, "usage", patched)
        patched.setenv("STAGE", "local")
        yield Usage(_app().on_events, local.aws_client("dynamodb"), env["TABLE"])


@pytest.fixture
def account_id() -> str:
    """An account that nothing is known of."""
    return str(uuid.uuid4())


def _app() -> Any:
    path = Path(__file__).parents[3] / "services" / "usage" / "app.py"
    spec = importlib.util.spec_from_file_location("usage_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
