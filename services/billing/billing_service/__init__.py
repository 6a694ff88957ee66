"""Plans, subscriptions and Paddle webhooks."""
