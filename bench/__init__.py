"""Benchmarks and the cost model. Run by hand; figures are comparable within one run."""
