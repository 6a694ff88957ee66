"""Any stored JSON is returned byte for byte, alone and in a batch, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import json_texts
from tests.support.model import elements, members

if TYPE_CHECKING:
    import httpx

    from tests.support.tenant import Tenant

JSON_TYPE = {"content-type": "application/json"}


class Values:
    """The values of a namespace, as their texts."""

    def __init__(self, http: httpx.Client, tenant: Tenant) -> None:
        self._http = http
        self._base = f"/v1/{tenant.namespace('app')}"
        self._headers = tenant.key() | JSON_TYPE

    def put(self, key: str, text: str) -> None:
        body = f'{{"value":{text}}}'.encode()
        response = self._http.put(f"{self._base}/{key}", content=body, headers=self._headers)
        assert response.status_code in (200, 201), response.text
        assert response.json()["size"] == len(text.encode())

    def get(self, key: str) -> bytes:
        response = self._http.get(f"{self._base}/{key}", headers=self._headers)
        assert response.status_code == 200, response.text
        return response.content

    def batch(self, operations: list[str]) -> list[dict[str, str]]:
        """Send operations, given as JSON texts, and return the fields of each result."""
        body = f'{{"operations":[{",".join(operations)}]}}'.encode()
        response = self._http.post(f"{self._base}/batch", content=body, headers=self._headers)
        assert response.status_code == 200, response.text
        results = members(response.content.decode())
        assert results is not None
        return [members(result) or {} for result in elements(results["results"])]


@pytest.fixture
def values(http: httpx.Client, tenant: Tenant) -> Values:
    return Values(http, tenant)


def test_every_text_is_returned_as_sent(values: Values, scale: int) -> None:
    @given(st.lists(json_texts.texts, min_size=2, max_size=6))
    @settings(max_examples=75 * scale, deadline=None, suppress_health_check=list(HealthCheck))
    def check(texts: list[str]) -> None:
        keys = [f"key-{number}" for number in range(len(texts))]
        # Alone first, then in a batch under other keys, so that no earlier value is read.
        values.put(keys[0], texts[0])
        assert values.get(keys[0]) == f'{{"value":{texts[0]}}}'.encode()
        turned = texts[1:] + texts[:1]
        puts = [f'{{"op":"put","key":"{key}","value":{text}}}' for key, text in zip(keys, turned, strict=True)]
        assert {result["status"] for result in values.batch(puts)} <= {"200", "201"}
        gets = values.batch([f'{{"op":"get","key":"{key}"}}' for key in keys])
        assert [result["value"] for result in gets] == turned
        assert values.get(keys[-1]) == f'{{"value":{turned[-1]}}}'.encode()

    check()
