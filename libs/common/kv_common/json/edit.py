"""Edits JSON without parsing it: bytes that an edit does not affect stay the same.

Numbers keep their form, strings their escapes, members their order. All inputs must be well-formed (see
`kv_common.json.strict`); where an object repeats a name, its last value counts.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING

from kv_common.json.strict import COLON, STRING_OR_BRACKET, WHITESPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    Tree = dict[str, "Tree | None"]

_NULL = b"null"
_STRING_OR_WHITESPACE = re.compile(rb'("(?:[^"\\]++|\\.)*+")|[ \t\n\r]+', re.DOTALL)
_STRING_OR_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")
_OPENING = (b"[", b"{")
_CLOSING = (b"]", b"}")


def is_array(text: bytes) -> bool:
    """Return whether a JSON text is an array."""
    return text.lstrip(WHITESPACE).startswith(b"[")


def is_object(text: bytes) -> bool:
    """Return whether a JSON text is an object."""
    return text.lstrip(WHITESPACE).startswith(b"{")


def members(text: bytes) -> list[tuple[bytes, bytes]]:
    """Return the members of an object in order: the name with quotes and escapes, and the value, both as written."""
    starts: list[tuple[bytes, int, int]] = []
    depth = 0
    for match in STRING_OR_BRACKET.finditer(text):
        token = match[0]
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
        elif depth == 1 and (colon := COLON.match(text, match.end())):
            starts.append((token, match.start(), colon.end()))
    if not starts:
        return []
    ends = [start for _, start, _ in starts[1:]] + [text.rindex(b"}") + 1]
    return [
        # A value ends before the comma of the next member or before the object's closing brace.
        (name, text[begins : text.rindex(b"}" if end == ends[-1] else b",", begins, end)].rstrip(WHITESPACE))
        for (name, _, begins), end in zip(starts, ends, strict=True)
    ]


def elements(text: bytes) -> list[bytes]:
    """Return the elements of an array in order, as written."""
    commas: list[int] = []
    depth = 0
    for match in _STRING_OR_MARK.finditer(text):
        token = match[0]
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
        elif depth == 1 and token == b",":
            commas.append(match.start())
    bounds = [text.index(b"["), *commas, text.rindex(b"]")]
    cut = [text[start + 1 : end].strip(WHITESPACE) for start, end in itertools.pairwise(bounds)]
    return cut if cut != [b""] else []


def compact(text: bytes) -> bytes:
    """Return a JSON text without whitespace between tokens."""
    return _STRING_OR_WHITESPACE.sub(rb"\1", text)


def ascii_only(text: str) -> str:
    """Return an equivalent of compact JSON in printable ASCII, for a header's value."""
    return _NOT_PRINTABLE.sub(lambda match: json.dumps(match[0])[1:-1].replace("\x7f", "\\u007f"), text)


def merge(target: bytes, patch: bytes) -> bytes:
    """Return the object `target` with the object `patch` applied as a merge patch (RFC 7386)."""
    return _merge(target, patch)


def pick(text: bytes, paths: Sequence[Sequence[str]]) -> bytes:
    """Return the object `text` with only the members at `paths`, in the order of `text`."""
    wanted: Tree = {}
    for path in paths:
        _want(wanted, path)
    return _pick(text, wanted)


def _merge(target: bytes | None, patch: bytes) -> bytes:
    if not is_object(patch):
        return patch
    if target is None or not is_object(target):
        # All members are new; only those that are null are left out.
        target = b"{}"
        if _NULL not in patch:
            return patch
    before = members(target)
    after: list[tuple[bytes, bytes] | None] = [*before]
    places: dict[str, list[int]] = {}
    for index, (token, _) in enumerate(before):
        places.setdefault(_name(token), []).append(index)
    changes = {_name(token): (token, value) for token, value in members(patch)}
    for name, (token, change) in changes.items():
        *repeated, last = places.get(name, [len(after)])
        for index in repeated:
            after[index] = None
        if last == len(after):
            after.append(None if change == _NULL else (token, _merge(None, change)))
        elif change == _NULL:
            after[last] = None
        else:
            after[last] = (before[last][0], _merge(before[last][1], change))
    return _object([member for member in after if member is not None])


def _want(wanted: Tree, path: Sequence[str]) -> None:
    """Add a path to `wanted`; None there stands for a whole member."""
    for depth, name in enumerate(path, start=1):
        if depth == len(path):
            wanted[name] = None
            return
        below = wanted.setdefault(name, {})
        if below is None:
            return
        wanted = below


def _pick(text: bytes, wanted: Tree) -> bytes:
    last = {_name(token): (token, value) for token, value in members(text)}
    picked: list[tuple[bytes, bytes]] = []
    for name, (token, value) in last.items():
        if name not in wanted:
            continue
        below = wanted[name]
        if below is None:
            picked.append((token, value))
        elif is_object(value):
            picked.append((token, _pick(value, below)))
    return _object(picked)


def _object(parts: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"{" + b",".join(token + b":" + value for token, value in parts) + b"}"


def _name(token: bytes) -> str:
    """Return a member's name without escapes; unlike msgspec, `json` accepts lone surrogates."""
    return str(json.loads(token))
