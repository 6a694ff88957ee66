"""The API described once, and what is made of it: OpenAPI, a page, and docs/api.md."""
