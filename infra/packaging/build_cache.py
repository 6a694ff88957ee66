"""The pipeline: one service and one architecture in, one verified package out."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from infra import cloudformation
from infra.packaging.package import Package
from infra.packaging.vendor import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.packaging.architecture import Architecture
    from infra.repository import Repository, Service

_IGNORED_PARTS = {"__pycache__", "tests"}
_KEPT_PACKAGES = 8


def build(
    repository: Repository, service: Service, architecture: Architecture, say: Callable[[str], None] = print
) -> Package:
    """The package of a service, built unless exactly these inputs were built before."""
    shelf = repository.build / "packages"
    shelf.mkdir(parents=True, exist_ok=True)
    inputs = _inputs(repository, service)
    package = Package(service.name, shelf / f"{service.name}-{architecture}-{inputs}")
    if package.folder.is_dir():
        return package
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=shelf, prefix=".making-") as temporary:
        making = Package(service.name, Path(temporary) / "package")
        making.folder.mkdir()
        # Imported for a build only: the translator and the linter take two seconds, most commands build nothing.
        from infra.packaging.build import make

        make(repository, service, architecture, making, Path(temporary))
        if _inputs(repository, service) != inputs:
            say(f"{service.name}: changed while it was packaged, once more …")
            return build(repository, service, architecture, say)
        publish(making.folder, package.folder)
    size = package.code.stat().st_size / 1e6
    say(f"{service.name}: packaged for {architecture}, {size:.1f} MB, {time.monotonic() - started:.1f} s")
    _forget_old(shelf, f"{service.name}-{architecture}-")
    return package


def _inputs(repository: Repository, service: Service) -> str:
    """A digest of everything that decides what a package looks like."""
    digest = hashlib.sha256(sys.version.encode())
    for root in (service.folder, repository.common, Path(__file__).parent, Path(cloudformation.__file__).parent):
        for file in sorted(_files(root)):
            digest.update(json.dumps([root.name, file.relative_to(root).as_posix()]).encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    for file in (service.lock, repository.root / "locks" / "dev.txt"):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterator[Path]:
    for file in root.rglob("*"):
        if file.is_file() and not _IGNORED_PARTS & set(file.relative_to(root).parts):
            yield file


def _forget_old(shelf: Path, prefix: str) -> None:
    """Keep the newest packages only: `make watch` builds one on every save."""
    folders = sorted(shelf.glob(f"{prefix}*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[_KEPT_PACKAGES:]:
        shutil.rmtree(folder, ignore_errors=True)
