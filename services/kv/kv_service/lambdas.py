"""kv's Lambda functions besides its routes.

The dependencies of each are imported and bound by its first invocation; no API request needs them.
"""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from chalice.app import Rate

from kv_common.errors import Unavailable
from kv_common.events.lambdas import STREAM
from kv_common.settings import required
from kv_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from chalice.app import CloudWatchEvent, DynamoDBEvent, SQSEvent

    from kv_common.events.batch import BatchResponse
    from kv_common.events.consumer import Consumer, Handler
    from kv_common.events.lambdas import LambdaHandler
    from kv_common.http import Api
    from kv_service.metering.flusher import Flusher
    from kv_service.storage_usage.object_lifecycle import ObjectTracker
    from kv_service.storage_usage.tracker import Tracker

_JOBS: Any = {"Fn::GetAtt": ["JobsQueue", "Arn"]}
_MINUTE_S = 60
_ONLY_SHARD = "stream"
"""For a stream without shard ids, which has one shard."""


def add_flusher(app: Api) -> LambdaHandler:
    """Register the function that publishes usage; return its handler, for `app.py` to re-export.

    A schedule's unit is a minute. For shorter intervals, one invocation flushes several times.
    """
    flusher = cache(_flusher)

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
    """Register the function that tracks storage usage; return its handler, for `app.py` to re-export.

    It also deletes unused objects of large values, after counting, because customers see the counts.
    """
    trackers = cache(_trackers)

    @app.on_dynamodb_record(stream_arn=STREAM)
    def track_storage(event: DynamoDBEvent) -> dict[str, object]:
        batch = event.to_dict()
        records = batch["Records"]
        tracker, object_tracker = trackers()
        # Lambda passes the shard's id only to functions with a tumbling window, which is not used otherwise.
        response: dict[str, object] = {"state": {}, "batchItemFailures": []}
        try:
            tracker.track(records, batch.get("shardId", _ONLY_SHARD))
            object_tracker.track(records)
        except Unavailable as error:
            logs.write({"level": "ERROR", "message": "changes not taken", "reason": str(error)})
            # The batch is counted in one transaction per namespace, so it fails as a whole. When it is redelivered,
            # counted changes are recognized by their position, and changes of objects are idempotent.
            response["batchItemFailures"] = [{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}]
        return response

    handler: LambdaHandler = track_storage
    return handler


def add_worker(app: Api) -> LambdaHandler:
    """Register the function that runs jobs; return its handler, for `app.py` to re-export."""
    consumer = cache(_job_consumer)

    @app.on_sqs_message(queue_arn=_JOBS, batch_size=1)
    def run_jobs(event: SQSEvent) -> BatchResponse:
        return consumer().consume(event.to_dict())

    handler: LambdaHandler = run_jobs
    return handler


def _flush(flusher: Flusher) -> int:
    """Flush once; return the age of the oldest minute that was published, in seconds since its end."""
    started = time.monotonic()
    flushed = flusher.flush()
    if flushed.accounts:
        line = {"message": "flushed", "accounts": flushed.accounts}
        logs.write({**line, "minutes": flushed.minutes, "duration_ms": round((time.monotonic() - started) * 1000)})
    return flushed.lag_s


def event_handlers() -> dict[str, Handler]:
    """Return the handlers of other services' events."""
    from kv_service import background

    return background.event_handlers()


def _flusher() -> Flusher:
    from kv_service import background

    return background.flusher()


def _trackers() -> tuple[Tracker, ObjectTracker]:
    from kv_service import background

    return background.tracker(), background.object_tracker()


def _job_consumer() -> Consumer:
    from kv_common.events.consumer import Consumer
    from kv_service import background

    return Consumer("kv", background.job_handlers())
