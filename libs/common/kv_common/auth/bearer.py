"""The account behind `Authorization: Bearer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.auth.verifier import AccessToken
    from kv_common.http.request import Request


def authenticated_account(request: Request, verify: Callable[[str], AccessToken]) -> str:
    """Return the account that the request's access token proves, and note it for the log line."""
    return authenticate(request, verify).account_id


def authenticate(request: Request, verify: Callable[[str], AccessToken]) -> AccessToken:
    """Return the request's access token, verified, and note its account for the log line."""
    token = request.bearer_token()
    if token is None:
        raise Unauthorized("Send an access token as Authorization: Bearer.", headers={"WWW-Authenticate": "Bearer"})
    session = verify(token)
    request.log_fields["account_id"] = session.account_id
    return session
