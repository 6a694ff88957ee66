"""The bodies that auth's routes take; a member that is not named here is refused."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class SignUp(msgspec.Struct):
    """POST /v1/auth/signup."""

    email: str
    password: str


class Confirm(msgspec.Struct):
    """POST /v1/auth/confirm."""

    email: str
    code: str


class EmailAddress(msgspec.Struct):
    """POST /v1/auth/resend and /v1/auth/forgot-password."""

    email: str


class LogIn(msgspec.Struct):
    """POST /v1/auth/login."""

    email: str
    password: str


class Session(msgspec.Struct):
    """POST /v1/auth/refresh and /v1/auth/logout."""

    refresh_token: str


class ResetPassword(msgspec.Struct):
    """POST /v1/auth/reset-password."""

    email: str
    code: str
    password: str


class CreateApiKey(msgspec.Struct):
    """POST /v1/api-keys; by default a key for everything that never expires."""

    name: str = ""
    namespaces: tuple[str, ...] = ("*",)
    scopes: tuple[str, ...] = ("read", "write", "delete", "list")
    expires_at: str | None = None


class UpdateApiKey(msgspec.Struct):
    """PATCH /v1/api-keys/{id}: what is absent stays, and `expires_at: null` means never."""

    name: str | UnsetType = UNSET
    namespaces: tuple[str, ...] | UnsetType = UNSET
    scopes: tuple[str, ...] | UnsetType = UNSET
    expires_at: str | UnsetType | None = UNSET


class RotateApiKey(msgspec.Struct):
    """POST /v1/api-keys/{id}/rotate."""

    grace_seconds: int
