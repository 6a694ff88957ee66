"""Namespaces, values and admission: the service behind `/v1/namespaces` and `/v1/{namespace}/{key}`."""
