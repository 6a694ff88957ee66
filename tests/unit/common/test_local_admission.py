"""Admission in one process, while Redis is away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from kv_common.admission import AdmissionData, Charge, Decision, Limits, Source, Verdict, rate_limit_headers
from kv_common.admission.local import LocalAdmission
from kv_common.api_keys import KeyStatus, Scope
from kv_common.errors import Unavailable
from tests.unit.common.admission_fakes import FACTS, FREE, NAMESPACE_ID, TICKET, Tables, facts
from tests.unit.common.clocks import Clock

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def limiter(clock: Clock, response: AdmissionData | None = FACTS) -> tuple[LocalAdmission, Tables]:
    tables = Tables(response)
    return LocalAdmission(tables, clock), tables


def verdicts(local: LocalAdmission, times: int, **request: Any) -> list[Verdict]:
    return [local.decide(replace(TICKET, **request)).verdict for _ in range(times)]


def test_a_good_key_is_admitted_with_all_that_the_answer_shows(clock: Clock) -> None:
    local, _ = limiter(clock)

    decision = local.decide(TICKET)

    assert decision.verdict is Verdict.ADMITTED
    assert decision.source is Source.LOCAL
    assert decision.limits == FREE
    assert decision.remaining == FREE.burst - 1
    assert (decision.key_id, decision.namespace_id) == ("key_1", NAMESPACE_ID)
    assert decision.now_ms == int(NOW * 1000)
    assert decision.charge is None


def test_the_plans_burst_and_then_its_rate_pass(clock: Clock) -> None:
    local, _ = limiter(clock)

    assert verdicts(local, 25) == [Verdict.ADMITTED] * 20 + [Verdict.RATE_LIMITED] * 5
    clock.pass_by(1)
    assert verdicts(local, 15) == [Verdict.ADMITTED] * 10 + [Verdict.RATE_LIMITED] * 5


@pytest.mark.parametrize("limits", [FREE, Limits("business", 1_000, 2_000, 1, 10**9)], ids=str)
def test_who_waits_as_long_as_told_is_admitted(clock: Clock, limits: Limits) -> None:
    local, _ = limiter(clock, facts(limits=limits))
    for _ in range(limits.burst):
        local.decide(TICKET)
    clock.pass_by(0.000_1)
    refused = local.decide(TICKET)
    assert refused.verdict is Verdict.RATE_LIMITED

    clock.pass_by(refused.retry_ms / 1_000)

    assert local.decide(TICKET).verdict is Verdict.ADMITTED


def test_all_keys_of_an_account_share_its_bucket_and_accounts_do_not(clock: Clock) -> None:
    local, _ = limiter(clock)
    verdicts(local, 10, digest="a" * 64)

    assert verdicts(local, 11, digest="b" * 64).count(Verdict.ADMITTED) == 10
    assert local.decide(replace(TICKET, account_id="another")).verdict is Verdict.ADMITTED


def test_a_look_costs_nothing(clock: Clock) -> None:
    local, _ = limiter(clock)

    assert verdicts(local, 50, cost=0) == [Verdict.ADMITTED] * 50
    assert verdicts(local, 20) == [Verdict.ADMITTED] * 20


def test_the_quota_is_not_enforced_for_it_cannot_be_known(clock: Clock) -> None:
    local, _ = limiter(clock, facts(limits=replace(FREE, quota=0)))

    assert local.decide(TICKET).verdict is Verdict.ADMITTED


@pytest.mark.parametrize(
    "key", [{"status": KeyStatus.REVOKED}, {"status": KeyStatus.UNKNOWN}, {"expires_at_ms": int(NOW * 1000)}], ids=str
)
def test_a_key_that_opens_nothing_is_unauthorized_and_tells_no_limits(clock: Clock, key: dict[str, Any]) -> None:
    local, _ = limiter(clock, facts(**key))

    decision = local.decide(TICKET)

    assert decision.verdict is Verdict.UNAUTHORIZED
    assert decision.limits is None
    assert decision.key_id == ""
    assert rate_limit_headers(decision) == {}


def test_a_key_that_the_tables_do_not_tell_of_is_unauthorized(clock: Clock) -> None:
    local, _ = limiter(clock, AdmissionData(None, FREE, NAMESPACE_ID))

    assert local.decide(TICKET).verdict is Verdict.UNAUTHORIZED
    assert local.decide(replace(TICKET, digest=None)).verdict is Verdict.ADMITTED


def test_a_key_stops_at_its_expiry_although_its_record_is_cached(clock: Clock) -> None:
    local, tables = limiter(clock, facts(expires_at_ms=int((NOW + 3) * 1000)))
    assert local.decide(TICKET).verdict is Verdict.ADMITTED

    clock.pass_by(3)

    assert local.decide(TICKET).verdict is Verdict.UNAUTHORIZED
    assert len(tables.request) == 1


def test_a_key_without_the_scope_is_refused_and_takes_nothing(clock: Clock) -> None:
    local, _ = limiter(clock, facts(scopes=frozenset({Scope.LIST})))

    refused = local.decide(TICKET)

    assert refused.verdict is Verdict.WRONG_SCOPE
    assert refused.limits == FREE
    assert refused.remaining == FREE.burst
    assert verdicts(local, 21, scopes=frozenset({Scope.LIST})).count(Verdict.ADMITTED) == 20


def test_a_key_for_another_namespace_is_refused_and_takes_nothing(clock: Clock) -> None:
    local, _ = limiter(clock, facts(namespaces=("other",)))

    refused = local.decide(TICKET)

    assert refused.verdict is Verdict.WRONG_NAMESPACE
    assert refused.remaining == FREE.burst
    assert verdicts(local, 1, namespace="other") == [Verdict.ADMITTED]
    assert verdicts(local, 1, namespace="") == [Verdict.ADMITTED]


def test_an_access_token_has_every_scope_and_namespace(clock: Clock) -> None:
    local, _ = limiter(clock, AdmissionData(None, FREE, NAMESPACE_ID))

    assert verdicts(local, 1, digest=None, scopes=frozenset({Scope.DELETE})) == [Verdict.ADMITTED]


def test_a_missing_namespace_is_admitted_without_an_id_for_the_caller_to_get_a_404(clock: Clock) -> None:
    local, _ = limiter(clock, facts(namespace_id=""))

    decision = local.decide(TICKET)

    assert (decision.verdict, decision.namespace_id) == (Verdict.ADMITTED, "")


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (FACTS, 10),
        (facts(namespace_id=""), 2),
        (facts(status=KeyStatus.UNKNOWN), 2),
        (facts(status=KeyStatus.REVOKED), 2),
    ],
    ids=["a yes", "no such namespace", "no such key", "revoked"],
)
def test_facts_are_asked_for_again_after_ten_seconds_and_a_refusal_after_two(
    clock: Clock, response: AdmissionData, seconds: int
) -> None:
    local, tables = limiter(clock, response)
    local.decide(TICKET)

    clock.pass_by(seconds - 0.1)
    local.decide(TICKET)
    assert len(tables.request) == 1

    clock.pass_by(0.2)
    local.decide(TICKET)
    assert len(tables.request) == 2


def test_a_revoked_key_stops_within_ten_seconds(clock: Clock) -> None:
    local, tables = limiter(clock)
    local.decide(TICKET)
    tables.facts = facts(status=KeyStatus.REVOKED)

    clock.pass_by(10.1)

    assert local.decide(TICKET).verdict is Verdict.UNAUTHORIZED


def test_a_new_key_works_within_two_seconds(clock: Clock) -> None:
    local, tables = limiter(clock, facts(status=KeyStatus.UNKNOWN))
    local.decide(TICKET)
    tables.facts = FACTS

    clock.pass_by(2.1)

    assert local.decide(TICKET).verdict is Verdict.ADMITTED


def test_facts_are_kept_apart_by_account_key_and_namespace(clock: Clock) -> None:
    local, tables = limiter(clock)
    tickets = [
        TICKET,
        replace(TICKET, digest="e" * 64),
        replace(TICKET, namespace="other"),
        replace(TICKET, account_id="another"),
        replace(TICKET, digest=None),
    ]
    for request in tickets * 2:
        local.decide(request)

    assert tables.request == [(request.account_id, request.digest, request.namespace) for request in tickets]


def test_without_the_tables_there_is_no_answer_and_the_next_one_asks_again(clock: Clock) -> None:
    local, tables = limiter(clock, None)
    with pytest.raises(Unavailable):
        local.decide(TICKET)

    tables.facts = FACTS
    assert local.decide(TICKET).verdict is Verdict.ADMITTED


def charged(month: str, used: int) -> Decision:
    charge = Charge(month, 1, "epoch", NAMESPACE_ID, "get", 1, 0)
    return Decision(Verdict.ADMITTED, Source.REDIS, 0, FREE, used=used, charge=charge)


def test_the_months_use_is_what_redis_told_last(clock: Clock) -> None:
    local, _ = limiter(clock)
    local.note(TICKET, charged("2026-11", 41))
    local.note(TICKET, charged("2026-11", 42))
    local.note(TICKET, Decision(Verdict.RATE_LIMITED, Source.REDIS, 0, FREE))

    assert local.decide(TICKET).used == 42
    assert local.decide(replace(TICKET, account_id="another")).used == 0


def test_last_months_use_is_not_shown_for_this_month(clock: Clock) -> None:
    local, _ = limiter(clock)
    local.note(TICKET, charged("2026-11", 42))

    clock.time = datetime(2026, 12, 1, tzinfo=UTC).timestamp()

    assert local.decide(TICKET).used == 0


def test_many_accounts_do_not_grow_the_process_for_ever(clock: Clock) -> None:
    local, _ = limiter(clock, facts(status=KeyStatus.UNKNOWN))
    for number in range(10_050):
        local.decide(replace(TICKET, digest=f"{number:064}"))

    assert len(local._cached) <= 10_000
