"""Mail: what an alert looks like, the queue, SES, and what SES reports back."""
