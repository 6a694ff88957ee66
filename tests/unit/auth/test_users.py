"""CognitoAdmin of the pool that are deleted with their account, with botocore's stub in Cognito's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from auth_service.cognito_admin import CognitoAdmin
from tests.unit.auth.fakes import ACCOUNT, OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = {"UserPoolId": "eu-central-1_pool", "Username": "google_1"}


@pytest.fixture
def cognito() -> Iterator[tuple[CognitoAdmin, Stubber]]:
    client = boto3.client(
        "cognito-idp", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    with Stubber(client) as stub:
        yield CognitoAdmin(client, "eu-central-1_pool"), stub
        stub.assert_no_pending_responses()


def test_the_user_of_an_account_is_deleted(cognito: tuple[CognitoAdmin, Stubber]) -> None:
    users, stub = cognito
    attributes = [{"Name": "email", "Value": "a@b.de"}, {"Name": "sub", "Value": ACCOUNT}]
    stub.add_response("admin_get_user", {"Username": "google_1", "UserAttributes": attributes}, NAMED)
    stub.add_response("admin_delete_user", {}, NAMED)

    users.delete("google_1", ACCOUNT)


def test_a_new_accounts_user_of_the_same_name_is_left_alone(cognito: tuple[CognitoAdmin, Stubber]) -> None:
    users, stub = cognito
    attributes = [{"Name": "sub", "Value": OTHER}]
    stub.add_response("admin_get_user", {"Username": "google_1", "UserAttributes": attributes}, NAMED)

    users.delete("google_1", ACCOUNT)


def test_deleting_a_user_again_is_deleting_it(cognito: tuple[CognitoAdmin, Stubber]) -> None:
    users, stub = cognito
    stub.add_client_error("admin_get_user", "UserNotFoundException")
    attributes = [{"Name": "sub", "Value": ACCOUNT}]
    stub.add_response("admin_get_user", {"Username": "google_1", "UserAttributes": attributes})
    stub.add_client_error("admin_delete_user", "UserNotFoundException")

    users.delete("google_1", ACCOUNT)
    users.delete("google_1", ACCOUNT)


def test_a_user_that_could_not_be_deleted_is_not_taken_for_deleted(cognito: tuple[CognitoAdmin, Stubber]) -> None:
    users, stub = cognito
    stub.add_client_error("admin_get_user", "TooManyRequestsException")

    with pytest.raises(ClientError, match="TooManyRequests"):
        users.delete("google_1", ACCOUNT)
