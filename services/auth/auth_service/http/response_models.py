"""The response bodies of auth's routes, and how they are made of accounts, tokens and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from auth_service import model as domain
from kv_common.api_keys import LENGTH, PREFIX, Scope
from kv_common.clock import timestamp
from kv_common.http.models import PlanName, ResponseModel, Timestamp

if TYPE_CHECKING:
    from auth_service.cognito import Tokens as CognitoTokens
    from auth_service.settings import Settings


class Tokens(ResponseModel):
    """The tokens of a session; a refresh that keeps its refresh token does not repeat it."""

    access_token: str
    expires_in: Annotated[int, Field(ge=1, description="Lifetime of the access token in seconds.")]
    token_type: Literal["Bearer"]
    refresh_token: str | None = None

    @classmethod
    def of(cls, tokens: CognitoTokens) -> Tokens:
        """Return the response for the tokens that Cognito issued."""
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            token_type="Bearer",  # noqa: S106  # the type, not a token
            refresh_token=tokens.refresh_token,
        )


class Account(ResponseModel):
    """The account of a session."""

    user_id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    email: str
    email_verified: bool
    plan: PlanName
    created_at: Timestamp

    @classmethod
    def of(cls, account: domain.Account, *, email_verified: bool) -> Account:
        """Return an account as its owner sees it."""
        return cls(
            user_id=account.id,
            email=account.email,
            email_verified=email_verified,
            plan=account.plan,
            created_at=timestamp(account.created_at_ms),
        )


class ApiKey(ResponseModel):
    """An API key, masked: its text is returned once, when it is issued."""

    id: Annotated[str, Field(pattern=f"^(?:{domain.KEY_ID_PATTERN.pattern})$")]
    name: str
    display: Annotated[str, Field(description="The first characters of the key.")]
    namespaces: tuple[str, ...]
    scopes: tuple[Scope, ...]
    status: domain.KeyState
    created_at: Timestamp
    expires_at: Timestamp | None = None
    last_used_at: Annotated[Timestamp | None, Field(description="To the minute.")] = None
    rotated_to: Annotated[str | None, Field(description="The id of the key that replaces it.")] = None

    @classmethod
    def of(cls, key: domain.StoredKey, now_ms: int) -> ApiKey:
        """Return a stored key as its owner sees it at `now_ms`."""
        return cls(**_fields(key, now_ms))


class IssuedApiKey(ApiKey):
    """A new API key with its text, which is returned only in this response."""

    key: Annotated[str, Field(pattern=f"^(?:{PREFIX}[0-9A-Za-z]{{{LENGTH - len(PREFIX)}}})$")]

    @classmethod
    def issued(cls, key: domain.StoredKey, text: str, now_ms: int) -> IssuedApiKey:
        """Return a key together with its text."""
        return cls(key=text, **_fields(key, now_ms))


class ApiKeys(ResponseModel):
    """All API keys of the account, oldest first."""

    api_keys: tuple[ApiKey, ...]

    @classmethod
    def of(cls, keys: tuple[domain.StoredKey, ...], now_ms: int) -> ApiKeys:
        """Return the stored keys as their owner sees them at `now_ms`."""
        return cls(api_keys=tuple(ApiKey.of(key, now_ms) for key in keys))


class UserPool(ResponseModel):
    """The settings with which a program signs users in through the hosted page."""

    region: str
    user_pool_id: str
    client_id: str
    issuer: str
    hosted_ui_domain: Annotated[str | None, Field(description="Null where there is no hosted page.")]

    @classmethod
    def of(cls, settings: Settings) -> UserPool:
        """Return the public part of auth's settings."""
        return cls(
            region=settings.region,
            user_pool_id=settings.user_pool_id,
            client_id=settings.client_id,
            issuer=settings.token_issuer,
            hosted_ui_domain=settings.hosted_ui_domain,
        )


def _fields(key: domain.StoredKey, now_ms: int) -> dict[str, Any]:
    settings = key.settings
    return {
        "id": key.id,
        "name": settings.name,
        "display": f"{key.display}…",
        "namespaces": settings.namespaces,
        "scopes": tuple(sorted(settings.scopes)),
        "status": key.state(now_ms),
        "created_at": timestamp(key.created_at_ms),
        "expires_at": None if settings.expires_at_ms is None else timestamp(settings.expires_at_ms),
        "last_used_at": None if key.last_used_at_ms is None else timestamp(key.last_used_at_ms),
        "rotated_to": key.rotated_to,
    }
