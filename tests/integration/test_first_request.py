"""The modules that a function imports for its first GET, which is part of a cold start."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from infra.packaging.architecture import Architecture
from infra.packaging.build_cache import build
from infra.packaging.verify import RUNTIME_PACKAGES, provide_runtime
from infra.repository import Repository
from tests.support.kv_process import environment_of, event

if TYPE_CHECKING:
    from pathlib import Path

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

PROGRAM = """
import json, sys
began = set(sys.modules)
asked = json.loads(sys.stdin.read())
sys.path[:0] = asked["path"]
from app import app
answer = app(asked["event"], None)
print(json.dumps({"status": answer["statusCode"], "imported": sorted(set(sys.modules) - began)}))
"""

#: multiprocessing calls the program so, beside `__main__`.
PROVIDED = {*RUNTIME_PACKAGES, "dateutil", "__mp_main__"}


@pytest.mark.parametrize(("method", "body", "status"), [("GET", None, 404), ("PUT", '{"value":1}', 201)])
def test_first_value_request_imports_only_what_it_needs(
    local: LocalEnvironment, tenant: Tenant, tmp_path: Path, method: str, body: str | None, status: int
) -> None:
    repository = Repository.here()
    package = build(repository, repository.service("kv"), Architecture.of_host())
    code, runtime = tmp_path / "code", tmp_path / "runtime"
    with zipfile.ZipFile(package.code) as archive:
        archive.extractall(code)
    provide_runtime(runtime)
    tenant.namespace("app")
    path = {"namespace": "app", "key": "a"}
    request = event(method, "/v1/{namespace}/{key}", path, headers=tenant.key(), body=body)

    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM],
        input=json.dumps({"path": [str(code), str(runtime)], "event": request}),
        env=environment_of(local, "kv"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report = json.loads(run.stdout.splitlines()[-1])
    imported = {name.partition(".")[0] for name in report["imported"]} - sys.stdlib_module_names - PROVIDED

    assert report["status"] == status
    # msgspec imports typing_extensions where it is installed, and redis-py looks whether cryptography is.
    libraries = {"aws_lambda_powertools", "cachetools", "chalice", "cryptography", "hiredis", "msgspec", "redis"}
    assert imported == {"app", "kv_common", "kv_service", "typing_extensions", *libraries}
    # Lambda provides boto3 and botocore, but importing them takes longer than the rest. Powertools imports the package
    # botocore (to set the user agent), but none of its modules. Access tokens and events import their libraries later.
    unwanted = (
        "aws_lambda_powertools.utilities.batch", "boto3", "botocore.", "cryptography.hazmat", "jwt",
        "kv_common.auth.verifier", "kv_common.events.contracts", "kv_common.redis.cluster", "kv_service.background",
        "pydantic", "tenacity", "urllib.request", "urllib3",
    )  # fmt: skip
    assert not {name for name in report["imported"] if name.startswith(unwanted)}
