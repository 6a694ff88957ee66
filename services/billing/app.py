"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from billing_service.event_handlers import handlers
from billing_service.http.app import create_app
from billing_service.lambdas import add_agreement, add_reconciliation, add_webhooks, bind_once
from kv_common.events.lambdas import add_consumer, add_publisher

app = create_app()
billing = bind_once()
agree_limits = add_agreement(app, billing)
on_events = add_consumer(app, "billing", handlers)
on_webhooks = add_webhooks(app, billing)
publish_outbox = add_publisher(app, "billing")
reconcile_subscriptions = add_reconciliation(app, billing)

__all__ = ["agree_limits", "app", "on_events", "on_webhooks", "publish_outbox", "reconcile_subscriptions"]
