"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from auth_service.api import create_app
from auth_service.handlers import add_handlers

app = create_app()
refresh_signing_keys = add_handlers(app)

__all__ = ["app", "refresh_signing_keys"]
