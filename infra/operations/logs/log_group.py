"""One function's log group, read again and again from where the last reading ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.operations.logs.line import IDS, Line
from kv_common import retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_logs import CloudWatchLogsClient

_PAGE = 10_000
_THROTTLED = frozenset({"ThrottlingException", "LimitExceededException", "ServiceUnavailableException"})

_Identity = str | tuple[str, int, str, int]


class LogGroup:
    """Reads what a log group holds from `since_ms` on, each line once.

    Lines may come late, so each reading goes back to `overlap_ms` before the one before it began. With `wanted`, only
    lines that hold it as an id. What Lambda says of invocations that went well is left out.
    """

    def __init__(
        self, client: CloudWatchLogsClient, name: str, *, since_ms: int, overlap_ms: int, wanted: str | None = None
    ) -> None:
        self._client = client
        self._name = name
        self._since_ms = since_ms
        self._overlap_ms = overlap_ms
        self._wanted = wanted
        self._seen: dict[_Identity, int] = {}

    def new_lines(self, now_ms: int) -> Iterator[Line]:
        """The lines that came since the last reading, in the order of their times."""
        service, function = self._name.split("/")[-2:]
        for identity, event in self._events():
            if identity in self._seen:
                continue
            self._seen[identity] = event["timestamp"]
            line = Line(event["timestamp"], service, function, event["message"].rstrip())
            if not line.is_routine() and (self._wanted is None or line.concerns(self._wanted)):
                yield line
        self._since_ms = max(self._since_ms, now_ms - self._overlap_ms)
        self._seen = {identity: time_ms for identity, time_ms in self._seen.items() if time_ms >= self._since_ms}

    def _events(self) -> Iterator[tuple[_Identity, dict[str, Any]]]:
        arguments = {"logGroupName": self._name, "startTime": self._since_ms, "limit": _PAGE, **self._filter()}
        while True:
            page = self._page(arguments)
            events = page.get("events", [])
            yield from _identified(events)
            if "nextToken" in page:
                arguments["nextToken"] = page["nextToken"]
            elif len(events) == _PAGE and events[-1]["timestamp"] > arguments["startTime"]:
                # The emulator ends after a full page and gives no token: the next begins where this one ends.
                arguments["startTime"] = events[-1]["timestamp"]
            else:
                return

    def _filter(self) -> dict[str, str]:
        """What CloudWatch looks for; the emulator takes such a pattern and gives every line, so we look once more."""
        if self._wanted is None:
            return {}
        return {"filterPattern": "{" + " || ".join(f'($.{name} = "{self._wanted}")' for name in IDS) + "}"}

    def _page(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return one page; retries without limit while CloudWatch throttles."""
        try:
            return retry.call(
                lambda: dict(self._client.filter_log_events(**arguments)),
                on=_is_throttled,
                attempts=None,
                first_pause_s=0.5,
                max_pause_s=20,
            )
        except self._client.exceptions.ResourceNotFoundException:
            return {}  # the stack has been deleted


def _identified(events: list[dict[str, Any]]) -> Iterator[tuple[_Identity, dict[str, Any]]]:
    """Each event with what identifies it."""
    alike: Counter[tuple[str, int, str]] = Counter()
    for event in events:
        # The emulator gives no id to what a function writes. Equal lines of one stream and time keep their number
        # among themselves, for a reading that begins at their time begins with the first of them.
        key = (event["logStreamName"], event["timestamp"], event["message"])
        alike[key] += 1
        yield event.get("eventId") or (*key, alike[key]), event


def _is_throttled(error: BaseException) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _THROTTLED
