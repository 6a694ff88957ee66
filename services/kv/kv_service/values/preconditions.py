"""`If-Match` and `If-None-Match`, as RFC 9110 (section 13) has them."""

from __future__ import annotations

import re

import msgspec

from kv_common.errors import PreconditionFailed, field_error

MAX_TAGS = 20

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_BETWEEN = re.compile(r"[ \t]*,[ \t,]*")


class Tags(msgspec.Struct, frozen=True):
    """The ETags of a precondition; `any` is `*`, which matches every version."""

    any: bool
    opaque: frozenset[str]

    def match(self, etag: str | None) -> bool:
        """Return whether one of them is the ETag of what there is; nothing matches None."""
        return etag is not None and (self.any or etag in self.opaque)


class Precondition(msgspec.Struct, frozen=True):
    """What must hold for a request to be carried out; without either part, nothing."""

    if_match: Tags | None = None
    if_none_match: Tags | None = None

    def holds(self, etag: str | None) -> bool:
        """Return whether it holds for the ETag of the key's version, None where there is none."""
        if self.if_match is not None:
            return self.if_match.match(etag)
        return self.if_none_match is None or not self.if_none_match.match(etag)

    def require(self, etag: str | None) -> None:
        """Return if it holds; else raise PreconditionFailed."""
        if not self.holds(etag):
            raise PreconditionFailed(
                "The key is not in the state that the precondition asks for.",
                details={"etag": f'"{etag}"'} if etag is not None else {"etag": None},
            )


NONE = Precondition()


def read(if_match: str | None, if_none_match: str | None) -> Precondition:
    """Return the precondition that the two texts make; ValidationError when one is malformed, or both are there."""
    if if_match is None and if_none_match is None:
        return NONE
    if if_match is not None and if_none_match is not None:
        raise field_error("if-none-match", "conflicting_headers", "Send If-Match or If-None-Match, not both.")
    if if_match is not None:
        # Compared strongly: a weak tag is never the same.
        return Precondition(if_match=_tags(if_match, "if-match", weak=False))
    return Precondition(if_none_match=_tags(if_none_match or "", "if-none-match", weak=True))


def _tags(text: str, header: str, *, weak: bool) -> Tags:
    text = text.strip(" \t")
    if text == "*":
        return Tags(any=True, opaque=frozenset())
    tags: set[str] = set()
    position = count = 0
    while match := _TAG.match(text, position):
        count += 1
        if weak or not match[1]:
            tags.add(match[2])
        if match.end() == len(text):
            if count > MAX_TAGS:
                break
            return Tags(any=False, opaque=frozenset(tags))
        between = _BETWEEN.match(text, match.end())
        if between is None:
            break
        position = between.end()
    raise field_error(
        header,
        "invalid_format",
        f'The header {header} is * or a list of at most {MAX_TAGS} ETags, each in quotes: "…".',
    )
