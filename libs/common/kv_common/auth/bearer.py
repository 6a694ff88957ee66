"""Authentication by `Authorization: Bearer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.auth.verifier import AccessToken
    from kv_common.http.request import Request


def authenticated_account(request: Request, verify: Callable[[str], AccessToken]) -> str:
    """Return the account of the request's access token, and add it to the log line."""
    return authenticate(request, verify).account_id


def authenticate(request: Request, verify: Callable[[str], AccessToken]) -> AccessToken:
    """Return the request's verified access token, and add its account to the log line."""
    token = request.bearer_token()
    if token is None:
        raise Unauthorized("Send an access token as Authorization: Bearer.", headers={"WWW-Authenticate": "Bearer"})
    verified = verify(token)
    request.log_fields["account_id"] = verified.account_id
    return verified
