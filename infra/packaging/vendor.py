"""The vendored tree: a service's third-party libraries, installed from its lock for one architecture."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra.packaging.errors import BuildError

if TYPE_CHECKING:
    from infra.packaging.architecture import Architecture

#: Raise it when the way the tree is made changes: the number is part of the cache's key.
_RECIPE = "3"
#: What `importlib.metadata` reads at run time; the rest of a *.dist-info folder only matters to installers.
_METADATA = {"METADATA", "entry_points.txt", "top_level.txt"}
#: What cryptography is built with and never imports: of cffi it needs the one binary module beside the package.
_BUILD_TOOLS = ("cffi", "pycparser")
#: Type stubs, and the pages that a library would serve as a web framework, which ours is not.
_NEVER_IMPORTED = ("*.pyi", "*.js", "*.css")


def vendored(lock: Path, architecture: Architecture, cache: Path) -> Path:
    """A folder with the lock's libraries, byte-compiled; made once per lock, architecture and Python."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256(lock.read_bytes() + f"{architecture}{sys.version}{_RECIPE}".encode()).hexdigest()[:16]
    folder = cache / f"{lock.stem}-{architecture}-py{version}-{key}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as temporary:
        tree = Path(temporary) / "tree"
        _install(lock, architecture, version, tree)
        _strip(tree)
        compile_tree(tree)
        _drop_sources(tree)
        publish(tree, folder)
    return folder


def publish(tree: Path, folder: Path) -> None:
    """Move a finished tree to its final place; when another process was faster, its equal result stays."""
    try:
        tree.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def compile_tree(tree: Path) -> None:
    """Byte-compile every module below a folder, reproducibly.

    Lambda's code folder is read-only, so what is not compiled here is compiled on every cold start. `unchecked-hash`
    files are trusted without looking at the source's time, which a zip does not keep.
    """
    command = [sys.executable, "-s", "-P", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash",
               "-s", str(tree), "-p", "/var/task", str(tree)]  # fmt: skip
    done = subprocess.run(command, env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"Byte-compiling failed:\n{done.stdout}{done.stderr}")


def _install(lock: Path, architecture: Architecture, version: str, tree: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--quiet", "--target", tree, "--require-hashes", "--only-binary", ":all:",
               "--python-version", version, "--python-platform", architecture.wheel_platform,
               "--no-compile-bytecode", "--link-mode", "copy", "--requirement", lock]  # fmt: skip
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"Installing {lock} for {architecture} failed:\n{done.stdout}{done.stderr}")


def _drop_sources(tree: Path) -> None:
    """Replace every library module by its compiled form, which Python imports from the source's place.

    Sources are a seventh of a zip and nothing reads them; a traceback still names file and line.
    """
    for source in tree.rglob("*.py"):
        (source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc").rename(
            source.with_suffix(".pyc")
        )
        source.unlink()
    for cache in [*tree.rglob("__pycache__")]:
        shutil.rmtree(cache)


def _strip(tree: Path) -> None:
    tools = [folder for name in _BUILD_TOOLS for folder in (*tree.glob(name), *tree.glob(f"{name}-*.dist-info"))]
    for folder in (*tools, *tree.glob("*/tests"), *tree.glob("bin"), *tree.rglob("__pycache__")):
        shutil.rmtree(folder)
    for pattern in _NEVER_IMPORTED:
        for file in tree.rglob(pattern):
            file.unlink()
    for file in (*tree.glob("*.dist-info/*"), *tree.glob(".lock")):
        if file.is_dir():
            shutil.rmtree(file)
        elif file.name not in _METADATA:
            file.unlink()
