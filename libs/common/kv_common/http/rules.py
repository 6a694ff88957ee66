"""Rules of the domain as a part of request models, without an import of pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema


class Rule:
    """Metadata of an `Annotated` type: the function that checks a value, and the JSON Schema that describes it.

    `check` returns the value as it is kept, or raises `field_error`; the path in that error is replaced by the field's
    own. `pattern` is a regular expression that has to match as a whole.
    """

    def __init__(
        self, check: Callable[[Any], Any], pattern: re.Pattern[str] | str | None = None, /, **schema: Any
    ) -> None:
        self.check = check
        self.schema = schema
        if pattern is not None:
            self.schema["pattern"] = f"^(?:{pattern if isinstance(pattern, str) else pattern.pattern})$"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the value after its type."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the value by its type and the rule."""
        return {**handler(core), **self.schema}
