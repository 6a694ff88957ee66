"""What all functions of a stage log, merged by time, as it comes."""

from __future__ import annotations

import heapq
import re
import time
from typing import TYPE_CHECKING

from infra.operations.logs.errors import LogError
from infra.operations.logs.log_group import LogGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_logs import CloudWatchLogsClient

    from infra.operations.logs.line import Line

#: CloudWatch shows a line some seconds after it was written; the emulator, which has our clock, at once.
LATE_MS = 30_000
LATE_LOCALLY_MS = 1_000
#: The service by which API Gateway's own log is found.
_GATEWAY = "gateway"
_TURN_IT_ON = 'API Gateway keeps no log unless the stage\'s file says AccessLog = "on": see docs/operations.md.'
#: Printable, without spaces, quotes and backslashes: it becomes a part of CloudWatch's pattern.
_ID = re.compile(r"[!#-\[\]-~]+")


class FunctionLogs:
    """Follows the log groups of a stage, or of one `service` in it.

    `since_ms` is where it begins, in milliseconds since 1970; `wanted` is an id that every line has to hold. Groups
    that appear later are followed too.
    """

    def __init__(
        self,
        client: CloudWatchLogsClient,
        stage: str,
        *,
        since_ms: int,
        late_ms: int = LATE_LOCALLY_MS,
        service: str | None = None,
        wanted: str | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        if wanted is not None and not _ID.fullmatch(wanted):
            raise LogError(f"{wanted!r} is no id: letters, digits and signs, without spaces and quotes.")
        self._client = client
        self._stage_prefix = f"/kv/{stage}/"
        self._prefix = f"{self._stage_prefix}{service}/" if service else self._stage_prefix
        self._since_ms = since_ms
        self._late_ms = late_ms
        self._wanted = wanted
        self._now_s = now_s
        self._groups: dict[str, LogGroup] = {}

    def new_lines(self) -> Iterator[Line]:
        """The lines that came since the last call, of all functions in the order of their times."""
        now_ms = int(self._now_s() * 1000)
        readings = [group.new_lines(now_ms) for group in self._present()]
        return heapq.merge(*readings, key=lambda line: line.time_ms)

    def require_any(self) -> None:
        """Raise LogError when there is nothing to follow."""
        if self._present():
            return
        others = sorted({name.split("/")[-2] for name in self._names(self._stage_prefix)})
        hint = f"There are: {', '.join(others)}." if others else "Is it deployed, and in this account and region?"
        if self._prefix == f"{self._stage_prefix}{_GATEWAY}/":
            hint = f"{_TURN_IT_ON} {hint}"
        raise LogError(f"There are no log groups {self._prefix}…. {hint}")

    def _present(self) -> list[LogGroup]:
        names = self._names(self._prefix)
        for name in names:
            if name not in self._groups:
                self._groups[name] = LogGroup(
                    self._client, name, since_ms=self._since_ms, overlap_ms=self._late_ms, wanted=self._wanted
                )
        return [self._groups[name] for name in names]

    def _names(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]
