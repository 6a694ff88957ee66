"""Structured logs: one short JSON line per event, by Powertools' Logger.

Lines contain ids, counts, durations and reasons; never keys, tokens, values, headers or messages of exceptions.

Constant fields are omitted, because CloudWatch charges per byte: the log group's name contains service and function,
CloudWatch stores the time, and Lambda treats a line without `level` as INFO. Other lines have `level` and `timestamp`,
spelled as Lambda expects them.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

import logging
import sys
import traceback

import msgspec
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import RESERVED_LOG_ATTRS, LambdaPowertoolsFormatter

from kv_common import clock

_NAME = "kv"
_LEVEL_NAMES = {logging.WARNING: "WARN", logging.ERROR: "ERROR", logging.CRITICAL: "ERROR"}

_encoder = msgspec.json.Encoder()


class LineFormatter(LambdaPowertoolsFormatter):
    """Formats a record whose message is a mapping as that mapping, and any other as `message` and its extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        fields = record.msg if isinstance(record.msg, dict) else self._fields(record)
        level = _LEVEL_NAMES.get(record.levelno)
        if level is not None:
            # Lambda ignores a level without a timestamp.
            fields = {"timestamp": clock.timestamp(clock.now_ms()), "level": level, **fields}
        return _encoder.encode(fields).decode()

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        extra = {name: value for name, value in vars(record).items() if name not in _RECORD_ATTRIBUTES}
        fields = {"message": record.getMessage(), **extra}
        if record.exc_info and record.exc_info[0] is not None:
            # Type and frames only: an exception's message may contain a customer's data.
            fields["exception"] = record.exc_info[0].__name__
            fields["stack"] = traceback.format_tb(record.exc_info[2])
        return fields


_RECORD_ATTRIBUTES = {*RESERVED_LOG_ATTRS, "taskName"}


class _StandardOutput(logging.Handler):
    """Writes lines to standard output, which Lambda sends to CloudWatch; errors of the formatter are raised."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(self.format(record) + "\n")
        sys.stdout.flush()


logger = Logger(service=_NAME, logger_handler=_StandardOutput(), logger_formatter=LineFormatter())
# Handlers of the root logger, such as the one of Lambda's runtime, would write each line again.
logging.getLogger(_NAME).propagate = False


_METHODS = {None: logger.info, "WARN": logger.warning, "ERROR": logger.error}


def write(fields: dict[str, object]) -> None:
    """Log `fields` as one line, at the level in `level`: "WARN", "ERROR", or INFO where there is none."""
    _METHODS[fields.get("level")](fields)  # type: ignore[index]
