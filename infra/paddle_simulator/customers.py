"""The simulated Paddle's customers: accounts of the local environment that have bought something."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from billing_service import checkout_token
from infra.deploy.stage import LOCAL
from infra.local.errors import LocalError
from infra.paddle_simulator import entities
from infra.paddle_simulator.entities import Bought

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


def new_customer(account_id: str, price_id: str, binding_secrets: list[str]) -> Bought:
    """Return the subscription of somebody who has just bought, through a checkout of that account."""
    return Bought(
        id=entities.id_of("sub", account_id),
        customer_id=entities.id_of("ctm", account_id),
        price_id=price_id,
        custom_data=dict(checkout_token.sign(account_id, price_id, binding_secrets)),
        started_at=datetime.now(UTC),
    )


def account_of(cognito: CognitoIdentityProviderClient, account: str) -> str:
    """Return the id of the account of an e-mail address; an id is returned as it is."""
    if "@" not in account:
        return account
    pools = cognito.list_user_pools(MaxResults=60)["UserPools"]
    pool = next(pool["Id"] for pool in pools if pool["Name"] == f"kv-{LOCAL}")
    users = cognito.list_users(UserPoolId=pool, Filter=f'email = "{account.lower()}"')["Users"]
    if not users:
        raise LocalError(f"Nobody has signed up as {account}.")
    return next(one["Value"] for one in users[0]["Attributes"] if one["Name"] == "sub")
