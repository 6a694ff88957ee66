"""The HTTP edge of auth: routes, request models and responses."""
