"""The HTTP edge of usage: routes and responses."""
