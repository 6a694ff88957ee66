"""The data of every event, by name and version.

Adding a field with a default keeps the version, because readers ignore unknown fields. Any other change raises the
version, and `UPCASTERS` then needs a function that converts the data of the previous version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class EventModel(BaseModel):
    """Immutable data without conversion of types; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", validate_by_name=True, validate_by_alias=True)


class Contract(EventModel):
    """The data of one kind of event; the class name is the event's name."""

    VERSION: ClassVar[int] = 1
    PRODUCER: ClassVar[str]
    """The service that publishes it; its source on the bus is `kv.<service>`."""

    @classmethod
    def event_name(cls) -> str:
        """Return the event's name: EventBridge's detail-type."""
        return cls.__name__


Strings = Annotated[tuple[str, ...], Field(strict=False)]
"""A tuple that is also read from a JSON array."""


class AccountCreated(Contract):
    """An account made its first authenticated request."""

    PRODUCER = "auth"

    email: str


class AccountDeleted(Contract):
    """An account was deleted by its owner; every service deletes its data of the account."""

    PRODUCER = "auth"


class ApiKeyIssued(Contract):
    """An API key was created; `display` contains its first characters."""

    PRODUCER = "auth"

    key_id: str
    display: str
    namespaces: Strings
    scopes: Strings


class ApiKeyRevoked(Contract):
    """An API key was revoked; `digest` is the SHA-256 that identifies its record."""

    PRODUCER = "auth"

    key_id: str
    display: str
    digest: str
    reason: Literal["deleted"]


class ApiKeyUsed(Contract):
    """API keys were used: the minute since 1970 of the last use, by key id. Published periodically."""

    PRODUCER = "kv"

    keys: dict[str, int]


class JobDue(Contract):
    """A background job is due for its next run; for the publishing service only."""

    PRODUCER = "kv"

    job_id: str
    turn: int


class NamespaceCreated(Contract):
    """A namespace was created; its id is never reused, its name may be."""

    PRODUCER = "kv"

    namespace_id: str
    name: str


class NamespaceDeleted(Contract):
    """A namespace and all of its values were deleted."""

    PRODUCER = "kv"

    namespace_id: str
    name: str


class Served(EventModel):
    """Requests in one namespace, by operation, and bytes received."""

    requests: dict[str, int]
    bytes_in: int


class RequestServed(Contract):
    """Requests of an account in one minute (since 1970), as counted so far.

    The counts are cumulative for `minute` and `epoch`, by namespace id ("-" for requests without an existing
    namespace); epochs are separate counters whose counts add up. The event is published again, under the same id, when
    the counts have grown; `changes` has then grown too, and consumers ignore an event with fewer or equal `changes`.
    """

    PRODUCER = "kv"

    minute: int
    epoch: str
    changes: int
    namespaces: dict[str, Served]


class StorageChanged(Contract):
    """The storage of a namespace has changed: bytes of keys and values, and number of keys.

    `shard` and `sequence` are the position in the table's stream up to which changes are included.
    """

    PRODUCER = "kv"

    namespace_id: str
    bytes_delta: int
    keys_delta: int
    shard: str
    sequence: str


class ThresholdCrossed(Contract):
    """An account has used `threshold` percent of a limit: requests in the month `YYYY-MM`, or bytes stored."""

    PRODUCER = "usage"

    period: str
    metric: Literal["requests", "storage"]
    threshold: int
    used: int
    limit: int
    plan: str


class PlanLimits(EventModel):
    """Limits of an account: those of its plan, or custom ones."""

    requests_per_second: int
    burst: int
    requests_per_month: int
    storage_bytes: int


class PlanChanged(Contract):
    """An account is on another plan, or has other limits.

    `changed_at_us` (microseconds since 1970) orders changes: apply one only if it is newer than the last applied.
    `effective_at` is the same time in ISO 8601. `source_event` identifies the cause, such as Paddle's event id.
    """

    PRODUCER = "billing"

    from_plan: str = Field(validation_alias="from", serialization_alias="from")
    to_plan: str = Field(validation_alias="to", serialization_alias="to")
    limits: PlanLimits
    effective_at: str
    changed_at_us: int
    source_event: str
    subscription_id: str | None = None


class PlanChangeScheduled(Contract):
    """An account changes to another plan at `effective_at` (ISO 8601), such as at the end of the paid period."""

    PRODUCER = "billing"

    from_plan: str = Field(validation_alias="from", serialization_alias="from")
    to_plan: str = Field(validation_alias="to", serialization_alias="to")
    effective_at: str
    reason: Literal["canceled", "paused", "downgraded"]
    subscription_id: str | None = None


class PaymentFailed(Contract):
    """A payment failed; `amount` in the currency's smallest unit, `next_attempt_at` in ISO 8601, if any."""

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
"""By event name and the version that the function converts."""
