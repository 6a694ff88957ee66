"""Logs and metrics, by Powertools for AWS Lambda."""
