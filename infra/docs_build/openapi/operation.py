"""An operation of the API as it is described, before it becomes OpenAPI, a page or a line of docs/api.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

Json = dict[str, Any]


class Access(Enum):
    """Who may call an operation: the names of OpenAPI's security schemes, any one of which is enough."""

    PUBLIC = ()
    SESSION = ("session",)
    KEY_OR_SESSION = ("apiKey", "session")
    SIGNED = ("paddle",)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, the query or a header."""

    name: str
    where: Literal["path", "query", "header"]
    schema: Json
    says: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: the name of its schema, and the schema itself."""

    name: str
    schema: Json
    required: bool = True
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer other than an error; `headers` are names in `headers.CATALOG`."""

    says: str
    body: type[BaseModel] | Json | None = None
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Example:
    """A request that works; `gives` names what others use of its answer, as a shell variable and the answer's member.

    `path` is the operation's own with everything filled in, in the shell's double quotes.
    """

    path: str
    body: str | None = None
    headers: tuple[str, ...] = ()
    gives: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path.

    `errors` has the statuses whose description is the operation's own; "" is for the usual one. Where the route
    declares its models, they give the parameters, the bodies, the access and the errors that follow from these.
    """

    route: str
    id: str
    tag: str
    summary: str
    example: Example
    answers: Mapping[int, Answer]
    access: Access = Access.PUBLIC
    errors: Mapping[int, str] = field(default_factory=dict)
    says: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    metered: bool = False

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return self.route.split(" ")[0]

    @property
    def path(self) -> str:
        """The path, with its parameters in braces."""
        return self.route.split(" ")[1]
