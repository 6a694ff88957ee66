"""Reconciliation: what billing knows is held against Paddle, and what is due takes place, webhook or not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from billing_service.errors import PaddleRefused, PaddleUnavailable, RejectedWebhook
from billing_service.subscription_sync import Outcome, Source
from kv_common.errors import Unavailable
from kv_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from billing_service.paddle.client import Paddle
    from billing_service.persistence import BillingStore
    from billing_service.subscription_sync import SubscriptionSync

FAILED = "ReconciliationFailed"


@dataclass(slots=True)
class Report:
    """What a run found: subscriptions that had changed unheard, those not ours, accounts looked after, failures."""

    applied: int = 0
    refused: int = 0
    looked_after: int = 0
    failed: int = 0


class Reconciliation:
    """Takes in every open subscription of Paddle's, then looks after the accounts that are due."""

    def __init__(
        self,
        ledger: SubscriptionSync,
        store: BillingStore,
        paddle: Paddle,
        *,
        sells: bool,
        now_us: Callable[[], int],
        emit_metric: Callable[[str], None],
        log: Callable[[dict[str, object]], None] = logs.write,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._paddle = paddle
        self._sells = sells
        self._now_us = now_us
        self._measure = emit_metric
        self._log = log

    def run(self, correlation_id: str) -> dict[str, int]:
        """Reconcile once; what fails is logged and left to the next run."""
        report = Report()
        source = Source("reconciliation", correlation_id)
        if self._sells:
            # A stage without prices has no account of Paddle's to ask.
            self._take_in_all(source, report)
        for account_id in list(self._store.due(now_us=self._now_us())):
            self._look_after(account_id, source, report)
        self._log({"correlation_id": correlation_id, **asdict(report)})
        if report.failed:
            self._measure(FAILED)
        return asdict(report)

    def _take_in_all(self, source: Source, report: Report) -> None:
        try:
            for data in self._paddle.open_subscriptions():
                self._take_in(data, source, report)
        except (PaddleUnavailable, PaddleRefused) as error:
            self._failed(report, source, "open subscriptions", error)

    def _take_in(self, data: bytes, source: Source, report: Report) -> None:
        try:
            report.applied += self._ledger.take_in(data, source) is Outcome.APPLIED
        except RejectedWebhook:
            # The seller may sell other things too; a webhook of ours that could not be applied is in its queue.
            report.refused += 1
        except (PaddleUnavailable, Unavailable) as error:
            self._failed(report, source, "a subscription", error)

    def _look_after(self, account_id: str, source: Source, report: Report) -> None:
        try:
            account = self._store.load(account_id)
            if account is None:
                return
            report.looked_after += 1
            for subscription in account.subscriptions:
                if subscription.live:
                    self._ask(subscription.id, source, report)
            # Also when Paddle does not answer: what was arranged with the customer needs no word of Paddle's.
            report.applied += self._ledger.end_due(account_id, source, now_us=self._now_us()) is Outcome.APPLIED
            self._stop_double_payment(account_id)
        except (RejectedWebhook, PaddleUnavailable, PaddleRefused, Unavailable) as error:
            self._failed(report, source, account_id, error)

    def _ask(self, subscription_id: str, source: Source, report: Report) -> None:
        try:
            self._take_in(self._paddle.subscription(subscription_id), source, report)
        except (PaddleUnavailable, PaddleRefused) as error:
            self._failed(report, source, subscription_id, error)

    def _stop_double_payment(self, account_id: str) -> None:
        """End the subscriptions beside the one that decides the plan, as an upgrade by a new checkout leaves behind."""
        account = self._store.load(account_id)
        for subscription in account.superfluous if account else ():
            self._paddle.cancel(subscription.id)

    def _failed(self, report: Report, source: Source, what: str, error: Exception) -> None:
        report.failed += 1
        line = {"level": "ERROR", "message": "reconciliation failed", "of": what}
        self._log({**line, "reason": str(error), "correlation_id": source.correlation_id})
