"""Bodies and query parameters as pydantic models, and the routes that declare them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest

from kv_common import identifiers
from kv_common.errors import FieldError, PayloadTooLarge, Unauthorized, ValidationError
from kv_common.http import Api, Request, Response, json_response
from kv_common.http.models import Integer, QueryModel, RequestModel, ResponseModel, decode_body
from kv_common.http.rules import Rule
from tests.unit.common import gateway
from tests.unit.common.gateway import Context, error_of


class Inner(RequestModel):
    size: int


class Body(RequestModel):
    name: Annotated[str, Rule(identifiers.namespace, r"[a-z]+")]
    names: tuple[Annotated[str, Rule(identifiers.namespace)], ...] = ()
    kind: Literal["a", "b"] = "a"
    inner: Inner | None = None


class Query(QueryModel):
    limit: Integer = 10
    kind: Literal["a", "b"] = "a"


class Shown(ResponseModel):
    name: str
    limit: int
    always: str | None
    absent: str | None = None


def fields_of(body: bytes) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refusal:
        decode_body(body, Body)
    return [(one.field, one.code) for one in refusal.value.fields]


def test_a_body_is_read_into_its_model() -> None:
    body = decode_body(b'{"name":"app","names":["b"],"inner":{"size":2}}', Body)

    assert body == Body(name="app", names=("b",), inner=Inner(size=2))


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"names":["A","b"],"kind":"c","inner":{"size":"1"},"x":1}', [
            ("name", "required"), ("names.0", "invalid_format"), ("kind", "not_allowed"),
            ("inner.size", "wrong_type"), ("x", "unknown_field"),
        ]),
        (b'{"name":"a","\\ud83d\\ude00":1}', [("\U0001f600", "unknown_field")]),
        (b'{"name":"a","\\ud800":2}', [("", "malformed_json")]),
        (b'{"name":"health"}', [("name", "reserved")]),
        (b'{"name":"a","name":"b"}', [("name", "repeated")]),
        (b'{"name":1.0}', [("name", "wrong_type")]),
        (b'{"name":"a","inner":{"size":1.0}}', [("inner.size", "wrong_type")]),
        (b'{"name":"a","inner":{"size":true}}', [("inner.size", "wrong_type")]),
        (b'{"name":"\\ud800"}', [("", "malformed_json")]),
        (b'{"name":NaN}', [("", "malformed_json")]),
        (b'\xef\xbb\xbf{"name":"a"}', [("", "malformed_json")]),
        (b'{"name":"\xff"}', [("", "invalid_utf8")]),
        (b"[]", [("", "wrong_type")]),
        (b"", [("", "required")]),
        (b'{"name":' + b"[" * 200 + b"]" * 200 + b"}", [("", "too_deep")]),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_every_wrong_field_is_listed_with_a_code(body: bytes, fields: list[tuple[str, str]]) -> None:
    assert sorted(fields_of(body)) == sorted(fields)


def test_a_large_body_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(PayloadTooLarge):
        decode_body(b"{" * 70_000, Body)


def test_an_error_does_not_repeat_the_value() -> None:
    with pytest.raises(ValidationError) as refusal:
        decode_body(b'{"name":["hunter2"],"kind":"hunter2","inner":"hunter2"}', Body)

    assert "hunter2" not in repr(refusal.value.fields) + refusal.value.message
    assert refusal.value.__cause__ is None


def test_a_field_error_inside_a_larger_document_has_its_whole_path() -> None:
    error = ValidationError("m", fields=[FieldError("", "a", "m"), FieldError("key", "b", "m")])

    assert [one.field for one in error.within("operations.3").fields] == ["operations.3", "operations.3.key"]


@pytest.fixture
def api() -> Api:
    app = Api("test", log=lambda _: None)

    def caller(request: Request) -> str:
        if request.bearer_token() is None:
            raise Unauthorized("No.")
        return "ada"

    @app.route(
        "/v1/{thing}",
        methods=["POST"],
        caller=caller,
        query=f"{__name__}:Query",
        body=f"{__name__}:Body",
        body_required=False,
        responses={200: f"{__name__}:Shown"},
    )
    def view(_: Request, thing: str, *, caller: str, query: Query, body: Body) -> Response:
        return json_response(Shown(name=f"{thing} {caller} {body.name}", limit=query.limit, always=None))

    return app


def ask(api: Api, body: str | None, query: str = "", token: str | None = "t") -> dict[str, Any]:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    response: dict[str, Any] = api(gateway.event("POST", "/v1/x", query=query, headers=headers, body=body), Context())
    return response


def test_a_view_gets_its_caller_its_query_and_its_body(api: Api) -> None:
    response = ask(api, '{"name":"app"}', "limit=7")

    assert json.loads(response["body"]) == {"name": "x ada app", "limit": 7, "always": None}


def test_the_caller_is_authenticated_before_the_body_is_read(api: Api) -> None:
    assert ask(api, "{", token=None)["statusCode"] == 401


def test_an_absent_body_of_an_optional_one_is_an_empty_object(api: Api) -> None:
    assert error_of(ask(api, None))["details"] == [
        {"field": "name", "code": "required", "message": "name: Field required."}
    ]


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("limit=+1", "limit", "wrong_type"),
        ("limit=1.0", "limit", "wrong_type"),
        ("limit=1_0", "limit", "wrong_type"),
        ("limit=%D9%A3", "limit", "wrong_type"),
        ("limit=1&limit=2", "limit", "repeated"),
        ("kind=c", "kind", "not_allowed"),
        ("other=1", "other", "unknown_field"),
    ],
)
def test_a_malformed_query_parameter_is_refused(api: Api, query: str, field: str, code: str) -> None:
    [wrong] = error_of(ask(api, '{"name":"app"}', query))["details"]

    assert (wrong["field"], wrong["code"]) == (field, code)


def test_the_http_package_imports_no_pydantic() -> None:
    code = "import sys, kv_common.http, kv_common.http.rules; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
