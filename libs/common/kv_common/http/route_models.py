"""The models that a route declares, and how a request becomes the view's arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kv_common.http.request import Request
    from kv_common.http.response import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteModels:
    """References (`module:Class`) to the models of a route, and the function that authenticates its caller.

    The view gets each that is declared by keyword: `caller` first, then `query` and `body`.
    """

    caller: Callable[[Request], Any] | None = None
    query: str | None = None
    body: str | None = None
    body_required: bool = True
    responses: Mapping[int, str | None] = field(default_factory=dict)

    def bound_to(self, view: Callable[..., Response]) -> Callable[..., Response]:
        """Return the view as a function of the request and the path's parameters alone."""

        @wraps(view)
        def bound(request: Request, **parameters: str) -> Response:
            return view(request, **parameters, **self._arguments(request))

        return bound

    def _arguments(self, request: Request) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        if self.caller is not None:
            arguments["caller"] = self.caller(request)
        if self.query is None:
            request.query(allowed=())
        if self.query is None and self.body is None:
            return arguments
        # pydantic comes with it.
        from kv_common.http import models

        if self.query is not None:
            arguments["query"] = models.read_query(request, self.query)
        if self.body is not None:
            arguments["body"] = models.read_body(request, self.body, required=self.body_required)
        return arguments
