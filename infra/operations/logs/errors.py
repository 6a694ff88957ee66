"""Failures of work on logs whose message is all that an operator needs."""


class LogError(Exception):
    """The logs asked for cannot be shown; the message says what to do."""
