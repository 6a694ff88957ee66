"""Names of namespaces and keys.

HTTP APIs damage percent-encoded paths (`%3F` cuts the path, `%2F` becomes a slash, `%25` is decoded twice), so keys
consist of characters that never need encoding.
"""

from __future__ import annotations

import re

from kv_common.errors import NotFound, field_error

_NAMESPACE = re.compile(r"[a-z][a-z0-9-]{0,49}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9:_.-]{1,255}", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9:_.-]{0,255}", re.ASCII)

RESERVED_NAMESPACES = frozenset(
    {
        "admin",
        "alerts",
        "api-keys",
        "auth",
        "billing",
        "docs",
        "errors",
        "events",
        "health",
        "jobs",
        "limits",
        "metrics",
        "namespaces",
        "openapi",
        "status",
        "usage",
        "webhooks",
    }
)
"""First path segments that the API's routes use or may use in future."""


def namespace(text: str) -> str:
    """Return `text` if it is a valid name of a namespace; raise ValidationError otherwise."""
    if not _NAMESPACE.fullmatch(text):
        raise field_error(
            "namespace",
            "invalid_format",
            "A namespace is 1 to 50 lowercase letters, digits and hyphens, and starts with a letter.",
        )
    if text in RESERVED_NAMESPACES:
        raise field_error("namespace", "reserved", f"The namespace {text!r} is reserved.")
    return text


def no_such_namespace() -> NotFound:
    """Return the error for a namespace that does not exist or belongs to another account."""
    return NotFound("The namespace does not exist.", details={"resource": "namespace"})


def is_namespace(text: str) -> bool:
    """Return whether a namespace may have this name."""
    return bool(_NAMESPACE.fullmatch(text)) and text not in RESERVED_NAMESPACES


def key(text: str) -> str:
    """Return `text` if it is a valid key; raise ValidationError otherwise."""
    if not _KEY.fullmatch(text) or text in (".", ".."):
        raise field_error(
            "key", "invalid_format", "A key is 1 to 255 characters of A-Z a-z 0-9 : _ . - and neither '.' nor '..'."
        )
    return text


def key_prefix(text: str) -> str:
    """Return `text` if a key may start with it; raise ValidationError otherwise."""
    if not _PREFIX.fullmatch(text):
        raise field_error("prefix", "invalid_format", "A prefix is at most 255 characters of A-Z a-z 0-9 : _ . -")
    return text
