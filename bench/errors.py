"""Why a benchmark cannot go on."""


class BenchError(Exception):
    """Something did not answer as it has to for its figures to mean anything; the message says what."""
