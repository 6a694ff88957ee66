"""The envelope: what is told can be read, and what cannot be read is refused loudly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.events import AccountCreated, ApiKeyIssued, ApiKeyRevoked, Contract, Event, InvalidEvent, UnknownEvent
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


def told(**changes: object) -> dict[str, Any]:
    event = Event("id-1", "account-1", "correlation-1", 1_795_000_000_123_456, AccountCreated(email="a@example.com"))
    return {**json.loads(event.encode()), **changes}


@given(
    data=contracts,
    ids=st.tuples(texts, texts, texts),
    occurred_at_us=st.integers(min_value=0, max_value=4_000_000_000_000_000),
)
def test_what_is_told_is_read_as_it_was(data: Contract, ids: tuple[str, str, str], occurred_at_us: int) -> None:
    event = Event(*ids, occurred_at_us, data)
    assert decode(event.name, json.loads(event.encode())) == event


def test_the_envelope_is_the_one_that_is_documented() -> None:
    assert told() == {
        "id": "id-1",
        "version": 1,
        "occurred_at": "2026-11-18T11:06:40.123456Z",
        "account_id": "account-1",
        "correlation_id": "correlation-1",
        "data": {"email": "a@example.com"},
    }


def test_members_that_a_reader_does_not_know_are_passed_over() -> None:
    assert decode("AccountCreated", told(data={"email": "a", "later": 1}, extra=2)).data == AccountCreated(email="a")


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
def test_an_event_that_is_not_what_its_contract_says_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidEvent):
        decode("AccountCreated", told(**changes))


@pytest.mark.parametrize(("name", "version"), [("Unheard", 1), ("AccountCreated", 2), ("AccountCreated", 0)])
def test_an_unknown_name_or_version_is_refused(name: str, version: int) -> None:
    with pytest.raises(UnknownEvent):
        decode(name, told(version=version))


class Moved(Contract):
    """An event in its third version."""

    VERSION = 3

    to: str


def test_old_versions_are_brought_up_step_by_step() -> None:
    upcasters = {
        ("Moved", 1): lambda data: {"target": data["where"]},
        ("Moved", 2): lambda data: {"to": data["target"].upper()},
    }
    read = decode("Moved", told(data={"where": "x"}), catalog={"Moved": Moved}, upcasters=upcasters)
    assert read.data == Moved(to="X")
    with pytest.raises(InvalidEvent):
        decode("Moved", told(data={}), catalog={"Moved": Moved}, upcasters=upcasters)
    with pytest.raises(UnknownEvent):
        decode("Moved", told(data={"where": "x"}), catalog={"Moved": Moved}, upcasters={})


def test_the_catalog_holds_every_contract_under_its_own_name() -> None:
    assert {name: contract.__name__ for name, contract in CATALOG.items()} == {name: name for name in CATALOG}
