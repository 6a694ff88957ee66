"""The bodies that billing's routes take; a member that is not named here is refused."""

from __future__ import annotations

import msgspec


class Wanted(msgspec.Struct):
    """POST /v1/billing/checkout and PATCH /v1/billing/subscription."""

    plan: str


class Nothing(msgspec.Struct):
    """POST /v1/billing/portal."""
