"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from alerts_service.api import create_app

app = create_app()

__all__ = ["app"]
