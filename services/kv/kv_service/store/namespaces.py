"""Namespaces in DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.accounts import account_key
from kv_common.dynamodb import ConditionFailed, errors_translated
from kv_common.errors import Conflict
from kv_service.domain import MAX_NAMESPACES, Namespace, NamespaceStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    Item = dict[str, AttributeValueTypeDef]

NAMESPACE_PREFIX = "NAMESPACE#"


class NamespaceStore:
    """The namespaces of an account; every method is one trip and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def create(self, account_id: str, namespace: Namespace) -> None:
        """Add `namespace`; Conflict when the name is taken or the account has MAX_NAMESPACES."""
        try:
            with errors_translated():
                self._client.transact_write_items(
                    TransactItems=[
                        {
                            "Put": {
                                "TableName": self._table,
                                "Item": {
                                    **namespace_key(account_id, namespace.name),
                                    "id": {"S": namespace.id},
                                    "createdAt": {"N": str(namespace.created_at_ms)},
                                    "status": {"S": namespace.status},
                                },
                                # Holds unless the account has a namespace of this name, also one being deleted.
                                "ConditionExpression": "attribute_not_exists(PK)",
                            }
                        },
                        self._count(account_id, 1),
                    ]
                )
        except ConditionFailed as failure:
            if 0 in failure.actions:
                raise Conflict(f"The namespace {namespace.name!r} exists already.") from failure
            raise Conflict(
                f"An account may have {MAX_NAMESPACES} namespaces at most.",
                details={"reason": "too_many_namespaces", "max": MAX_NAMESPACES},
            ) from failure

    def get(self, account_id: str, name: str) -> Namespace | None:
        """Return the account's namespace `name`, also one being deleted; strongly consistent."""
        with errors_translated():
            answer = self._client.get_item(
                TableName=self._table, Key=namespace_key(account_id, name), ConsistentRead=True
            )
        return _namespace(answer["Item"]) if "Item" in answer else None

    def all(self, account_id: str) -> tuple[Namespace, ...]:
        """Return the account's namespaces by name; MAX_NAMESPACES of them fit one page."""
        with errors_translated():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="PK = :p AND begins_with(SK, :n)",
                ExpressionAttributeValues={":p": {"S": account_key(account_id)}, ":n": {"S": NAMESPACE_PREFIX}},
                ConsistentRead=True,
            )
        return tuple(_namespace(item) for item in answer["Items"])

    def mark_deleting(self, account_id: str, namespace: Namespace) -> None:
        """Close the namespace for good; harmless when it is closed already or gone."""
        try:
            with errors_translated():
                self._client.update_item(
                    TableName=self._table,
                    Key=namespace_key(account_id, namespace.name),
                    UpdateExpression="SET #status = :deleting",
                    # Holds while the name still stands for this namespace, and not for a new one of the same name.
                    ConditionExpression="id = :id",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={
                        ":deleting": {"S": NamespaceStatus.DELETING},
                        ":id": {"S": namespace.id},
                    },
                )
        except ConditionFailed:
            return

    def remove(self, account_id: str, namespace: Namespace) -> None:
        """Free the name; harmless when that has happened already."""
        try:
            with errors_translated():
                self._client.transact_write_items(
                    TransactItems=[
                        {
                            "Delete": {
                                "TableName": self._table,
                                "Key": namespace_key(account_id, namespace.name),
                                # Holds once: a second deletion finds no item, or a new namespace's.
                                "ConditionExpression": "id = :id",
                                "ExpressionAttributeValues": {":id": {"S": namespace.id}},
                            }
                        },
                        self._count(account_id, -1),
                    ]
                )
        except ConditionFailed:
            return

    def _count(self, account_id: str, change: int) -> TransactWriteItemTypeDef:
        """Return the transaction's part that keeps count of the account's namespaces."""
        room = "attribute_not_exists(namespaces) OR namespaces < :max"
        return {
            "Update": {
                "TableName": self._table,
                "Key": {"PK": {"S": account_key(account_id)}, "SK": {"S": "COUNTERS"}},
                "UpdateExpression": "ADD namespaces :change",
                # Holds while there is room for one more; one less there is always.
                "ConditionExpression": room if change > 0 else "namespaces <= :max",
                "ExpressionAttributeValues": {":change": {"N": str(change)}, ":max": {"N": str(MAX_NAMESPACES)}},
            }
        }


def namespace_key(account_id: str, name: str) -> Item:
    """Return the key of an account's namespace."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": NAMESPACE_PREFIX + name}}


def _namespace(item: Item) -> Namespace:
    return Namespace(
        name=item["SK"]["S"].removeprefix(NAMESPACE_PREFIX),
        id=item["id"]["S"],
        created_at_ms=int(item["createdAt"]["N"]),
        status=NamespaceStatus(item["status"]["S"]),
    )
