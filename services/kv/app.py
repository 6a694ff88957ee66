"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from kv_service.api import create_app
from kv_service.handlers import add_consumer

app = create_app()
on_events = add_consumer(app)

__all__ = ["app", "on_events"]
