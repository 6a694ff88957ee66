"""What can go wrong while deploying."""

from __future__ import annotations


class DeploymentError(Exception):
    """A deployment cannot go on; the message says why and what to do next."""
