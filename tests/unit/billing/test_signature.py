"""Signatures of webhooks: Paddle's own library agrees, and nothing that was touched is taken."""

from __future__ import annotations

import hashlib
import hmac
import random
from dataclasses import dataclass, field
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle_billing.Notifications import Secret, Verifier

from billing_service.paddle import signature
from billing_service.secret_values import PaddleKeys
from infra.paddle_simulator.simulator import Webhook, webhook
from kv_common.errors import Unauthorized
from tests.unit.billing.fakes import NOW, SECRET, bought

SENT = 1_795_176_000
OLD_SECRET = "pdl_ntfset_before_the_rotation"
BODY = webhook("subscription.activated", bought(), NOW).body


@dataclass(frozen=True)
class Received:
    """A request as Paddle's library wants it."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Case:
    """A header, and when it arrives."""

    header: str | None
    arrived_s: float = SENT
    body: bytes = BODY
    secrets: tuple[str, ...] = field(default=(SECRET,))


def ours(case: Case) -> bool:
    try:
        signature.verify(case.header, case.body, case.secrets, arrived_s=case.arrived_s, tolerance_s=5)
    except Unauthorized:
        return False
    return True


def theirs(case: Case, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return what Paddle's library says; it raises where every one of several secrets fails."""
    monkeypatch.delenv("TEST_MODE", raising=False)
    # By its name in sys.modules: the package has a class of that name too.
    monkeypatch.setattr(import_module("paddle_billing.Notifications.Verifier"), "time", lambda: case.arrived_s)
    headers = {} if case.header is None else {"Paddle-Signature": case.header}
    try:
        return bool(Verifier().verify(Received(headers, case.body), [Secret(secret) for secret in case.secrets]))
    except ConnectionRefusedError:
        return False


def header(*secrets: str, body: bytes = BODY, sent: int = SENT) -> str:
    return Webhook(body).header(secrets or (SECRET,), sent_s=sent)


AGREED = {
    "valid": (Case(header()), True),
    "rotating on Paddle's side": (Case(header(OLD_SECRET, SECRET)), True),
    "rotating on our side": (Case(header(OLD_SECRET), secrets=(SECRET, OLD_SECRET)), True),
    "rotating on both sides": (Case(header("a", OLD_SECRET), secrets=(SECRET, OLD_SECRET)), True),
    "five seconds old": (Case(header(), SENT + 5), True),
    "five seconds ahead": (Case(header(), SENT - 5), True),
    "stale": (Case(header(), SENT + 5.001), False),
    "from the future": (Case(header(), SENT - 5.001), False),
    "of a year ago": (Case(header(), SENT + 31_536_000), False),
    "missing": (Case(None), False),
    "empty": (Case(""), False),
    "no digest": (Case(f"ts={SENT}"), False),
    "no time": (Case(header().split(";")[1]), False),
    "another secret's": (Case(header("another")), False),
    "an empty secret's": (Case(header("")), False),
    "of another body": (Case(header(body=BODY + b" ")), False),
    "of an altered body": (Case(header(), body=BODY.replace(b'"active"', b'"Active"')), False),
    "of another time": (Case(header().replace(str(SENT), str(SENT + 1))), False),
    "without secrets": (Case(header(), secrets=()), False),
    "the digest in capitals": (
        Case(header().upper().replace("TS", "ts").replace("H1", "h1")),
        False,
    ),
}


@pytest.mark.parametrize("name", AGREED)
def test_paddles_own_library_agrees(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case, accepted = AGREED[name]
    assert ours(case) is accepted
    assert theirs(case, monkeypatch) is accepted


MALFORMED = {
    "a time that is no number": header().replace(f"ts={SENT}", "ts=abc"),
    "a time in other digits": header().replace(f"ts={SENT}", "ts=١٢٣٤٥٦٧٨٩٠"),
    "a time below zero": header().replace("ts=", "ts=-"),
    "no value": "ts;h1",
    "an equals sign too many": header().replace("h1=", "h1=="),
    "a digest that is not ASCII": header()[:-1] + "é",
    "two times": f"ts={SENT};" + header(),
    "nothing but separators": ";=;=;",
    "a space": header().replace(";", "; "),
    "too long": header() + ";" + "x=y;" * 400,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_header_is_refused_like_a_wrong_one(name: str) -> None:
    assert not ours(Case(MALFORMED[name]))


def test_what_a_later_version_of_the_scheme_adds_is_passed_over() -> None:
    assert ours(Case(header() + ";h2=later;x"))


def test_an_empty_secret_never_signs_for_us() -> None:
    secrets = PaddleKeys.parse('{"webhook_secrets": ["", " "], "api_key": ""}').webhook_secrets
    assert secrets == ()
    assert not ours(Case(header(""), secrets=secrets))


@given(st.binary(max_size=300), st.text(min_size=1, max_size=40), st.integers(0, 10**11))
def test_what_the_simulator_signs_is_what_paddle_signs(body: bytes, secret: str, sent: int) -> None:
    made = Webhook(body).header([secret], sent_s=sent)
    digest = hmac.new(secret.encode(), f"{sent}:".encode() + body, hashlib.sha256).hexdigest()
    assert made == f"ts={sent};h1={digest}"
    assert ours(Case(made, sent, body, (secret,)))


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.floats(-10, 10), st.sampled_from([(SECRET,), (OLD_SECRET,), (OLD_SECRET, SECRET)]))
def test_paddles_own_library_agrees_at_random(seed: int, late: float, signers: tuple[str, ...]) -> None:
    chance = random.Random(seed)
    body = BODY if chance.random() < 0.5 else BODY[: chance.randrange(len(BODY))]
    case = Case(header(*signers), SENT + late, body, (SECRET,))
    with pytest.MonkeyPatch.context() as patch:
        assert ours(case) is theirs(case, patch)
