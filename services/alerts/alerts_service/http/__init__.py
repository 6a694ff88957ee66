"""The HTTP edge of alerts: routes, responses and pages."""
