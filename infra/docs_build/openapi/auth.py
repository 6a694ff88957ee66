"""The prose and the examples of auth's operations."""

from __future__ import annotations

from infra.docs_build.openapi.operation import Answer, Example, Operation
from infra.docs_build.openapi.shared import health

_TOO_MANY = {429: "Too many attempts."}
_WRONG_CODE = {400: "The request is malformed, or the code is wrong or has expired."}
_EMAIL = '{"email": "$EMAIL"}'
_REFRESH_TOKEN = '{"refresh_token": "$REFRESH_TOKEN"}'  # noqa: S105  # a shell variable

_ACCOUNTS = (
    Operation(
        route="POST /v1/auth/signup",
        id="signUp",
        tag="Accounts",
        summary="Sign up",
        says="Sends a confirmation code by mail. The response is the same for an address that has an account.",
        example=Example("/v1/auth/signup", '{"email": "$EMAIL", "password": "$PASSWORD"}'),
        answers={201: Answer("The address is waiting for confirmation.")},
        errors=_TOO_MANY,
    ),
    Operation(
        route="POST /v1/auth/resend",
        id="resendConfirmationCode",
        tag="Accounts",
        summary="Resend confirmation code",
        says="The response is the same for an address that is not waiting for a code.",
        example=Example("/v1/auth/resend", _EMAIL),
        answers={204: Answer("The code is sent, if the address is waiting for one.")},
        errors=_TOO_MANY,
    ),
    Operation(
        route="POST /v1/auth/confirm",
        id="confirmSignUp",
        tag="Accounts",
        summary="Confirm sign-up",
        example=Example("/v1/auth/confirm", '{"email": "$EMAIL", "code": "$CODE"}'),
        answers={200: Answer("The account can log in.")},
        errors=_WRONG_CODE | _TOO_MANY,
    ),
    Operation(
        route="POST /v1/auth/forgot-password",
        id="forgotPassword",
        tag="Accounts",
        summary="Forgot password",
        says="Sends a reset code by mail. The response is the same for an address that has no account.",
        example=Example("/v1/auth/forgot-password", _EMAIL),
        answers={204: Answer("The code is sent, if there is an account.")},
        errors=_TOO_MANY,
    ),
    Operation(
        route="POST /v1/auth/reset-password",
        id="resetPassword",
        tag="Accounts",
        summary="Reset password",
        example=Example(
            "/v1/auth/reset-password", '{"email": "$EMAIL", "code": "$RESET_CODE", "password": "$PASSWORD"}'
        ),
        answers={204: Answer("The new password is set.")},
        errors=_WRONG_CODE | _TOO_MANY,
    ),
    Operation(
        route="POST /v1/auth/login",
        id="logIn",
        tag="Accounts",
        summary="Log in",
        example=Example(
            "/v1/auth/login",
            '{"email": "$EMAIL", "password": "$PASSWORD"}',
            gives={"TOKEN": "access_token", "REFRESH_TOKEN": "refresh_token"},
        ),
        answers={200: Answer("The session's tokens.")},
        errors={
            401: "The address or the password is wrong.",
            403: "A step is missing; `details.reason` is `email_not_confirmed`, `password_reset_required` or "
            "`challenge`.",
            **_TOO_MANY,
        },
    ),
    Operation(
        route="POST /v1/auth/refresh",
        id="refreshTokens",
        tag="Accounts",
        summary="Refresh tokens",
        example=Example("/v1/auth/refresh", _REFRESH_TOKEN, gives={"TOKEN": "access_token"}),
        answers={200: Answer("New tokens.")},
        errors={401: "The session has ended.", **_TOO_MANY},
    ),
    Operation(
        route="GET /v1/auth/me",
        id="getAccount",
        tag="Accounts",
        summary="Get account",
        example=Example("/v1/auth/me", gives={"ACCOUNT_ID": "user_id"}),
        answers={200: Answer("The account.")},
        errors=_TOO_MANY,
    ),
    Operation(
        route="GET /v1/auth/config",
        id="getUserPool",
        tag="Accounts",
        summary="Get sign-in settings",
        example=Example("/v1/auth/config"),
        answers={200: Answer("The user pool.", headers=("Cache-Control",))},
    ),
)
_KEYS = (
    Operation(
        route="POST /v1/api-keys",
        id="createApiKey",
        tag="API keys",
        summary="Create API key",
        says="Without a body the key allows everything and never expires.",
        example=Example(
            "/v1/api-keys",
            '{"name": "server", "namespaces": ["app"], "scopes": ["read", "write", "delete", "list"]}',
            gives={"KEY": "key", "KEY_ID": "id"},
        ),
        answers={201: Answer("The key. Its text is returned only in this response.")},
        errors={409: "The account has the maximum number of keys (`too_many_keys`)."},
    ),
    Operation(
        route="GET /v1/api-keys",
        id="listApiKeys",
        tag="API keys",
        summary="List API keys",
        example=Example("/v1/api-keys"),
        answers={200: Answer("The keys.")},
    ),
    Operation(
        route="GET /v1/api-keys/{key_id}",
        id="getApiKey",
        tag="API keys",
        summary="Get API key",
        example=Example("/v1/api-keys/$KEY_ID"),
        answers={200: Answer("The key.")},
    ),
    Operation(
        route="PATCH /v1/api-keys/{key_id}",
        id="updateApiKey",
        tag="API keys",
        summary="Update API key",
        says="Absent fields keep their value; `expires_at: null` means never.",
        example=Example("/v1/api-keys/$KEY_ID", '{"name": "the server"}'),
        answers={200: Answer("The updated key.")},
        errors={409: "Concurrent requests update the same key."},
    ),
    Operation(
        route="POST /v1/api-keys/{key_id}/rotate",
        id="rotateApiKey",
        tag="API keys",
        summary="Rotate API key",
        says="The new key has the settings of the old one, which remains valid for `grace_seconds`.",
        example=Example(
            "/v1/api-keys/$KEY_ID/rotate", '{"grace_seconds": 3600}', gives={"KEY": "key", "NEW_KEY_ID": "id"}
        ),
        answers={201: Answer("The new key. Its text is returned only in this response.")},
        errors={409: "The key has been rotated or has expired, or the account has the maximum number of keys."},
    ),
    Operation(
        route="DELETE /v1/api-keys/{key_id}",
        id="deleteApiKey",
        tag="API keys",
        summary="Delete API key",
        says="It is rejected within a second.",
        example=Example("/v1/api-keys/$KEY_ID"),
        answers={204: Answer("The key is deleted.")},
    ),
)
_LEAVING = (
    Operation(
        route="DELETE /v1/auth/me",
        id="deleteAccount",
        tag="Leaving",
        summary="Delete account",
        says="Requires a login within the last ten minutes. Deletes keys, namespaces, values and alerts for good.",
        example=Example("/v1/auth/me"),
        answers={202: Answer("The account is closed; its data is being deleted.")},
        errors={403: "The login is not recent enough (`recent_login_required`).", **_TOO_MANY},
    ),
    Operation(
        route="POST /v1/auth/logout",
        id="logOut",
        tag="Leaving",
        summary="Log out",
        says="Idempotent. The access token remains valid until it expires.",
        example=Example("/v1/auth/logout", _REFRESH_TOKEN),
        answers={204: Answer("The session has ended.")},
        errors={401: "This is not a refresh token.", **_TOO_MANY},
    ),
)

OPERATIONS = (*_ACCOUNTS, *_KEYS, *_LEAVING, health("auth", {"dynamodb": ("ok", "down")}))
