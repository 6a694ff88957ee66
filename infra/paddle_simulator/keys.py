"""The secrets between Paddle and a stage, as the local stage has them."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_PADDLE, _BINDING = "kv-{stage}-billing-paddle", "kv-{stage}-billing-binding"


def prepare(client: SecretsManagerClient, stage: str) -> None:
    """Give the stage a webhook secret and an API key as Paddle would, unless it has them, or has no billing."""
    name = _PADDLE.format(stage=stage)
    try:
        known = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
    except client.exceptions.ResourceNotFoundException:
        return
    if not known["webhook_secrets"]:
        keys = {"webhook_secrets": [f"pdl_ntfset_{secrets.token_hex(24)}"], "api_key": f"pdl_{secrets.token_hex(24)}"}
        client.put_secret_value(SecretId=name, SecretString=json.dumps(keys))


def webhook_secrets(client: SecretsManagerClient, stage: str) -> list[str]:
    """Return the secrets that webhooks are signed with."""
    known = json.loads(client.get_secret_value(SecretId=_PADDLE.format(stage=stage))["SecretString"])
    return [str(secret) for secret in known["webhook_secrets"]]


def binding_secrets(client: SecretsManagerClient, stage: str) -> list[str]:
    """Return the secrets that checkouts are signed with."""
    return client.get_secret_value(SecretId=_BINDING.format(stage=stage))["SecretString"].split()
