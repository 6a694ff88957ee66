"""Events as others may read them: a JSON Schema for each, and an AsyncAPI document of the bus."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import msgspec

from kv_common import VERSION
from kv_common.events.contracts import CATALOG

if TYPE_CHECKING:
    from kv_common.events import Contract

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ASYNCAPI = "3.0.0"


def documents() -> dict[str, str]:
    """The text of every document by its file's name."""
    schemas = {f"{name}.schema.json": schema(contract) for name, contract in sorted(CATALOG.items())}
    return {name: _text(document) for name, document in {**schemas, "asyncapi.json": asyncapi()}.items()}


def schema(contract: type[Contract]) -> dict[str, Any]:
    """The JSON Schema of an event's `detail`: the envelope with the data of one contract."""
    (data,), definitions = msgspec.json.schema_components([contract], ref_template="#/$defs/{name}")
    text = {"type": "string"}
    return {
        "$schema": _DIALECT,
        "title": contract.event_name(),
        "description": inspect.getdoc(contract),
        "type": "object",
        "properties": {
            "id": {**text, "description": "The producer's own, and the same however often the fact is told"},
            "version": {"const": contract.VERSION},
            "occurred_at": {**text, "format": "date-time", "description": "In UTC, to the microsecond"},
            "account_id": {**text, "format": "uuid"},
            "correlation_id": {**text, "description": "Of the request that it began with"},
            "data": data,
        },
        "required": ["id", "version", "occurred_at", "account_id", "correlation_id", "data"],
        "$defs": definitions,
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI document: one channel, the bus of a stage, and the messages on it."""
    messages = {
        name: {
            "name": name,
            "summary": summary(contract),
            "contentType": "application/json",
            "payload": {"$ref": f"./{name}.schema.json"},
        }
        for name, contract in sorted(CATALOG.items())
    }
    tellers = sorted({contract.PRODUCER for contract in CATALOG.values()})
    return {
        "asyncapi": _ASYNCAPI,
        "info": {
            "title": "KV Storage events",
            "version": VERSION,
            "description": (
                "What happens to accounts: their keys, namespaces, requests, storage, limits, plans and payments. "
                "Delivery is at least once and in no order. README.md says what that asks of a consumer."
            ),
        },
        "channels": {
            "bus": {
                "address": "kv-{stage}",
                "description": (
                    "An EventBridge bus. The message's name is the detail-type, its payload the detail, "
                    "and kv.<service> the source."
                ),
                "parameters": {"stage": {"description": "Name of the stage"}},
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            teller: {
                "action": "send",
                "summary": f"What the service {teller} tells, from the source kv.{teller}",
                "channel": {"$ref": "#/channels/bus"},
                "messages": [
                    {"$ref": f"#/channels/bus/messages/{name}"} for name in messages if teller == CATALOG[name].PRODUCER
                ],
            }
            for teller in tellers
        },
        "components": {"messages": messages},
    }


def summary(contract: type[Contract]) -> str:
    """What an event says, in its first sentence."""
    text = " ".join((inspect.getdoc(contract) or "").split())
    return text.split(". ")[0].removesuffix(".")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
