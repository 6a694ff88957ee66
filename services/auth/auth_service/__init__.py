"""Accounts, through Cognito, and their API keys: the service behind `/v1/auth` and `/v1/api-keys`."""
