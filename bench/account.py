"""An account as it is stored in the tables of kv and auth, with what a request with a key requires."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kv_common import api_keys, clock

if TYPE_CHECKING:
    from kv_common.api_keys import NewApiKey

NAMESPACE = "bench"
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """An account with one namespace, one unrestricted key and its limits."""

    rate: int = 1_000_000
    burst: int = 1_000_000
    account_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    namespace_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    key: NewApiKey = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", api_keys.generate(self.account_id, secrets.randbits))

    @property
    def headers(self) -> dict[str, str]:
        """Headers that authenticate its requests."""
        return {"x-api-key": self.key.text}

    def own_items(self) -> list[Item]:
        """The account's items in kv's table."""
        partition = {"S": f"ACCOUNT#{self.account_id}"}
        return [
            {
                "PK": partition,
                "SK": {"S": "PLAN"},
                "plan": {"S": "business"},
                "rate": {"N": str(self.rate)},
                "burst": {"N": str(self.burst)},
                "quota": {"N": str(10**12)},
                "storage": {"N": str(10**15)},
            },
            {
                "PK": partition,
                "SK": {"S": f"NAMESPACE#{NAMESPACE}"},
                "id": {"S": self.namespace_id},
                "status": {"S": "active"},
                "createdAt": {"N": str(clock.now_ms())},
            },
        ]

    def credential(self) -> Item:
        """The item of its key in the credentials table."""
        return {
            "PK": {"S": self.key.digest},
            "accountId": {"S": self.account_id},
            "keyId": {"S": "key_000000000001"},
            "status": {"S": "active"},
            "scopes": {"SS": ["read", "write", "delete", "list"]},
            "namespaces": {"SS": ["*"]},
        }
