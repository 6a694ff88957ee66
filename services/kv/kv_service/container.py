"""Binds kv's dependencies, once per process and at its first request."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from kv_common import dynamodb, s3
from kv_common.admission import Admission
from kv_common.admission.redis import RedisAdmission
from kv_common.clock import now_ms
from kv_common.redis import connect
from kv_common.shared_secret import SharedSecret
from kv_service.namespaces.service import Namespaces
from kv_service.persistence import (
    DynamoAdmissionData,
    NamespaceStore,
    ObjectStore,
    ServiceStore,
    TransactionStore,
    ValueStore,
)
from kv_service.settings import Settings
from kv_service.values.large_responses import LargeResponses
from kv_service.values.service import Values
from kv_service.values.transactions import MultiKeyOperations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.auth.verifier import AccessToken, TokenVerifier
    from kv_common.clock import Clock
    from kv_service.transfers.service import Transfers


@dataclass(frozen=True)
class Kv:
    """All that the routes need."""

    settings: Settings
    admission: Admission
    limiter: RedisAdmission
    values: Values
    together: MultiKeyOperations
    delivery: LargeResponses
    namespaces: Namespaces
    transfers: Callable[[], Transfers]
    service: ServiceStore

    def verify_token(self, token: str) -> AccessToken:
        """Return what an access token says; Unauthorized when it is not one of ours."""
        return self._verifier.verify(token)

    @cached_property
    def _verifier(self) -> TokenVerifier:
        # PyJWT is imported when the first token comes, for keys do without it.
        from kv_common.auth.jwks import SigningKeys
        from kv_common.auth.verifier import TokenVerifier

        keys = SigningKeys(self.service.signing_keys, time.monotonic)
        return TokenVerifier(keys, self.settings.token_issuer, self.settings.token_client_ids)


def bootstrap(env: Mapping[str, str] = os.environ, *, now_ms: Clock = now_ms) -> Kv:
    """Return kv with real randomness and clients, and a real clock unless it is given another."""
    settings = Settings.from_env(env)
    client = dynamodb.client()
    limiter = RedisAdmission(connect(settings.redis))
    objects = ObjectStore(s3.client, settings.objects_bucket)
    values = Values(
        ValueStore(client, settings.table, objects),
        now_ms=now_ms,
        random_below=secrets.randbelow,
        cursor_secret=SharedSecret(client, settings.table, "CURSOR_SECRET").get,
        wait=time.sleep,
    )
    namespaces = NamespaceStore(client, settings.table, now_ms=now_ms)
    service = ServiceStore(client, settings.table, settings.credentials_table)
    return Kv(
        settings=settings,
        admission=Admission(
            limiter, DynamoAdmissionData(client, settings.table, settings.credentials_table, now_ms=now_ms)
        ),
        limiter=limiter,
        values=values,
        together=MultiKeyOperations(
            values,
            TransactionStore(client, settings.table, objects),
            now_ms=now_ms,
            wait=time.sleep,
        ),
        delivery=LargeResponses(objects, secrets.randbelow),
        namespaces=Namespaces(namespaces, limiter, now_ms=now_ms, random_below=secrets.randbelow),
        transfers=cache(lambda: _transfers(client, settings.table, namespaces, objects, now_ms)),
        service=service,
    )


def _transfers(
    client: DynamoDBClient, table: str, namespaces: NamespaceStore, objects: ObjectStore, now_ms: Clock
) -> Transfers:
    """Return the exports and imports, whose code is imported when the first of them is asked for."""
    from kv_service.persistence.transfers import TransferStore
    from kv_service.transfers.service import Transfers

    store = TransferStore(client, table, now_ms=now_ms)
    return Transfers(store, namespaces, objects, now_ms=now_ms, random_below=secrets.randbelow)
