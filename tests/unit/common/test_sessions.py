"""Verifying the access tokens of sessions."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kv_common.auth.access_tokens import access_token_verifier
from kv_common.errors import Unauthorized
from kv_common.settings import MissingSetting

ENV = {
    "TOKEN_ISSUER": "https://issuer.example",
    "TOKEN_CLIENT_IDS": "one,two",
    "JWKS_URL": "http://127.0.0.1:9/jwks.json",
}


@pytest.mark.parametrize("name", ENV)
def test_a_missing_setting_is_named_before_any_token_comes(name: str) -> None:
    with pytest.raises(MissingSetting, match=f" {name} "):
        access_token_verifier({key: value for key, value in ENV.items() if key != name})


def test_what_is_no_token_is_refused() -> None:
    with pytest.raises(Unauthorized):
        access_token_verifier(ENV)("no token")


def test_nothing_of_cryptography_is_imported_before_a_token_comes() -> None:
    program = f"""
import sys
from kv_common.auth.access_tokens import access_token_verifier
access_token_verifier({ENV!r})
assert "jwt" not in sys.modules and "cryptography" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})
