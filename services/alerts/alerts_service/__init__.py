"""Notifications, preferences and e-mail."""
