"""The demo account: a confirmed account, a namespace and an API key, made through the public API like anybody's."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import httpx

from infra.local.emulator import SIGN_UP_CODE
from infra.local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_EMAIL = "demo@example.com"
_PASSWORD = "demo-password-1"  # noqa: S105 - printed for everybody, exists only on this machine
_NAMESPACE = "demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """What a developer needs to try the API."""

    email: str
    password: str
    namespace: str
    api_key: str


def seed(
    base_url: str, folder: Path, say: Callable[[str], None], transport: httpx.BaseTransport | None = None
) -> Demo | None:
    """The demo account of the last run when its key still works, else a new one.

    None, with a line that says why, when the API does not go along: a broken demo must not stop `make run`, where the
    developer may be mending just that.
    """
    path = folder / "demo.json"
    with httpx.Client(base_url=base_url, timeout=30, trust_env=False, transport=transport) as client:
        try:
            known = _read(path)
            if known is not None and _works(client, known):
                return known
            demo = Demo(_EMAIL, _PASSWORD, _NAMESPACE, _make(client))
        except (LocalError, httpx.HTTPError) as error:
            say(f"No demo account: {error}")
            return None
    path.write_text(json.dumps(asdict(demo), indent=2) + "\n")
    path.chmod(0o600)
    return demo


def _read(path: Path) -> Demo | None:
    try:
        return Demo(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _works(client: httpx.Client, demo: Demo) -> bool:
    """Whether the key is accepted and the namespace is there."""
    answer = client.get(f"/v1/{demo.namespace}", params={"limit": 1}, headers={"x-api-key": demo.api_key})
    return answer.status_code == httpx.codes.OK


def _make(client: httpx.Client) -> str:
    """Sign up, confirm, log in, make the namespace and a key. Each step may have been done by an earlier run."""
    account = {"email": _EMAIL, "password": _PASSWORD}
    token = _log_in(client, account)
    if token is None:
        _require(client.post("/v1/auth/signup", json=account), 201)
        client.post("/v1/auth/confirm", json={"email": _EMAIL, "code": SIGN_UP_CODE})
        token = _log_in(client, account)
    if token is None:
        raise LocalError(f"{_EMAIL} cannot log in after signing up.")
    bearer = {"authorization": f"Bearer {token}"}
    _require(client.post("/v1/namespaces", json={"name": _NAMESPACE}, headers=bearer), 200, 201, 409)
    answer = _require(client.post("/v1/api-keys", json={"name": "demo"}, headers=bearer), 201)
    return _field(answer, "key")


def _log_in(client: httpx.Client, account: dict[str, str]) -> str | None:
    answer = client.post("/v1/auth/login", json=account)
    return _field(answer, "access_token") if answer.status_code == httpx.codes.OK else None


def _field(answer: httpx.Response, name: str) -> str:
    try:
        return str(answer.json()[name])
    except (ValueError, TypeError, KeyError) as error:
        raise _unexpected(answer) from error


def _require(answer: httpx.Response, *expected: int) -> httpx.Response:
    if answer.status_code not in expected:
        raise _unexpected(answer)
    return answer


def _unexpected(answer: httpx.Response) -> LocalError:
    request = answer.request
    return LocalError(f"{request.method} {request.url.path} answered {answer.status_code}: {answer.text[:300]}")
