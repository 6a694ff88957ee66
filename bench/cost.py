"""Monthly cost of requests, a stage and a customer: measured units, bytes and times, multiplied by list prices.

Dollars per million requests, unless a name states otherwise. Free tiers and volume discounts are ignored, except the
second tier of the HTTP API, which is within the volumes considered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kv_common.plans import GB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results import Operation, Resources, Results
    from kv_common.plans import Plan

PRICES = Path(__file__).with_name("prices.json")
HOURS, MINUTES = 730, 730 * 60
_MILLION = 1_000_000
_VCPU_MB = 1_769  # the memory at which a function has one full processor (AWS documentation)
_TIER_ONE = 300_000_000
_LINE = 26  # bytes that CloudWatch adds to a line
#: Optional logs: Lambda's platform.start and platform.report (initStart is negligible), and API Gateway's line.
LAMBDA_LOG_BYTES, GATEWAY_LOG_BYTES = 160 + 330 + 2 * _LINE, 227 + _LINE


class Price(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A price, its source, and whether it was verified there."""

    usd: float
    what: str
    source: str
    checked: bool = True


class Prices(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The price list of one region on one day."""

    region: str
    looked_up: str
    prices: dict[str, Price]

    def __getitem__(self, name: str) -> float:
        return self.prices[name].usd


def load_prices(path: Path = PRICES) -> Prices:
    """Read the price list."""
    return msgspec.json.decode(path.read_bytes(), type=Prices)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Assumptions that no benchmark can measure, because they depend on customers and AWS.

    `per_minute` is the number of requests of an account in a minute with any: metering costs by account and minute.
    Logs are those that the templates enable by default: our line per request, and neither Lambda's nor API Gateway's.
    An invocation of a background function takes `invocation_gb_s`. `batch_s` overrides the templates' setting.
    """

    per_minute: float = 1_000
    puts: float = 0.2
    lambda_log_bytes: float = 0
    gateway_log_bytes: float = 0
    own_log: float = 1
    batch_s: float | None = None
    dynamodb_ms: float = 5
    eventual_reads: bool = False
    units: float = 1
    invocation_gb_s: float = 0.05 * 0.5
    transferred: float = 1


@dataclass(frozen=True, slots=True)
class Model:
    """The cost of a stage, from the results, a price list and assumptions."""

    results: Results
    prices: Prices
    assumed: Assumptions = Assumptions()

    def with_(self, **changes: object) -> Model:
        """Return the model with other assumptions."""
        return replace(self, assumed=replace(self.assumed, **changes))  # type: ignore[arg-type]

    def request(self, operation: str, *, gateway: bool) -> dict[str, float]:
        """Return the cost of a million GETs or PUTs by line, through the HTTP API (`gateway`) or a function URL."""
        measured, assumed, price = self._measured(operation), self.assumed, self.prices
        logged = assumed.lambda_log_bytes + (assumed.own_log * (measured.log_bytes + _LINE))
        logged += assumed.gateway_log_bytes if gateway else 0
        duration_ms = math.ceil(self.duration_ms(operation))
        return {
            "HTTP API": price["http_api_million"] if gateway else 0,
            "Lambda, requests": price["lambda_million"],
            "Lambda, duration": duration_ms / 1000 * self._memory_gb * _MILLION * price["lambda_gb_second"],
            "DynamoDB": self._table(operation),
            "Logs": logged * _MILLION / 1e9 * price["logs_gb"],
            "Metering": self.metering(),
            "Counting storage": self.counting() if operation == "put" else 0,
            "Transfer to the internet": assumed.transferred
            * measured.bytes_out
            * _MILLION
            / 1e9
            * price["transfer_gb"],
        }

    def duration_ms(self, operation: str) -> float:
        """Return the duration of a request on Lambda: as measured, scaled to the function's share of a processor."""
        measured = self._measured(operation)
        share = min(1.0, self._memory_gb * 1024 / _VCPU_MB)
        return measured.wall_ms_at_5ms - 5 + self.assumed.dynamodb_ms + measured.cpu_ms * (1 / share - 1)

    def metering(self) -> float:
        """Return a request's share of publishing and recording a minute of its account."""
        return _MILLION * self.minute() / self.assumed.per_minute

    def minute(self) -> float:
        """Return the cost of metering one minute of one account, in dollars."""
        return self._background("kv: flush", "usage: RequestServed", "RequestServed")

    def counting(self) -> float:
        """Return a PUT's share of counting storage from batches of the stream."""
        puts_per_batch = max(1.0, self.assumed.per_minute * self.assumed.puts / 60 * self.batch_s)
        return _MILLION * self.batch() / puts_per_batch

    def batch(self) -> float:
        """Return the cost of counting one batch of an account's changes, in dollars."""
        events = self._events("StorageChanged")
        return self._background("kv: storage", "usage: StorageChanged", "StorageChanged") / events

    def mixed(self, *, gateway: bool, transfer: bool = True) -> float:
        """Return the cost of a million requests of the assumed mix."""
        costs = {}
        for operation in ("get", "put"):
            lines = self.request(operation, gateway=gateway)
            costs[operation] = sum(cost for line, cost in lines.items() if transfer or not line.startswith("Transfer"))
        return costs["get"] * (1 - self.assumed.puts) + costs["put"] * self.assumed.puts

    def floor(self) -> dict[str, float]:
        """Return the fixed monthly cost of a stage by line."""
        price, resources = self.prices, self._resources
        schedules = {"FlushMeters, once a minute": MINUTES}
        invocation = price["lambda_million"] / _MILLION + self.assumed.invocation_gb_s * price["lambda_gb_second"]
        # Five pollers per queue; each waits up to twenty seconds for a message.
        polls = 5 * 3 * MINUTES
        return {
            "Redis: one cache.t4g.micro node with Valkey": HOURS * price["redis_node_hour"],
            f"{resources.queues} queues, polled while empty": resources.queues
            * polls
            / _MILLION
            * price["sqs_million"],
            f"{resources.alarms} alarms": resources.alarms * price["alarm_month"],
            f"{resources.secrets} secrets": resources.secrets * price["secret_month"],
            **{name: count * invocation for name, count in schedules.items()},
            "NAT gateways (none: DynamoDB and S3 have gateway endpoints, events are published from the stream)": 0.0,
        }

    def month(self, requests: float, *, gateway: bool) -> float:
        """Return the monthly cost of a stage with that many requests, including its fixed cost."""
        cost = sum(self.floor().values()) + requests / _MILLION * self.mixed(gateway=gateway)
        if gateway and requests > _TIER_ONE:
            saved = self.prices["http_api_million"] - self.prices["http_api_million_above_300"]
            cost -= (requests - _TIER_ONE) / _MILLION * saved
        return cost

    def customer(self, plan: Plan, *, gateway: bool = True) -> dict[str, float]:
        """Return the cost by line of an account that uses all of its requests, evenly over the month, and storage."""
        requests = plan.requests_per_month
        minutes = min(requests, MINUTES)
        batches = min(requests * self.assumed.puts, 60 / self.batch_s * MINUTES)
        alone = self.with_(per_minute=math.inf).mixed(gateway=gateway)
        price = self.prices
        stored = price["dynamodb_gb_month"] + price["dynamodb_backup_gb_month"]
        return {
            "requests": requests / _MILLION * alone,
            "metering": minutes * self.minute() + batches * self.batch(),
            "storage": plan.storage_bytes / GB * stored,
            "payment": plan.price * price["paddle_percent"] + price["paddle_payment"] if plan.price else 0.0,
        }

    @property
    def batch_s(self) -> float:
        """How long value changes are collected before storage is counted, in seconds."""
        return self.assumed.batch_s or self._resources.storage_batch_s

    @property
    def _memory_gb(self) -> float:
        return self._resources.memory_mb / 1024

    @property
    def _resources(self) -> Resources:
        if self.results.resources is None:
            raise ValueError("The resources of a stage were not counted.")
        return self.results.resources

    def _measured(self, operation: str) -> Operation:
        if self.results.hot_path is None:
            raise ValueError("The hot path was not measured.")
        measured: Operation = getattr(self.results.hot_path, operation)
        return measured

    def _table(self, operation: str) -> float:
        """Return the table's cost of a million operations on values of the size that the hot path was measured with."""
        hot = self.results.hot_path
        measured = [one for one in self.results.growth or [] if hot is not None and one.value_bytes == hot.value_bytes]
        if not measured:
            raise ValueError("The growth was not measured.")
        if operation == "put":
            return self.assumed.units * measured[0].put_units * self.prices["dynamodb_write_million"]
        units = measured[0].get_units / (2 if self.assumed.eventual_reads else 1)
        return self.assumed.units * units * self.prices["dynamodb_read_million"]

    def _background(self, producer: str, consumer: str, event: str) -> float:
        """Return the cost of publishing and consuming the events of the measured thousand requests."""
        path, price = self.results.event_path, self.prices
        if path is None:
            raise ValueError("The event path was not measured.")
        written = path.write_units[producer] + path.write_units[consumer]
        read = path.read_units[producer] + path.read_units[consumer]
        # An event on the bus; sent to, received and deleted from a queue; an invocation each to publish and to consume.
        invocation = price["lambda_million"] / _MILLION + self.assumed.invocation_gb_s * price["lambda_gb_second"]
        each = (price["event_million"] + 3 * price["sqs_million"]) / _MILLION + 2 * invocation
        units = written * price["dynamodb_write_million"] + read * price["dynamodb_read_million"]
        return units / _MILLION + self._events(event) * each

    def _events(self, name: str) -> int:
        if self.results.event_path is None:
            raise ValueError("The event path was not measured.")
        return self.results.event_path.events[name]


def sensitivity(model: Model) -> list[tuple[str, float]]:
    """Return the cost difference of the mix behind the HTTP API by changed assumption, greatest first."""
    base = model.mixed(gateway=True)
    others: Mapping[str, Model] = {
        "an account makes 1 request per minute instead of 1,000": model.with_(per_minute=1),
        "an account makes 10 requests per minute": model.with_(per_minute=10),
        "an account makes 100 requests per minute": model.with_(per_minute=100),
        "half of the requests are PUTs instead of a fifth": model.with_(puts=0.5),
        "values take four times the units (4 KB that cannot be compressed)": model.with_(units=4),
        "Lambda logs every invocation (`SystemLogLevel`)": model.with_(lambda_log_bytes=LAMBDA_LOG_BYTES),
        "API Gateway logs every request (`AccessLog`)": model.with_(gateway_log_bytes=GATEWAY_LOG_BYTES),
        "successful requests are not logged (`ApplicationLogLevel`)": model.with_(own_log=0),
        "storage is counted every 10 seconds (`StorageBatchSeconds`)": model.with_(batch_s=10),
        "DynamoDB takes 10 ms instead of 5": model.with_(dynamodb_ms=10),
        "reads are eventually consistent": model.with_(eventual_reads=True),
        "responses stay in the region": model.with_(transferred=0),
    }
    found = [(name, other.mixed(gateway=True) - base) for name, other in others.items()]
    return sorted(found, key=lambda one: -abs(one[1]))
