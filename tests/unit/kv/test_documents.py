"""The documents that kv serves: public, small to ask for again, and unable to load or run anything."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from kv_common.http import Api
from kv_service.http.openapi import add_documents, methods_of_routes
from tests.unit.common import gateway

PATHS = ("/v1/openapi.json", "/v1/docs")


@pytest.fixture
def app() -> Api:
    app = Api("kv", log=lambda line: None)  # noqa: ARG005
    add_documents(app)
    return app


@pytest.mark.parametrize("path", PATHS)
def test_a_document_is_public_and_may_be_kept_for_a_while(app: Api, path: str) -> None:
    response = app(gateway.event("GET", path), None)
    assert response["statusCode"] == 200
    assert response["headers"]["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_a_document_already_does_not_get_it_again(app: Api, path: str, form: str) -> None:
    etag = app(gateway.event("GET", path), None)["headers"]["ETag"]
    response = app(gateway.event("GET", path, headers={"if-none-match": form.format(etag)}), None)
    assert (response["statusCode"], response["body"], response["headers"]["ETag"]) == (304, "", etag)
    assert app(gateway.event("GET", path, headers={"if-none-match": '"other"'}), None)["statusCode"] == 200


@pytest.mark.parametrize("path", PATHS)
def test_what_the_routes_do_not_know_is_refused(app: Api, path: str) -> None:
    assert app(gateway.event("GET", path, query="pretty=1"), None)["statusCode"] == 400
    assert app(gateway.event("GET", path, headers={"if-none-match": "unquoted"}), None)["statusCode"] == 400


def test_the_page_may_show_its_own_style_and_nothing_else(app: Api) -> None:
    response = app(gateway.event("GET", "/v1/docs"), None)
    assert response["headers"]["Content-Type"] == "text/html; charset=utf-8"
    style = response["body"].split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in response["headers"]["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_document_says_which_methods_each_path_of_the_api_takes(app: Api) -> None:
    served = json.loads(app(gateway.event("GET", "/v1/openapi.json"), None)["body"])
    methods = methods_of_routes()
    assert methods.keys() == served["paths"].keys()
    assert methods["/v1/auth/login"] == ["POST"]
    assert set(methods["/v1/auth/me"]) == {"GET", "DELETE"}
