"""JSON Schemas of single values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.docs_build.openapi.operation import Body

if TYPE_CHECKING:
    import re

    from infra.docs_build.openapi.operation import Json

REFERENCE = "#/components/schemas/{name}"


def reference(name: str) -> Json:
    """What stands for the schema of this name."""
    return {"$ref": REFERENCE.format(name=name)}


def text(pattern: re.Pattern[str] | str | None = None, **more: Any) -> Json:
    """The schema of a text that has to fit `pattern` as a whole."""
    schema: Json = {"type": "string", **more}
    if pattern is not None:
        source = pattern if isinstance(pattern, str) else pattern.pattern
        schema["pattern"] = f"^(?:{source})$"
    return schema


def integer(minimum: int, maximum: int, **more: Any) -> Json:
    """The schema of a whole number."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum, **more}


def array(items: Json, **more: Any) -> Json:
    """The schema of an array."""
    return {"type": "array", "items": items, **more}


def nullable(schema: Json) -> Json:
    """The schema of a value, or null."""
    described = {name: schema[name] for name in schema if name == "description"}
    return {"anyOf": [{name: schema[name] for name in schema if name != "description"}, {"type": "null"}], **described}


def object_body(name: str, members: Json, needed: Any = (), *, required: bool = True, **more: Any) -> Body:
    """A JSON object with these members and no other."""
    return Body(name, object_schema(members, needed, **more), required=required)


def object_schema(members: Json, needed: Any = (), **more: Any) -> Json:
    """The schema of an object with these members and no other."""
    schema: Json = {"type": "object", "properties": members, "additionalProperties": False, **more}
    if needed:
        schema["required"] = list(needed)
    return schema
