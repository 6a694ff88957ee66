"""The making of a package: stage, vendor, `chalice package`, post-process, zip, lint, verify."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from infra.cloudformation import template
from infra.cloudformation.lint import lint
from infra.packaging import archive, chalice_project
from infra.packaging.architecture import Architecture
from infra.packaging.vendor import compile_tree, vendored
from infra.packaging.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from infra.packaging.package import Package
    from infra.repository import Repository, Service


def make(repository: Repository, service: Service, architecture: Architecture, package: Package, work: Path) -> None:
    """Fill the package's folder; `work` is a scratch folder."""
    cache = repository.build / "vendor"
    libraries = vendored(service.lock, architecture, cache)
    project = work / "project"
    chalice_project.stage(service, repository.common, architecture, project)
    sam, runtime = chalice_project.package(project, work / "out")
    own = work / "own"
    shutil.copytree(project / "vendor", own)
    shutil.copytree(runtime, own, dirs_exist_ok=True)
    shutil.copy2(project / "app.py", own / "app.py")
    compile_tree(own)
    archive.write(package.code, own, libraries)
    fragment = template.read_fragment(service.resources)
    finished = template.finish(sam, fragment, service=service.name, code_key=package.code_key)
    template.write(finished, package.template)
    lint(package.template)
    native = vendored(service.lock, Architecture.of_host(), cache)
    verify(package.code, finished, service=service.name, architecture=architecture, native=native)
