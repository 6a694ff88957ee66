"""A simulator of Paddle: webhooks as Paddle sends them, and as much of its API as billing uses."""
