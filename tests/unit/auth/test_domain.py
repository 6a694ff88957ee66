"""The rules of accounts and API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service import model as domain
from auth_service.model import KeyState
from kv_common.api_keys import Scope
from kv_common.clock import timestamp
from kv_common.errors import Forbidden, NotFound, Unauthorized, ValidationError
from tests.unit.auth.fakes import NOW_MS, key


def field_of(refusal: pytest.ExceptionInfo[ValidationError]) -> object:
    return refusal.value.fields[0].field


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a@b.de", "a@b.de"),
        ("Ada.Lovelace@Example.ORG", "ada.lovelace@example.org"),
        ("first+tag@sub.example.co.uk", "first+tag@sub.example.co.uk"),
        ("x" * 64 + "@" + "y" * 186 + ".de", "x" * 64 + "@" + "y" * 186 + ".de"),
    ],
)
def test_an_email_address_is_kept_in_lower_case(text: str, kept: str) -> None:
    assert domain.email(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "@", "a@", "@b.de", "a@b", "a@.de", "a@b.", "a@b..de", "a@b.de.", "a@b@c.de", "a b@c.de", "a@b c.de",
        " a@b.de", "a@b.de ", "a@b.de\n", "a\0@b.de", "a@b.de\0", "a\x1f@b.de", "x" * 65 + "@b.de",
        "x" * 64 + "@" + "y" * 187 + ".de", "ä@b.de", "a@ö.de", "a\x85@b.de", "a,b@c.de", "<a@b.de>", "a@b_c.de",
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_email_address_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        domain.email(text)
    assert field_of(refusal) == "email"


@given(st.emails())
def test_an_ordinary_email_address_is_taken_and_taking_it_again_changes_nothing(text: str) -> None:
    kept = domain.email(text)

    assert domain.email(kept) == kept
    assert domain.email(text.upper()) == kept


@pytest.mark.parametrize("text", ["12345678", "x" * 256, "passwörter", "a b c d e f"])
def test_a_password_has_8_to_256_characters(text: str) -> None:
    assert domain.password(text) == text
    assert domain.given_password(text) == text


@pytest.mark.parametrize("text", ["", "1234567", "x" * 257])
def test_a_shorter_or_longer_password_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        domain.password(text)
    assert field_of(refusal) == "password"
    assert not text or text not in refusal.value.message


def test_logging_in_tells_nothing_of_the_rules_for_passwords() -> None:
    assert domain.given_password("x") == "x"
    for text in ("", "x" * 257):
        with pytest.raises(Unauthorized, match="address or the password is wrong"):
            domain.given_password(text)


@pytest.mark.parametrize("text", ["", "1" * 33, "12 34", "12\n", "٣٣٣", "12-34"])
def test_a_code_that_can_be_none_is_a_wrong_code(text: str) -> None:
    assert domain.code("123456") == "123456"
    with pytest.raises(ValidationError, match="wrong or has expired"):
        domain.code(text)


@pytest.mark.parametrize("text", ["", "a b", "a\n", "x" * 8_193, "é"])
def test_what_can_be_no_refresh_token_is_an_ended_session(text: str) -> None:
    assert domain.refresh_token("eyJ.abc-_=") == "eyJ.abc-_="
    with pytest.raises(Unauthorized, match="session has ended"):
        domain.refresh_token(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "key_", "key_0123456789a", "key_0123456789abc", "KEY_0123456789ab", "key_0123456789ab\n",
        "key_012345/789ab", "key_٣٣٣٣٣٣٣٣٣٣٣٣",
    ],
    ids=repr,
)  # fmt: skip
def test_what_can_be_no_key_id_is_a_key_that_does_not_exist(text: str) -> None:
    assert domain.key_id("key_0123456789ab") == "key_0123456789ab"
    with pytest.raises(NotFound) as refusal:
        domain.key_id(text)
    assert refusal.value.message == domain.no_such_key().message


@pytest.mark.parametrize("text", ["", "CI", "x" * 100, "Ünïcode 😀"])
def test_a_keys_name_is_up_to_100_printable_characters(text: str) -> None:
    assert domain.key_name(text) == text


@pytest.mark.parametrize("text", ["x" * 101, "a\nb", "a\0", "\u202ertl", "\x1b[31m"], ids=repr)
def test_any_other_name_of_a_key_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        domain.key_name(text)
    assert field_of(refusal) == "name"


def test_scopes_are_one_or_more_each_once() -> None:
    assert domain.scopes(["read"]) == {Scope.READ}
    assert domain.scopes(["list", "delete", "write", "read"]) == set(Scope)


@pytest.mark.parametrize("wanted", [[], ["read", "read"], ["READ"], ["admin"], ["read", ""], ["*"]], ids=str)
def test_other_scopes_are_refused(wanted: list[str]) -> None:
    with pytest.raises(ValidationError) as refusal:
        domain.scopes(wanted)
    assert field_of(refusal) == "scopes"


def test_namespaces_are_a_star_or_names_in_order() -> None:
    fifty = [f"n{number:02}" for number in range(50)]

    assert domain.namespaces(["*"]) == ("*",)
    assert domain.namespaces(["b", "a"]) == ("a", "b")
    assert domain.namespaces(fifty) == tuple(fifty)


@pytest.mark.parametrize(
    "wanted",
    [[], ["*", "a"], ["*", "*"], ["a", "a"], [f"n{number}" for number in range(51)], ["A"], [""], ["a,b"], ["usage"]],
    ids=lambda wanted: str(wanted)[:20],
)
def test_other_namespaces_are_refused(wanted: list[str]) -> None:
    with pytest.raises(ValidationError):
        domain.namespaces(wanted)


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    st.datetimes(datetime(2027, 1, 2), datetime(9999, 12, 30), timezones=offsets),  # noqa: DTZ001
)
def test_an_expiry_is_the_very_millisecond_that_was_asked_for(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    milliseconds = domain.expiry(moment.isoformat(), NOW_MS)

    assert datetime.fromisoformat(timestamp(milliseconds)) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2027-01-31T12:00:00Z", 1_801_396_800_000),
        ("2027-01-31T12:00:00.250Z", 1_801_396_800_250),
        ("2027-01-31T14:00:00+02:00", 1_801_396_800_000),
        ("2039-08-02T23:52:43.469Z", 2_195_941_963_469),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ],
)
def test_an_expiry_is_an_iso_8601_time_with_an_offset(text: str, milliseconds: int) -> None:
    assert domain.expiry(text, NOW_MS) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "", "never", "1801396800", "2027-01-31", "2027-01-31T12:00:00", "2027-02-30T12:00:00Z", "2027-01-31T25:00:00Z",
        "2027-01-31T12:00:60Z", "2027-01-31T12:00:00+25:00", "2027-01-31\n12:00:00Z", "2027-01-31é12:00:00Z",
        "2027-01-31T12:00:00Z\n", "٢٠٢٧-01-31T12:00:00Z", "0001-01-01T00:00:00+23:59", "2026-11-20T12:00:00Z",
        "2026-11-20T11:59:59.999Z", "2026-11-20T13:00:00+01:00", "1969-12-31T23:59:59Z",
    ],
    ids=repr,
)  # fmt: skip
def test_an_expiry_that_is_no_time_ahead_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        domain.expiry(text, NOW_MS)
    assert field_of(refusal) == "expires_at"


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59-23:59"])
def test_an_expiry_that_no_answer_could_show_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        domain.expiry(text, NOW_MS)
    assert field_of(refusal) == "expires_at"


def test_the_grace_of_a_rotated_key_is_up_to_30_days() -> None:
    assert domain.grace_seconds(0) == 0
    assert domain.grace_seconds(30 * 86_400) == 30 * 86_400
    for seconds in (-1, 30 * 86_400 + 1, 10**30):
        with pytest.raises(ValidationError) as refusal:
            domain.grace_seconds(seconds)
        assert field_of(refusal) == "grace_seconds"


@pytest.mark.parametrize("age_s", [-1, 0, 599])
def test_a_login_of_the_last_ten_minutes_is_recent(age_s: int) -> None:
    domain.require_recent_login(NOW_MS // 1000 - age_s, NOW_MS)


@pytest.mark.parametrize("signed_in_at_s", [NOW_MS // 1000 - 600, 0, None, "2026-11-20", True, 1e300], ids=repr)
def test_any_other_login_is_not(signed_in_at_s: object) -> None:
    with pytest.raises(Forbidden) as refusal:
        domain.require_recent_login(signed_in_at_s, NOW_MS)
    assert refusal.value.details == {"reason": "recent_login_required"}


def test_a_key_is_active_until_the_moment_it_expires() -> None:
    ending = key(expires_at_ms=NOW_MS)

    assert key().state(NOW_MS * 10) is KeyState.ACTIVE
    assert ending.state(NOW_MS - 1) is KeyState.ACTIVE
    assert ending.state(NOW_MS) is KeyState.EXPIRED
