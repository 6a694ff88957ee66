"""The staged Chalice project: a copy of a service that `chalice package` turns into a SAM template and a zip."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.packaging.errors import BuildError

if TYPE_CHECKING:
    from infra.cloudformation.merge import Template
    from infra.packaging.architecture import Architecture
    from infra.repository import Service

#: Chalice names its stage in nothing that we keep: stages are a parameter of the finished template.
_CHALICE_STAGE = "packaged"
_POLICY_PREFIX = "policy-"
_NOTHING_ALLOWED = {"Version": "2012-10-17", "Statement": []}
#: Chalice reports these and exits with 0 all the same.
_SILENT_FAILURES = ("Could not install dependencies", "Traceback", "Unable to", "not be found")


def stage(service: Service, common: Path, architecture: Architecture, project: Path) -> None:
    """Copy what the service is made of into a fresh Chalice project."""
    project.mkdir(parents=True)
    shutil.copy2(service.folder / "app.py", project / "app.py")
    for package in (common, service.package):
        copy_package(package, project / "vendor" / package.name)
    # Chalice would resolve requirements on its own, ignoring hashes and failing silently; vendor/ holds everything.
    (project / "requirements.txt").write_text("")
    (project / ".chalice").mkdir()
    policies = sorted((service.folder / ".chalice").glob(f"{_POLICY_PREFIX}*.json"))
    for policy in policies:
        shutil.copy2(policy, project / ".chalice" / policy.name)
    (project / ".chalice" / f"{_POLICY_PREFIX}{_CHALICE_STAGE}.json").write_text(json.dumps(_NOTHING_ALLOWED))
    settings = json.loads((service.folder / ".chalice" / "config.json").read_text())
    (project / ".chalice" / "config.json").write_text(json.dumps(_configured(settings, architecture, policies)))


def copy_package(source: Path, target: Path) -> None:
    """Copy a package with its data files (scripts, templates), without what is made by running or testing it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "tests"))


def package(project: Path, out: Path) -> tuple[Template, Path]:
    """Run `chalice package`: the SAM template, and a folder with Chalice's own runtime modules."""
    out.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("chalice")), "package", "--stage", _CHALICE_STAGE, str(out)]
    environment = {
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(out),  # no settings of the developer
        "AWS_DEFAULT_REGION": "us-east-1",  # has to be set, ends up nowhere
        "PYTHONPATH": str(project / "vendor"),  # the copies, not the work tree
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    if done.returncode != 0 or any(sign in log for sign in _SILENT_FAILURES):
        raise BuildError(f"`chalice package` failed:\n{_from_own_code(log, project)}")
    template: dict[str, Any] = json.loads((out / "sam.json").read_text())
    _require_functions_of_policies(project, template)
    runtime = out / "runtime"
    with zipfile.ZipFile(out / "deployment.zip") as archive:
        archive.extractall(runtime, [name for name in archive.namelist() if name.startswith("chalice/")])
    return template, runtime


def _from_own_code(log: str, project: Path) -> str:
    """A log without the forty lines of Chalice's own frames, when it ends in a traceback that reaches our code."""
    own = log.find(f'  File "{project}')
    return log if own == -1 else log[own:]


def _configured(settings: dict[str, Any], architecture: Architecture, policies: list[Path]) -> dict[str, Any]:
    functions: dict[str, Any] = {name: dict(values) for name, values in settings.get("lambda_functions", {}).items()}
    for policy in policies:
        functions.setdefault(_function_of(policy), {})["iam_policy_file"] = policy.name
    return {
        **settings,
        "autogen_policy": False,
        "lambda_architecture": architecture.value,
        "lambda_functions": functions,
        "stages": {_CHALICE_STAGE: {}},
    }


def _function_of(policy: Path) -> str:
    return policy.stem.removeprefix(_POLICY_PREFIX)


def _require_functions_of_policies(project: Path, template: Template) -> None:
    """Refuse a policy file that belongs to no function: the one it was meant for would run without rights."""
    roles = {name.lower() for name in template["Resources"] if name.endswith("Role")}
    for policy in (project / ".chalice").glob(f"{_POLICY_PREFIX}*.json"):
        function = _function_of(policy)
        expected = "".join(character for character in function.lower() if character.isalnum()) + "role"
        if function != _CHALICE_STAGE and expected not in roles:
            raise BuildError(
                f".chalice/{policy.name} belongs to no function. Name it after one: "
                f"{', '.join(sorted(roles))} (the routes' function is api_handler)."
            )
