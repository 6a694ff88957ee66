"""What the functions write to their log groups, as it comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_logs import CloudWatchLogsClient

_PREFIX = "/kv/"
#: Lines of the platform around every invocation.
_PLATFORM_LINES = ("START RequestId:", "END RequestId:", "REPORT RequestId:")


class FunctionLogs:
    """Follows every log group of the functions, from now on."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client
        self._since = int(time.time() * 1000)
        self._seen: set[tuple[str, int, str]] = set()

    def new_lines(self) -> Iterator[str]:
        """The lines that came since the last call, each after its function's name."""
        since, self._since = self._since, int(time.time() * 1000) - 1000  # a second's overlap: lines may come late
        seen, self._seen = self._seen, set()
        for group in self._client.describe_log_groups(logGroupNamePrefix=_PREFIX)["logGroups"]:
            name = group["logGroupName"]
            for event in self._client.filter_log_events(logGroupName=name, startTime=since)["events"]:
                message = event["message"].rstrip()
                # Not by event id: the emulator gives none to what a function writes.
                identity = (event["logStreamName"], event["timestamp"], message)
                self._seen.add(identity)
                if identity not in seen and not message.startswith(_PLATFORM_LINES):
                    service, function = name.split("/")[-2:]
                    yield f"[{service} {function}] {message}"
