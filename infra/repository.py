"""The repository: where its services, templates and build results are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Deploy order where order matters: `auth` owns what the others read; the rest follow by name.
FIRST_SERVICES = ("auth",)
#: The stacks below the services, in deploy order.
PLATFORM_STACKS = ("artifacts", "bus", "gateway", "identity")


class UnknownNameError(Exception):
    """A service or stack of this name does not exist; the message lists those that do."""


@dataclass(frozen=True, slots=True)
class Service:
    """One deployable service and the places of its parts."""

    name: str
    root: Path
    """The repository's root."""

    @property
    def folder(self) -> Path:
        """The Chalice project."""
        return self.root / "services" / self.name

    @property
    def package(self) -> Path:
        """The service's own Python package."""
        return self.folder / f"{self.name}_service"

    @property
    def resources(self) -> Path:
        """The CloudFormation fragment that is merged into the service's template."""
        return self.folder / "resources.json"

    @property
    def lock(self) -> Path:
        """The pinned third-party libraries of the service."""
        return self.root / "locks" / f"{self.name}.txt"


@dataclass(frozen=True, slots=True)
class Repository:
    """The work tree."""

    root: Path

    @classmethod
    def here(cls) -> Repository:
        """The work tree that this module belongs to."""
        return cls(Path(__file__).resolve().parent.parent)

    @property
    def common(self) -> Path:
        """The package that all services share."""
        return self.root / "libs" / "common" / "kv_common"

    @property
    def build(self) -> Path:
        """Build results; safe to delete."""
        return self.root / "build"

    @property
    def local(self) -> Path:
        """State of `make run`."""
        return self.root / ".local"

    def services(self) -> tuple[Service, ...]:
        """Every service, in deploy order."""
        names = [path.parent.name for path in self.root.glob("services/*/pyproject.toml")]
        names.sort(
            key=lambda name: (FIRST_SERVICES.index(name) if name in FIRST_SERVICES else len(FIRST_SERVICES), name)
        )
        return tuple(Service(name, self.root) for name in names)

    def service(self, name: str) -> Service:
        """The service of that name."""
        services = {service.name: service for service in self.services()}
        if name not in services:
            raise UnknownNameError(f"There is no service {name!r}. Services: {', '.join(services)}.")
        return services[name]

    def platform_template(self, name: str) -> Path:
        """The template of a platform stack."""
        if name not in PLATFORM_STACKS:
            raise UnknownNameError(f"There is no platform stack {name!r}. Stacks: {', '.join(PLATFORM_STACKS)}.")
        return self.root / "infra" / "cloudformation" / "platform" / f"{name}.json"

    def stage_file(self, stage: str) -> Path:
        """The configuration of a stage."""
        return self.root / "infra" / "stages" / f"{stage}.toml"
