"""Secrets of the stage, kept for five minutes: what Paddle gave the operator, and what signs our checkouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT_S = 300.0
KEPT_ABSENT_S = 10.0
"""A secret that is not set yet is looked for again soon, and still not at every request of a stranger."""

Value = TypeVar("Value")


class PaddleKeys(msgspec.Struct, frozen=True):
    """What Paddle gave the operator: the notification destination's secrets (two during a rotation), and an API key."""

    webhook_secrets: tuple[str, ...] = ()
    api_key: str = ""

    @classmethod
    def parse(cls, text: str) -> PaddleKeys:
        """Return the keys in a secret's JSON text; Unavailable when it is not of this form."""
        try:
            given = msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            # Without the text, and without what msgspec says of it: both may hold a secret.
            raise Unavailable("The service's keys cannot be read.", retry_after=60) from error
        return cls(tuple(filter(None, (secret.strip() for secret in given.webhook_secrets))), given.api_key.strip())


def parse_binding_secrets(text: str) -> tuple[str, ...]:
    """Return the secrets that sign checkouts, separated by spaces: the first signs, all are accepted."""
    return tuple(text.split())


class Cached(Generic[Value]):
    """A value that is read again after KEPT_S, or KEPT_ABSENT_S while there is nothing in it.

    When it cannot be read, the last one goes on: a secret that worked is better than none.
    """

    def __init__(self, read: Callable[[], Value], monotonic: Callable[[], float], *, empty: Value) -> None:
        self._read = read
        self._monotonic = monotonic
        self._empty = empty
        self._value = empty
        self._until = float("-inf")

    def get(self) -> Value:
        """Return the value; Unavailable when it has never been read and cannot be."""
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
    """Return a function that reads a secret from Secrets Manager; it raises Unavailable when that does not answer."""

    def read() -> Value:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            text = client.get_secret_value(SecretId=secret_id)["SecretString"]
        except (BotoCoreError, ClientError) as error:
            raise Unavailable from error
        return parse(text)

    return read
