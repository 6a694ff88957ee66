"""The locks hold what they promise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infra.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from infra.repository import Service

REPOSITORY = Repository.here()
LOCKS = sorted((REPOSITORY.root / "locks").glob("*.txt"))


def pins(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()

    assert "://" not in text
    blocks = [block for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if block.strip()]
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("service", REPOSITORY.services(), ids=lambda service: service.name)
def test_what_a_service_ships_is_what_the_tests_ran_with(service: Service) -> None:
    development = pins((REPOSITORY.root / "locks" / "dev.txt").read_text())

    assert {
        name: versions for name, versions in pins(service.lock.read_text()).items() if versions - development[name]
    } == {}


def test_every_service_and_nothing_else_has_a_lock() -> None:
    assert {lock.stem for lock in LOCKS} == {
        "bench",
        "dev",
        "emulator",
        *(service.name for service in REPOSITORY.services()),
    }
