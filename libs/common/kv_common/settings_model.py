"""Settings as pydantic models: a field is the variable of the same name in capitals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pydantic
from pydantic import BaseModel, ConfigDict

from kv_common.settings import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsModel(BaseModel):
    """Frozen settings; an empty variable counts as absent, and other variables are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=str.upper, validate_by_name=True, hide_input_in_errors=True
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`; InvalidSettings lists every variable that is missing or malformed."""
        try:
            return cls.model_validate({name: value for name, value in env.items() if value})
        except pydantic.ValidationError as error:
            problems = [_problem(one["loc"], one["type"], one["msg"]) for one in error.errors(include_input=False)]
        raise InvalidSettings(problems)


def _problem(path: tuple[int | str, ...], kind: str, message: str) -> str:
    name = str(path[0]) if path else "?"
    return f"{name} is not set" if kind == "missing" else f"{name} is malformed ({message})"
