"""What Lambda imports: the application and its handlers, re-exported and nothing else."""

from alerts_service.http.app import create_app
from alerts_service.lambdas import SERVICE, add_feedback, add_queueing, add_sending, handlers
from kv_common.events.lambdas import add_consumer

app = create_app()
on_events = add_consumer(app, SERVICE, handlers)
queue_mails = add_queueing(app)
send_mails = add_sending(app)
on_feedback = add_feedback(app)

__all__ = ["app", "on_events", "on_feedback", "queue_mails", "send_mails"]
