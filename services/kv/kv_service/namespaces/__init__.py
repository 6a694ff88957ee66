"""Namespaces: create, list, delete."""
