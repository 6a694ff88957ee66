"""A package: what a service is deployed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.packaging import archive

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """A finished package on disk."""

    service: str
    folder: Path

    @property
    def code(self) -> Path:
        """The zip."""
        return self.folder / "code.zip"

    @property
    def template(self) -> Path:
        """The CloudFormation template; it names the zip by its key."""
        return self.folder / "template.json"

    @property
    def code_key(self) -> str:
        """The zip's key in the artifacts bucket: the same contents are the same object."""
        return f"{self.service}/{archive.digest(self.code)}.zip"
