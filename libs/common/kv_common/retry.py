"""Retries with a pause: exponential backoff with full jitter, by tenacity."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    ExceptionTypes = type[Exception] | tuple[type[Exception], ...]
    Predicate = Callable[[Exception], bool]

Result = TypeVar("Result")


def call(
    operation: Callable[[], Result],
    *,
    on: ExceptionTypes | Predicate,
    attempts: int | None,
    first_pause_s: float,
    max_pause_s: float,
    sleep: Callable[[float], None] | None = None,
) -> Result:
    """Return the result of `operation`; call it again after an exception that `on` (types or a predicate) accepts.

    A pause is random between 0 and a limit that starts at `first_pause_s` and doubles up to `max_pause_s`. After
    `attempts` calls in total (None: unlimited), the last exception is raised.
    """
    try:
        return operation()
    except Exception as error:
        if not _accepts(on, error) or attempts == 1:
            raise
        pending = [error]

    # Imported after a failure only: most processes never retry, and tenacity imports asyncio.
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_never, wait_random_exponential

    def attempt() -> Result:
        # The failure above is tenacity's first attempt.
        if pending:
            raise pending.pop()
        return operation()

    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Exception) and _accepts(on, error)),
        stop=stop_never if attempts is None else stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=first_pause_s, max=max_pause_s),
        sleep=sleep or time.sleep,
        reraise=True,
    )
    return retrying(attempt)


def _accepts(on: ExceptionTypes | Predicate, error: Exception) -> bool:
    if isinstance(on, (type, tuple)):
        return isinstance(error, on)
    return on(error)
