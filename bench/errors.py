"""Errors of the benchmarks."""


class BenchError(Exception):
    """A measured program did not respond as expected, so its figures would be meaningless."""
