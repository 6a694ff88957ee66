"""The request bodies of auth's routes; unknown fields are refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

from auth_service import model as domain
from auth_service.model import KeySettings
from kv_common.api_keys import ANY_NAMESPACE, Scope
from kv_common.http.models import NAMESPACE_NAME, RequestModel, optional
from kv_common.http.rules import Rule

Email = Annotated[
    str, Rule(domain.email, domain.EMAIL_PATTERN, maxLength=domain.MAX_EMAIL, examples=["ada@example.com"])
]
Password = Annotated[str, Rule(domain.password, minLength=domain.MIN_PASSWORD, maxLength=domain.MAX_PASSWORD)]
Code = Annotated[str, Rule(domain.code, domain.CODE_PATTERN, description="The code from the mail.")]
KeyName = Annotated[
    str,
    Rule(
        domain.key_name,
        format="printable",
        maxLength=domain.MAX_NAME,
        description="A name for people, without control characters.",
    ),
]
Scopes = Annotated[
    tuple[Scope, ...], Rule(domain.distinct_scopes, minItems=1, uniqueItems=True, description="What the key may do.")
]
Namespaces = Annotated[
    tuple[Annotated[str, Rule(domain.key_namespace)], ...],
    Rule(domain.namespaces),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "const": [ANY_NAMESPACE]},
                {
                    "type": "array",
                    "items": NAMESPACE_NAME,
                    "minItems": 1,
                    "maxItems": domain.MAX_NAMESPACES_PER_KEY,
                    "uniqueItems": True,
                },
            ],
            "description": 'Where the key may do it: `["*"]`, or names of namespaces, which need not exist yet.',
        }
    ),
]
ExpiresAt = Annotated[
    str,
    Rule(
        domain.expiry_text,
        domain.TIMESTAMP_PATTERN,
        format="date-time",
        description="In ISO 8601 with a UTC offset, and in the future.",
    ),
]
GraceSeconds = Annotated[int, Rule(domain.grace_seconds, minimum=0, maximum=domain.MAX_GRACE_S)]


class SignUp(RequestModel):
    """POST /v1/auth/signup."""

    email: Email
    password: Password


class Confirm(RequestModel):
    """POST /v1/auth/confirm."""

    email: Email
    code: Code


class EmailAddress(RequestModel):
    """POST /v1/auth/resend and /v1/auth/forgot-password."""

    email: Email


class LogIn(RequestModel):
    """POST /v1/auth/login; a password that breaks the rules is a wrong one."""

    email: Email
    password: str


class Session(RequestModel):
    """POST /v1/auth/refresh and /v1/auth/logout; a malformed token is an invalid one."""

    refresh_token: str


class ResetPassword(RequestModel):
    """POST /v1/auth/reset-password."""

    email: Email
    code: Code
    password: Password


class CreateApiKey(RequestModel):
    """POST /v1/api-keys; by default a key for everything that never expires."""

    name: KeyName = ""
    namespaces: Namespaces = (ANY_NAMESPACE,)
    scopes: Scopes = (Scope.READ, Scope.WRITE, Scope.DELETE, Scope.LIST)
    expires_at: ExpiresAt | None = None

    def settings(self, now_ms: int) -> KeySettings:
        """Return the settings of the new key; ValidationError when it would have expired by `now_ms`."""
        return KeySettings(self.name, self.namespaces, frozenset(self.scopes), _expiry(self.expires_at, now_ms))


class UpdateApiKey(RequestModel):
    """PATCH /v1/api-keys/{id}: absent fields keep their value, and `expires_at: null` means never."""

    name: KeyName = optional()
    namespaces: Namespaces = optional()
    scopes: Scopes = optional()
    expires_at: ExpiresAt | None = optional()

    def applied_to(self, old: KeySettings, now_ms: int) -> KeySettings:
        """Return `old` with the fields that were sent; ValidationError when the key would have expired by `now_ms`."""
        sent = self.model_fields_set
        return KeySettings(
            name=self.name if "name" in sent else old.name,
            namespaces=self.namespaces if "namespaces" in sent else old.namespaces,
            scopes=frozenset(self.scopes) if "scopes" in sent else old.scopes,
            expires_at_ms=_expiry(self.expires_at, now_ms) if "expires_at" in sent else old.expires_at_ms,
        )


class RotateApiKey(RequestModel):
    """POST /v1/api-keys/{id}/rotate."""

    grace_seconds: GraceSeconds


def _expiry(text: str | None, now_ms: int) -> int | None:
    return None if text is None else domain.expiry(text, now_ms)
