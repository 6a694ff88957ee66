"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from kv_common.events.lambdas import add_consumer, add_publisher
from kv_service.http.app import create_app
from kv_service.lambdas import add_flusher, add_tracker, add_worker, event_handlers

app = create_app()
on_events = add_consumer(app, "kv", event_handlers)
publish_outbox = add_publisher(app, "kv")
flush_meters = add_flusher(app)
track_storage = add_tracker(app)
run_jobs = add_worker(app)

__all__ = ["app", "flush_meters", "on_events", "publish_outbox", "run_jobs", "track_storage"]
