"""Documents of the events for consumers: a JSON Schema of each, and an AsyncAPI document of the bus."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from kv_common import VERSION
from kv_common.events.contracts import CATALOG
from kv_common.events.envelope import Envelope

if TYPE_CHECKING:
    from kv_common.events import Contract

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ASYNCAPI = "3.0.0"


def documents() -> dict[str, str]:
    """The content of every document by file name."""
    schemas = {f"{name}.schema.json": schema(contract) for name, contract in sorted(CATALOG.items())}
    return {name: _text(document) for name, document in {**schemas, "asyncapi.json": asyncapi()}.items()}


class _Schema(GenerateJsonSchema):
    """Omits titles of fields, which repeat their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False for every field."""
        del schema
        return False


def schema(contract: type[Contract]) -> dict[str, Any]:
    """The JSON Schema of an event's `detail`: the envelope with the data of one contract."""
    _, models = models_json_schema([(contract, "validation")], ref_template="#/$defs/{model}", schema_generator=_Schema)
    envelope = Envelope.model_json_schema(schema_generator=_Schema)
    del envelope["title"]
    return {
        "$schema": _DIALECT,
        "title": contract.event_name(),
        **envelope,
        "description": inspect.getdoc(contract),
        "properties": {
            **envelope["properties"],
            "version": {"const": contract.VERSION},
            "data": {"$ref": f"#/$defs/{contract.__name__}"},
        },
        "$defs": models["$defs"],
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
    producers = sorted({contract.PRODUCER for contract in CATALOG.values()})
    return {
        "asyncapi": _ASYNCAPI,
        "info": {
            "title": "KV Storage events",
            "version": VERSION,
            "description": (
                "Events of accounts: API keys, namespaces, requests, storage, limits, plans and payments. "
                "Delivery is at least once and unordered; README.md describes how consumers handle that."
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
            producer: {
                "action": "send",
                "summary": f"Events of the service {producer}, with the source kv.{producer}",
                "channel": {"$ref": "#/channels/bus"},
                "messages": [
                    {"$ref": f"#/channels/bus/messages/{name}"}
                    for name in messages
                    if producer == CATALOG[name].PRODUCER
                ],
            }
            for producer in producers
        },
        "components": {"messages": messages},
    }


def summary(contract: type[Contract]) -> str:
    """The first sentence of an event's description."""
    text = " ".join((inspect.getdoc(contract) or "").split())
    return text.split(". ")[0].removesuffix(".")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
