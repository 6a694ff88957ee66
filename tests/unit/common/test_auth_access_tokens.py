"""kv_common.auth.access_tokens and kv_common.auth.bearer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kv_common.auth.access_tokens import access_token_verifier
from kv_common.errors import Unauthorized
from kv_common.settings import InvalidSettings

ENV = {
    "TOKEN_ISSUER": "https://issuer.example",
    "TOKEN_CLIENT_IDS": "one,two",
    "JWKS_URL": "http://127.0.0.1:9/jwks.json",
}


@pytest.mark.parametrize("name", ENV)
def test_missing_setting_is_reported_before_the_first_token(name: str) -> None:
    with pytest.raises(InvalidSettings, match=f" {name} "):
        access_token_verifier({key: value for key, value in ENV.items() if key != name})


def test_text_that_is_not_a_token_is_rejected() -> None:
    with pytest.raises(Unauthorized):
        access_token_verifier(ENV)("no token")


def test_cryptography_is_imported_by_the_first_token() -> None:
    program = f"""
import sys
from kv_common.auth.access_tokens import access_token_verifier
access_token_verifier({ENV!r})
assert "jwt" not in sys.modules and "cryptography" not in sys.modules
"""
    environment = {"PYTHONPATH": ":".join(sys.path)}
    finished = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, env=environment
    )
    assert (finished.returncode, finished.stderr) == (0, "")
