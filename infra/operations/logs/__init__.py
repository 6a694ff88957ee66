"""What an operator does with logs."""
