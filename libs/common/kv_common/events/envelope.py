"""The envelope of every event: `detail` of an EventBridge event."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from kv_common.events.contracts import CATALOG, UPCASTERS, Contract, EventModel, Upcaster
from kv_common.events.errors import InvalidEvent, UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an account.

    `id` is set by the producer and stays the same when the event is published or delivered again, unlike the ids of
    EventBridge and SQS. `occurred_at_us` is in microseconds since 1970.
    """

    id: str
    account_id: str
    correlation_id: str
    occurred_at_us: int
    data: Contract

    @property
    def name(self) -> str:
        """The event's name."""
        return self.data.event_name()

    def encode(self) -> str:
        """Return the envelope as JSON."""
        envelope = {
            "id": self.id,
            "version": self.data.VERSION,
            "occurred_at": _format_time(self.occurred_at_us),
            "account_id": self.account_id,
            "correlation_id": self.correlation_id,
            "data": self.data.model_dump(mode="json", by_alias=True),
        }
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))


class Envelope(EventModel):
    """The fields of `detail`; `data` is validated by the contract of its version."""

    id: str = Field(description="Set by the producer; the same when the event is published or delivered again")
    version: int
    occurred_at: str = Field(description="In UTC, to the microsecond", json_schema_extra={"format": "date-time"})
    account_id: str = Field(json_schema_extra={"format": "uuid"})
    correlation_id: str = Field(description="Of the request that caused the event")
    data: dict[str, Any]


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def decode(
    name: str,
    detail: Mapping[str, Any],
    *,
    catalog: Mapping[str, type[Contract]] = CATALOG,
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
) -> Event:
    """Return the event in an envelope, its data converted to the current version.

    Raises UnknownEvent for an unknown name or version, InvalidEvent for malformed data.
    """
    contract = catalog.get(name)
    if contract is None:
        raise UnknownEvent(f"{name} is not in the catalog")
    try:
        envelope = Envelope.model_validate(detail)
        return Event(
            id=envelope.id,
            account_id=envelope.account_id,
            correlation_id=envelope.correlation_id,
            occurred_at_us=_parse_time(envelope.occurred_at),
            data=contract.model_validate(_upcast(name, contract, envelope, upcasters)),
        )
    except ValidationError as error:
        raise InvalidEvent(f"{name} does not match its contract: {_wrong_fields(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidEvent(f"{name} does not match its contract: {type(error).__name__}") from error


def _upcast(
    name: str, contract: type[Contract], envelope: Envelope, upcasters: Mapping[tuple[str, int], Upcaster]
) -> dict[str, Any]:
    version, data = envelope.version, envelope.data
    while version != contract.VERSION:
        upcaster = upcasters.get((name, version))
        if upcaster is None:
            raise UnknownEvent(f"{name} has version {version}, which cannot be converted to {contract.VERSION}")
        version, data = version + 1, upcaster(data)
    return data


def _wrong_fields(error: ValidationError) -> str:
    """Return the path of each wrong field and what is wrong, without values."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(f"{'.'.join(map(str, problem['loc']))} ({problem['type']})" for problem in problems)


def _format_time(microseconds: int) -> str:
    return (_EPOCH + microseconds * _MICROSECOND).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _parse_time(text: str) -> int:
    time = dt.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("occurred_at has no UTC offset")
    return (time - _EPOCH) // _MICROSECOND
