"""Content codings: bodies that are too large to pass between gateway and function as they are.

Lambda takes and gives 6 MB, and both are JSON: a quotation mark in a body takes two bytes of it, a character outside
ASCII six or twelve in an answer. Base64 takes a third more than the bytes themselves, whatever they are.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from typing import TYPE_CHECKING

from kv_common.errors import PayloadTooLarge, ValidationError
from kv_common.http.response import Response

if TYPE_CHECKING:
    from kv_common.http.request import Request

MAX_INFLATED_BYTES = 10_000_000
"""What a compressed request may hold; what the gateway would take of one that is not."""

_MAX_ANSWER = 6_291_556 - 65_536
"""Lambda's limit (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), with room for headers."""

_MAX_ESCAPED = 12
"""Bytes that one character takes at most when an answer is turned into JSON: two escapes of a surrogate each."""

_SPACE = re.compile(r"[ \t]+")
_NOT_AT_ALL = re.compile(r"q=0(\.0*)?")
_GZIP = 16 + zlib.MAX_WBITS


def inflate(body: bytes, coding: str) -> bytes:
    """Return the body that was sent in a `Content-Encoding`; ValidationError when it is none or not known."""
    if coding.strip().lower() == "identity":
        return body
    if coding.strip().lower() != "gzip":
        raise ValidationError("The Content-Encoding may be gzip or identity.", details={"header": "content-encoding"})
    inflater = zlib.decompressobj(_GZIP)
    try:
        inflated = inflater.decompress(body, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise _not_gzip() from error
    if inflater.unconsumed_tail:
        raise PayloadTooLarge(
            f"The request body may have {MAX_INFLATED_BYTES} bytes at most.", details={"max_bytes": MAX_INFLATED_BYTES}
        )
    if not inflater.eof or inflater.unused_data:
        raise _not_gzip()
    return inflated


def fitted(request: Request, response: Response) -> Response | None:
    """Return an answer to `request` as it passes Lambda: as text, in base64 or compressed; None when it does not."""
    if response.is_base64 or _fits_as_text(response.body):
        return response
    body = response.body.encode()
    headers = response.headers
    if not _fits_as_base64(body) and _accepts_gzip(request.header("accept-encoding") or ""):
        body = gzip.compress(body, compresslevel=1, mtime=0)  # others take seconds for some texts
        headers = {**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    if not _fits_as_base64(body):
        return None
    return Response(response.status, base64.b64encode(body).decode(), headers, is_base64=True)


def _fits_as_text(body: str) -> bool:
    return len(body) * _MAX_ESCAPED <= _MAX_ANSWER or (
        # The first is quick to know and spares counting what is too large anyhow.
        len(body) <= _MAX_ANSWER and len(json.dumps(body)) <= _MAX_ANSWER
    )


def _fits_as_base64(body: bytes) -> bool:
    return -(-len(body) // 3) * 4 <= _MAX_ANSWER


def _accepts_gzip(header: str) -> bool:
    offers = (_SPACE.sub("", offer).partition(";") for offer in header.lower().split(","))
    return any(coding == "gzip" and not _NOT_AT_ALL.fullmatch(weight) for coding, _, weight in offers)


def _not_gzip() -> ValidationError:
    return ValidationError(
        "The request body is not what its Content-Encoding says. Send it with Content-Type: application/octet-stream, "
        "for the gateway takes other types for text.",
        details={"header": "content-encoding"},
    )
