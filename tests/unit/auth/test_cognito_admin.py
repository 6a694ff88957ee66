"""auth_service.cognito_admin, on a user pool in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from auth_service.cognito_admin import CognitoAdmin
from tests.unit.auth.fakes import ACCOUNT

if TYPE_CHECKING:
    from tests.support.mock_aws import MockAws

NAME = "google_1"


class Pool:
    """A user pool with one user."""

    def __init__(self) -> None:
        self.client = boto3.client("cognito-idp")
        self.id = self.client.create_user_pool(PoolName="pool")["UserPool"]["Id"]
        self.admin = CognitoAdmin(self.client, self.id)
        user = self.client.admin_create_user(UserPoolId=self.id, Username=NAME)["User"]
        [self.account_id] = [one["Value"] for one in user["Attributes"] if one["Name"] == "sub"]

    def names(self) -> list[str]:
        return [user["Username"] for user in self.client.list_users(UserPoolId=self.id)["Users"]]


@pytest.fixture
def pool(aws: MockAws) -> Pool:  # noqa: ARG001 - replaces AWS
    return Pool()


def test_user_of_an_account_is_deleted(pool: Pool) -> None:
    pool.admin.delete(NAME, pool.account_id)

    assert pool.names() == []


def test_user_of_another_account_with_the_same_name_is_kept(pool: Pool) -> None:
    pool.admin.delete(NAME, ACCOUNT)

    assert pool.names() == [NAME]


def test_deletion_is_idempotent(pool: Pool) -> None:
    pool.admin.delete(NAME, pool.account_id)
    pool.admin.delete(NAME, pool.account_id)

    assert pool.names() == []


def test_user_deleted_concurrently_is_not_an_error(pool: Pool) -> None:
    def delete_first(**_: Any) -> None:
        events.unregister("before-call.cognito-identity-provider.AdminDeleteUser", delete_first)
        pool.client.admin_delete_user(UserPoolId=pool.id, Username=NAME)

    events = pool.client.meta.events
    events.register("before-call.cognito-identity-provider.AdminDeleteUser", delete_first)

    pool.admin.delete(NAME, pool.account_id)

    assert pool.names() == []


def test_other_errors_are_raised(pool: Pool) -> None:
    with Stubber(pool.client) as stub:
        stub.add_client_error("admin_get_user", "TooManyRequestsException")
        with pytest.raises(ClientError, match="TooManyRequests"):
            pool.admin.delete(NAME, pool.account_id)
