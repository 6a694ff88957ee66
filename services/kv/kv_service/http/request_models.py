"""The request bodies of kv's dashboard routes; unknown fields are refused. The routes for values use msgspec."""

from __future__ import annotations

from kv_common.http.models import NamespaceName, RequestModel


class NewNamespace(RequestModel):
    """POST /v1/namespaces."""

    name: NamespaceName
