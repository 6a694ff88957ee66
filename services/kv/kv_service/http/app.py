"""kv's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kv_common import VERSION, identifiers
from kv_common.errors import Unavailable
from kv_common.http import Api, Request, Response, json_response
from kv_common.redis import RedisUnavailable
from kv_service.container import Kv, bootstrap
from kv_service.http.authorization import owner_of
from kv_service.http.jobs import add_transfers
from kv_service.http.openapi import add_documents, methods_of_routes
from kv_service.http.presentation import show_namespace
from kv_service.http.values import add_values
from kv_service.namespaces.model import EMPTY, NamespaceStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_service.http.request_models import NewNamespace

RESPONSES = "kv_service.http.response_models"


def create_app(make: Callable[[], Kv] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("kv", every_route=methods_of_routes)
    kv = cache(make)
    add_values(app, kv)
    _add_namespaces(app, kv)
    add_transfers(app, kv)
    _add_health(app, kv)
    add_documents(app)
    return app


def _add_namespaces(app: Api, kv: Callable[[], Kv]) -> None:
    def owner(request: Request) -> str:
        return owner_of(request, kv())

    @app.route(
        "/v1/namespaces",
        methods=["POST"],
        caller=owner,
        body="kv_service.http.request_models:NewNamespace",
        responses={201: f"{RESPONSES}:Namespace"},
    )
    def create_namespace(request: Request, *, caller: str, body: NewNamespace) -> Response:
        created = kv().namespaces.create(caller, body.name, correlation_id=request.correlation_id)
        return json_response(show_namespace(created, EMPTY), 201)

    @app.route("/v1/namespaces", methods=["GET"], caller=owner, responses={200: f"{RESPONSES}:Namespaces"})
    def list_namespaces(_: Request, *, caller: str) -> Response:
        return json_response({"namespaces": [show_namespace(*one) for one in kv().namespaces.all(caller)]})

    @app.route("/v1/namespaces/{namespace}", methods=["GET"], caller=owner, responses={200: f"{RESPONSES}:Namespace"})
    def get_namespace(_: Request, namespace: str, *, caller: str) -> Response:
        return json_response(show_namespace(*kv().namespaces.get(caller, identifiers.namespace(namespace))))

    @app.route(
        "/v1/namespaces/{namespace}",
        methods=["DELETE"],
        caller=owner,
        responses={202: f"{RESPONSES}:DeletingNamespace"},
    )
    def delete_namespace(request: Request, namespace: str, *, caller: str) -> Response:
        kv().namespaces.delete(caller, identifiers.namespace(namespace), correlation_id=request.correlation_id)
        return json_response({"name": namespace, "status": NamespaceStatus.DELETING}, 202)


def _add_health(app: Api, kv: Callable[[], Kv]) -> None:
    @app.route("/v1/health/kv", methods=["GET"])
    def health(request: Request) -> Response:
        request.query(allowed=())
        checks = {"redis": _answers(kv().limiter.ping), "dynamodb": _answers(kv().service.check)}
        # Without Redis the service goes on with limits per process; without its table it cannot.
        serving = checks["dynamodb"]
        state = "ok" if all(checks.values()) else "degraded" if serving else "down"
        shown = {name: "ok" if up else "down" for name, up in checks.items()}
        body = {"service": "kv", "version": VERSION, "status": state, "dependencies": shown}
        return json_response(body, 200 if serving else 503)


def _answers(check: Callable[[], None]) -> bool:
    try:
        check()
    except (RedisUnavailable, Unavailable):
        return False
    return True
