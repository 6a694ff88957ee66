"""Signed page cursors, each valid for one list only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from kv_common.errors import ValidationError, field_error

_TAG_BYTES = 16


def sign(position: str, *, scope: tuple[str, ...], secret: bytes) -> str:
    """Return a cursor for `position`, valid only for the same `scope` (such as account, namespace and prefix)."""
    payload = position.encode()
    return base64.urlsafe_b64encode(_tag(payload, scope, secret) + payload).decode().rstrip("=")


def read(cursor: str, *, scope: tuple[str, ...], secret: bytes) -> str:
    """Return the position in `cursor`; ValidationError if it is forged, damaged or from another list."""
    if not cursor.isascii():
        raise _invalid()
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error
    try:
        position = data[_TAG_BYTES:].decode()
    except UnicodeDecodeError as error:
        raise _invalid() from error
    # Compares the whole cursor, not only the tag: several base64 texts decode to the same bytes.
    if not hmac.compare_digest(cursor, sign(position, scope=scope, secret=secret)):
        raise _invalid()
    return position


def _tag(payload: bytes, scope: tuple[str, ...], secret: bytes) -> bytes:
    """Return the MAC of the scope and payload, with the length of each part so that scopes are unambiguous."""
    mac = hmac.new(secret, digestmod=hashlib.sha256)
    for part in (*(text.encode() for text in scope), payload):
        mac.update(len(part).to_bytes(4, "big"))
        mac.update(part)
    return mac.digest()[:_TAG_BYTES]


def _invalid() -> ValidationError:
    return field_error("cursor", "invalid_cursor", "The cursor is not valid for this list.")
