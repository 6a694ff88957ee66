"""A fake user pool with real keys, for valid and invalid tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example"
CLIENT = "4ek8ju2examplecl1ent"
ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"


def b64(content: bytes) -> str:
    """Return `content` in the encoding of tokens."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def as_json(document: object) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


@dataclass(frozen=True)
class In:
    """A time relative to the creation of the token, in seconds: PyJWT uses the real clock."""

    seconds: float


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a Cognito access token; a change to `...` omits the claim."""
    now = time.time()
    made: dict[str, Any] = {
        "sub": ACCOUNT,
        "iss": ISSUER,
        "client_id": CLIENT,
        "origin_jti": "5f0bb3a1-2e0c-4d0f-a7f4-6f1b3a0c9d11",
        "event_id": "a1b2c3d4-0000-4000-8000-000000000000",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": int(now) - 10,
        "exp": int(now) + 3_600,
        "iat": int(now) - 10,
        "jti": "0e1f2d3c-0000-4000-8000-000000000000",
        "username": ACCOUNT,
        **changes,
    }
    return {
        name: now + value.seconds if isinstance(value, In) else value
        for name, value in made.items()
        if value is not ...
    }


@dataclass(frozen=True)
class Signer:
    """An RSA key with its id."""

    kid: str

    @cached_property
    def private(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65_537, 2_048)

    @cached_property
    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """Return the public key as Cognito publishes it; a change to `...` omits the member."""
        numbers = self.private.public_key().public_numbers()
        made: dict[str, Any] = {
            "alg": "RS256",
            "e": b64(numbers.e.to_bytes(3, "big")),
            "kid": self.kid,
            "kty": "RSA",
            "n": b64(numbers.n.to_bytes(256, "big")),
            "use": "sig",
            **changes,
        }
        return {name: value for name, value in made.items() if value is not ...}

    def header(self, **changes: Any) -> dict[str, Any]:
        made = {"kid": self.kid, "alg": "RS256", **changes}
        return {name: value for name, value in made.items() if value is not ...}

    def sign(self, payload: object, header: object | None = None, algorithm: hashes.HashAlgorithm | None = None) -> str:
        """Return a token with a valid signature of `payload` and `header`; bytes are used unchanged."""
        head = b64(as_json(self.header() if header is None else header))
        return self.sign_text(head + "." + b64(as_json(payload)), algorithm)

    def sign_text(self, text: str, algorithm: hashes.HashAlgorithm | None = None) -> str:
        signature = self.private.sign(text.encode(), padding.PKCS1v15(), algorithm or hashes.SHA256())
        return f"{text}.{b64(signature)}"

    def sign_with_public_key_as_secret(self, payload: object, header: object) -> str:
        """Return a token whose HMAC key is the public key."""
        text = b64(as_json(header)) + "." + b64(as_json(payload))
        return f"{text}.{b64(hmac.new(self.public_pem, text.encode(), hashlib.sha256).digest())}"
