"""The link in every mail that ends them: it names the account, and only we can make it.

It does not expire: mail providers hold the sender to a link that works as long as the mail is there. It opens nothing
but the switch that turns mail off.
"""

from __future__ import annotations

from urllib.parse import quote

from kv_common import cursors
from kv_common.errors import ValidationError, field_error

PATH = "/v1/alerts/unsubscribe"
_SCOPE = ("unsubscribe",)


def link(api_url: str, account_id: str, *, secret: bytes) -> str:
    """Return the address that turns off the account's mail."""
    return f"{api_url}{PATH}?token={quote(cursors.sign(account_id, scope=_SCOPE, secret=secret))}"


def read(token: str, *, secret: bytes) -> str:
    """Return the account that a link's token is for; ValidationError when it is not one of ours."""
    try:
        return cursors.read(token, scope=_SCOPE, secret=secret)
    except ValidationError as error:
        raise field_error("token", "invalid_token", "The link is not valid.") from error
