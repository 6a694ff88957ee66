"""Zip files that have the same bytes whenever they have the same contents."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path  # noqa: TC003 - small module, and dataclasses of callers resolve it

#: The earliest time that a zip can hold.
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: A regular file that everybody may read: Lambda's user is not the one who packs.
_MODE = 0o100644 << 16


def write(archive: Path, *trees: Path) -> None:
    """Pack the files of several folders into one zip, sorted, with fixed times and modes.

    A file that two folders share must be the same in both.
    """
    files: dict[str, Path] = {}
    for tree in trees:
        for file in sorted(tree.rglob("*")):
            if file.is_file():
                name = file.relative_to(tree).as_posix()
                if name in files and files[name].read_bytes() != file.read_bytes():
                    raise ValueError(f"{name} differs between {files[name]} and {file}")
                files[name] = file
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _MODE
            target.writestr(entry, files[name].read_bytes())


def digest(archive: Path) -> str:
    """The SHA-256 of a file, as the name it gets in the artifacts bucket."""
    return hashlib.sha256(archive.read_bytes()).hexdigest()
