"""Verification finds what would fail on Lambda."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from infra.packaging import archive
from infra.packaging.architecture import Architecture
from infra.packaging.errors import VerificationError
from infra.packaging.vendor import compile_tree
from infra.packaging.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOST = Architecture.of_host()
OTHER = next(architecture for architecture in Architecture if architecture is not HOST)
ELF_HEADERS = {
    Architecture.X86_64: b"\x7fELF".ljust(18, b"\0") + b"\x3e\x00",
    Architecture.ARM64: b"\x7fELF".ljust(18, b"\0") + b"\xb7\x00",
}
GOOD = {"app.py": "def app(event, context): ...\n"}


def template(handler: str = "app.app") -> dict[str, Any]:
    return {"Resources": {"APIHandler": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": handler}}}}


def check(folder: Path, files: Mapping[str, str | bytes], handler: str = "app.app", *, compiled: bool = True) -> None:
    """Pack the files as the service `kv` and verify the zip."""
    tree = folder / "tree"
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content.encode() if isinstance(content, str) else content)
    if compiled:
        compile_tree(tree)
    archive.write(folder / "code.zip", tree)
    verify(folder / "code.zip", template(handler), service="kv", architecture=HOST, native=folder)


def test_a_handler_that_imports_passes_with_the_libraries_that_lambda_provides(tmp_path: Path) -> None:
    check(tmp_path, {"app.py": "import boto3, botocore, urllib3\n\ndef app(event, context): ...\n"})


def test_a_handler_that_does_not_import_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"(?s)APIHandler \(app\.app\).*ZeroDivisionError"):
        check(tmp_path, {"app.py": "1 / 0\n"})


def test_a_missing_library_is_found_although_this_machine_has_it(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="No module named 'redis'"):
        check(tmp_path, {"app.py": "import redis\n\ndef app(event, context): ...\n"})


def test_a_handler_that_is_missing_or_no_function_is_found(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="no attribute 'on_events'"):
        check(tmp_path / "missing", GOOD, handler="app.on_events")
    with pytest.raises(VerificationError, match="cannot be called"):
        check(tmp_path / "constant", {"app.py": "app = 1\n"})


def test_importing_may_need_no_environment(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="KeyError: 'TABLE'"):
        check(tmp_path, {"app.py": "import os\nTABLE = os.environ['TABLE']\n\ndef app(event, context): ...\n"})


def test_a_handler_outside_app_py_would_run_without_middleware(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"without app\.py"):
        check(
            tmp_path,
            {**GOOD, "kv_service/consumers.py": "def on_events(event, context): ...\n"},
            "kv_service.on_events",
        )


def test_boto3_in_the_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="boto3 is in the zip"):
        check(tmp_path, {**GOOD, "boto3/__init__.py": ""})


def test_code_of_another_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="auth_service belongs to another service"):
        check(tmp_path, {**GOOD, "kv_service/__init__.py": "", "auth_service/__init__.py": ""})


def test_a_module_that_is_not_compiled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"app\.py is not compiled"):
        check(tmp_path, GOOD, compiled=False)


def test_a_library_for_another_processor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=f"built for {OTHER}, not for {HOST}"):
        check(tmp_path, {**GOOD, "fast.abi3.so": ELF_HEADERS[OTHER]})


def test_a_zip_for_another_processor_is_verified_with_this_ones_libraries(tmp_path: Path) -> None:
    native, tree = tmp_path / "native", tmp_path / "tree"
    native.mkdir()
    (native / "fast.py").write_text("VALUE = 1\n")
    tree.mkdir()
    (tree / "app.py").write_text("import fast\n\ndef app(event, context): return fast.VALUE\n")
    (tree / "fast.abi3.so").write_bytes(ELF_HEADERS[OTHER])
    compile_tree(tree)
    archive.write(tmp_path / "code.zip", tree)

    verify(tmp_path / "code.zip", template(), service="kv", architecture=OTHER, native=native)

    with zipfile.ZipFile(tmp_path / "code.zip") as packed:
        assert "fast.py" not in packed.namelist()
