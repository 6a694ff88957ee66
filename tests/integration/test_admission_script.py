"""The admission script on a real Redis, called through RedisAdmission."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from redis import Redis

from kv_common.admission import AdmissionData, AdmissionRequest, KeyRecord, Limits, Usage, Verdict
from kv_common.admission.redis import RedisAdmission
from kv_common.api_keys import KeyStatus, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.environment import LocalEnvironment

ALL = frozenset(Scope)
LIMITS = Limits("pro", rate=100, burst=200, quota=1_000, storage=10**9)


@pytest.fixture
def redis(local: LocalEnvironment) -> Iterator[Redis]:
    with Redis.from_url(local.redis_url, decode_responses=True) as redis:
        yield redis


@pytest.fixture
def limiter(local: LocalEnvironment) -> RedisAdmission:
    return RedisAdmission.at(local.redis_url)


def request(account: str, **changes: object) -> AdmissionRequest:
    fields: dict[str, object] = {
        "account_id": account,
        "digest": "d" * 64,
        "scopes": frozenset({Scope.READ}),
        "namespace": "app",
        "operation": "get",
        **changes,
    }
    return AdmissionRequest(**fields)  # type: ignore[arg-type]


def facts(*, limits: Limits = LIMITS, namespace_id: str = "ns1", **key: object) -> AdmissionData:
    record: dict[str, object] = {
        "key_id": "key_1",
        "status": KeyStatus.ACTIVE,
        "scopes": ALL,
        "namespaces": ("*",),
        "expires_at_ms": 0,
        **key,
    }
    return AdmissionData(KeyRecord(**record), limits, namespace_id)  # type: ignore[arg-type]


def metered(redis: Redis, account: str) -> dict[str, int]:
    """Return what the account's meter counts, over all minutes."""
    counts: dict[str, int] = {}
    for field, count in redis.hgetall(f"{{{account}}}:meter").items():
        minute, _, what = str(field).partition("|")
        if minute.isdecimal():
            counts[what] = counts.get(what, 0) + int(count)
    return counts


@pytest.fixture
def account() -> str:
    return str(uuid.uuid4())


def test_unknown_account_requires_data_and_is_admitted_with_it(limiter: RedisAdmission, account: str) -> None:
    assert limiter.decide(request(account)).verdict is Verdict.MISSING
    decision = limiter.decide(request(account), facts())
    assert decision.verdict is Verdict.ADMITTED
    assert (decision.key_id, decision.namespace_id, decision.used, decision.remaining) == ("key_1", "ns1", 1, 199)
    assert limiter.decide(request(account)).used == 2


