"""One version number, in one place, which every project and the distribution of kv_common take theirs from."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest

from infra.repository import Repository
from kv_common import VERSION

if TYPE_CHECKING:
    from pathlib import Path

ROOT = Repository.here().root
PROJECTS = [
    ROOT / "pyproject.toml",
    *sorted(ROOT.glob("libs/*/pyproject.toml")),
    *sorted(ROOT.glob("services/*/*.toml")),
]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_project_declares_its_version_as_dynamic(path: Path) -> None:
    project = tomllib.loads(path.read_text())["project"]

    assert project["dynamic"] == ["version"]
    assert "version" not in project


def test_version_is_written_in_one_source_file() -> None:
    sources = [path for folder in ("libs", "services", "infra") for path in (ROOT / folder).rglob("*.py")]

    found = [path.relative_to(ROOT).as_posix() for path in [*sources, *PROJECTS] if f'"{VERSION}"' in path.read_text()]

    assert found == ["libs/common/kv_common/__init__.py"]


def test_kv_common_is_built_with_its_version_scripts_and_types(tmp_path: Path) -> None:
    source = tmp_path / "common"
    shutil.copytree(
        ROOT / "libs" / "common", source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    )

    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(source)], check=True, capture_output=True)

    wheel = tmp_path / f"kv_common-{VERSION}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "libs" / "common"
    expected = {path.relative_to(package).as_posix() for path in package.glob("kv_common/**/*.py")}
    expected |= {path.relative_to(package).as_posix() for path in package.glob("kv_common/**/*.lua")}
    assert expected | {"kv_common/py.typed"} <= names
