"""The data of every event, by name and version.

Adding a member with a default keeps the version: readers take what they know. Any other change raises it, and
`UPCASTERS` then holds a function that turns the data of the version before into that of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import msgspec

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class Contract(msgspec.Struct, frozen=True):
    """The data of one kind of event; the class's name is the event's."""

    VERSION: ClassVar[int] = 1
    PRODUCER: ClassVar[str]
    """The service it happens in; its source on the bus is `kv.<service>`."""

    @classmethod
    def event_name(cls) -> str:
        """Return the name under which the event travels (EventBridge's detail-type)."""
        return cls.__name__


class AccountCreated(Contract, frozen=True):
    """An account was seen with a session for the first time."""

    PRODUCER = "auth"

    email: str


class AccountDeleted(Contract, frozen=True):
    """An account was deleted by its owner: whoever keeps anything of it removes it."""

    PRODUCER = "auth"


class ApiKeyIssued(Contract, frozen=True):
    """A key was made; `display` is its first characters."""

    PRODUCER = "auth"

    key_id: str
    display: str
    namespaces: tuple[str, ...]
    scopes: tuple[str, ...]


class ApiKeyRevoked(Contract, frozen=True):
    """A key was closed for good; `digest` is the SHA-256 under which its record is kept."""

    PRODUCER = "auth"

    key_id: str
    display: str
    digest: str
    reason: Literal["deleted"]


class ApiKeyUsed(Contract, frozen=True):
    """Keys were used: by id, the minute since 1970 in which each was last seen. Told now and then, not at once."""

    PRODUCER = "kv"

    keys: dict[str, int]


class JobDue(Contract, frozen=True):
    """A job that takes longer than a request is due for its next turn; of interest to the service that told it only."""

    PRODUCER = "kv"

    job_id: str
    turn: int


class NamespaceCreated(Contract, frozen=True):
    """A namespace was made; its id never comes again, its name may."""

    PRODUCER = "kv"

    namespace_id: str
    name: str


class NamespaceDeleted(Contract, frozen=True):
    """A namespace and all of its values are gone."""

    PRODUCER = "kv"

    namespace_id: str
    name: str


class Served(msgspec.Struct, frozen=True):
    """What was served in one namespace: requests by operation, and bytes that came in."""

    requests: dict[str, int]
    bytes_in: int


class RequestServed(Contract, frozen=True):
    """All that an account was served in one minute (since 1970), as far as it was known when this was told.

    The counts are cumulative for `minute` and `epoch`, by namespace id ("-" where a request named no namespace of the
    account); epochs are separate counters whose counts add up. The event is told again, under the same id, when the
    counts have changed: `changes` has grown then, and whoever has applied as many or more ignores it.
    """

    PRODUCER = "kv"

    minute: int
    epoch: str
    changes: int
    namespaces: dict[str, Served]


class StorageChanged(Contract, frozen=True):
    """What a namespace stores has grown or shrunk: by bytes of keys and values, and by keys.

    `shard` and `sequence` say up to where in the table's stream the change reaches.
    """

    PRODUCER = "kv"

    namespace_id: str
    bytes_delta: int
    keys_delta: int
    shard: str
    sequence: str


class ThresholdCrossed(Contract, frozen=True):
    """An account has used `threshold` percent of a limit: requests of the month `YYYY-MM`, or bytes stored."""

    PRODUCER = "usage"

    period: str
    metric: Literal["requests", "storage"]
    threshold: int
    used: int
    limit: int
    plan: str


class PlanLimits(msgspec.Struct, frozen=True):
    """What an account may do: the plan's, or what was agreed with the account."""

    requests_per_second: int
    burst: int
    requests_per_month: int
    storage_bytes: int


class PlanChanged(Contract, frozen=True, rename={"from_plan": "from", "to_plan": "to"}):
    """An account is on another plan from now on, or on other limits.

    `changed_at_us` (microseconds since 1970) orders changes: one is applied only if it is newer than the last applied.
    `effective_at` is the same moment in ISO 8601. `source_event` names what caused it, such as Paddle's event id.
    """

    PRODUCER = "billing"

    from_plan: str
    to_plan: str
    limits: PlanLimits
    effective_at: str
    changed_at_us: int
    source_event: str
    subscription_id: str | None = None


class PlanChangeScheduled(Contract, frozen=True, rename={"from_plan": "from", "to_plan": "to"}):
    """An account will be on another plan from `effective_at` (ISO 8601) on, such as at the end of the paid period."""

    PRODUCER = "billing"

    from_plan: str
    to_plan: str
    effective_at: str
    reason: Literal["canceled", "paused", "downgraded"]
    subscription_id: str | None = None


class PaymentFailed(Contract, frozen=True):
    """A payment was refused; `amount` in the currency's smallest unit, `next_attempt_at` in ISO 8601, if any."""

    PRODUCER = "billing"

    amount: int
    currency: str
    subscription_id: str | None = None
    next_attempt_at: str | None = None


CATALOG: Mapping[str, type[Contract]] = MappingProxyType(
    {
        contract.event_name(): contract
        for contract in (
            AccountCreated,
            AccountDeleted,
            ApiKeyIssued,
            ApiKeyRevoked,
            ApiKeyUsed,
            JobDue,
            NamespaceCreated,
            NamespaceDeleted,
            PaymentFailed,
            PlanChangeScheduled,
            PlanChanged,
            RequestServed,
            StorageChanged,
            ThresholdCrossed,
        )
    }
)

UPCASTERS: Mapping[tuple[str, int], Upcaster] = MappingProxyType({})
"""By name and the version that a function reads."""
