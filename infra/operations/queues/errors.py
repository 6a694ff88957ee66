"""Failures of work on queues whose message is all that an operator needs."""


class QueueError(Exception):
    """The work cannot be done; the message says what to do."""
