"""The envelope every event travels in: `detail` of an EventBridge event."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from kv_common.events.contracts import CATALOG, UPCASTERS, Contract, Upcaster
from kv_common.events.errors import InvalidEvent, UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an account.

    `id` is the producer's own, and the same however often the fact is told; ids of EventBridge and SQS are not.
    `occurred_at_us` is in microseconds since 1970.
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
        """Return the envelope as JSON text."""
        envelope = _Envelope(
            id=self.id,
            version=self.data.VERSION,
            occurred_at=_show_time(self.occurred_at_us),
            account_id=self.account_id,
            correlation_id=self.correlation_id,
            data=msgspec.to_builtins(self.data),
        )
        return msgspec.json.encode(envelope).decode()


class _Envelope(msgspec.Struct, frozen=True):
    id: str
    version: int
    occurred_at: str
    account_id: str
    correlation_id: str
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
    """Return the event in an envelope, its data brought up to the present version.

    Raises UnknownEvent for a name or a version there is no reader for, InvalidEvent for anything malformed.
    """
    contract = catalog.get(name)
    if contract is None:
        raise UnknownEvent(f"{name} is not in the catalog")
    try:
        envelope = msgspec.convert(detail, _Envelope)
        data = _upcast(name, contract, envelope, upcasters)
        return Event(
            id=envelope.id,
            account_id=envelope.account_id,
            correlation_id=envelope.correlation_id,
            occurred_at_us=_read_time(envelope.occurred_at),
            data=msgspec.convert(data, contract),
        )
    except (msgspec.ValidationError, ValueError, KeyError, TypeError) as error:
        raise InvalidEvent(f"{name} is not what its contract says: {error}") from error


def _upcast(
    name: str, contract: type[Contract], envelope: _Envelope, upcasters: Mapping[tuple[str, int], Upcaster]
) -> dict[str, Any]:
    version, data = envelope.version, envelope.data
    while version != contract.VERSION:
        upcaster = upcasters.get((name, version))
        if upcaster is None:
            raise UnknownEvent(f"{name} has version {version}, which cannot be read as {contract.VERSION}")
        version, data = version + 1, upcaster(data)
    return data


def _show_time(microseconds: int) -> str:
    return (_EPOCH + microseconds * _MICROSECOND).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _read_time(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("occurred_at has no UTC offset")
    return (moment - _EPOCH) // _MICROSECOND
