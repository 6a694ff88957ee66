"""An operation's example as a line for the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.docs_build.openapi.operation import Access

if TYPE_CHECKING:
    from infra.docs_build.openapi.operation import Operation

_WIDTH = 110
_CREDENTIAL = {
    Access.SESSION: "Authorization: Bearer $TOKEN",
    Access.KEY_OR_SESSION: "x-api-key: $KEY",
}


def curl(one: Operation) -> str:
    """The example of an operation; `$KV_URL` is where the API is."""
    example = one.example
    parts = [f'curl {_method(one)}"$KV_URL{example.path}"']
    parts += [f'--header "{header}"' for header in (*filter(None, [_CREDENTIAL.get(one.access)]), *example.headers)]
    if example.body is not None:
        parts.append(f"--json {_quoted(example.body)}")
    line = " ".join(parts)
    return line if len(line) <= _WIDTH else " \\\n  ".join(parts)


def _method(one: Operation) -> str:
    if one.method == "HEAD":
        return "--head "
    by_itself = "GET" if one.example.body is None else "POST"
    return "" if one.method == by_itself else f"--request {one.method} "


def _quoted(body: str) -> str:
    """The body for the shell: in double quotes where it has variables to fill in."""
    if "$" not in body:
        return f"'{body}'"
    escaped = body.replace('"', '\\"')
    return f'"{escaped}"'
