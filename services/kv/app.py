"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from kv_common.events.functions import add_consumer
from kv_service.api import create_app
from kv_service.handlers import handlers

app = create_app()
on_events = add_consumer(app, "kv", handlers)

__all__ = ["app", "on_events"]
