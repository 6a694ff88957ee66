"""What an operator does with queues."""
