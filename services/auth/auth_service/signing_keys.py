"""Copies the user pool's public keys to the credentials table: kv cannot reach the pool from its VPC."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from auth_service.persistence import SigningKeyStore
from kv_common import dynamodb
from kv_common.auth.jwks_http import http_source
from kv_common.settings import required
from kv_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Mapping


def refresh(env: Mapping[str, str] = os.environ) -> int:
    """Copy the key set from the pool's address into the credentials table; return how many keys it has."""
    document = http_source(required(env, "JWKS_URL"))()
    SigningKeyStore(dynamodb.client(), required(env, "CREDENTIALS_TABLE")).put(json.dumps(document))
    count = len(document["keys"])
    logs.write({"message": "signing keys refreshed", "keys": count})
    return count
