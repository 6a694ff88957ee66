"""Answers that are too large for a function to give: the client is sent to where they are (docs/adr/0024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.http import Response
from kv_service.namespaces.model import new_token

if TYPE_CHECKING:
    from kv_common.http import Request
    from kv_service.namespaces.model import NamespaceRef, RandomBelow
    from kv_service.values.ports import ResponseObjects

FETCHED_WITHIN_S = 300
_SURELY_FITS = 500_000
"""Characters that pass, whatever they are."""


class LargeResponses:
    """Brings answers to their callers, whatever their size; raises Unavailable when it cannot now."""

    def __init__(self, objects: ResponseObjects, random_below: RandomBelow) -> None:
        self._objects = objects
        self._random_below = random_below

    def deliver(self, request: Request, space: NamespaceRef, response: Response) -> Response:
        """Return `response` as it passes the function, or else a redirection to a copy of its body."""
        if len(response.body) <= _SURELY_FITS:
            return response
        from kv_common.http.content_encoding import fitted

        accepted = request.header("accept-encoding") or ""
        return fitted(response, accept_encoding=accepted) or self._elsewhere(request, space, response)

    def _elsewhere(self, request: Request, space: NamespaceRef, response: Response) -> Response:
        """Store a copy, because the value's own object may be deleted before the client fetches it."""
        name = new_token(self._random_below)
        self._objects.put_answer(space.namespace_id, name, response.body.encode())
        url = self._objects.presign_answer(space.namespace_id, name, expires_s=FETCHED_WITHIN_S)
        # What was asked by another method is not to be asked again there, but fetched.
        status = 307 if request.method == "GET" else 303
        return Response(status, "", {**response.headers, "Location": url})
