"""Set-up, as far as it can be tried without installing anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from infra import setup
from infra.repository import Repository
from infra.setup import Environment, SetupError

if TYPE_CHECKING:
    from pathlib import Path

LOCK = """\
uv==1.2.3 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via kv-storage (pyproject.toml:dev)
uvloop==9 \\
    --hash=sha256:cc
"""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "dev.txt").write_text(LOCK)
    made = Environment(tmp_path / ".venv", tmp_path / "locks" / "dev.txt", (tmp_path,))
    made.python.parent.mkdir(parents=True)
    made.python.write_text("")
    (made.folder / setup.STAMP).write_text(made.state())
    return made


def test_an_environment_is_current_until_its_lock_or_its_sources_change(environment: Environment) -> None:
    assert environment.is_current()

    moved = Environment(environment.folder, environment.lock, (environment.folder,))
    assert not moved.is_current()
    environment.lock.write_text(LOCK + "more==1\n")
    assert not environment.is_current()


def test_an_environment_without_its_interpreter_is_not_current(environment: Environment) -> None:
    environment.python.unlink()

    assert not environment.is_current()


def test_one_package_is_read_from_a_lock_with_all_of_its_hashes(environment: Environment) -> None:
    assert setup.locked(environment.lock, "uv") == LOCK[: LOCK.index("uvloop")]
    with pytest.raises(SetupError, match=r"does not pin httpx.*make lock"):
        setup.locked(environment.lock, "httpx")


def test_who_may_not_install_packages_is_told_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)

    with pytest.raises(SetupError, match="sudo apt-get install -y --no-install-recommends python3-venv"):
        setup.apt_install("python3-venv", why="No ensurepip.")


def test_where_there_is_no_apt_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(SetupError, match="equivalent of Debian's package redis-server"):
        setup.apt_install("redis-server", why="No Redis.")


def test_an_old_python_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setup, "MINIMUM_PYTHON", (4, 0))

    with pytest.raises(SetupError, match=r"too old, 4\.0 or later.*PYTHON=python4\.0"):
        setup.setup(tmp_path)


def test_with_nothing_to_do_it_is_silent_and_needs_no_installed_package() -> None:
    script = Repository.here().root / "infra" / "setup.py"

    done = subprocess.run([sys.executable, "-I", "-S", script], capture_output=True, text=True, check=False, timeout=10)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
