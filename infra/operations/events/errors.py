"""Failures of work on events whose message is all that an operator needs."""


class EventsError(Exception):
    """The events asked for cannot be shown; the message says what to do."""
