"""kv_common.http.content_encoding."""

from __future__ import annotations

import base64
import gzip
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.errors import PayloadTooLarge, ValidationError
from kv_common.http import Request, Response
from kv_common.http.content_encoding import MAX_INFLATED_BYTES, fitted
from kv_common.http.request import read_event
from tests.unit.common import gateway

LAMBDA_LIMIT = 6_291_556
FIVE_MB = 5_000_000


def passed(response: Response) -> tuple[int, bytes, dict[str, str]]:
    """The response as Lambda's runtime encodes it, and the body that the client receives."""
    answer = response.to_gateway("c1")
    raw = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    headers: dict[str, str] = answer["headers"]
    return len(json.dumps(answer)), gzip.decompress(raw) if "Content-Encoding" in headers else raw, headers


def text_of(characters: str, size: int = FIVE_MB) -> str:
    """Return a text of `size` bytes that gzip cannot compress further than its alphabet allows."""
    some = "".join(random.Random(1).choices(characters, k=50_000))  # the same in every run
    return (some * (size // 50_000 + 1))[: size // len(characters[0].encode())]


PLAIN = text_of("abcdefgh")
QUOTES = text_of('abcd"')
CYRILLIC = text_of("абвгдежз")
ASTRAL = text_of("😀😁😂🤣")


@pytest.mark.parametrize(
    ("body", "accept", "coding"),
    [
        ("{}", "gzip", None),
        (PLAIN, "gzip", None),
        (QUOTES, "gzip", None),
        (QUOTES[:4_700_000], None, None),
        (CYRILLIC[: 4_600_000 // 2], None, None),
        (ASTRAL[: 4_600_000 // 4], "gzip", None),
        (CYRILLIC, "br, gzip;q=0.5", "gzip"),
        (ASTRAL, "GZIP", "gzip"),
    ],
    ids=[
        "small",
        "plain",
        "some quotes",
        "some quotes, less",
        "letters outside ASCII, less",
        "outside the BMP, less",
        "letters outside ASCII",
        "outside the BMP",
    ],
)
def test_response_reaches_the_client_unchanged(body: str, accept: str | None, coding: str | None) -> None:
    answer = fitted(Response(200, body, {"ETag": '"e"'}), accept_encoding=accept or "")
    assert answer is not None
    size, got, headers = passed(answer)
    assert size <= LAMBDA_LIMIT
    assert got == body.encode()
    assert headers["ETag"] == '"e"'
    assert headers.get("Content-Encoding") == coding
    assert (headers.get("Vary") == "Accept-Encoding") == (coding is not None)


@pytest.mark.parametrize("accept", [None, "identity", "br", "gzip;q=0", "gzip; q=0.000", "gzipped"])
def test_response_that_fits_only_compressed_requires_accept_encoding(accept: str | None) -> None:
    assert fitted(Response(200, CYRILLIC), accept_encoding=accept or "") is None


def test_response_that_is_too_large_in_every_encoding_is_rejected() -> None:
    incompressible = text_of("".join(map(chr, range(0x4E00, 0x9FFF))), 9_000_000)
    assert fitted(Response(200, incompressible), accept_encoding="gzip") is None


def sent(body: bytes, coding: str, *, as_text: bool = False) -> Request:
    event: dict[str, Any] = gateway.event("PUT", "/v1/n/k", headers={"content-encoding": coding})
    event["body"] = body.decode("utf-8", "replace") if as_text else base64.b64encode(body).decode()
    event["isBase64Encoded"] = not as_text
    event["headers"]["content-length"] = str(len(body))
    return read_event(event)


@given(st.binary(max_size=200))
def test_compressed_request_equals_the_uncompressed_one(body: bytes) -> None:
    assert sent(gzip.compress(body), "gzip").body == body
    assert sent(body, "identity").body == body


@pytest.mark.parametrize(
    "body",
    [b"plain", gzip.compress(b"cut off")[:-1], gzip.compress(b"one") + b"junk", b"\x1f\x8b"],
    ids=["no gzip", "cut off", "with junk behind it", "only its mark"],
)
def test_body_that_does_not_match_its_encoding_is_rejected(body: bytes) -> None:
    with pytest.raises(ValidationError, match="octet-stream"):
        _ = sent(body, "gzip").body


def test_compressed_request_that_the_gateway_passed_as_text_is_rejected() -> None:
    with pytest.raises(ValidationError):
        _ = sent(gzip.compress(b"{}"), "gzip", as_text=True).body


def test_unsupported_encoding_is_rejected() -> None:
    with pytest.raises(ValidationError, match="gzip or identity"):
        _ = sent(b"{}", "br").body


def test_decompressed_size_is_limited() -> None:
    with pytest.raises(PayloadTooLarge, match="10000000"):
        _ = sent(gzip.compress(b"0" * (MAX_INFLATED_BYTES + 1)), "gzip").body
    assert len(sent(gzip.compress(b"0" * MAX_INFLATED_BYTES), "gzip").body) == MAX_INFLATED_BYTES
