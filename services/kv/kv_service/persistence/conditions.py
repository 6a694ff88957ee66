"""The conditions of writes: preconditions and expiry in the table's own terms.

A write whose condition failed returns the stored item, so that the caller can say why, or continue from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from kv_common.dynamodb.items import Item
from kv_service.values.model import GREATEST_INTEGER, LEAST_INTEGER

if TYPE_CHECKING:
    from kv_service.values.model import Version
    from kv_service.values.preconditions import Precondition, Tags

LIVE = "(attribute_not_exists(#ttl) OR #ttl > :now)"
"""Holds for what has not expired, and where there is nothing."""

SENT_ONCE = "(NOT e = :e)"
"""Holds unless this very write, whose ETag is `:e`, has been done: the client may have sent it before."""

TTL_NAME = {"#ttl": "ttl"}


class Condition(msgspec.Struct, frozen=True):
    """A condition expression and the values in it."""

    expression: str
    values: Item

    def also(self, expression: str, values: Item) -> Condition:
        """Return the condition that both hold."""
        return Condition(f"{self.expression} AND {expression}", {**self.values, **values})

    def request(self) -> dict[str, Any]:
        """Return the condition as a member of a write."""
        request: dict[str, Any] = {
            "ConditionExpression": self.expression,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        if "#ttl" in self.expression:
            request["ExpressionAttributeNames"] = TTL_NAME
        return request


ABSENT = Condition("attribute_not_exists(PK)", {})
"""Holds where there is nothing."""


def version_unchanged(found: Version | None) -> Condition:
    """Return the condition that exactly the found version is still stored: an ETag is never reused."""
    return ABSENT if found is None else Condition("e = :seen", {":seen": {"S": found.etag}})


def precondition_holds(precondition: Precondition, now_ms: int) -> Condition:
    """Return the condition that a precondition holds; what has expired makes it fail, even where there may be nothing.

    Except for `If-None-Match: *`, which holds for it: then whatever is written is new.
    """
    now: Item = {":now": {"N": str(now_ms // 1000)}}
    if precondition.if_match is not None:
        if precondition.if_match.any:
            return Condition(f"attribute_exists(PK) AND {LIVE}", now)
        tags, values = _tags(precondition.if_match)
        return Condition(f"e IN ({tags}) AND {LIVE}", {**values, **now})
    if precondition.if_none_match is not None:
        if precondition.if_none_match.any:
            return Condition("(attribute_not_exists(PK) OR #ttl <= :now)", now)
        tags, values = _tags(precondition.if_none_match)
        return Condition(f"(NOT e IN ({tags})) AND {LIVE}", {**values, **now})
    return Condition(LIVE, now)


def precondition_holds_for_integer(precondition: Precondition, by: int, now_ms: int) -> Condition:
    """Return the condition that a precondition holds, and that `by` can be added to what is there, or to nothing."""
    # Both bounds lie within the range, whichever way it goes: what is added to them does not leave it.
    bounds: Item = {
        ":lo": {"N": str(LEAST_INTEGER - min(0, by))},
        ":hi": {"N": str(GREATEST_INTEGER - max(0, by))},
    }
    return precondition_holds(precondition, now_ms).also("(attribute_not_exists(PK) OR n BETWEEN :lo AND :hi)", bounds)


def _tags(tags: Tags) -> tuple[str, Item]:
    """Return the ETags of a list as operands; an empty list, of weak tags alone, is like one that never was given."""
    values: Item = {f":e{index}": {"S": tag} for index, tag in enumerate(sorted(tags.opaque) or [""])}
    return ", ".join(values), values
