"""Shared code of the services of KV Storage."""

VERSION = "0.1.0"
"""The version of KV Storage; every project and the health routes use it."""
