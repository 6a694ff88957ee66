"""kv_common.auth.jwks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kv_common.auth.jwks import JwksUnavailable, SigningKeys
from kv_common.errors import Unavailable
from tests.unit.common.clocks import Clock

if TYPE_CHECKING:
    from kv_common.auth.jwks import JwkSet
    from tests.unit.common.issuer import Signer

HOUR = 3_600.0


class Pool:
    """A source of keys that can change and fail."""

    def __init__(self, *keys: Any) -> None:
        self.document: JwkSet = {"keys": list(keys)}
        self.broken = False
        self.fetches = 0

    def publish(self, *keys: Any) -> None:
        self.document = {"keys": list(keys)}

    def __call__(self) -> JwkSet:
        self.fetches += 1
        if self.broken:
            raise JwksUnavailable("broken")
        return self.document


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool(signer: Signer) -> Pool:
    return Pool(signer.jwk())


@pytest.fixture
def keys(pool: Pool, clock: Clock) -> SigningKeys:
    return SigningKeys(pool, clock)


def test_known_key_is_fetched_once_an_hour(keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer) -> None:
    numbers = signer.private.public_key().public_numbers()
    for _ in range(60):
        assert keys.get(signer.kid).public_numbers() == numbers  # type: ignore[union-attr]
        clock.pass_by(59)
    assert pool.fetches == 1

    clock.pass_by(HOUR)
    assert keys.get(signer.kid) is not None
    assert pool.fetches == 2


def test_nothing_is_fetched_before_the_first_key(pool: Pool, clock: Clock) -> None:
    SigningKeys(pool, clock)

    assert pool.fetches == 0


def test_50_unknown_keys_cause_one_fetch(keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer) -> None:
    keys.get(signer.kid)
    clock.pass_by(31)

    for number in range(50):
        assert keys.get(f"unknown-{number}") is None
        clock.pass_by(0.5)

    assert pool.fetches == 2


def test_unknown_keys_cause_at_most_one_fetch_in_30_seconds(
    keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer
) -> None:
    keys.get(signer.kid)

    for number in range(300):
        clock.pass_by(1)
        keys.get(f"unknown-{number}")

    assert pool.fetches <= 1 + 300 // 30


def test_new_key_of_the_pool_is_found(
    keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer, stranger: Signer
) -> None:
    keys.get(signer.kid)
    pool.publish(signer.jwk(), stranger.jwk(kid="pool-key-2"))
    clock.pass_by(31)

    found = keys.get("pool-key-2")

    assert found is not None
    assert found.public_numbers() == stranger.private.public_key().public_numbers()
    assert keys.get(signer.kid) is not None


def test_removed_key_is_dropped_within_an_hour(keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer) -> None:
    keys.get(signer.kid)
    pool.publish(signer.jwk(kid="pool-key-2"))
    clock.pass_by(HOUR + 1)

    assert keys.get(signer.kid) is None


def test_known_keys_are_used_for_a_day_during_an_outage(
    keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer
) -> None:
    keys.get(signer.kid)
    pool.broken = True

    for _ in range(23):
        clock.pass_by(HOUR)
        assert keys.get(signer.kid) is not None


def test_no_key_is_trusted_after_an_outage_of_a_day(
    keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer
) -> None:
    keys.get(signer.kid)
    pool.broken = True
    clock.pass_by(24 * HOUR + 1)

    with pytest.raises(Unavailable) as raised:
        keys.get(signer.kid)
    assert raised.value.headers == {"Retry-After": "30"}


def test_keys_are_trusted_again_after_an_outage(keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer) -> None:
    keys.get(signer.kid)
    pool.broken = True
    clock.pass_by(25 * HOUR)
    with pytest.raises(Unavailable):
        keys.get(signer.kid)

    pool.broken = False
    clock.pass_by(31)
    assert keys.get(signer.kid) is not None


def test_outage_causes_at_most_one_fetch_in_30_seconds(
    keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer
) -> None:
    pool.broken = True

    for _ in range(60):
        with pytest.raises(Unavailable):
            keys.get(signer.kid)
        clock.pass_by(0.5)
    assert pool.fetches == 1

    with pytest.raises(Unavailable):
        keys.get(signer.kid)
    assert pool.fetches == 2


def test_outage_with_cached_keys_causes_one_fetch_in_30_seconds(
    keys: SigningKeys, pool: Pool, clock: Clock, signer: Signer
) -> None:
    keys.get(signer.kid)
    pool.broken = True
    clock.pass_by(2 * HOUR)

    for number in range(29):
        assert keys.get(signer.kid) is not None
        assert keys.get(f"unknown-{number}") is None
        clock.pass_by(1)

    assert pool.fetches == 2


PASSED_OVER: dict[str, dict[str, Any]] = {
    "for encryption": {"use": "enc"},
    "for RS512": {"alg": "RS512"},
    "for PS256": {"alg": "PS256"},
    "for an unknown algorithm": {"alg": None},
    "for signing only": {"key_ops": ["sign"]},
    "for no operation": {"key_ops": []},
    "for operations that are null": {"key_ops": None},
    "for operations that are a number": {"key_ops": 1},
    "for operations that are text": {"key_ops": "verify"},
    "an elliptic curve": {"kty": "EC"},
    "a secret": {"kty": "oct", "k": "c2VjcmV0"},
    "without a type": {"kty": ...},
    "without an id": {"kid": ...},
    "with a number as id": {"kid": 1},
    "without a modulus": {"n": ...},
    "with an empty modulus": {"n": ""},
    "with a number as modulus": {"n": 5},
    "with a modulus that is no base64": {"n": "!!"},
    "without an exponent": {"e": ...},
    "with an exponent of 0": {"e": "AA"},
    "with an odd private part": {"d": "AA"},
}


@pytest.mark.parametrize("changes", PASSED_OVER.values(), ids=PASSED_OVER.keys())
def test_key_for_another_purpose_is_ignored(changes: dict[str, Any], signer: Signer, stranger: Signer) -> None:
    keys = SigningKeys(Pool(stranger.jwk(**{"kid": "odd", **changes}), signer.jwk()), Clock())

    assert keys.get("odd") is None
    assert keys.get(signer.kid) is not None


@pytest.mark.parametrize("entry", [None, 1, "text", [], {}], ids=repr)
def test_malformed_key_is_ignored(entry: Any, signer: Signer) -> None:
    keys = SigningKeys(Pool(entry, signer.jwk()), Clock())

    assert keys.get(signer.kid) is not None


def test_key_without_a_declared_use_is_accepted(signer: Signer) -> None:
    keys = SigningKeys(Pool(signer.jwk(use=..., alg=...), signer.jwk(kid="ops", key_ops=["verify"])), Clock())

    assert keys.get(signer.kid) is not None
    assert keys.get("ops") is not None


@pytest.mark.parametrize(
    "document",
    [{}, {"keys": None}, {"keys": []}, {"keys": {}}, {"keys": "keys"}, {"keys": 1}, {"keys": [{"kty": "EC"}]}],
    ids=repr,
)
def test_document_without_a_usable_key_is_unavailable(document: JwkSet, signer: Signer) -> None:
    clock, pool = Clock(), Pool(signer.jwk())
    pool.document = document
    with pytest.raises(Unavailable):
        SigningKeys(pool, clock).get(signer.kid)

    pool.publish(signer.jwk())
    keys = SigningKeys(pool, clock)
    keys.get(signer.kid)
    pool.document = document
    clock.pass_by(2 * HOUR)
    assert keys.get(signer.kid) is not None
