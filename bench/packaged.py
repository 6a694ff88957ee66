"""A packaged service as on Lambda: the unpacked zip, the runtime's libraries, and a bare interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from infra.packaging.architecture import Architecture
from infra.packaging.build_cache import build
from infra.packaging.verify import provide_runtime
from infra.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.packaging.package import Package

Json = dict[str, Any]

_PROBE = Path(__file__).with_name("lambda_probe.py")
#: As Lambda's runtime sets it.
_AWS = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
}


@dataclass(frozen=True, slots=True)
class Packaged:
    """An unpacked package."""

    service: str
    path: list[str]
    environment: Mapping[str, str]
    zip_mb: float

    @contextmanager
    def running(self, events: Mapping[str, object], environment: Mapping[str, str]) -> Iterator[Probe]:
        """Start a new interpreter that imports the package."""
        with subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROBE)],
            env={**_AWS, **self.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Probe(process, {"path": self.path, "events": events})
            finally:
                process.terminate()


class Probe:
    """A service in its own process, which measures it."""

    def __init__(self, process: subprocess.Popen[str], job: Mapping[str, object]) -> None:
        self._process = process
        self.imported: Json = self._request(job)
        """The cost of the import."""

    def serve(self, event: str, requests: int) -> Json:
        """Serve an event repeatedly."""
        return self._request({"serve": event, "requests": requests})

    def bare(self, event: str, requests: int) -> Json:
        """Repeat only the Redis and DynamoDB calls of an event."""
        return self._request({"bare": event, "requests": requests})

    def profile(self, event: str, requests: int) -> Json:
        """Serve an event under the profiler."""
        return self._request({"profile": event, "requests": requests})

    def _request(self, command: Mapping[str, object]) -> Json:
        if self._process.stdin is None or self._process.stdout is None:
            raise BenchError("The probe has no pipes.")
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BenchError("The probe ended; see its output above.")
        response: Json = json.loads(line)
        return response


@contextmanager
def packaged(service: str) -> Iterator[Packaged]:
    """Build a service, or use the cached build, and unpack it temporarily."""
    repository = Repository.here()
    with unpacked(build(repository, repository.service(service), Architecture.of_host())) as service_package:
        yield service_package


@contextmanager
def unpacked(package: Package) -> Iterator[Packaged]:
    """Unpack a package temporarily."""
    template = json.loads(package.template.read_text())
    variables = template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    with tempfile.TemporaryDirectory() as temporary:
        code, runtime = Path(temporary) / "task", Path(temporary) / "runtime"
        with zipfile.ZipFile(package.code) as archive:
            archive.extractall(code)
        provide_runtime(runtime)
        yield Packaged(
            package.service,
            [str(code), str(runtime)],
            {name: _setting(name, value, template["Parameters"]) for name, value in variables.items()},
            package.code.stat().st_size / 1e6,
        )


def _setting(name: str, value: object, parameters: Mapping[str, Json]) -> str:
    """Return the default value of a variable, or a placeholder."""
    if isinstance(value, str):
        return value
    parameter = parameters.get(str(value.get("Ref")), {}) if isinstance(value, dict) else {}
    return str(parameter.get("Default", f"bench-{name.lower()}"))
