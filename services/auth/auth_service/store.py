"""The only DynamoDB code of auth: its own table, and the credentials table that it writes for kv to read.

    PK                    SK              what
    ACCOUNT#<account>     PROFILE         the account: email, plan, createdAt (ms)
    ACCOUNT#<account>     APIKEY#<id>     a key as its owner lists it
    ACCOUNT#<account>     OUTBOX#<event>  what is to be told: see kv_common.events.outbox

    PK (credentials)                      what
    <SHA-256 of the key>                  accountId, keyId, status, scopes, namespaces, expiresAt (ms)
    SIGNING_KEYS                          the user pool's public keys, as a JWK set

Both items of a key change in one transaction. `ttl` removes what has been dead for KEPT_DEAD_S.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from auth_service.domain import Account, KeySettings, StoredKey, no_such_key
from kv_common.accounts import account_key
from kv_common.api_keys import KeyStatus, Scope
from kv_common.dynamodb import ConditionFailed, errors_translated
from kv_common.events.outbox import outbox_put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from kv_common.events import Event

    Item = dict[str, AttributeValueTypeDef]

KEPT_DEAD_S = 30 * 86_400
_KEY_PREFIX = "APIKEY#"
_SIGNING_KEYS = "SIGNING_KEYS"


class Outdated(Exception):
    """The key is no longer as it was when the change was decided."""


class AccountStore:
    """Accounts; every method is one trip and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, account_id: str) -> Account | None:
        """Return the account, strongly consistent."""
        with errors_translated():
            answer = self._client.get_item(TableName=self._table, Key=_profile_key(account_id), ConsistentRead=True)
        if "Item" not in answer:
            return None
        item = answer["Item"]
        return Account(account_id, item["email"]["S"], item["plan"]["S"], int(item["createdAt"]["N"]))

    def add(self, account: Account, told: Event) -> None:
        """Store the account and tell so, unless it is there already."""
        try:
            with errors_translated():
                self._client.transact_write_items(
                    TransactItems=[
                        {
                            "Put": {
                                "TableName": self._table,
                                "Item": {
                                    **_profile_key(account.id),
                                    "email": {"S": account.email},
                                    "plan": {"S": account.plan},
                                    "createdAt": {"N": str(account.created_at_ms)},
                                },
                                # Holds for the first log-in only: what is stored of the account later must stay.
                                "ConditionExpression": "attribute_not_exists(PK)",
                            }
                        },
                        outbox_put(self._table, told),
                    ]
                )
        except ConditionFailed:
            return


class KeyStore:
    """API keys of an account; every method is one trip, `all` one per 2,000 keys, and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, credentials_table: str) -> None:
        self._client = client
        self._table = table
        self._credentials_table = credentials_table

    def all(self, account_id: str) -> tuple[StoredKey, ...]:
        """Return the account's keys, oldest first."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :p AND begins_with(SK, :k)",
            ExpressionAttributeValues={":p": {"S": account_key(account_id)}, ":k": {"S": _KEY_PREFIX}},
            ConsistentRead=True,
        )
        with errors_translated():
            keys = [_stored_key(item) for page in pages for item in page["Items"]]
        return tuple(sorted(keys, key=lambda key: key.created_at_ms))

    def get(self, account_id: str, key_id: str) -> StoredKey:
        """Return the account's key; NotFound when it has none of this id."""
        with errors_translated():
            answer = self._client.get_item(
                TableName=self._table, Key=_listed_key(account_id, key_id), ConsistentRead=True
            )
        if "Item" not in answer:
            raise no_such_key()
        return _stored_key(answer["Item"])

    def add(self, account_id: str, key: StoredKey, told: Event) -> None:
        """Store a new key and tell so."""
        self._transact([*self._additions(account_id, key), outbox_put(self._table, told)])

    def change(self, account_id: str, key: StoredKey) -> None:
        """Store the key's new settings; Outdated when it was changed or deleted since it was read."""
        try:
            self._transact(self._replacements(account_id, key))
        except ConditionFailed as failure:
            raise Outdated from failure

    def rotate(self, account_id: str, old: StoredKey, new: StoredKey, told: Event) -> None:
        """Store `new`, and `old` with its end and successor; tell so. Outdated when `old` has changed since."""
        try:
            self._transact(
                [
                    *self._additions(account_id, new),
                    *self._replacements(account_id, old),
                    outbox_put(self._table, told),
                ]
            )
        except ConditionFailed as failure:
            raise Outdated from failure

    def revoke(self, account_id: str, key: StoredKey, told: Event, *, now_ms: int) -> None:
        """Remove the key from the list, close it for good and tell so; harmless when that has happened already."""
        try:
            self._transact(
                [
                    {
                        "Delete": {
                            "TableName": self._table,
                            "Key": _listed_key(account_id, key.id),
                            # Holds once; then the credential is closed already.
                            "ConditionExpression": "attribute_exists(PK)",
                        }
                    },
                    {
                        "Update": {
                            "TableName": self._credentials_table,
                            "Key": {"PK": {"S": key.digest}},
                            "UpdateExpression": "SET #status = :revoked, #ttl = :ttl",
                            "ExpressionAttributeNames": {"#status": "status", "#ttl": "ttl"},
                            "ExpressionAttributeValues": {
                                ":revoked": {"S": KeyStatus.REVOKED},
                                ":ttl": _kept_until(now_ms),
                            },
                        }
                    },
                    outbox_put(self._table, told),
                ]
            )
        except ConditionFailed:
            return

    def _additions(self, account_id: str, key: StoredKey) -> list[TransactWriteItemTypeDef]:
        new = "attribute_not_exists(PK)"
        return [
            {"Put": {"TableName": self._table, "Item": _listed(account_id, key), "ConditionExpression": new}},
            {
                "Put": {
                    "TableName": self._credentials_table,
                    "Item": _credential(account_id, key),
                    "ConditionExpression": new,
                }
            },
        ]

    def _replacements(self, account_id: str, key: StoredKey) -> list[TransactWriteItemTypeDef]:
        return [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": _listed(account_id, dataclasses.replace(key, revision=key.revision + 1)),
                    # Holds while nobody has changed, rotated or deleted the key since it was read.
                    "ConditionExpression": "revision = :revision",
                    "ExpressionAttributeValues": {":revision": {"N": str(key.revision)}},
                }
            },
            {
                "Put": {
                    "TableName": self._credentials_table,
                    "Item": _credential(account_id, key),
                    # Holds unless the credential is revoked: a change must not bring it back.
                    "ConditionExpression": "#status = :active",
                    "ExpressionAttributeNames": {"#status": "status"},
                    "ExpressionAttributeValues": {":active": {"S": KeyStatus.ACTIVE}},
                }
            },
        ]

    def _transact(self, items: list[TransactWriteItemTypeDef]) -> None:
        with errors_translated():
            self._client.transact_write_items(TransactItems=items)


