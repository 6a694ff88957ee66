"""API keys."""

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
def test_a_key_tells_its_account_and_is_known_by_the_sha_256_of_its_text(account: uuid.UUID, secret: int) -> None:
    made = key(str(account), secret)

    parsed = api_keys.parse(made.text)

    assert parsed is not None
    assert parsed.account_id == str(account)
    assert parsed.digest == made.digest == hashlib.sha256(made.text.encode()).hexdigest()


def test_a_key_has_the_prefix_that_secret_scanners_know() -> None:
    made = key()

    assert made.text.startswith("kv_live_")
    assert len(made.text) == LENGTH == 79
    assert made.text.removeprefix(PREFIX).isalnum()


def test_a_key_asks_for_256_random_bits() -> None:
    asked: list[int] = []

    def random_bits(bits: int) -> int:
        asked.append(bits)
        return 0

    api_keys.generate(ACCOUNT, random_bits)

    assert asked == [256]


@given(secrets, secrets)
def test_two_secrets_make_two_keys(one: int, other: int) -> None:
    assert (key(secret=one).text == key(secret=other).text) == (one == other)


@given(secrets, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET + "_-. é٣"))
def test_every_change_of_one_character_is_refused(secret: int, place: int, character: str) -> None:
    text = key(secret=secret).text
    changed = text[:place] + character + text[place + 1 :]

    assert (api_keys.parse(changed) is None) == (changed != text)


def test_every_change_of_one_character_of_one_key_is_refused() -> None:
    text = key().text
    changed = [text[:i] + c + text[i + 1 :] for i in range(LENGTH) for c in ALPHABET if c != text[i]]

    assert [one for one in changed if api_keys.parse(one) is not None] == []


@given(secrets, st.integers(0, LENGTH - 2))
@settings(max_examples=50)
def test_swapped_neighbours_are_refused(secret: int, place: int) -> None:
    text = key(secret=secret).text
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    assert (api_keys.parse(swapped) is None) == (swapped != text)


@given(st.text(max_size=100))
def test_any_other_text_is_no_key(text: str) -> None:
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
def test_what_only_looks_like_a_key_is_refused(text: str) -> None:
    assert api_keys.parse(GOOD) is not None
    assert api_keys.parse(text) is None


@given(secrets)
def test_what_is_shown_of_a_key_holds_at_most_four_characters_of_its_secret(secret: int) -> None:
    made = key(secret=secret)
    before_the_secret = len(PREFIX) + 22

    assert made.text.startswith(made.display)
    assert len(made.display) <= before_the_secret + 4


@given(st.integers(62**42, 2**256 - 1))
def test_printing_a_new_key_or_a_parsed_one_shows_nothing_of_its_text(secret: int) -> None:
    made = key(secret=secret)
    hidden = made.text[len(made.display) :]

    for shown in (repr(made), str(made), repr(api_keys.parse(made.text))):
        assert made.text not in shown
        assert hidden not in shown


@pytest.mark.parametrize("account_id", ["", "me", "8c0e9f1a-6f0e-4a51-9b53"])
def test_a_key_is_made_only_for_an_account_that_is_a_uuid(account_id: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        key(account_id)
