"""The HTTP edge: routes, who may call them, and how requests are read and responses written."""
