"""auth's operations."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from auth_service import model as domain
from auth_service.http import request_models
from infra.docs_build.openapi.operation import Access, Answer, Example, Json, Operation, Parameter
from infra.docs_build.openapi.schemas import array, integer, nullable, struct_body, text
from infra.docs_build.openapi.shared import NAMESPACE_NAME, PLAN, Done, Timestamp, errors, health, one_of
from kv_common.api_keys import ANY_NAMESPACE, LENGTH, PREFIX, Scope

EMAIL = text(domain._EMAIL, maxLength=domain.MAX_EMAIL, examples=["ada@example.com"])
PASSWORD = text(minLength=domain.MIN_PASSWORD, maxLength=domain.MAX_PASSWORD)
CODE = text(domain._CODE, description="The code from the mail.")
REFRESH_TOKEN = text(domain._REFRESH_TOKEN)
SCOPES = array(one_of(*Scope), minItems=1, uniqueItems=True, description="What the key may do.")
NAMESPACES: Json = {
    "anyOf": [
        {"type": "array", "const": [ANY_NAMESPACE]},
        array(NAMESPACE_NAME, minItems=1, maxItems=domain.MAX_NAMESPACES_PER_KEY, uniqueItems=True),
    ],
    "description": 'Where the key may do it: `["*"]`, or names of namespaces, which need not exist yet.',
}
NAME = text(format="printable", maxLength=domain.MAX_NAME, description="A name for people, without control characters.")
EXPIRES_AT = nullable(
    text(domain._TIMESTAMP, format="date-time", description="In ISO 8601 with a UTC offset, and in the future.")
)
KEY_ID = Parameter("key_id", "path", text(domain._KEY_ID), "The id of an API key.", required=True)


class Tokens(msgspec.Struct):
    """An open session; a refresh that keeps its token does not repeat it."""

    access_token: str
    expires_in: Annotated[int, Meta(ge=1, description="Seconds that the access token is good for.")]
    token_type: Literal["Bearer"]
    refresh_token: str | UnsetType = UNSET


class Account(msgspec.Struct):
    """The account behind a session."""

    user_id: uuid.UUID
    email: str
    email_verified: bool
    plan: Annotated[str, Meta(extra_json_schema=PLAN)]
    created_at: Timestamp


class ApiKey(msgspec.Struct):
    """An API key, masked: nobody has the whole."""

    id: Annotated[str, Meta(extra_json_schema=text(domain._KEY_ID))]
    name: str
    display: Annotated[str, Meta(description="How the key begins.")]
    namespaces: tuple[str, ...]
    scopes: tuple[Scope, ...]
    status: domain.KeyState
    created_at: Timestamp
    expires_at: Timestamp | UnsetType = UNSET
    last_used_at: Annotated[Timestamp, Meta(description="To the minute.")] | UnsetType = UNSET
    rotated_to: Annotated[str, Meta(description="The id of the key that takes its place.")] | UnsetType = UNSET


class IssuedApiKey(ApiKey, kw_only=True):
    """A new API key with its text, which is shown this once."""

    key: Annotated[str, Meta(extra_json_schema=text(rf"{PREFIX}[0-9A-Za-z]{{{LENGTH - len(PREFIX)}}}"))]


class ApiKeys(msgspec.Struct):
    """All API keys of the account, oldest first."""

    api_keys: tuple[ApiKey, ...]


class UserPool(msgspec.Struct):
    """What a program needs to sign users in through the hosted page."""

    region: str
    user_pool_id: str
    client_id: str
    issuer: str
    hosted_ui_domain: Annotated[str | None, Meta(description="Null where there is no hosted page.")]


_TOO_MANY = "Too many attempts."
_SIGN_UP = (
    Operation(
        route="POST /v1/auth/signup",
        id="signUp",
        tag="Accounts",
        summary="Start an account",
        says="Mails a code that confirms the address. The answer is the same for an address that has an account.",
        access=Access.PUBLIC,
        body=struct_body(request_models.SignUp, email=EMAIL, password=PASSWORD),
        example=Example("/v1/auth/signup", '{"email": "$EMAIL", "password": "$PASSWORD"}'),
        answers={201: Answer("The address waits for its code.", Done)},
        errors=errors(413, _429=_TOO_MANY),
    ),
    Operation(
        route="POST /v1/auth/resend",
        id="resendCode",
        tag="Accounts",
        summary="Mail the sign-up code once more",
        says="The answer is the same for an address that does not wait for one.",
        access=Access.PUBLIC,
        body=struct_body(request_models.EmailAddress, email=EMAIL),
        example=Example("/v1/auth/resend", '{"email": "$EMAIL"}'),
        answers={204: Answer("The code is on its way, if there was one to send.")},
        errors=errors(413, _429=_TOO_MANY),
    ),
    Operation(
        route="POST /v1/auth/confirm",
        id="confirmSignUp",
        tag="Accounts",
        summary="Confirm the address",
        access=Access.PUBLIC,
        body=struct_body(request_models.Confirm, email=EMAIL, code=CODE),
        example=Example("/v1/auth/confirm", '{"email": "$EMAIL", "code": "$CODE"}'),
        answers={200: Answer("The account can log in.", Done)},
        errors=errors(413, _400="The request is malformed, or the code is wrong or has expired.", _429=_TOO_MANY),
    ),
    Operation(
        route="POST /v1/auth/forgot-password",
        id="forgotPassword",
        tag="Accounts",
        summary="Mail a code that resets the password",
        says="The answer is the same for an address that has no account.",
        access=Access.PUBLIC,
        body=struct_body(request_models.EmailAddress, email=EMAIL),
        example=Example("/v1/auth/forgot-password", '{"email": "$EMAIL"}'),
        answers={204: Answer("The code is on its way, if there is an account.")},
        errors=errors(413, _429=_TOO_MANY),
    ),
    Operation(
        route="POST /v1/auth/reset-password",
        id="resetPassword",
        tag="Accounts",
        summary="Set a new password",
        access=Access.PUBLIC,
        body=struct_body(request_models.ResetPassword, email=EMAIL, code=CODE, password=PASSWORD),
        example=Example(
            "/v1/auth/reset-password", '{"email": "$EMAIL", "code": "$RESET_CODE", "password": "$PASSWORD"}'
        ),
        answers={204: Answer("The new password holds.")},
        errors=errors(413, _400="The request is malformed, or the code is wrong or has expired.", _429=_TOO_MANY),
    ),
    Operation(
        route="POST /v1/auth/login",
        id="logIn",
        tag="Accounts",
        summary="Open a session",
        access=Access.PUBLIC,
        body=struct_body(request_models.LogIn, email=EMAIL, password=text()),
        example=Example(
            "/v1/auth/login",
            '{"email": "$EMAIL", "password": "$PASSWORD"}',
            gives={"TOKEN": "access_token", "REFRESH_TOKEN": "refresh_token"},
        ),
        answers={200: Answer("The session's tokens.", Tokens)},
        errors=errors(
            413,
            _401="The address or the password is wrong.",
            _403="A step is missing; `details.reason` is `email_not_confirmed`, `password_reset_required` or "
            "`challenge`.",
            _429=_TOO_MANY,
        ),
    ),
    Operation(
        route="POST /v1/auth/refresh",
        id="refreshSession",
        tag="Accounts",
        summary="Go on with a session",
        access=Access.PUBLIC,
        body=struct_body(request_models.Session, refresh_token=text()),
        example=Example("/v1/auth/refresh", '{"refresh_token": "$REFRESH_TOKEN"}', gives={"TOKEN": "access_token"}),
        answers={200: Answer("New tokens.", Tokens)},
        errors=errors(413, _401="The session has ended.", _429=_TOO_MANY),
    ),
    Operation(
        route="GET /v1/auth/me",
        id="getAccount",
        tag="Accounts",
        summary="The account",
        access=Access.SESSION,
        example=Example("/v1/auth/me", gives={"ACCOUNT_ID": "user_id"}),
        answers={200: Answer("The account.", Account)},
        errors=errors(401, _429=_TOO_MANY),
    ),
    Operation(
        route="GET /v1/auth/config",
        id="getUserPool",
        tag="Accounts",
        summary="Where users sign in",
        access=Access.PUBLIC,
        example=Example("/v1/auth/config"),
        answers={200: Answer("The user pool.", UserPool, ("Cache-Control",))},
        errors=errors(),
    ),
)
_KEYS = (
    Operation(
        route="POST /v1/api-keys",
        id="createApiKey",
        tag="API keys",
        summary="Make an API key",
        says="Without a body it may do everything and never expires.",
        access=Access.SESSION,
        body=struct_body(
            request_models.CreateApiKey,
            required=False,
            name=NAME,
            namespaces=NAMESPACES,
            scopes=SCOPES,
            expires_at=EXPIRES_AT,
        ),
        example=Example(
            "/v1/api-keys",
            '{"name": "server", "namespaces": ["app"], "scopes": ["read", "write", "delete", "list"]}',
            gives={"KEY": "key", "KEY_ID": "id"},
        ),
        answers={201: Answer("The key, shown this once.", IssuedApiKey)},
        errors=errors(401, 413, _409="The account has as many keys as it may have (`too_many_keys`)."),
    ),
    Operation(
        route="GET /v1/api-keys",
        id="listApiKeys",
        tag="API keys",
        summary="List the API keys",
        access=Access.SESSION,
        example=Example("/v1/api-keys"),
        answers={200: Answer("The keys.", ApiKeys)},
        errors=errors(401),
    ),
    Operation(
        route="GET /v1/api-keys/{key_id}",
        id="getApiKey",
        tag="API keys",
        summary="One API key",
        access=Access.SESSION,
        parameters=(KEY_ID,),
        example=Example("/v1/api-keys/$KEY_ID"),
        answers={200: Answer("The key.", ApiKey)},
        errors=errors(401, 404),
    ),
    Operation(
        route="PATCH /v1/api-keys/{key_id}",
        id="changeApiKey",
        tag="API keys",
        summary="Change an API key",
        says="What is absent stays as it is; `expires_at: null` means never.",
        access=Access.SESSION,
        parameters=(KEY_ID,),
        body=struct_body(
            request_models.UpdateApiKey, name=NAME, namespaces=NAMESPACES, scopes=SCOPES, expires_at=EXPIRES_AT
        ),
        example=Example("/v1/api-keys/$KEY_ID", '{"name": "the server"}'),
        answers={200: Answer("The key as it is now.", ApiKey)},
        errors=errors(401, 404, 413, _409="Others change the key at the same time."),
    ),
    Operation(
        route="POST /v1/api-keys/{key_id}/rotate",
        id="rotateApiKey",
        tag="API keys",
        summary="Replace an API key",
        says="The new key has the settings of the old one, which goes on working for `grace_seconds`.",
        access=Access.SESSION,
        parameters=(KEY_ID,),
        body=struct_body(request_models.RotateApiKey, grace_seconds=integer(0, domain.MAX_GRACE_S)),
        example=Example(
            "/v1/api-keys/$KEY_ID/rotate", '{"grace_seconds": 3600}', gives={"KEY": "key", "NEW_KEY_ID": "id"}
        ),
        answers={201: Answer("The new key, shown this once.", IssuedApiKey)},
        errors=errors(
            401, 404, 413, _409="The key has been rotated or has expired, or the account has as many as it may have."
        ),
    ),
    Operation(
        route="DELETE /v1/api-keys/{key_id}",
        id="deleteApiKey",
        tag="API keys",
        summary="Revoke an API key",
        says="It opens nothing any more within a second.",
        access=Access.SESSION,
        parameters=(KEY_ID,),
        example=Example("/v1/api-keys/$KEY_ID"),
        answers={204: Answer("The key is gone.")},
        errors=errors(401, 404),
    ),
)
_ENDING = (
    Operation(
        route="DELETE /v1/auth/me",
        id="deleteAccount",
        tag="Leaving",
        summary="Delete the account and all that is its own",
        says="Takes a login of the last ten minutes. Keys, namespaces, values and alerts go with it, for good.",
        access=Access.SESSION,
        example=Example("/v1/auth/me"),
        answers={202: Answer("The account is closed, and being removed.", Done)},
        errors=errors(401, _403="The login is not recent enough (`recent_login_required`).", _429=_TOO_MANY),
    ),
    Operation(
        route="POST /v1/auth/logout",
        id="logOut",
        tag="Leaving",
        summary="End a session",
        says="The same when it has ended already. Its access token lives on until it expires.",
        access=Access.PUBLIC,
        body=struct_body(request_models.Session, refresh_token=text()),
        example=Example("/v1/auth/logout", '{"refresh_token": "$REFRESH_TOKEN"}'),
        answers={204: Answer("The session has ended.")},
        errors=errors(413, _401="This is no refresh token.", _429=_TOO_MANY),
    ),
)

OPERATIONS = (*_SIGN_UP, *_KEYS, *_ENDING, health("auth", {"dynamodb": ("ok", "down")}))
