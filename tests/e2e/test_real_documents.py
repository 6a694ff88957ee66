"""Documents of Debian's iso-codes (contained in pycountry) are returned byte for byte."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import msgspec
import pytest

if TYPE_CHECKING:
    import httpx

    from tests.support.tenant import Tenant

DATABASES = ("iso3166-1", "iso3166-3", "iso4217", "iso15924", "iso639-5")


def documents() -> dict[str, bytes]:
    """Every entry of the databases as its original text, under a valid key."""
    folder = resources.files("pycountry").joinpath("databases")
    found: dict[str, bytes] = {}
    for name in DATABASES:
        file = msgspec.json.decode(folder.joinpath(f"{name}.json").read_bytes(), type=dict[str, list[msgspec.Raw]])
        for entries in file.values():
            found.update({f"{name}:{number}": bytes(entry) for number, entry in enumerate(entries)})
    return found


@pytest.fixture(scope="module")
def corpus() -> dict[str, bytes]:
    corpus = documents()
    assert len(corpus) > 500
    return corpus


def test_real_documents_come_back_byte_for_byte(http: httpx.Client, tenant: Tenant, corpus: dict[str, bytes]) -> None:
    namespace = tenant.namespace("iso-codes")
    headers = {**tenant.key(), "content-type": "application/json"}
    for key, document in corpus.items():
        response = http.put(f"/v1/{namespace}/{key}", content=b'{"value": ' + document + b"}", headers=headers)
        assert response.status_code == 201, response.text
        assert response.json()["size"] == len(document)
    for key, document in corpus.items():
        assert http.get(f"/v1/{namespace}/{key}", headers=headers).content == b'{"value":' + document + b"}"


def test_whole_database_fits_into_one_value(http: httpx.Client, tenant: Tenant) -> None:
    namespace = tenant.namespace("iso-codes")
    headers = {**tenant.key(), "content-type": "application/json"}
    file = resources.files("pycountry").joinpath("databases/iso3166-1.json").read_bytes()
    response = http.put(f"/v1/{namespace}/whole", content=b'{"value":\n' + file + b"}", headers=headers)
    assert response.status_code == 201, response.text
    assert http.get(f"/v1/{namespace}/whole", headers=headers).content == b'{"value":' + file.strip() + b"}"
