"""The proof that a zip runs on Lambda: unpack it and import every handler as Lambda would."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from infra.packaging.architecture import Architecture, of_library
from infra.packaging.errors import VerificationError

if TYPE_CHECKING:
    from infra.cloudformation.merge import Template

#: What Lambda's Python runtime provides beside the standard library.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
#: Runs in a bare interpreter: no site-packages, no environment.
_PROBE = Path(__file__).with_name("handler_probe.py")


def verify(archive: Path, template: Template, *, service: str, architecture: Architecture, native: Path) -> None:
    """Raise VerificationError unless every handler of the template can be imported from the zip.

    `native` is a folder with the same libraries for this machine: compiled modules of another architecture cannot be
    imported here, so those are looked at by their file headers and stood in for.
    """
    with tempfile.TemporaryDirectory(prefix="kv-verify-") as temporary:
        code, runtime = Path(temporary) / "task", Path(temporary) / "runtime"
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(code)
        inspect(code, service=service, architecture=architecture)
        provide_runtime(runtime)
        search_path = [code, runtime] if architecture is Architecture.of_host() else [native, code, runtime]
        import_handlers(handlers(template), search_path)


def handlers(template: Template) -> dict[str, str]:
    """The handler string of every function, by logical id; all must come from app.py, which sets up middleware."""
    found = {
        name: resource["Properties"]["Handler"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    strangers = {name: handler for name, handler in found.items() if not handler.startswith("app.")}
    if strangers:
        raise VerificationError(
            f"Lambda would load these without app.py, so without middleware: {strangers}. "
            "Declare event handlers with Blueprint('app') and re-export them in app.py."
        )
    return found


def inspect(code: Path, *, service: str, architecture: Architecture) -> None:
    """Look at the unpacked files: nothing that Lambda provides, nothing foreign, everything compiled."""
    problems = [
        f"{name} is in the zip, but Lambda provides it" for name in ("boto3", "botocore") if (code / name).exists()
    ]
    problems += [
        f"{folder.name} belongs to another service"
        for folder in code.glob("*_service")
        if folder.name != f"{service}_service"
    ]
    for module in code.rglob("*.py"):
        compiled = module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc"
        if not compiled.exists():
            problems.append(f"{module.relative_to(code)} is not compiled")
    for library in code.rglob("*.so*"):
        with library.open("rb") as file:
            built_for = of_library(file.read(20))
        if built_for not in {None, architecture.value}:
            problems.append(f"{library.relative_to(code)} is built for {built_for}, not for {architecture}")
    if problems:
        raise VerificationError("The zip is wrong:\n" + "\n".join(f"- {problem}" for problem in problems[:20]))


def provide_runtime(folder: Path) -> None:
    """Fill a folder with what Lambda's Python runtime provides, and with nothing else."""
    folder.mkdir()
    for package in RUNTIME_PACKAGES:
        distribution = metadata.distribution(package)
        for name in sorted({file.parts[0] for file in distribution.files or () if ".." not in file.parts}):
            target = folder / name
            if not target.exists():
                target.symlink_to(Path(str(distribution.locate_file(name))))


def import_handlers(handlers: dict[str, str], search_path: list[Path]) -> None:
    """Import every handler in a fresh interpreter that sees the search path and nothing else."""
    request = json.dumps({"path": [str(folder) for folder in search_path], "handlers": handlers})
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", str(_PROBE)],
        input=request,
        env={"PATH": "/usr/bin:/bin", "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise VerificationError(f"Lambda could not load the function:\n{done.stdout}{done.stderr}")