def test_every_redis_key_has_a_ttl(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limiter.decide(request(account), facts())
    keys = list(redis.scan_iter(f"{{{account}}}:*"))
    assert len(keys) == 6
    assert [key for key in keys if redis.pttl(key) < 0] == []


@pytest.mark.parametrize("status", [KeyStatus.REVOKED, KeyStatus.UNKNOWN])
def test_inactive_key_is_denied_and_cached(
    limiter: RedisAdmission, redis: Redis, account: str, status: KeyStatus
) -> None:
    assert limiter.decide(request(account), facts(status=status)).verdict is Verdict.UNAUTHORIZED
    assert limiter.decide(request(account)).verdict is Verdict.UNAUTHORIZED
    # It may name any account: nothing of that account may come into being.
    assert [key.rsplit(":", 2)[1] for key in redis.scan_iter(f"{{{account}}}:*")] == ["key"]


def test_revocation_is_not_undone_by_an_older_record(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limiter.decide(request(account), facts())
    redis.hset(f"{{{account}}}:key:{'d' * 64}", "status", "revoked")
    assert limiter.decide(request(account), facts()).verdict is Verdict.UNAUTHORIZED


def test_key_is_denied_from_its_expiry(limiter: RedisAdmission, account: str) -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    assert limiter.decide(request(account), facts(expires_at_ms=now_ms - 1)).verdict is Verdict.UNAUTHORIZED
    assert limiter.decide(request(account), facts(expires_at_ms=now_ms + 60_000)).verdict is Verdict.ADMITTED


def test_key_is_limited_to_its_scopes(limiter: RedisAdmission, account: str) -> None:
    only_read = facts(scopes=frozenset({Scope.READ}))
    assert limiter.decide(request(account, scopes=frozenset({Scope.WRITE})), only_read).verdict is Verdict.WRONG_SCOPE
    assert limiter.decide(request(account, scopes=frozenset({Scope.READ})), only_read).verdict is Verdict.ADMITTED


def test_key_is_limited_to_its_namespaces_by_full_name(limiter: RedisAdmission, account: str) -> None:
    for_two = facts(namespaces=("app", "other-app"))
    for name in ("app", "other-app"):
        assert limiter.decide(request(account, namespace=name), for_two).verdict is Verdict.ADMITTED
    for name in ("ap", "other", "app-2"):
        assert limiter.decide(request(account, namespace=name), for_two).verdict is Verdict.WRONG_NAMESPACE


def test_denial_takes_no_tokens(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limiter.decide(request(account, scopes=frozenset({Scope.WRITE})), facts(scopes=frozenset({Scope.READ})))
    assert not redis.exists(f"{{{account}}}:bucket", f"{{{account}}}:quota", f"{{{account}}}:meter")


def test_bucket_admits_its_burst_and_returns_retry_after(limiter: RedisAdmission, account: str) -> None:
    slow = facts(limits=Limits("free", rate=1, burst=5, quota=1_000, storage=10**9))
    decisions = [limiter.decide(request(account), slow) for _ in range(6)]
    assert [decision.verdict for decision in decisions] == [Verdict.ADMITTED] * 5 + [Verdict.RATE_LIMITED]
    assert [decision.remaining for decision in decisions] == [4, 3, 2, 1, 0, 0]
    assert 0 < decisions[-1].retry_ms <= 1_000


def test_request_with_a_higher_cost_is_admitted_atomically(limiter: RedisAdmission, account: str) -> None:
    slow = facts(limits=Limits("free", rate=1, burst=5, quota=1_000, storage=10**9))
    assert limiter.decide(request(account, cost=3), slow).verdict is Verdict.ADMITTED
    assert limiter.decide(request(account, cost=3), slow).verdict is Verdict.RATE_LIMITED
    assert limiter.decide(request(account, cost=2), slow).verdict is Verdict.ADMITTED


def test_request_without_cost_takes_no_tokens(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    decision = limiter.decide(request(account, cost=0), facts())
    assert (decision.verdict, decision.remaining, decision.used, decision.charge) == (Verdict.ADMITTED, 200, 0, None)
    assert not redis.exists(f"{{{account}}}:bucket", f"{{{account}}}:quota", f"{{{account}}}:meter")


def test_request_without_cost_is_admitted_by_an_empty_bucket(limiter: RedisAdmission, account: str) -> None:
    spent = facts(limits=Limits("free", rate=1, burst=1, quota=1, storage=10**9))
    assert limiter.decide(request(account), spent).verdict is Verdict.ADMITTED
    look = limiter.decide(
        request(account, cost=0), facts(limits=Limits("free", rate=1, burst=1, quota=0, storage=10**9))
    )
    assert (look.verdict, look.remaining, look.used) == (Verdict.ADMITTED, 0, 1)


def test_quota_is_exact_under_concurrency(local: LocalEnvironment, account: str) -> None:
    limits = Limits("business", rate=100_000, burst=100_000, quota=500, storage=10**9)
    limiters = [RedisAdmission.at(local.redis_url) for _ in range(8)]
    limiters[0].decide(request(account, cost=0), facts(limits=limits))
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda n: limiters[n % 8].decide(request(account)).verdict, range(550)))
    assert verdicts.count(Verdict.ADMITTED) == 500
    assert verdicts.count(Verdict.QUOTA_EXCEEDED) == 50


def test_requests_are_metered_by_namespace_and_operation(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limiter.decide(request(account, operation="put", bytes_in=70, scopes=frozenset({Scope.WRITE})), facts())
    limiter.decide(request(account), facts())
    for name in ("nowhere", "never"):
        limiter.decide(request(account, namespace=name), facts(namespace_id=""))
    assert metered(redis, account) == {"ns1|put": 1, "ns1|in": 70, "ns1|get": 1, "-|get": 2}


def test_lost_meter_gets_a_new_epoch(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    def epoch() -> str:
        charge = limiter.decide(request(account), facts()).charge
        assert charge is not None
        return charge.epoch

    first = epoch()
    assert epoch() == first
    redis.delete(f"{{{account}}}:meter")
    assert epoch() != first


def test_refund_reverts_quota_and_meter(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limiter.decide(request(account), facts())
    decision = limiter.decide(request(account, bytes_in=9), facts())
    assert decision.charge is not None
    limiter.refund(account, decision.charge)
    assert redis.hgetall(f"{{{account}}}:quota") == {decision.charge.month: "1"}
    # What was taken back is noted, for the minute has changed although less stands in it.
    assert metered(redis, account) == {"ns1|get": 1, "ns1|in": 0, "refunded": 1}


def test_refund_after_loss_of_the_counters_changes_nothing(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    decision = limiter.decide(request(account), facts())
    assert decision.charge is not None
    redis.delete(f"{{{account}}}:meter", f"{{{account}}}:quota")
    limiter.decide(request(account), facts())
    limiter.refund(account, decision.charge)
    assert redis.hgetall(f"{{{account}}}:quota") == {decision.charge.month: "1"}


def test_deleted_namespace_is_not_restored_by_an_outdated_read(limiter: RedisAdmission, account: str) -> None:
    limiter.decide(request(account), facts())
    limiter.forget_namespace(account, "app", "ns1")
    assert limiter.decide(request(account)).verdict is Verdict.MISSING
    assert limiter.decide(request(account), facts(namespace_id="ns1")).namespace_id == ""
    limiter.remember_namespace(account, "app", "ns2")
    assert limiter.decide(request(account)).namespace_id == "ns2"


def test_changed_limits_apply_to_the_next_request_and_older_ones_are_ignored(
    limiter: RedisAdmission, account: str
) -> None:
    before = Limits("free", rate=10, burst=20, quota=10, storage=100, version=5)
    after = Limits("pro", rate=100, burst=200, quota=1_000, storage=10**6, version=7)
    limiter.decide(request(account), facts(limits=before))
    limiter.set_limits(account, after)
    # The next request looks up what is stored, and cannot bring back what it read before.
    assert limiter.decide(request(account)).verdict is Verdict.MISSING
    decision = limiter.decide(request(account), facts(limits=before))
    assert decision.limits is not None
    assert (decision.limits.plan, decision.limits.quota, decision.limits.storage) == ("pro", 1_000, 10**6)
    # Neither an older change that was late, nor facts that were read before the change.
    limiter.set_limits(account, Limits("starter", 50, 100, 100, 1_000, version=6))
    slow = limiter.decide(request(account), facts(limits=before))
    assert slow.limits is not None
    assert slow.limits.plan == "pro"


def test_changed_limits_of_an_uncached_account_are_not_undone_by_an_outdated_read(
    limiter: RedisAdmission, account: str
) -> None:
    limiter.set_limits(account, Limits("pro", rate=100, burst=200, quota=1_000, storage=10**6, version=7))
    assert limiter.decide(request(account)).verdict is Verdict.MISSING
    decision = limiter.decide(request(account), facts(limits=Limits("free", 10, 20, 10, 100)))
    assert decision.limits is not None
    assert decision.limits.plan == "pro"


def test_closed_account_is_denied_and_leaves_no_counters(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limiter.decide(request(account), facts())
    limiter.close_account(account)
    for attempt in (request(account), request(account, digest=None), request(account, cost=0)):
        assert limiter.decide(attempt).verdict is Verdict.UNAUTHORIZED
        assert limiter.decide(attempt, facts()).verdict is Verdict.UNAUTHORIZED
    limiter.set_limits(account, LIMITS)
    assert limiter.decide(request(account), facts()).verdict is Verdict.UNAUTHORIZED
    left = {
        key.rsplit(":", 2)[1] if ":key:" in key else key.rsplit(":", 1)[1]
        for key in redis.scan_iter(f"{{{account}}}:*")
    }
    assert left == {"key", "limits"}


def test_stored_bytes_are_refreshed_sooner_near_the_limit(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limits = Limits("free", rate=10, burst=20, quota=100, storage=100)
    decision = limiter.decide(request(account), replace(facts(limits=limits), usage=Usage(stored=30)))
    assert decision.limits is not None
    assert (decision.limits.storage, decision.stored) == (100, 30)
    assert redis.ttl(f"{{{account}}}:limits") > 50
    redis.delete(f"{{{account}}}:limits")
    limiter.decide(request(account), replace(facts(limits=limits), usage=Usage(stored=90)))
    assert redis.ttl(f"{{{account}}}:limits") <= 5


def test_lost_quota_continues_from_the_last_published_count(
    limiter: RedisAdmission, redis: Redis, account: str
) -> None:
    month = datetime.fromtimestamp(int(redis.time()[0]), UTC).strftime("%Y-%m")
    told = replace(facts(), usage=Usage(month, requests=700))
    assert limiter.decide(request(account), told).used == 701
    # Only where there is no counter, and only for the month it was told of.
    assert limiter.decide(request(account), told).used == 702
    redis.delete(f"{{{account}}}:quota")
    assert limiter.decide(request(account), replace(facts(), usage=Usage("2020-01", requests=700))).used == 1


def test_last_use_is_recorded_for_keys_only(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limiter.decide(request(account, digest=None), facts())
    assert redis.hget(f"{{{account}}}:meter", "used|key_1") is None
    charge = limiter.decide(request(account), facts()).charge
    assert charge is not None
    assert redis.hget(f"{{{account}}}:meter", "used|key_1") == str(charge.minute)


def test_flood_of_unknown_names_is_limited_by_the_bucket(limiter: RedisAdmission, account: str) -> None:
    slow = facts(limits=Limits("free", rate=1, burst=1, quota=1_000, storage=10**9))
    limiter.decide(request(account), slow)
    assert limiter.decide(request(account, namespace="nowhere")).verdict is Verdict.RATE_LIMITED


def test_script_is_reloaded_after_a_script_flush(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    limiter.decide(request(account), facts())
    redis.script_flush()
    assert limiter.decide(request(account)).verdict is Verdict.ADMITTED


def test_month_is_determined_by_the_redis_clock(limiter: RedisAdmission, redis: Redis, account: str) -> None:
    charge = limiter.decide(request(account), facts()).charge
    seconds, _ = redis.time()
    assert charge is not None
    assert charge.month == datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m")
    assert charge.minute in (seconds // 60, seconds // 60 - 1)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2400, 1, 1)))  # noqa: DTZ001 - UTC below
def test_script_calendar_matches_python(redis: Redis, moment: datetime) -> None:
    source = resources.files("kv_common.admission").joinpath("scripts").joinpath("admission.lua").read_text()
    found = re.search(r"^local function month_of.*?^end$", source, re.MULTILINE | re.DOTALL)
    assert found is not None
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    month = redis.eval(f"{found[0]}\nreturn month_of(tonumber(ARGV[1]))", 0, str(seconds))
    assert month == moment.strftime("%Y-%m").rjust(7, "0")


def test_cost_over_the_burst_requires_a_full_bucket_and_leaves_a_debt(
    limiter: RedisAdmission, redis: Redis, account: str
) -> None:
    large = request(account, cost=100)
    limits = Limits("free", 100, 20, 10_000, 10**9)
    first = limiter.decide(large, facts(limits=limits))
    assert (first.verdict, first.remaining) == (Verdict.ADMITTED, 0)
    assert 900 < first.reset_ms <= 1_000

    refused = limiter.decide(request(account))
    assert refused.verdict is Verdict.RATE_LIMITED
    # Eighty of the hundred are debt.
    assert 700 < refused.retry_ms <= 810
    again = limiter.decide(large)
    assert again.verdict is Verdict.RATE_LIMITED
    assert again.retry_ms > refused.retry_ms

    redis.delete(f"{{{account}}}:bucket")
    limiter.decide(request(account))
    soon = limiter.decide(large)
    assert (soon.verdict, soon.retry_ms <= 11) == (Verdict.RATE_LIMITED, True)


def test_every_requested_scope_is_required(limiter: RedisAdmission, account: str) -> None:
    both = request(account, scopes=frozenset({Scope.READ, Scope.WRITE}))
    assert limiter.decide(both, facts(scopes=frozenset({Scope.READ}))).verdict is Verdict.WRONG_SCOPE
    assert limiter.decide(both, facts(scopes=frozenset({Scope.READ, Scope.WRITE}))).verdict is Verdict.ADMITTED
    assert limiter.decide(request(account, scopes=frozenset())).verdict is Verdict.ADMITTED
