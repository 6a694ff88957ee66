"""Zips with the same bytes for the same contents."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from infra.packaging import archive
from infra.packaging.vendor import compile_tree

if TYPE_CHECKING:
    from pathlib import Path


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_order_time_and_mode_of_the_files_do_not_matter(tmp_path: Path) -> None:
    one = tree(tmp_path / "one", {"b.py": "b", "a/c.txt": "c"})
    two = tree(tmp_path / "two", {"a/c.txt": "c", "b.py": "b"})
    os.utime(two / "b.py", (0, 0))
    (two / "b.py").chmod(0o700)

    archive.write(tmp_path / "one.zip", one)
    archive.write(tmp_path / "two.zip", two)

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert archive.digest(tmp_path / "one.zip") == archive.digest(tmp_path / "two.zip")


def test_compiled_modules_are_the_same_wherever_they_were_compiled(tmp_path: Path) -> None:
    source = "NAMES = frozenset({'a', 'b', 'c'})\n\n\ndef greet(name: str = 'x') -> str:\n    return f'{name}!'\n"
    for name in ("one", "elsewhere"):
        folder = tree(tmp_path / name, {"pkg/module.py": source})
        compile_tree(folder)
        archive.write(tmp_path / f"{name}.zip", folder)

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "elsewhere.zip").read_bytes()


def test_everybody_may_read_the_files(tmp_path: Path) -> None:
    folder = tree(tmp_path / "one", {"secretive.py": ""})
    (folder / "secretive.py").chmod(0o600)

    archive.write(tmp_path / "one.zip", folder)

    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert packed.getinfo("secretive.py").external_attr >> 16 == 0o100644


def test_two_trees_may_share_equal_files_only(tmp_path: Path) -> None:
    one, two = tree(tmp_path / "one", {"same.py": "1"}), tree(tmp_path / "two", {"same.py": "1"})
    archive.write(tmp_path / "both.zip", one, two)

    (two / "same.py").write_text("2")

    with pytest.raises(ValueError, match=r"same\.py differs"):
        archive.write(tmp_path / "both.zip", one, two)
