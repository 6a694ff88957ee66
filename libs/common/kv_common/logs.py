"""One structured JSON line per request, written at once.

A logging framework would cost more than the rest of our own work on a request; a line is one encode and one write.
Callers pass facts about a request (ids, counts, durations), never a key, a token, a value or a set of headers.
"""

from __future__ import annotations

import sys
from typing import TextIO

import msgspec

_encoder = msgspec.json.Encoder()


def write(fields: dict[str, object], stream: TextIO | None = None) -> None:
    """Write `fields` as one line of JSON to `stream`, standard output by default, which Lambda sends to CloudWatch."""
    out = stream if stream is not None else sys.stdout
    out.write(_encoder.encode(fields).decode() + "\n")
    out.flush()
