"""kv_common.http.app."""

from __future__ import annotations

import json
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from kv_common import clock
from kv_common.errors import AppError, Conflict, Forbidden, RateLimited, Unavailable, ValidationError
from kv_common.http import Api, Request, Response, json_response, no_content
from tests.unit.common import gateway
from tests.unit.common.gateway import Context, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRETS = {
    "key": "kv_live_0123456789abcdefghijkl0123456789abcdefghijklmnopqrstuvwxyzABCDEFG123456",
    "token": "eyJraWQiOiJzZWNyZXQifQ.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlLW9mLXNlY3JldA",
    "value": "correct-horse-battery-staple",
    "cookie": "session=tasty-cookie",
    "agent": "Secret-Agent/007",
    "query": "cursor-that-nobody-may-see",
    "address": "198.51.100.77",
}


class Service:
    """An application with a view for every case, and the lines it logged."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []
        self.api = Api("sample", log=self.lines.append)
        self.api.route("/v1/{namespace}/{key}", methods=["GET"])(self.get)
        self.api.route("/v1/{namespace}/{key}", methods=["PUT"])(self.put)
        self.api.route("/v1/{namespace}", methods=["GET"])(self.list)
        self.api.route("/v1/namespaces", methods=["POST"])(self.post)
        self.api.route("/v1/health/sample", methods=["GET"])(self.health)
        self.raises: Exception | None = None

    def get(self, request: Request, namespace: str, key: str) -> Response:
        if self.raises is not None:
            raise self.raises
        request.log_fields["operation"] = "get"
        return json_response({"namespace": namespace, "key": key, "query": request.query_string})

    def put(self, request: Request, namespace: str, key: str) -> Response:  # noqa: ARG002
        request.response_headers["X-RateLimit-Remaining"] = "7"
        if self.raises is not None:
            raise self.raises
        return no_content()

    def list(self, request: Request, namespace: str) -> Response:  # noqa: ARG002
        return json_response({"namespace": namespace}, headers={"Cache-Control": "public, max-age=300"})

    def post(self, request: Request) -> Response:
        return json_response({"length": len(request.body)}, 201)

    def health(self, request: Request) -> Response:  # noqa: ARG002
        return json_response({"status": "ok"})

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        response: dict[str, Any] = self.api(event, Context())
        json.dumps(response)
        return response


@pytest.fixture
def service() -> Service:
    return Service()


def test_http_api_request_reaches_its_view(service: Service) -> None:
    response = service(gateway.load("http_api_get"))

    assert response["statusCode"] == 200
    assert response["isBase64Encoded"] is False
    assert json.loads(response["body"]) == {
        "namespace": "settings",
        "key": "user:42",
        "query": "consistency=eventual&fields=a,b.c",
    }


def test_function_url_request_reaches_the_same_view(service: Service) -> None:
    response = service(gateway.load("function_url_get"))

    assert json.loads(response["body"]) == {"namespace": "settings", "key": "user:42", "query": ""}


def test_text_and_base64_bodies_reach_the_view_as_bytes(service: Service) -> None:
    text, binary = service(gateway.load("http_api_post_text")), service(gateway.load("http_api_post_base64"))

    assert (text["statusCode"], json.loads(text["body"])) == (201, {"length": len('{"name":"café-☕"}'.encode())})
    assert (binary["statusCode"], json.loads(binary["body"])) == (201, {"length": 12})


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xml", "nonsense"])
def test_content_type_of_a_request_is_ignored(service: Service, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}

    assert service(gateway.load("http_api_post_text", headers=headers))["statusCode"] == 201


def test_body_damaged_by_the_gateway_is_a_400(service: Service) -> None:
    response = service(gateway.load("http_api_post_text", body='{"name":"\ufffd"}', headers={"content-length": "12"}))

    assert response["statusCode"] == 400
    assert error_of(response)["code"] == "VALIDATION_ERROR"


EVERY_ANSWER: dict[str, dict[str, Any]] = {
    "a 200": gateway.load("http_api_get"),
    "a 204": gateway.event("PUT", "/v1/settings/k"),
    "a 404": gateway.event("GET", "/nothing"),
    "a 405": gateway.event("POST", "/v1/settings/k"),
    "a 400": gateway.load("http_api_post_text", body="\ufffd", headers={"content-length": "1"}),
}


@pytest.mark.parametrize("event", EVERY_ANSWER.values(), ids=EVERY_ANSWER.keys())
def test_every_response_has_version_correlation_id_and_security_headers(
    service: Service, event: dict[str, Any]
) -> None:
    event = {**event, "headers": {**event["headers"], "x-correlation-id": "req-7"}}

    headers = service(event)["headers"]

    assert headers["X-API-Version"] == "1"
    assert headers["X-Correlation-Id"] == "req-7"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert headers["Cache-Control"] == "no-store"


def test_unsafe_correlation_id_is_not_returned(service: Service) -> None:
    response = service(gateway.event("GET", "/v1/a/b", headers={"x-correlation-id": "a\r\nSet-Cookie: x=1"}))

    assert "Set-Cookie" not in response["headers"]["X-Correlation-Id"]
    assert service.lines[0]["correlation_id"] == response["headers"]["X-Correlation-Id"]


def test_view_can_allow_caching(service: Service) -> None:
    assert service(gateway.event("GET", "/v1/settings"))["headers"]["Cache-Control"] == "public, max-age=300"


def test_response_without_content_has_no_body_or_content_type(service: Service) -> None:
    response = service(gateway.event("PUT", "/v1/settings/k"))

    assert (response["statusCode"], response["body"]) == (204, "")
    assert "Content-Type" not in response["headers"]


def test_response_headers_of_a_view_are_sent_even_if_it_fails(service: Service) -> None:
    assert service(gateway.event("PUT", "/v1/a/b"))["headers"]["X-RateLimit-Remaining"] == "7"
    for problem in (Conflict("no"), RuntimeError("no")):
        service.raises = problem
        assert service(gateway.event("PUT", "/v1/a/b"))["headers"]["X-RateLimit-Remaining"] == "7"


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (ValidationError("m"), 400, "VALIDATION_ERROR"),
        (Forbidden("m"), 403, "FORBIDDEN"),
        (Conflict("m"), 409, "CONFLICT"),
        (RateLimited("m"), 429, "RATE_LIMITED"),
        (Unavailable("m"), 503, "UNAVAILABLE"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_error_becomes_a_response_in_the_error_format(
    service: Service, problem: AppError, status: int, code: str
) -> None:
    service.raises = problem

    response = service(gateway.load("http_api_get"))

    assert response["statusCode"] == status
    assert error_of(response) == {"code": code, "message": "m", "correlation_id": "req-7.A_b"}
    assert service.lines[0]["error"] == code


def test_error_keeps_its_details_and_headers(service: Service) -> None:
    service.raises = RateLimited("slow down", details={"retry_after": 3}, headers={"Retry-After": "3"})

    response = service(gateway.load("http_api_get"))

    assert error_of(response)["details"] == {"retry_after": 3}
    assert response["headers"]["Retry-After"] == "3"


class VerySpecificInternalError(Exception):
    """An unhandled exception."""


def test_unhandled_exception_is_a_500_without_internals(service: Service) -> None:
    service.raises = VerySpecificInternalError(f"could not write {SECRETS['value']} to table kv-prod")

    response = service(gateway.load("http_api_get"))

    assert response["statusCode"] == 500
    assert error_of(response)["code"] == "INTERNAL"
    assert "details" not in error_of(response)
    for inside in ("VerySpecific", "Traceback", ".py", "kv-prod", SECRETS["value"], "test_http_app"):
        assert inside not in json.dumps(response)


def test_log_line_of_an_unhandled_exception_has_type_and_frames_but_no_message(service: Service) -> None:
    service.raises = VerySpecificInternalError(f"could not write {SECRETS['value']}")

    service(gateway.load("http_api_get"))

    [line] = service.lines
    assert line["level"] == "ERROR"
    assert line["exception"] == "VerySpecificInternalError"
    assert "test_http_app.py" in str(line["stack"])
    assert SECRETS["value"] not in json.dumps(line)


def test_unhandled_exception_does_not_affect_the_next_request(service: Service) -> None:
    service.raises = VerySpecificInternalError("no")
    service(gateway.load("http_api_get"))
    service.raises = None

    response = service(gateway.event("GET", "/v1/other/key"))

    assert json.loads(response["body"])["namespace"] == "other"
    assert "exception" not in service.lines[1]
    assert service.lines[1]["status"] == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/a/b", "/v1/a/b/c", "/v1//b", "/v1/a/", "", "/V1/a/b", "/v1/a/b\n/c"])
def test_path_without_a_route_is_a_404(service: Service, path: str) -> None:
    response = service(gateway.event("GET", path, headers={"x-correlation-id": "c"}))

    assert response["statusCode"] == 404
    assert error_of(response)["code"] == "NOT_FOUND"
    assert service.lines[0]["status"] == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/settings/k", "GET, PUT"),
        ("POST", "/v1/settings/k", "GET, PUT"),
        ("get", "/v1/settings/k", "GET, PUT"),
        ("PUT", "/v1/settings", "GET"),
        ("GET", "/v1/namespaces", "POST"),
        ("PUT", "/v1/health/sample", "GET"),
    ],
)
def test_unsupported_method_is_a_405_that_lists_the_supported_ones(
    service: Service, method: str, path: str, allowed: str
) -> None:
    response = service(gateway.event(method, path))

    assert response["statusCode"] == 405
    assert error_of(response)["code"] == "METHOD_NOT_ALLOWED"
    assert response["headers"]["Allow"] == allowed


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/v1/usage/history"), ("POST", "/v1/webhooks/paddle"), ("PUT", "/v1/usage")]
)
def test_route_of_another_service_is_a_404(service: Service, method: str, path: str) -> None:
    response = service(gateway.event(method, path))

    assert response["statusCode"] == 404
    assert "Allow" not in response["headers"]


@pytest.fixture
def spokesman() -> Api:
    """The application behind `$default`, which has the routes of all services."""
    api = Api(
        "sample",
        log=lambda line: None,  # noqa: ARG005
        every_route=lambda: {"/v1/{namespace}/{key}": ["GET", "PUT"], "/v1/usage/history": ["GET"]},
    )
    api.route("/v1/{namespace}/{key}", methods=["PUT"])(lambda request, namespace, key: no_content())  # noqa: ARG005
    return api


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("DELETE", "/v1/usage/history", 405, "GET"),
        # The gateway matches it to the route of values.
        ("PUT", "/v1/usage/history", 405, "GET"),
        ("DELETE", "/v1/settings/k", 405, "GET, PUT"),
        # The route belongs to another service.
        ("GET", "/v1/usage/history", 404, None),
        # Not another route's path: the view rejects reserved names.
        ("PUT", "/v1/usage/nothing", 204, None),
        ("DELETE", "/v1/usage/nothing", 404, None),
        ("PUT", "/v1/settings/k", 204, None),
    ],
)
def test_default_service_lists_the_methods_of_all_services(
    spokesman: Api, method: str, path: str, status: int, allowed: str | None
) -> None:
    response = spokesman(gateway.event(method, path), None)

    assert response["statusCode"] == status
    assert response["headers"].get("Allow") == allowed


def test_fixed_path_takes_precedence_over_parameters(service: Service) -> None:
    assert json.loads(service(gateway.event("GET", "/v1/health/sample"))["body"]) == {"status": "ok"}
    assert service(gateway.event("POST", "/v1/namespaces", body="{}"))["statusCode"] == 201


def test_request_is_logged_in_one_line(service: Service) -> None:
    service(gateway.load("http_api_get"))

    [line] = service.lines
    assert line["route"] == "GET /v1/{namespace}/{key}"
    assert line["status"] == 200
    assert line["correlation_id"] == "req-7.A_b"
    assert line["operation"] == "get"
    assert isinstance(line["duration_ms"], float)
    assert line["duration_ms"] >= 0


def test_log_line_of_a_successful_request_omits_constant_fields(service: Service) -> None:
    service(gateway.load("http_api_get"))

    [line] = service.lines
    assert set(line) == {"correlation_id", "status", "duration_ms", "bytes_out", "route", "operation"}


@pytest.mark.parametrize("problem", [Unavailable("m"), RuntimeError("m")], ids=["unavailable", "a defect"])
def test_log_line_of_a_server_error_has_timestamp_level_and_request_id(
    capsys: pytest.CaptureFixture[str], problem: Exception
) -> None:
    api = Api("sample")

    @api.route("/v1/{namespace}/{key}", methods=["GET"])
    def fail(request: Request, namespace: str, key: str) -> Response:  # noqa: ARG001
        raise problem

    before_ms = clock.now_ms()
    response = api(gateway.load("http_api_get"), Context())

    line = json.loads(capsys.readouterr().out)
    assert line["status"] == response["statusCode"] >= 500
    assert (line["level"], line["request_id"]) == ("ERROR", Context().aws_request_id)
    assert before_ms <= clock.milliseconds(line["timestamp"]) <= clock.now_ms()


def test_client_error_is_logged_without_a_level(service: Service) -> None:
    service.raises = Forbidden("m")

    service(gateway.load("http_api_get"))

    [line] = service.lines
    assert (line["status"], line["error"]) == (403, "FORBIDDEN")
    assert not {"level", "timestamp", "request_id"} & set(line)


def hostile(method: str, path: str) -> dict[str, Any]:
    """Return a request with a secret in every part."""
    event = gateway.event(
        method,
        path,
        query=f"cursor={SECRETS['query']}",
        headers={
            "authorization": f"Bearer {SECRETS['token']}",
            "x-api-key": SECRETS["key"],
            "cookie": SECRETS["cookie"],
            "user-agent": SECRETS["agent"],
            "x-forwarded-for": SECRETS["address"],
            "x-correlation-id": SECRETS["key"],
        },
        body=json.dumps({"value": SECRETS["value"]}),
    )
    event["cookies"] = [SECRETS["cookie"]]
    event["queryStringParameters"] = {"cursor": SECRETS["query"]}
    event["requestContext"]["http"]["sourceIp"] = SECRETS["address"]
    return event


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/settings/" + SECRETS["value"]),
        ("PUT", "/v1/settings/" + SECRETS["value"]),
        ("POST", "/v1/namespaces"),
        ("DELETE", "/v1/settings/" + SECRETS["value"]),
        ("GET", "/nothing/" + SECRETS["value"] + "/x"),
    ],
)
@pytest.mark.parametrize("problem", [None, Conflict("m"), RuntimeError(" ".join(SECRETS.values()))], ids=repr)
def test_log_lines_contain_no_secrets_of_the_request(
    service: Service, method: str, path: str, problem: Exception | None
) -> None:
    service.raises = problem

    response = service(hostile(method, path))

    [line] = service.lines
    for kind, secret in SECRETS.items():
        assert secret not in json.dumps(line), kind
    assert SECRETS["key"] not in json.dumps(response)
    assert SECRETS["token"] not in json.dumps(response)


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    """Switch threads many times within a request."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("impatient_threads")
def test_threads_do_not_share_requests() -> None:
    service = Service()

    def ask(number: int) -> tuple[str, str, str]:
        name = f"n{number}"
        event = gateway.event("GET", f"/v1/{name}/key-{number}", query=f"q={number}")
        event["headers"]["x-correlation-id"] = f"c-{number}"
        response = service(event)
        assert json.loads(response["body"]) == {"namespace": name, "key": f"key-{number}", "query": f"q={number}"}
        return name, response["headers"]["X-Correlation-Id"], response["body"]

    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(ask, range(3_200)))

    assert [correlation for _, correlation, _ in responses] == [f"c-{number}" for number in range(3_200)]
    assert {line["correlation_id"] for line in service.lines} == {f"c-{number}" for number in range(3_200)}
    assert len(service.lines) == 3_200


def test_creating_an_application_changes_neither_environment_nor_root_logger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOMETHING", "kept")
    environment, handlers = dict(os.environ), list(logging.getLogger("quiet").handlers)

    Api("quiet")

    assert dict(os.environ) == environment
    assert list(logging.getLogger("quiet").handlers) == handlers
