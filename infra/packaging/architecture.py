"""Processor architectures of Lambda functions."""

from __future__ import annotations

import platform
import sys
from enum import StrEnum

#: `e_machine` of the ELF header, little endian, at offset 18.
_ELF_MACHINES = {b"\x3e\x00": "x86_64", b"\xb7\x00": "arm64"}


class Architecture(StrEnum):
    """A processor architecture, by Lambda's name for it."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @classmethod
    def of_host(cls) -> Architecture:
        """The architecture of this machine."""
        return cls.ARM64 if platform.machine().lower() in {"aarch64", "arm64"} else cls.X86_64

    @property
    def wheel_platform(self) -> str:
        """The platform whose wheels run there, by uv's name for it."""
        machine = "aarch64" if self is Architecture.ARM64 else "x86_64"
        # Lambda's Python 3.11 runs on Amazon Linux 2 (glibc 2.26), later ones on Amazon Linux 2023 (glibc 2.34).
        return f"{machine}-manylinux2014" if sys.version_info < (3, 12) else f"{machine}-manylinux_2_34"


def of_library(header: bytes) -> str | None:
    """The architecture that an ELF file was built for, from its first 20 bytes; None when it is no ELF file."""
    if not header.startswith(b"\x7fELF"):
        return None
    return _ELF_MACHINES.get(header[18:20], "unknown")
