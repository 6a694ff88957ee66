"""Usage by account: month, day, namespace and operation; thresholds."""
