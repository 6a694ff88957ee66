"""Stored bytes and keys, counted from the stream of the table; the objects of large values."""
