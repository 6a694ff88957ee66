"""The demo account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from infra.local.seed import Demo, seed

if TYPE_CHECKING:
    from pathlib import Path


class Api:
    """As much of the public API as the demo account needs, in memory."""

    def __init__(self) -> None:
        self.confirmed = False
        self.signed_up = False
        self.namespaces: set[str] = set()
        self.keys: list[str] = []
        self.broken = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.broken:
            return httpx.Response(500, text="out of order")
        status, body = self.response(request)
        return httpx.Response(status, json=body)

    def response(self, request: httpx.Request) -> tuple[int, dict[str, str]]:
        given = json.loads(request.content) if request.content else {}
        status = 404
        body: dict[str, str] = {}
        match request.method, request.url.path:
            case "POST", "/v1/auth/signup":
                self.signed_up = True
                status = 201
            case "POST", "/v1/auth/confirm":
                self.confirmed = self.signed_up and given["code"] == "123456"
                status = 200 if self.confirmed else 400
            case "POST", "/v1/auth/login":
                status, body = (200, {"access_token": "t"}) if self.confirmed else (401, {})
            case "POST", "/v1/namespaces":
                status = 409 if given["name"] in self.namespaces else 201
                self.namespaces.add(given["name"])
            case "POST", "/v1/api-keys":
                self.keys.append(f"kv_live_{len(self.keys)}")
                status, body = 201, {"key": self.keys[-1]}
            case "GET", "/v1/demo":
                works = request.headers["x-api-key"] in self.keys and "demo" in self.namespaces
                status = 200 if works else 401
        return status, body


@pytest.fixture
def api() -> Api:
    return Api()


def make(api: Api, folder: Path, lines: list[str] | None = None) -> Demo | None:
    say = (lines if lines is not None else []).append
    return seed("http://localhost", folder, say, transport=httpx.MockTransport(api))


def test_the_first_run_makes_an_account_a_namespace_and_a_key(api: Api, tmp_path: Path) -> None:
    demo = make(api, tmp_path)

    assert demo is not None
    assert demo.api_key == "kv_live_0"
    assert api.namespaces == {"demo"}


def test_the_next_run_uses_the_same_key(api: Api, tmp_path: Path) -> None:
    assert make(api, tmp_path) == make(api, tmp_path)
    assert len(api.keys) == 1


def test_a_key_that_is_refused_is_replaced_by_one_of_the_same_account(api: Api, tmp_path: Path) -> None:
    make(api, tmp_path)
    api.keys[:] = ["another"]

    demo = make(api, tmp_path)

    assert demo is not None
    assert demo.api_key == "kv_live_1"


def test_an_api_that_fails_is_reported_and_stops_nothing(api: Api, tmp_path: Path) -> None:
    api.broken = True
    lines: list[str] = []

    assert make(api, tmp_path, lines) is None
    assert lines == ["No demo account: POST /v1/auth/signup answered 500: out of order"]
