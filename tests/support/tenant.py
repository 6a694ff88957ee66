"""A customer of the local environment: an account, its session and its API keys, created through the public API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment

PASSWORD = "correct horse battery"
SIGN_UP_CODE = "123456"
RESET_CODE = "654321"
"""The emulator's mails always carry these codes."""

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A confirmed account with an open session."""

    http: httpx.Client
    email: str
    account_id: str
    session: JSON

    @property
    def bearer(self) -> dict[str, str]:
        """The headers of the dashboard routes."""
        return {"Authorization": f"Bearer {self.session['access_token']}"}

    def namespace(self, name: str) -> str:
        """Create a namespace and return its name."""
        response = self.http.post("/v1/namespaces", json={"name": name}, headers=self.bearer)
        assert response.status_code == 201, response.text
        return name

    def new_key(self, **settings: object) -> JSON:
        """Create an API key and return the response."""
        response = self.http.post("/v1/api-keys", json=settings, headers=self.bearer)
        assert response.status_code == 201, response.text
        created: JSON = response.json()
        return created

    def key(self, **settings: object) -> dict[str, str]:
        """Create an API key and return the headers of the values routes."""
        return {"x-api-key": self.new_key(**settings)["key"]}


def client(local: LocalEnvironment) -> httpx.Client:
    """Return a client of the local HTTP API that ignores proxy settings."""
    return httpx.Client(base_url=local.base_url, timeout=30, trust_env=False)


def new_email() -> str:
    """Return a new address."""
    return f"user-{uuid.uuid4().hex[:12]}@example.com"


def sign_up(local: LocalEnvironment, http: httpx.Client, *, plan: str = "free", **limits: int) -> Tenant:
    """Create an account with `plan`, or with custom `limits`: rate, burst, quota."""
    email = new_email()
    credentials = {"email": email, "password": PASSWORD}
    response = http.post("/v1/auth/signup", json=credentials)
    assert response.status_code == 201, response.text
    assert http.post("/v1/auth/confirm", json={"email": email, "code": SIGN_UP_CODE}).status_code == 200
    session = http.post("/v1/auth/login", json=credentials)
    assert session.status_code == 200, session.text
    me = http.get("/v1/auth/me", headers={"Authorization": f"Bearer {session.json()['access_token']}"})
    account_id = me.json()["user_id"]
    set_plan(local, account_id, plan, **limits)
    return Tenant(http, email, account_id, session.json())


def set_plan(local: LocalEnvironment, account_id: str, plan: str, table: str = "", /, **limits: int) -> None:
    """Store the account's plan in kv's table; it applies when the cached one in Redis expires (60 s)."""
    local.aws_client("dynamodb").put_item(
        TableName=table or stack_output(local, "kv", "TableName"),
        Item={
            "PK": {"S": f"ACCOUNT#{account_id}"},
            "SK": {"S": "PLAN"},
            "plan": {"S": plan},
            **{name: {"N": str(value)} for name, value in limits.items()},
        },
    )


def stack_output(local: LocalEnvironment, service: str, name: str) -> str:
    """Return an output of a service's stack."""
    stacks = local.aws_client("cloudformation").describe_stacks(StackName=f"kv-local-{service}")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
    value: str = outputs[name]
    return value
