"""Looking at a stage and repairing it: logs, events, queues."""
