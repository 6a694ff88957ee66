"""The binding of a purchase to an account: `custom_data` that only we can make.

Paddle.js hands it to Paddle, which returns it with the subscription and every transaction of it, for years. It is the
only thing that says whose a webhook is; an e-mail address, or an account without our token, says nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, TypedDict

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ACCOUNT_ID = 64


class CustomData(TypedDict):
    """What a checkout hands to Paddle."""

    account_id: str
    price_id: str
    token: str


class _Given(msgspec.Struct):
    account_id: str
    price_id: str
    token: str


class InvalidCheckoutToken(Exception):
    """The custom data is missing, or was not made by us."""


def sign(account_id: str, price_id: str, secrets: Sequence[str]) -> CustomData:
    """Return the custom data of an account's checkout; the first secret signs."""
    return {"account_id": account_id, "price_id": price_id, "token": _token(account_id, price_id, secrets[0])}


def verify(custom_data: object, secrets: Sequence[str]) -> str:
    """Return the account that custom data binds to; InvalidCheckoutToken unless one of `secrets` signed it.

    The price is what the checkout was opened for. A subscription may have moved to another since, so it is signed, and
    compared with nothing.
    """
    try:
        given = msgspec.convert(custom_data, _Given)
    except msgspec.ValidationError as error:
        raise InvalidCheckoutToken("custom_data is missing or has another form") from error
    if not 1 <= len(given.account_id) <= MAX_ACCOUNT_ID or not given.token.isascii():
        raise InvalidCheckoutToken("custom_data has another form")
    expected = [_token(given.account_id, given.price_id, secret) for secret in secrets]
    if not any(hmac.compare_digest(one, given.token) for one in expected):
        raise InvalidCheckoutToken("custom_data is not signed by us")
    return given.account_id


def _token(account_id: str, price_id: str, secret: str) -> str:
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for part in (b"checkout", account_id.encode("utf-8", "surrogatepass"), price_id.encode("utf-8", "surrogatepass")):
        # Under its length, so that no two pairs read alike.
        mac.update(len(part).to_bytes(4, "big"))
        mac.update(part)
    return mac.hexdigest()
