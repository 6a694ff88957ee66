"""kv_common.events.envelope and kv_common.events.contracts."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kv_common.events import (
    AccountCreated,
    ApiKeyIssued,
    ApiKeyRevoked,
    Contract,
    Event,
    InvalidEvent,
    PlanChanged,
    PlanLimits,
    UnknownEvent,
)
from kv_common.events.contracts import CATALOG
from kv_common.events.envelope import decode

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
contracts = st.one_of(
    st.builds(AccountCreated, email=texts),
    st.builds(
        ApiKeyIssued,
        key_id=texts,
        display=texts,
        namespaces=st.lists(texts).map(tuple),
        scopes=st.lists(texts).map(tuple),
    ),
    st.builds(ApiKeyRevoked, key_id=texts, display=texts, digest=texts, reason=st.just("deleted")),
)


def detail_with(**changes: object) -> dict[str, Any]:
    event = Event("id-1", "account-1", "correlation-1", 1_795_000_000_123_456, AccountCreated(email="a@example.com"))
    return {**json.loads(event.encode()), **changes}


@given(
    data=contracts,
    ids=st.tuples(texts, texts, texts),
    occurred_at_us=st.integers(min_value=0, max_value=4_000_000_000_000_000),
)
def test_encoded_event_is_decoded_to_an_equal_event(
    data: Contract, ids: tuple[str, str, str], occurred_at_us: int
) -> None:
    event = Event(*ids, occurred_at_us, data)
    assert decode(event.name, json.loads(event.encode())) == event


def test_envelope_matches_the_documentation() -> None:
    assert detail_with() == {
        "id": "id-1",
        "version": 1,
        "occurred_at": "2026-11-18T11:06:40.123456Z",
        "account_id": "account-1",
        "correlation_id": "correlation-1",
        "data": {"email": "a@example.com"},
    }


def test_unknown_fields_are_ignored() -> None:
    assert decode("AccountCreated", detail_with(data={"email": "a", "later": 1}, extra=2)).data == AccountCreated(
        email="a"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {}},
        {"data": {"email": 1}},
        {"data": None},
        {"id": None},
        {"version": "1"},
        {"occurred_at": "yesterday"},
        {"occurred_at": "2026-11-18T11:06:40"},
    ],
)
def test_event_that_does_not_match_its_contract_is_rejected(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidEvent):
        decode("AccountCreated", detail_with(**changes))


@pytest.mark.parametrize(("name", "version"), [("Unheard", 1), ("AccountCreated", 2), ("AccountCreated", 0)])
def test_unknown_name_or_version_is_rejected(name: str, version: int) -> None:
    with pytest.raises(UnknownEvent):
        decode(name, detail_with(version=version))


class Moved(Contract):
    """An event in its third version."""

    VERSION = 3

    to: str


def test_old_versions_are_upcast_step_by_step() -> None:
    upcasters = {
        ("Moved", 1): lambda data: {"target": data["where"]},
        ("Moved", 2): lambda data: {"to": data["target"].upper()},
    }
    read = decode("Moved", detail_with(data={"where": "x"}), catalog={"Moved": Moved}, upcasters=upcasters)
    assert read.data == Moved(to="X")
    with pytest.raises(InvalidEvent):
        decode("Moved", detail_with(data={}), catalog={"Moved": Moved}, upcasters=upcasters)
    with pytest.raises(UnknownEvent):
        decode("Moved", detail_with(data={"where": "x"}), catalog={"Moved": Moved}, upcasters={})


def test_catalog_contains_every_contract_by_name() -> None:
    assert {name: contract.__name__ for name, contract in CATALOG.items()} == {name: name for name in CATALOG}


def test_reason_of_an_invalid_event_lists_all_wrong_fields_without_values() -> None:
    data = {"key_id": 1, "display": "a-secret", "namespaces": ["*", 7], "scopes": None}
    with pytest.raises(InvalidEvent) as raised:
        decode("ApiKeyIssued", detail_with(data=data))
    reason = str(raised.value)
    assert "key_id (string_type), namespaces.1 (string_type), scopes (tuple_type)" in reason
    assert "a-secret" not in reason
    assert "7" not in reason


def test_plan_changed_is_encoded_with_from_and_to() -> None:
    limits = PlanLimits(requests_per_second=1, burst=2, requests_per_month=3, storage_bytes=4)
    changed = PlanChanged(
        from_plan="free", to_plan="pro", limits=limits, effective_at="", changed_at_us=5, source_event="evt_1"
    )
    encoded = Event("id", "account", "correlation", 0, changed).encode()
    assert encoded == (
        '{"id":"id","version":1,"occurred_at":"1970-01-01T00:00:00.000000Z","account_id":"account",'
        '"correlation_id":"correlation","data":{"from":"free","to":"pro","limits":{"requests_per_second":1,"burst":2,'
        '"requests_per_month":3,"storage_bytes":4},"effective_at":"","changed_at_us":5,"source_event":"evt_1",'
        '"subscription_id":null}}'
    )
    assert decode("PlanChanged", json.loads(encoded)).data == changed


def test_contracts_are_immutable() -> None:
    created = AccountCreated(email="a@example.com")
    with pytest.raises(ValidationError):
        created.email = "b@example.com"


def test_contracts_are_imported_on_first_use() -> None:
    program = """
import sys
import kv_common.events.lambdas, kv_common.events.outbox
assert "pydantic" not in sys.modules
kv_common.events.AccountCreated
assert "pydantic" in sys.modules
try:
    kv_common.events.Unheard
except AttributeError:
    pass
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", program], check=True)
