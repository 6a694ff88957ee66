"""The facts that admission needs when Redis lacks them: one strongly consistent batch read over two tables."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from kv_common import clock
from kv_common.admission import AdmissionData, KeyRecord, Limits, Usage
from kv_common.admission.model import UNKNOWN_KEY
from kv_common.api_keys import KeyStatus, Scope
from kv_common.dynamodb import translate_errors
from kv_common.errors import Unavailable
from kv_common.plans import CATALOG, DEFAULT_PLAN
from kv_service.namespaces.model import NamespaceStatus
from kv_service.persistence.accounts import plan_key
from kv_service.persistence.namespaces import namespace_key
from kv_service.persistence.storage_usage import counters_key
from kv_service.persistence.usage_outbox import used_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import KeysAndAttributesTypeDef

    from kv_common.clock import Clock
    from kv_common.dynamodb.items import Item


class DynamoAdmissionData:
    """Reads keys from auth's credentials table, and plans and namespaces from kv's own."""

    def __init__(self, client: DynamoDBClient, table: str, credentials_table: str, *, now_ms: Clock) -> None:
        self._client = client
        self._table = table
        self._credentials_table = credentials_table
        self._now_ms = now_ms

    def load(self, account_id: str, digest: str | None, namespace: str) -> AdmissionData:
        """Return the facts in one round trip; raises Unavailable when any of them cannot be had."""
        month = clock.month(self._now_ms())
        plan, counters, used = plan_key(account_id), counters_key(account_id), used_key(account_id, month)
        own: list[Item] = [plan, counters, used]
        if namespace:
            own.append(namespace_key(account_id, namespace))
        wanted: dict[str, KeysAndAttributesTypeDef] = {self._table: {"Keys": own, "ConsistentRead": True}}
        if digest is not None:
            wanted[self._credentials_table] = {"Keys": [{"PK": {"S": digest}}], "ConsistentRead": True}
        with translate_errors():
            answer = self._client.batch_get_item(RequestItems=wanted)
        if answer.get("UnprocessedKeys"):
            raise Unavailable
        items = {item["SK"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        credentials = answer["Responses"].get(self._credentials_table, [])
        record = items.get(namespace_key(account_id, namespace)["SK"]["S"]) if namespace else None
        return AdmissionData(
            key=None if digest is None else _key_record(credentials, account_id),
            limits=_limits(items.get(plan["SK"]["S"])),
            namespace_id=record["id"]["S"] if record and record["status"]["S"] == NamespaceStatus.ACTIVE else "",
            usage=Usage(
                month=month,
                requests=_number(items.get(used["SK"]["S"]), "used"),
                stored=_number(items.get(counters["SK"]["S"]), "bytes"),
            ),
        )


def _key_record(items: list[Item], account_id: str) -> KeyRecord:
    """Read a credential; one of another account than the key names is no credential at all."""
    if not items or not hmac.compare_digest(items[0]["accountId"]["S"], account_id):
        return UNKNOWN_KEY
    item = items[0]
    return KeyRecord(
        key_id=item["keyId"]["S"],
        status=KeyStatus(item["status"]["S"]),
        scopes=frozenset(Scope(scope) for scope in item["scopes"]["SS"]),
        namespaces=tuple(sorted(item["namespaces"]["SS"])),
        expires_at_ms=int(item["expiresAt"]["N"]) if "expiresAt" in item else 0,
    )


def _limits(item: Item | None) -> Limits:
    """Read an account's plan; limits of its own (business) win over the plan's."""
    if item is None:
        return Limits.of(DEFAULT_PLAN)
    plan = Limits.of(CATALOG[item["plan"]["S"]])
    return Limits(
        plan=plan.plan,
        rate=int(item["rate"]["N"]) if "rate" in item else plan.rate,
        burst=int(item["burst"]["N"]) if "burst" in item else plan.burst,
        quota=int(item["quota"]["N"]) if "quota" in item else plan.quota,
        storage=int(item["storage"]["N"]) if "storage" in item else plan.storage,
        version=_number(item, "version"),
    )


def _number(item: Item | None, name: str) -> int:
    return int(item[name]["N"]) if item and name in item else 0
