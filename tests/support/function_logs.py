"""What the deployed functions have logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment


def function_logs(local: LocalEnvironment) -> list[str]:
    """Return every line of every function's log group."""
    logs = local.aws_client("logs")
    lines: list[str] = []
    for groups in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/kv/local/"):
        for group in groups["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            lines += [event["message"].strip() for page in pages for event in page["events"]]
    return lines
