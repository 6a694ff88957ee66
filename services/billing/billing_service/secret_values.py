"""Secrets of the stage, cached for five minutes: Paddle's keys, and the secrets that sign checkouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT_S = 300.0
KEPT_ABSENT_S = 10.0
"""A missing secret is read again sooner, but not by every request."""

Value = TypeVar("Value")


class PaddleKeys(msgspec.Struct, frozen=True):
    """Paddle's keys: the notification destination's secrets (two during a rotation), and an API key."""

    webhook_secrets: tuple[str, ...] = ()
    api_key: str = ""

    @classmethod
    def parse(cls, text: str) -> PaddleKeys:
        """Return the keys in a secret's JSON; Unavailable if it is malformed."""
        try:
            given = msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            # Without the text and msgspec's message, which may contain a secret.
            raise Unavailable("The service's keys cannot be read.", retry_after=60) from error
        return cls(tuple(filter(None, (secret.strip() for secret in given.webhook_secrets))), given.api_key.strip())


def parse_binding_secrets(text: str) -> tuple[str, ...]:
    """Return the secrets that sign checkouts, separated by spaces: the first signs, all verify."""
    return tuple(text.split())


class Cached(Generic[Value]):
    """A value that is read again after KEPT_S, or after KEPT_ABSENT_S while it is empty.

    If reading fails, the last value is used.
    """

    def __init__(self, read: Callable[[], Value], monotonic: Callable[[], float], *, empty: Value) -> None:
        self._read = read
        self._monotonic = monotonic
        self._empty = empty
        self._value = empty
        self._until = float("-inf")

    def get(self) -> Value:
        """Return the value; Unavailable if it has never been read and cannot be read."""
        now = self._monotonic()
        if now >= self._until:
            try:
                self._value = self._read()
            except Unavailable:
                if self._value == self._empty:
                    raise
            self._until = now + (KEPT_ABSENT_S if self._value == self._empty else KEPT_S)
        return self._value


def secret_reader(client: SecretsManagerClient, secret_id: str, parse: Callable[[str], Value]) -> Callable[[], Value]:
    """Return a function that reads a secret by Powertools' SecretsProvider; it raises Unavailable if that fails.

    The provider's own cache is not used: it neither keeps an expired value while Secrets Manager is down nor reads a
    missing secret again sooner.
    """

    def read() -> Value:
        from aws_lambda_powertools.utilities.parameters import SecretsProvider
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

        try:
            text = SecretsProvider(boto3_client=client).get(secret_id, force_fetch=True)
        except GetParameterError as error:
            raise Unavailable from error
        return parse(str(text))

    return read
