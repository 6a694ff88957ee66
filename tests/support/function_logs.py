"""Log lines of the deployed functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.deploy.stage import LOCAL
from infra.operations.logs.function_logs import FunctionLogs

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment


def function_logs(local: LocalEnvironment, service: str | None = None) -> list[str]:
    """Return all log lines of all services or of one, as `make tail` reads them."""
    logs = FunctionLogs(local.aws_client("logs"), LOCAL, since_ms=0, service=service)
    return [line.message for line in logs.new_lines()]
