"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from auth_service.api import create_app
from auth_service.handlers import add_signing_keys
from kv_common.events.functions import add_publisher

app = create_app()
publish_outbox = add_publisher(app, "auth")
refresh_signing_keys = add_signing_keys(app)

__all__ = ["app", "publish_outbox", "refresh_signing_keys"]
