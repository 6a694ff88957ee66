"""What an operator does with events."""
