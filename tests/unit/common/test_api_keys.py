"""kv_common.api_keys."""

from __future__ import annotations

import hashlib
import string
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kv_common import api_keys, base62
from kv_common.api_keys import LENGTH, PREFIX, NewApiKey

if TYPE_CHECKING:
    import uuid

ALPHABET = string.digits + string.ascii_letters
ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"

secrets = st.integers(0, 2**256 - 1)


def key(account_id: str = ACCOUNT, secret: int = 2**255 + 12_345) -> NewApiKey:
    return api_keys.generate(account_id, lambda _bits: secret)


def with_checksum(body: str) -> str:
    """Return the key that ends in the right checksum for `body`, whatever that is."""
    return body + base62.encode(zlib.crc32(body.encode()), 6)


@given(st.uuids(), secrets)
def test_key_contains_its_account_and_is_identified_by_its_sha_256(account: uuid.UUID, secret: int) -> None:
    made = key(str(account), secret)

    parsed = api_keys.parse(made.text)

    assert parsed is not None
    assert parsed.account_id == str(account)
    assert parsed.digest == made.digest == hashlib.sha256(made.text.encode()).hexdigest()


def test_key_has_the_prefix_for_secret_scanners() -> None:
    made = key()

    assert made.text.startswith("kv_live_")
    assert len(made.text) == LENGTH == 79
    assert made.text.removeprefix(PREFIX).isalnum()


def test_key_has_256_random_bits() -> None:
    request: list[int] = []

    def random_bits(bits: int) -> int:
        request.append(bits)
        return 0

    api_keys.generate(ACCOUNT, random_bits)

    assert request == [256]


@given(secrets, secrets)
def test_different_secrets_give_different_keys(one: int, other: int) -> None:
    assert (key(secret=one).text == key(secret=other).text) == (one == other)


@given(secrets, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET + "_-. é٣"))
def test_changed_character_is_rejected(secret: int, place: int, character: str) -> None:
    text = key(secret=secret).text
    changed = text[:place] + character + text[place + 1 :]

    assert (api_keys.parse(changed) is None) == (changed != text)


def test_every_changed_character_of_one_key_is_rejected() -> None:
    text = key().text
    changed = [text[:i] + c + text[i + 1 :] for i in range(LENGTH) for c in ALPHABET if c != text[i]]

    assert [one for one in changed if api_keys.parse(one) is not None] == []


@given(secrets, st.integers(0, LENGTH - 2))
@settings(max_examples=50)
def test_swapped_neighbouring_characters_are_rejected(secret: int, place: int) -> None:
    text = key(secret=secret).text
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    assert (api_keys.parse(swapped) is None) == (swapped != text)


@given(st.text(max_size=100))
def test_arbitrary_text_is_not_a_key(text: str) -> None:
    assert api_keys.parse(text) is None


GOOD = key().text
NO_KEYS = {
    "nothing": "",
    "the prefix alone": PREFIX,
    "one character less": GOOD[:-1],
    "one character more": GOOD + "0",
    "a newline at the end": GOOD + "\n",
    "a newline for the last character": GOOD[:-1] + "\n",
    "a space in front": " " + GOOD,
    "a space at the end": GOOD + " ",
    "a NUL at the end": GOOD + "\0",
    "another prefix, checksum right": with_checksum("kv_test_" + GOOD[len(PREFIX) : -6]),
    "the prefix in capitals, checksum right": with_checksum("KV_LIVE_" + GOOD[len(PREFIX) : -6]),
    "Arabic-Indic digits": PREFIX + "٣" * (LENGTH - len(PREFIX)),
    "fullwidth digits": PREFIX + "\uff11" * (LENGTH - len(PREFIX)),
    "letters that are not ASCII": PREFIX + "é" * (LENGTH - len(PREFIX)),
    "a checksum of zeros": GOOD[:-6] + "000000",
    "an account beyond 128 bits, checksum right": with_checksum(PREFIX + "z" * 22 + GOOD[30:-6]),
    "two keys": GOOD + GOOD,
}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS.keys())
def test_malformed_key_is_rejected(text: str) -> None:
    assert api_keys.parse(GOOD) is not None
    assert api_keys.parse(text) is None


@given(secrets)
def test_display_contains_at_most_four_characters_of_the_secret(secret: int) -> None:
    made = key(secret=secret)
    before_the_secret = len(PREFIX) + 22

    assert made.text.startswith(made.display)
    assert len(made.display) <= before_the_secret + 4


@given(st.integers(62**42, 2**256 - 1))
def test_repr_of_a_key_does_not_contain_its_text(secret: int) -> None:
    made = key(secret=secret)
    hidden = made.text[len(made.display) :]

    for shown in (repr(made), str(made), repr(api_keys.parse(made.text))):
        assert made.text not in shown
        assert hidden not in shown


@pytest.mark.parametrize("account_id", ["", "me", "8c0e9f1a-6f0e-4a51-9b53"])
def test_key_requires_an_account_id_that_is_a_uuid(account_id: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        key(account_id)
