"""kv's Lambda functions besides its routes and those that every service has."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from chalice.app import Rate

from kv_common.errors import Unavailable
from kv_common.events.consumer import Consumer
from kv_common.events.lambdas import STREAM
from kv_common.settings import required
from kv_common.telemetry import logs, metrics
from kv_service import background

if TYPE_CHECKING:
    from chalice.app import CloudWatchEvent, DynamoDBEvent, SQSEvent

    from kv_common.events.lambdas import LambdaHandler
    from kv_common.http import Api
    from kv_service.metering.flusher import Flusher

_JOBS: Any = {"Fn::GetAtt": ["JobsQueue", "Arn"]}
_MINUTE_S = 60
_ONLY_SHARD = "stream"
"""For a stream that says no shard, which has but one."""


def add_flusher(app: Api) -> LambdaHandler:
    """Register the function that tells what was served; return its handler, for `app.py` to re-export.

    Schedules have whole minutes. A stage that wants it sooner has several flushes per minute in one invocation.
    """
    flusher = cache(background.flusher)

    @app.schedule(Rate(1, unit=Rate.MINUTES))
    def flush_meters(event: CloudWatchEvent) -> None:
        every_s = int(required(os.environ, "FLUSH_EVERY_S"))
        ends = time.monotonic() + (_MINUTE_S - every_s if event.source == "aws.events" else 0)
        lag_s = _flush(flusher())
        while time.monotonic() + every_s <= ends:
            time.sleep(every_s)
            lag_s = max(lag_s, _flush(flusher()))
        metrics.emit_metric(required(os.environ, "STAGE"), "kv", "FlushLag", lag_s, "Seconds")

    handler: LambdaHandler = flush_meters
    return handler


def add_tracker(app: Api) -> LambdaHandler:
    """Register the function that counts what is stored; return its handler, for `app.py` to re-export.

    It also keeps the objects of large values in step: first it counts, which is what customers see and cannot wait.
    """
    tracker = cache(background.tracker)
    object_tracker = cache(background.object_tracker)

    @app.on_dynamodb_record(stream_arn=STREAM)
    def track_storage(event: DynamoDBEvent) -> dict[str, object]:
        batch = event.to_dict()
        records = batch["Records"]
        # A tumbling window is what makes Lambda say which shard the records are from; the window itself is not used.
        answer: dict[str, object] = {"state": {}, "batchItemFailures": []}
        try:
            tracker().track(records, batch.get("shardId", _ONLY_SHARD))
            object_tracker().track(records)
        except Unavailable as error:
            logs.write({"level": "ERROR", "message": "changes not taken", "reason": str(error)})
            # The whole batch comes again: what of it is counted already is recognized by its position, and what is
            # done about objects can be done twice.
            answer["batchItemFailures"] = [{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}]
        return answer

    handler: LambdaHandler = track_storage
    return handler


def add_worker(app: Api) -> LambdaHandler:
    """Register the function that does the turns of jobs; return its handler, for `app.py` to re-export."""
    consumer = cache(lambda: Consumer("kv", background.job_handlers()))

    @app.on_sqs_message(queue_arn=_JOBS, batch_size=1)
    def run_jobs(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
        return consumer().consume(event.to_dict())

    handler: LambdaHandler = run_jobs
    return handler


def _flush(flusher: Flusher) -> int:
    """Flush once and return for how long the oldest minute that was told had been over, in seconds."""
    started = time.monotonic()
    flushed = flusher.flush()
    if flushed.accounts:
        line = {"message": "flushed", "accounts": flushed.accounts}
        logs.write({**line, "minutes": flushed.minutes, "duration_ms": round((time.monotonic() - started) * 1000)})
    return flushed.lag_s
