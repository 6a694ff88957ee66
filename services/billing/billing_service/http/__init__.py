"""The HTTP edge of billing: routes, request models and responses."""
