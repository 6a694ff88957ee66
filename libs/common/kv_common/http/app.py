"""The Chalice application of every service, with its own dispatch for payload format 2.0.

Chalice contains the routes, from which the service's template is generated. Its dispatch supports REST API events only,
converts exceptions to responses before any middleware runs, and shares the current request between threads. Here, views
take a `Request`, raise `AppError`, and return a `Response`.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from chalice.app import Chalice

from kv_common import identifiers
from kv_common.errors import AppError, Internal, MethodNotAllowed, NotFound
from kv_common.http.request import Request, read_event
from kv_common.http.response import Response, error_response
from kv_common.http.route_models import RouteModels
from kv_common.http.routing import RouteTable
from kv_common.telemetry import logs

View = Callable[..., Response]
Log = Callable[[dict[str, object]], None]

_OF_NAMESPACE = "/v1/{namespace}"


class Api(Chalice):
    """A service's HTTP API; `app.app` is its Lambda handler behind an HTTP API and behind a Function URL.

    The service behind `$default` responds to paths without a route; its `every_route` returns the methods of each path
    of all services.
    """

    def __init__(
        self, service: str, log: Log = logs.write, *, every_route: Callable[[], Mapping[str, list[str]]] | None = None
    ) -> None:
        # Chalice's logger would write a second, unstructured line; its env handling would change os.environ.
        super().__init__(app_name=service, configure_logs=False, env={})
        self._log = log
        self.route_models: dict[tuple[str, str], RouteModels] = {}
        self._every_route = every_route or self._own_routes
        self._table: RouteTable | None = None

    def route(self, path: str, **declared: Any) -> Callable[[View], View]:
        """Register a view: a function of the `Request` and the path's parameters that returns a `Response`.

        `declared` are `methods` and the fields of `RouteModels`; kv_common.http.models explains them.
        """
        methods: list[str] = declared.pop("methods")
        models = RouteModels(**declared) if declared else None
        chalice_route = super().route

        def register(view: View) -> View:
            chalice_route(path, methods=methods)(view if models is None else models.bound_to(view))
            self.route_models.update({(method, path): models for method in methods if models is not None})
            return view

        return register

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Handle an event in payload format 2.0."""
        started = time.perf_counter()
        request = read_event(event)
        response = self._dispatch(request)
        if request.method == "HEAD":
            # Responses to HEAD have no body, including errors.
            response = Response(response.status, "", response.headers)
        self._log(self._line(request, response, context, time.perf_counter() - started))
        return response.with_headers(request.response_headers).to_gateway(request.correlation_id)

    def _dispatch(self, request: Request) -> Response:
        try:
            pattern, parameters = self._route_of(request)
        except AppError as error:
            return _reject(request, error)
        request.log_fields["route"] = f"{request.method} {pattern}"
        entry = self.routes.get(pattern, {}).get(request.method)
        if entry is None:
            # The gateway has a route that this version of the service does not have.
            return _reject(request, NotFound("The route does not exist."))
        return _guard(entry.view_function, request, parameters)

    def _route_of(self, request: Request) -> tuple[str, dict[str, str]]:
        """Return the pattern and parameters of the request's route."""
        if request.route_key == "$default":
            if self._table is None:
                self._table = RouteTable(self.routes)
            found = self._table.match(request.path)
            if found is None or request.method not in self.routes[found[0]]:
                raise self._no_such_route(request)
            pattern, parameters = found
        else:
            pattern, parameters = request.route_key.split(" ", 1)[1], dict(request.path_parameters)
        if _is_reserved(pattern, parameters) and RouteTable(self._every_route()).match(request.path) != (
            pattern,
            parameters,
        ):
            # The path of another route, which the gateway matched by its number of segments.
            raise self._no_such_route(request)
        return pattern, parameters

    def _no_such_route(self, request: Request) -> AppError:
        """Return the error of a request without a route."""
        methods = self._every_route()
        found = RouteTable(methods).match(request.path)
        if found is None or request.method in methods[found[0]] or _is_reserved(*found):
            return NotFound("The route does not exist.")
        allowed = ", ".join(sorted(methods[found[0]]))
        return MethodNotAllowed(f"This path supports {allowed}.", headers={"Allow": allowed})

    def _own_routes(self) -> dict[str, list[str]]:
        return {pattern: list(methods) for pattern, methods in self.routes.items()}

    @staticmethod
    def _line(request: Request, response: Response, context: Any, seconds: float) -> dict[str, object]:
        line = {
            "correlation_id": request.correlation_id,
            "status": response.status,
            "duration_ms": round(seconds * 1000, 2),
            "bytes_out": len(response.body),
            **request.log_fields,
        }
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            line.update(level="ERROR", request_id=getattr(context, "aws_request_id", None))
        return line


def _is_reserved(pattern: str, parameters: Mapping[str, str]) -> bool:
    """Return whether a path matches a value's route but its first segment cannot be a namespace."""
    return pattern.startswith(_OF_NAMESPACE) and parameters["namespace"] in identifiers.RESERVED_NAMESPACES


def _guard(view: View, request: Request, parameters: dict[str, str]) -> Response:
    """Call the view and convert exceptions to responses; the only place that catches every exception."""
    try:
        return view(request, **parameters)
    except AppError as error:
        return _reject(request, error)
    except Exception as error:  # noqa: BLE001 - the outermost handler
        # Type and frames without the message, which may contain a value.
        request.log_fields["exception"] = type(error).__name__
        request.log_fields["stack"] = traceback.format_tb(error.__traceback__)
        return _reject(request, Internal("Internal error. Support can find it by the correlation id."))


def _reject(request: Request, error: AppError) -> Response:
    request.log_fields["error"] = error.code
    return error_response(error, request.correlation_id)
