"""The account behind `Authorization: Bearer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.http.request import Request
    from kv_common.tokens import AccessToken


def account_of_bearer(request: Request, verify: Callable[[str], AccessToken]) -> str:
    """Return the account that the request's access token proves, and note it for the log line."""
    token = request.bearer_token()
    if token is None:
        raise Unauthorized("Send an access token as Authorization: Bearer.", headers={"WWW-Authenticate": "Bearer"})
    account_id = verify(token).account_id
    request.facts["account_id"] = account_id
    return account_id
