"""Deleting namespaces and accounts with everything that they hold."""
