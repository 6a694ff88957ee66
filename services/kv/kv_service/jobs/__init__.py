"""Work that takes longer than a request, done in runs of limited time."""
