"""The locks: hashed pins of every library, compiled from the pyproject.toml files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra import terminal
from infra.packaging.errors import BuildError
from infra.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Universal: the same lock holds on every platform and from this Python on. No header: it would name this machine.
_OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet")


def lock(repository: Repository, *, upgrade: bool) -> None:
    """Write every lock. Pins that still fit stay as they are unless `upgrade` asks for the newest."""
    services = repository.services()
    common = "libs/common/pyproject.toml"
    projects = {service.name: f"services/{service.name}/pyproject.toml" for service in services}
    extra = ("--upgrade",) if upgrade else ()
    compile_lock(
        repository.root, "locks/dev.txt", ["--group", "pyproject.toml:dev", common, *projects.values(), *extra]
    )
    compile_lock(repository.root, "locks/emulator.txt", ["--group", "pyproject.toml:emulator", *extra])
    compile_lock(repository.root, "locks/bench.txt", ["--group", "pyproject.toml:bench", *extra])
    for name, project in projects.items():
        # Constrained by the development lock: what is tested is what is shipped, in every service.
        compile_lock(repository.root, f"locks/{name}.txt", ["--constraint", "locks/dev.txt", project, common, *extra])


def compile_lock(root: Path, output: str, sources: Sequence[str]) -> None:
    """Write one lock."""
    uv = Path(sys.executable).with_name("uv")
    print(f"lock: {output}", flush=True)
    command = [str(uv), "pip", "compile", *_OPTIONS, *sources, "--output-file", output]
    if subprocess.run(command, cwd=root, check=False).returncode != 0:
        raise BuildError(f"{output} cannot be compiled; uv says why above.")


if __name__ == "__main__":
    sys.exit(terminal.run(lambda: lock(Repository.here(), upgrade="--upgrade" in sys.argv[1:])))
