"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from auth_service.http.app import create_app
from auth_service.lambdas import add_signing_keys, event_handlers
from kv_common.events.lambdas import add_consumer, add_publisher

app = create_app()
on_events = add_consumer(app, "auth", event_handlers)
publish_outbox = add_publisher(app, "auth")
refresh_signing_keys = add_signing_keys(app)

__all__ = ["app", "on_events", "publish_outbox", "refresh_signing_keys"]