class SigningKeyStore:
    """Where kv, inside its VPC, finds the user pool's public keys."""

    def __init__(self, client: DynamoDBClient, credentials_table: str) -> None:
        self._client = client
        self._credentials_table = credentials_table

    def put(self, document: str) -> None:
        """Store the key set, as JSON text."""
        with errors_translated():
            self._client.put_item(
                TableName=self._credentials_table,
                Item={"PK": {"S": _SIGNING_KEYS}, "document": {"S": document}},
            )


def _profile_key(account_id: str) -> Item:
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": "PROFILE"}}


def _listed_key(account_id: str, key_id: str) -> Item:
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": _KEY_PREFIX + key_id}}


def _kept_until(dead_ms: int) -> AttributeValueTypeDef:
    return {"N": str(dead_ms // 1000 + KEPT_DEAD_S)}


def _what_opens(key: StoredKey) -> Item:
    """Return the attributes that both items of a key hold."""
    settings = key.settings
    item: Item = {"scopes": {"SS": sorted(settings.scopes)}, "namespaces": {"SS": list(settings.namespaces)}}
    if settings.expires_at_ms is not None:
        item["expiresAt"] = {"N": str(settings.expires_at_ms)}
        item["ttl"] = _kept_until(settings.expires_at_ms)
    return item


def _listed(account_id: str, key: StoredKey) -> Item:
    item: Item = {
        **_listed_key(account_id, key.id),
        **_what_opens(key),
        "name": {"S": key.settings.name},
        "digest": {"S": key.digest},
        "display": {"S": key.display},
        "createdAt": {"N": str(key.created_at_ms)},
        "revision": {"N": str(key.revision)},
    }
    if key.rotated_to is not None:
        item["rotatedTo"] = {"S": key.rotated_to}
    if key.last_used_at_ms is not None:
        item["lastUsedAt"] = {"N": str(key.last_used_at_ms)}
    return item


def _credential(account_id: str, key: StoredKey) -> Item:
    return {
        "PK": {"S": key.digest},
        **_what_opens(key),
        "accountId": {"S": account_id},
        "keyId": {"S": key.id},
        "status": {"S": KeyStatus.ACTIVE},
    }


def _stored_key(item: Item) -> StoredKey:
    return StoredKey(
        id=item["SK"]["S"].removeprefix(_KEY_PREFIX),
        digest=item["digest"]["S"],
        display=item["display"]["S"],
        settings=KeySettings(
            name=item["name"]["S"],
            namespaces=tuple(sorted(item["namespaces"]["SS"])),
            scopes=frozenset(Scope(scope) for scope in item["scopes"]["SS"]),
            expires_at_ms=int(item["expiresAt"]["N"]) if "expiresAt" in item else None,
        ),
        created_at_ms=int(item["createdAt"]["N"]),
        rotated_to=item["rotatedTo"]["S"] if "rotatedTo" in item else None,
        last_used_at_ms=int(item["lastUsedAt"]["N"]) if "lastUsedAt" in item else None,
        revision=int(item["revision"]["N"]),
    )
