"""Administrative calls to the user pool, without a session of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


class CognitoAdmin:
    """The user pool."""

    def __init__(self, client: CognitoIdentityProviderClient, user_pool_id: str) -> None:
        self._client = client
        self._user_pool_id = user_pool_id

    def delete(self, username: str, account_id: str) -> None:
        """Delete the user of an account; idempotent.

        A name from another provider is the same when its owner signs up again, so it may be a new account's by now.
        """
        try:
            user = self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=username)
            subs = [attribute["Value"] for attribute in user["UserAttributes"] if attribute["Name"] == "sub"]
            if subs == [account_id]:
                self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=username)
        except self._client.exceptions.UserNotFoundException:
            return
