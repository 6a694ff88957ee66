"""What can go wrong with the local environment."""

from __future__ import annotations


class LocalError(Exception):
    """The local environment cannot start or go on; the message says why and what to do next."""
