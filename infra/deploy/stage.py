"""A stage: one complete installation of KV Storage and the values that make it differ from the others."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.deploy.errors import DeploymentError
from infra.packaging.architecture import Architecture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOCAL = "local"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")


@dataclass(frozen=True, slots=True)
class Stage:
    """The settings of a stage."""

    name: str
    region: str
    architecture: Architecture
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values of template parameters; each goes to every template that declares it."""
    source: str = ""
    """Where the settings come from, for messages."""

    def stack(self, name: str) -> str:
        """The name of a stack in this stage."""
        return f"kv-{self.name}-{name}"

    def parameters_of(self, template: Mapping[str, Any], stack: str) -> dict[str, str]:
        """The value of every parameter that a template declares and that has no default.

        A value that is given wins over the template's default.
        """
        given = {**self.parameters, "Stage": self.name}
        values: dict[str, str] = {}
        for name, parameter in template.get("Parameters", {}).items():
            if name in given:
                values[name] = given[name]
            elif "Default" not in parameter:
                raise DeploymentError(
                    f"The stack {stack} needs the parameter {name} ({parameter.get('Description', 'no description')}). "
                    f'Add it to {self.source} under [parameters]:\n\n    {name} = "…"\n'
                )
        return values


def read(path: Path, name: str) -> Stage:
    """The stage of that name, from its file."""
    if not _NAME.fullmatch(name):
        raise DeploymentError(f"{name!r} cannot be a stage: lower-case letters, digits and dashes, 20 at most.")
    example = path.with_name("dev.toml.example")
    if not path.exists():
        raise DeploymentError(f"There is no stage {name!r}: copy {example} to {path} and fill it in.")
    try:
        settings = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise DeploymentError(f"{path} is no TOML: {error}") from error
    head = settings.get("stage", {})
    if "region" not in head:
        raise DeploymentError(f'{path} needs a region: [stage] region = "eu-central-1"')
    architecture = head.get("architecture", Architecture.ARM64.value)
    if architecture not in list(Architecture):
        raise DeploymentError(f"{path}: architecture has to be one of {', '.join(Architecture)}, not {architecture!r}.")
    parameters = {key: _text(value) for key, value in settings.get("parameters", {}).items()}
    return Stage(name, head["region"], Architecture(architecture), parameters, source=str(path))


def _text(value: object) -> str:
    """A TOML value as CloudFormation takes it: a list is joined by commas, true and false are lower case."""
    if isinstance(value, list):
        return ",".join(_text(member) for member in value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
