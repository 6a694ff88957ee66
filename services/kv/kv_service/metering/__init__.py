"""Usage metering: what the meter holds becomes events."""
