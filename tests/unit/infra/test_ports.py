"""Ports."""

from __future__ import annotations

import socket

import pytest

from infra.local.errors import LocalError
from infra.local.ports import HOST, free_port, require_free


def test_a_busy_port_is_named_together_with_the_way_to_choose_another() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(LocalError, match=rf"Port {port} .*in use.*make run PORT={port + 10}"):
            require_free(port, variable="PORT", what="the emulator")


def test_a_free_port_is_free() -> None:
    require_free(free_port(), variable="PORT", what="the emulator")
