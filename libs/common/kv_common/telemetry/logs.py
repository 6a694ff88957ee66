"""One structured JSON line per request, written at once.

A logging framework would cost more than the rest of our own work on a request; a line is one encode and one write.
Callers pass facts about a request (ids, counts, durations), never a key, a token, a value or a set of headers.

What every line would say, none says, for each byte is paid: service and function are in the log group's name, the time
is CloudWatch's, and without a `level` a line is at INFO. The others are at `ERROR`, or at `WARN`, as Lambda spells it.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

import sys
from typing import TextIO

import msgspec

from kv_common import clock

_encoder = msgspec.json.Encoder()


def write(fields: dict[str, object], stream: TextIO | None = None) -> None:
    """Write `fields` as one line of JSON to `stream`, standard output by default, which Lambda sends to CloudWatch.

    One with a `level` gets a `timestamp`: without, Lambda takes it for one at INFO.
    """
    if "level" in fields:
        fields = {"timestamp": clock.timestamp(clock.now_ms()), **fields}
    out = stream if stream is not None else sys.stdout
    out.write(_encoder.encode(fields).decode() + "\n")
    out.flush()
