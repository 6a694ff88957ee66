"""Content encodings, for bodies that are too large to pass between gateway and function as text.

Lambda's requests and responses are JSON of at most 6 MB: a quotation mark in a body takes two bytes, a character
outside ASCII six or twelve in a response. Base64 always takes a third more than the bytes.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib

from kv_common.errors import PayloadTooLarge, ValidationError, field_error
from kv_common.http.response import Response

MAX_INFLATED_BYTES = 10_000_000
"""Maximum size of a decompressed request; the gateway's limit for uncompressed ones."""

_MAX_RESPONSE_BYTES = 6_291_556 - 65_536
"""Lambda's limit (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), less space for headers."""

_MAX_ESCAPED = 12
"""Maximum bytes of a character in the JSON of a response: two escaped surrogates."""

_SPACE = re.compile(r"[ \t]+")
_NOT_ACCEPTED = re.compile(r"q=0(\.0*)?")
_GZIP = 16 + zlib.MAX_WBITS


def inflate(body: bytes, encoding: str) -> bytes:
    """Return the decompressed body of a `Content-Encoding`; ValidationError if it is malformed or unsupported."""
    if encoding.strip().lower() == "identity":
        return body
    if encoding.strip().lower() != "gzip":
        raise field_error("content-encoding", "wrong_type", "The Content-Encoding must be gzip or identity.")
    inflater = zlib.decompressobj(_GZIP)
    try:
        inflated = inflater.decompress(body, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise _not_gzip() from error
    if inflater.unconsumed_tail:
        raise PayloadTooLarge(
            f"The request body may have at most {MAX_INFLATED_BYTES} bytes.", details={"max_bytes": MAX_INFLATED_BYTES}
        )
    if not inflater.eof or inflater.unused_data:
        raise _not_gzip()
    return inflated


def fitted(response: Response, *, accept_encoding: str) -> Response | None:
    """Return `response` as text, base64 or gzip, to fit Lambda's limit; None if it does not fit."""
    if response.is_base64 or _fits_as_text(response.body):
        return response
    body = response.body.encode()
    headers = response.headers
    if not _fits_as_base64(body) and _accepts_gzip(accept_encoding):
        body = gzip.compress(body, compresslevel=1, mtime=0)  # higher levels take seconds for some bodies
        headers = {**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    if not _fits_as_base64(body):
        return None
    return Response(response.status, base64.b64encode(body).decode(), headers, is_base64=True)


def _fits_as_text(body: str) -> bool:
    return len(body) * _MAX_ESCAPED <= _MAX_RESPONSE_BYTES or (
        # The length is checked first because encoding a large body is slow.
        len(body) <= _MAX_RESPONSE_BYTES and len(json.dumps(body)) <= _MAX_RESPONSE_BYTES
    )


def _fits_as_base64(body: bytes) -> bool:
    return -(-len(body) // 3) * 4 <= _MAX_RESPONSE_BYTES


def _accepts_gzip(header: str) -> bool:
    offers = (_SPACE.sub("", offer).partition(";") for offer in header.lower().split(","))
    return any(encoding == "gzip" and not _NOT_ACCEPTED.fullmatch(weight) for encoding, _, weight in offers)


def _not_gzip() -> ValidationError:
    return field_error(
        "content-encoding",
        "invalid_format",
        "The request body is not valid gzip. Send it with Content-Type: application/octet-stream, "
        "because the gateway treats other types as text.",
    )
