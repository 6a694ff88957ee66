"""Reasons for which a message is not processed."""


class RejectedMessage(Exception):
    """A message was not processed, for a reason that is safe to log."""


class UnknownEvent(RejectedMessage):
    """The event's name or version is unknown."""


class InvalidEvent(RejectedMessage):
    """The event does not match its contract."""
