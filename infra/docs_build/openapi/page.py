"""The OpenAPI document as a page to read: one file, no script, nothing to load."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from infra.docs_build.openapi.errors import phrase
from infra.docs_build.openapi.headers import ALWAYS, METERED

if TYPE_CHECKING:
    from infra.docs_build.openapi.operation import Json

_TEMPLATES = Path(__file__).with_name("templates")
_CODE = re.compile(r"`([^`]+)`")
_ACCESS = {
    "apiKey": "API key",
    "session": "session",
    "paddle": "Paddle's signature",
}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} members",
    "default": "by default {}",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A member of an object as its table shows it."""

    name: str
    type: Markup
    rules: list[Markup]
    says: str
    required: bool


def page(document: Json) -> str:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        prose=prose, type=show_type, rules=rules, rows=rows, phrase=phrase, resolved=_Refs(document)
    )
    return environment.get_template("docs.html.jinja").render(
        document=document,
        groups=_groups(document),
        quiet=(*ALWAYS, *METERED),
        schemas=document["components"]["schemas"],
        style=Markup((_TEMPLATES / "docs.css").read_text()),  # noqa: S704  # our own file
    )


class _Refs:
    """Follows references to components."""

    def __init__(self, document: Json) -> None:
        self._components = document["components"]

    def __call__(self, node: Json) -> Json:
        if "$ref" not in node:
            return node
        _, _, kind, name = node["$ref"].split("/")
        found: Json = self._components[kind][name]
        return found


def _groups(document: Json) -> list[Json]:
    """The operations under their tags."""
    groups = {tag["name"]: {**tag, "operations": []} for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = {
                **operation,
                "method": method.upper(),
                "path": path,
                "access": _access(operation["security"]),
                "curl": operation["x-codeSamples"][0]["source"],
            }
            groups[operation["tags"][0]]["operations"].append(shown)
    return list(groups.values())


def _access(security: list[Json]) -> str:
    return " or ".join(_ACCESS[name] for one in security for name in one) or "public"


def prose(text: str) -> Markup:
    """Text with `code` in backticks."""
    return Markup(_CODE.sub(r"<code>\1</code>", html.escape(text, quote=False)))  # noqa: S704  # escaped


def show_type(schema: Json) -> Markup:
    """What a value is, in few words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return Markup('<a href="#{0}">{0}</a>').format(name)
    for several in ("anyOf", "oneOf"):
        if several in schema and "type" not in schema:
            return Markup(" or ").join(dict.fromkeys(show_type(one) for one in schema[several]))
    if "const" in schema:
        return Markup("<code>{}</code>").format(_literal(schema["const"]))
    if "enum" in schema:
        return Markup(" ").join(Markup("<code>{}</code>").format(_literal(one)) for one in schema["enum"])
    kind = schema.get("type", "any JSON")
    if kind == "array":
        return Markup("array of ") + show_type(schema.get("items", {}))
    return Markup("{}").format(schema.get("format", kind))


def rules(schema: Json) -> list[Markup]:
    """What a value must be beside its type."""
    parts = [Markup(words).format(_literal(schema[name])) for name, words in _LIMITS.items() if name in schema]  # noqa: S704  # our own words
    if schema.get("uniqueItems"):
        parts.append(Markup("each once"))
    if "pattern" in schema:
        # No prose: a pattern may have backticks of its own.
        parts.append(Markup("<code>{}</code>").format(schema["pattern"]))
    for one in schema.get("anyOf", ()):
        parts += rules(one)
    return parts


def rows(schema: Json, before: str = "") -> list[Row]:
    """The members of an object, and those of the objects in it."""
    found: list[Row] = []
    for name, member in schema.get("properties", {}).items():
        full = f"{before}{name}"
        required = name in schema.get("required", ())
        found.append(Row(full, show_type(member), rules(member), member.get("description", ""), required))
        items = member.get("items", {})
        found += rows(member, f"{full}.") + rows(items, f"{full}[].")
        for one in items.get("oneOf", ()):
            found += rows(one, f"{full}[{one['properties']['op']['const']}].")
    return found


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else str(value)
