"""API keys: what their owner lists, and the credentials that kv reads."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING

from auth_service.model import KeySettings, Outdated, StoredKey, no_such_key
from auth_service.persistence.outbox import write_with_event
from kv_common.account_tombstones import account_key
from kv_common.api_keys import KeyStatus, Scope
from kv_common.dynamodb import ConditionFailed, delete_all, transact, translate_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.dynamodb.items import Item
    from kv_common.events import Event

KEPT_DEAD_S = 30 * 86_400
# DynamoDB removes what has expired within a few days. A credential is found through the listed key when its account
# is deleted, so it has to go first.
_LISTED_LONGER_S = 7 * 86_400
_KEY_PREFIX = "APIKEY#"
_NEW = "attribute_not_exists(PK)"


class KeyStore:
    """API keys of an account; all methods may raise Unavailable.

    Every method is one round trip, but for `all` (one per 2,000 keys) and `close_all`.
    """

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
        with translate_errors():
            keys = [_stored_key(item) for page in pages for item in page["Items"]]
        return tuple(sorted(keys, key=lambda key: key.created_at_ms))

    def get(self, account_id: str, key_id: str) -> StoredKey:
        """Return the account's key; NotFound when it has none of this id."""
        with translate_errors():
            response = self._client.get_item(
                TableName=self._table, Key=_listed_key(account_id, key_id), ConsistentRead=True
            )
        if "Item" not in response:
            raise no_such_key()
        return _stored_key(response["Item"])

    def add(self, account_id: str, key: StoredKey, event: Event) -> None:
        """Store a new key and its event; Unauthorized when the account is deleted."""
        write_with_event(self._client, self._table, event, self._additions(account_id, key))

    def change(self, account_id: str, key: StoredKey) -> None:
        """Store the key's new settings; Outdated when it was changed or deleted since it was read."""
        try:
            transact(self._client, self._replacements(account_id, key))
        except ConditionFailed as failure:
            raise Outdated from failure

    def rotate(self, account_id: str, old: StoredKey, new: StoredKey, event: Event) -> None:
        """Store `new`, `old` with its expiry and successor, and the event. Outdated when `old` has changed since.

        Unauthorized when the account is deleted.
        """
        items = [*self._additions(account_id, new), *self._replacements(account_id, old)]
        try:
            write_with_event(self._client, self._table, event, items)
        except ConditionFailed as failure:
            raise Outdated from failure

    def revoke(self, account_id: str, key: StoredKey, event: Event) -> None:
        """Delete the key and store the event; idempotent."""
        # Holds once: one request deletes the key, and one event is published.
        listed = "attribute_exists(PK)"
        items: list[TransactWriteItemTypeDef] = [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": _listed_key(account_id, key.id),
                    "ConditionExpression": listed,
                }
            },
            {"Delete": {"TableName": self._credentials_table, "Key": _credential_key(key)}},
        ]
        with suppress(ConditionFailed):
            write_with_event(self._client, self._table, event, items)

    def note_use(self, account_id: str, key_id: str, at_ms: int) -> None:
        """Store when the key was last used, unless a later use is known already; nothing for a key there is none of.

        It is no change of the key: its revision stays, and changes leave it alone.
        """
        with suppress(ConditionFailed), translate_errors():
            self._client.update_item(
                TableName=self._table,
                Key=_listed_key(account_id, key_id),
                UpdateExpression="SET lastUsedAt = :at",
                # Holds while the key is listed and this is the latest use known of it.
                ConditionExpression="attribute_exists(PK) AND (attribute_not_exists(lastUsedAt) OR lastUsedAt < :at)",
                ExpressionAttributeValues={":at": {"N": str(at_ms)}},
            )

    def close_all(self, account_id: str) -> None:
        """Delete the credentials of all keys of the account; idempotent, in as many round trips as needed."""
        keys = self.all(account_id)
        delete_all(self._client, self._credentials_table, [_credential_key(key) for key in keys])

    def _additions(self, account_id: str, key: StoredKey) -> list[TransactWriteItemTypeDef]:
        listed: Item = {
            **_listed_key(account_id, key.id),
            **_settings(key),
            "digest": {"S": key.digest},
            "display": {"S": key.display},
            "createdAt": {"N": str(key.created_at_ms)},
        }
        return [
            {"Put": {"TableName": self._table, "Item": listed, "ConditionExpression": _NEW}},
            {
                "Put": {
                    "TableName": self._credentials_table,
                    "Item": _credential(account_id, key),
                    "ConditionExpression": _NEW,
                }
            },
        ]

    def _replacements(self, account_id: str, key: StoredKey) -> list[TransactWriteItemTypeDef]:
        settings = _settings(dataclasses.replace(key, revision=key.revision + 1))
        absent = [name for name in ("expiresAt", "ttl") if name not in settings]
        return [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": _listed_key(account_id, key.id),
                    # Not a Put of the whole item: that would undo what `note_use` has stored since it was read.
                    "UpdateExpression": " ".join(
                        [
                            "SET " + ", ".join(f"#{name} = :{name}" for name in settings),
                            *(["REMOVE " + ", ".join(f"#{name}" for name in absent)] if absent else []),
                        ]
                    ),
                    # Holds while nobody has changed, rotated or deleted the key since it was read.
                    "ConditionExpression": "#revision = :read",
                    "ExpressionAttributeNames": {f"#{name}": name for name in (*settings, *absent)},
                    "ExpressionAttributeValues": {
                        **{f":{name}": value for name, value in settings.items()},
                        ":read": {"N": str(key.revision)},
                    },
                }
            },
            {
                "Put": {
                    "TableName": self._credentials_table,
                    "Item": _credential(account_id, key),
                    # Holds unless the key is closed: a change must not bring it back.
                    "ConditionExpression": "attribute_exists(PK)",
                }
            },
        ]


def _listed_key(account_id: str, key_id: str) -> Item:
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": _KEY_PREFIX + key_id}}


def _credential_key(key: StoredKey) -> Item:
    return {"PK": {"S": key.digest}}


def _what_opens(key: StoredKey, *, kept_s: int) -> Item:
    """Return the attributes that both items of a key hold; they are removed `kept_s` after the key has expired."""
    settings = key.settings
    item: Item = {"scopes": {"SS": sorted(settings.scopes)}, "namespaces": {"SS": list(settings.namespaces)}}
    if settings.expires_at_ms is not None:
        item["expiresAt"] = {"N": str(settings.expires_at_ms)}
        item["ttl"] = {"N": str(settings.expires_at_ms // 1000 + kept_s)}
    return item


def _settings(key: StoredKey) -> Item:
    """Return the attributes of a listed key that its owner's changes set."""
    item: Item = {
        **_what_opens(key, kept_s=KEPT_DEAD_S + _LISTED_LONGER_S),
        "name": {"S": key.settings.name},
        "revision": {"N": str(key.revision)},
    }
    if key.rotated_to is not None:
        item["rotatedTo"] = {"S": key.rotated_to}
    return item


def _credential(account_id: str, key: StoredKey) -> Item:
    return {
        **_credential_key(key),
        **_what_opens(key, kept_s=KEPT_DEAD_S),
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
