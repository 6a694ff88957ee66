"""Webhooks of Paddle: queued by the route, applied by the consumer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from billing_service.errors import RejectedWebhook
from billing_service.paddle import paddle_events, signature
from billing_service.webhook_queue import MAX_BYTES
from kv_common.errors import PayloadTooLarge, Unauthorized, Unavailable
from kv_common.telemetry import logs

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from billing_service.subscription_sync import SubscriptionSync
    from billing_service.webhook_queue import WebhookQueue
    from kv_common.events.batch import BatchResponse, Line
    from kv_common.http import Request

Measure = Callable[[str], None]
"""Counts one occurrence of a metric."""

UNAUTHORIZED, REFUSED = "WebhookUnauthorized", "WebhookRefused"


class WebhookIngress:
    """Verifies and queues webhooks; Paddle expects a response within five seconds."""

    def __init__(
        self,
        inbox: WebhookQueue,
        webhook_secrets: Callable[[], Sequence[str]],
        *,
        tolerance_s: float,
        emit_metric: Measure,
    ) -> None:
        self._inbox = inbox
        self._webhook_secrets = webhook_secrets
        self._tolerance_s = tolerance_s
        self._measure = emit_metric

    def take(self, request: Request) -> None:
        """Queue the request's body; Unauthorized unless Paddle signed it, Unavailable if it cannot be queued."""
        secrets = self._webhook_secrets()
        if not secrets:
            raise Unavailable("Webhooks are not accepted until a webhook secret is configured.", retry_after=60)
        if len(request.body) > MAX_BYTES:
            raise PayloadTooLarge(f"A webhook may have at most {MAX_BYTES} bytes.", details={"max_bytes": MAX_BYTES})
        try:
            signature.verify(
                request.header(signature.HEADER),
                request.body,
                secrets,
                # The gateway's clock: a cold start must not make a webhook late.
                arrived_s=request.arrived_at_ms / 1000,
                tolerance_s=self._tolerance_s,
            )
            # Paddle sends JSON in UTF-8.
            text = request.body.decode()
        except Unauthorized:
            self._measure(UNAUTHORIZED)
            raise
        except UnicodeDecodeError as error:
            raise Unauthorized("The webhook is not UTF-8.") from error
        self._inbox.put(text, request.correlation_id)


class WebhookConsumer:
    """Applies queued webhooks one by one and reports failed ones for redelivery."""

    def __init__(
        self,
        ledger: SubscriptionSync,
        inbox: WebhookQueue,
        *,
        emit_metric: Measure,
        log: Callable[[dict[str, object]], None] = logs.write,
    ) -> None:
        self._ledger = ledger
        self._inbox = inbox
        self._measure = emit_metric
        self._log = log

    def consume(self, batch: Mapping[str, Any]) -> BatchResponse:
        """Apply one batch of SQS messages; return Lambda's partial batch response."""
        from kv_common.events.batch import process_messages

        return process_messages(batch, self._handle, self._log)

    def _handle(self, record: SQSRecord, line: Line) -> None:
        try:
            self._apply(record, line)
        except RejectedWebhook as refusal:
            # Redelivery would not help, so it is dead-lettered immediately.
            line.update(level="ERROR", outcome="refused", reason=refusal.reason, message=str(refusal))
            self._inbox.dead_letter(record.body, refusal.reason)
            self._measure(REFUSED)

    def _apply(self, record: SQSRecord, line: Line) -> None:
        event = paddle_events.read(record.body)
        line.update(event=event.type, event_id=event.id)
        attribute = record.message_attributes["correlation_id"]
        given = attribute.string_value if attribute else None
        # A redrive removes the attributes; the logs then have Paddle's id.
        correlation_id = given or event.id
        line["correlation_id"] = correlation_id
        line["outcome"] = self._ledger.apply(event, correlation_id)
