"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from kv_common.events.lambdas import add_consumer, add_publisher
from usage_service.event_handlers import handlers
from usage_service.http.app import create_app

app = create_app()
on_events = add_consumer(app, "usage", handlers)
publish_outbox = add_publisher(app, "usage")

__all__ = ["app", "on_events", "publish_outbox"]
