"""Cognito's answers in our own words, with botocore's stub in Cognito's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from auth_service.cognito import Cognito, Profile, Tokens
from kv_common.errors import AppError, Forbidden, RateLimited, Unauthorized, Unavailable, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

    Call = Callable[[Cognito], object]

CLIENT = "4ek8ju2examplecl1ent"
EMAIL = "a@b.de"
DELIVERY = {"CodeDeliveryDetails": {"Destination": "a***@b.de", "DeliveryMedium": "EMAIL", "AttributeName": "email"}}


@pytest.fixture(scope="module")
def client() -> CognitoIdentityProviderClient:
    return boto3.client(
        "cognito-idp", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none"
    )


class Pool:
    """A user pool that gives the answers a test prepares, and checks that they were asked for."""

    def __init__(self, client: CognitoIdentityProviderClient) -> None:
        self.stub = Stubber(client)
        self.identity = Cognito(client, CLIENT)

    def answers(self, operation: str, answer: dict[str, Any], expected: dict[str, Any] | None = None) -> Cognito:
        self.stub.add_response(operation, answer, expected)
        self.stub.activate()
        return self.identity

    def refuses(self, operation: str, code: str) -> Cognito:
        self.stub.add_client_error(operation, code, f"internal words of {code}")
        self.stub.activate()
        return self.identity


@pytest.fixture
def pool(client: CognitoIdentityProviderClient) -> Iterator[Pool]:
    made = Pool(client)
    yield made
    made.stub.deactivate()


CALLS: dict[str, tuple[str, Call]] = {
    "sign_up": ("sign_up", lambda identity: identity.sign_up(EMAIL, "password")),
    "confirm": ("confirm_sign_up", lambda identity: identity.confirm(EMAIL, "123456")),
    "resend": ("resend_confirmation_code", lambda identity: identity.resend(EMAIL)),
    "log_in": ("initiate_auth", lambda identity: identity.log_in(EMAIL, "password")),
    "refresh": ("initiate_auth", lambda identity: identity.refresh("token")),
    "log_out": ("revoke_token", lambda identity: identity.log_out("token")),
    "forgot_password": ("forgot_password", lambda identity: identity.forgot_password(EMAIL)),
    "reset_password": (
        "confirm_forgot_password",
        lambda identity: identity.reset_password(EMAIL, "123456", "password"),
    ),
    "profile": ("get_user", lambda identity: identity.profile("token")),
}


def outcome(pool: Pool, name: str, code: str) -> tuple[object, ...]:
    """Return all that a caller could see of a call that Cognito refuses with `code`."""
    operation, call = CALLS[name]
    identity = pool.refuses(operation, code)
    try:
        return ("returned", call(identity))
    except AppError as error:
        return (error.code, error.message, error.public_details, error.headers)
    finally:
        pool.stub.assert_no_pending_responses()


def test_signing_up_hands_the_address_on(pool: Pool) -> None:
    identity = pool.answers(
        "sign_up",
        {"UserConfirmed": False, "UserSub": "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e", **DELIVERY},
        {
            "ClientId": CLIENT,
            "Username": EMAIL,
            "Password": "password",
            "UserAttributes": [{"Name": "email", "Value": EMAIL}],
        },
    )

    identity.sign_up(EMAIL, "password")
    pool.stub.assert_no_pending_responses()


def test_a_taken_address_gives_no_error(pool: Pool) -> None:
    assert outcome(pool, "sign_up", "UsernameExistsException") == ("returned", None)


@pytest.mark.parametrize("code", ["InvalidPasswordException", "InvalidParameterException"])
def test_what_cognito_finds_wrong_with_a_sign_up_is_the_callers_mistake(pool: Pool, code: str) -> None:
    assert outcome(pool, "sign_up", code)[0] == "VALIDATION_ERROR"


HIDDEN = {
    # Whatever only an existing or only a missing account gets, beside what the other one gets.
    "confirm": ("CodeMismatchException", ["UserNotFoundException", "NotAuthorizedException", "ExpiredCodeException",
                                          "AliasExistsException", "InvalidParameterException",
                                          "LimitExceededException", "TooManyFailedAttemptsException"]),
    "reset_password": ("CodeMismatchException", ["UserNotFoundException", "NotAuthorizedException",
                                                 "ExpiredCodeException", "InvalidParameterException",
                                                 "LimitExceededException", "TooManyFailedAttemptsException"]),
    "log_in": ("NotAuthorizedException", ["UserNotFoundException", "InvalidParameterException"]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "usual", "code"),
    [(name, usual, code) for name, (usual, codes) in HIDDEN.items() for code in codes],
)
def test_a_refusal_does_not_tell_whether_the_address_has_an_account(
    pool: Pool, name: str, usual: str, code: str
) -> None:
    assert outcome(pool, name, code) == outcome(pool, name, usual)


@pytest.mark.parametrize("name", ["resend", "forgot_password"])
@pytest.mark.parametrize(
    "code",
    ["UserNotFoundException", "InvalidParameterException", "NotAuthorizedException", "LimitExceededException"],
)
def test_asking_for_a_mail_looks_the_same_whether_one_is_sent_or_not(pool: Pool, name: str, code: str) -> None:
    operation, call = CALLS[name]
    sent = call(pool.answers(operation, DELIVERY))

    assert outcome(pool, name, code) == ("returned", sent) == ("returned", None)


def test_asking_for_mail_for_an_unconfirmed_account_looks_the_same_too(pool: Pool) -> None:
    assert outcome(pool, "forgot_password", "UserNotConfirmedException") == ("returned", None)


def test_a_wrong_code_is_a_validation_error_of_that_field(pool: Pool) -> None:
    for name in ("confirm", "reset_password"):
        code, message, details, _ = outcome(pool, name, "CodeMismatchException")
        assert (code, details) == (
            "VALIDATION_ERROR",
            [{"field": "code", "code": "wrong_code", "message": message}],
        )


@pytest.mark.parametrize("code", ["CodeMismatchException", "InternalErrorException", "TooManyRequestsException"])
def test_nothing_of_cognitos_own_words_is_passed_on(pool: Pool, code: str) -> None:
    assert "internal words" not in repr(outcome(pool, "confirm", code))


def test_a_weak_new_password_is_a_validation_error_of_that_field(pool: Pool) -> None:
    for name in ("sign_up", "reset_password"):
        code, message, details, _ = outcome(pool, name, "InvalidPasswordException")
        assert (code, details) == (
            "VALIDATION_ERROR",
            [{"field": "password", "code": "invalid_format", "message": message}],
        )


def test_confirming_resetting_and_logging_out_return_nothing(pool: Pool) -> None:
    assert CALLS["confirm"][1](pool.answers("confirm_sign_up", {})) is None
    assert CALLS["reset_password"][1](pool.answers("confirm_forgot_password", {})) is None
    assert CALLS["log_out"][1](pool.answers("revoke_token", {}, {"ClientId": CLIENT, "Token": "token"})) is None


def test_logging_in_returns_the_sessions_tokens(pool: Pool) -> None:
    identity = pool.answers(
        "initiate_auth",
        {"AuthenticationResult": {"AccessToken": "a", "RefreshToken": "r", "ExpiresIn": 3_600, "IdToken": "i"}},
        {
            "ClientId": CLIENT,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": EMAIL, "PASSWORD": "password"},
        },
    )

    assert identity.log_in(EMAIL, "password") == Tokens("a", "r", 3_600)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("UserNotConfirmedException", "email_not_confirmed"),
        ("PasswordResetRequiredException", "password_reset_required"),
    ],
)
def test_a_step_that_is_missing_before_a_log_in_is_named(pool: Pool, code: str, reason: str) -> None:
    refused = outcome(pool, "log_in", code)

    assert refused[0] == "FORBIDDEN"
    assert refused[2] == {"reason": reason}


def test_a_challenge_is_a_step_we_do_not_offer(pool: Pool) -> None:
    identity = pool.answers("initiate_auth", {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s" * 20})

    with pytest.raises(Forbidden) as refusal:
        identity.log_in(EMAIL, "password")
    assert refusal.value.details == {"reason": "challenge"}


def test_a_session_goes_on_with_or_without_a_new_refresh_token(pool: Pool) -> None:
    kept = pool.answers("initiate_auth", {"AuthenticationResult": {"AccessToken": "a", "ExpiresIn": 60}})
    assert kept.refresh("token") == Tokens("a", None, 60)

    rotated = pool.answers(
        "initiate_auth",
        {"AuthenticationResult": {"AccessToken": "a", "RefreshToken": "r2", "ExpiresIn": 60}},
        {"ClientId": CLIENT, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": {"REFRESH_TOKEN": "token"}},
    )
    assert rotated.refresh("token") == Tokens("a", "r2", 60)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("refresh", "NotAuthorizedException"),
        ("refresh", "InvalidParameterException"),
        ("refresh", "UserNotFoundException"),
        ("profile", "NotAuthorizedException"),
        ("profile", "UserNotFoundException"),
    ],
)
def test_a_session_that_has_ended_is_unauthorized(pool: Pool, name: str, code: str) -> None:
    assert outcome(pool, name, code)[:2] == (Unauthorized.code, "The session has ended. Please log in.")


@pytest.mark.parametrize("code", ["NotAuthorizedException", "InvalidParameterException", "UnauthorizedException"])
def test_logging_out_twice_is_logging_out(pool: Pool, code: str) -> None:
    assert outcome(pool, "log_out", code) == ("returned", None)


def test_a_profile_is_what_cognito_knows_of_a_user(pool: Pool) -> None:
    attributes = [
        {"Name": "sub", "Value": "8c0e"},
        {"Name": "email", "Value": EMAIL},
        {"Name": "email_verified", "Value": "true"},
    ]

    assert pool.answers("get_user", {"Username": "u", "UserAttributes": attributes}).profile("token") == Profile(
        "8c0e", "u", EMAIL, email_verified=True
    )
    attributes[2]["Value"] = "false"
    assert not pool.answers("get_user", {"Username": "u", "UserAttributes": attributes}).profile("t").email_verified
    unknown = pool.answers("get_user", {"Username": "u", "UserAttributes": attributes[:1]}).profile("t")
    assert unknown == Profile("8c0e", "u", "", email_verified=False)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("code", ["TooManyRequestsException", "ThrottlingException"])
def test_too_many_requests_are_rate_limited_everywhere(pool: Pool, name: str, code: str) -> None:
    refused = outcome(pool, name, code)

    assert refused[0] == RateLimited.code
    assert refused[3] == {"Retry-After": "60"}


@pytest.mark.parametrize("name", ["sign_up", "log_in"])
def test_too_many_attempts_are_rate_limited_too(pool: Pool, name: str) -> None:
    assert outcome(pool, name, "TooManyFailedAttemptsException")[0] == RateLimited.code
    assert outcome(pool, name, "LimitExceededException")[0] == RateLimited.code


@pytest.mark.parametrize("name", CALLS)
def test_what_will_pass_is_unavailable_everywhere(pool: Pool, name: str) -> None:
    assert outcome(pool, name, "InternalErrorException")[0] == Unavailable.code


@pytest.mark.parametrize("name", CALLS)
def test_a_defect_of_ours_escapes_as_it_is(pool: Pool, name: str) -> None:
    operation, call = CALLS[name]

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        call(pool.refuses(operation, "ResourceNotFoundException"))


class Unreachable:
    """A client whose every call fails on the way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, operation: str) -> Callable[..., object]:
        def fail(**_: object) -> object:
            raise self._error

        return fail


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://cognito"),
        ConnectTimeoutError(endpoint_url="https://cognito"),
        ReadTimeoutError(endpoint_url="https://cognito"),
    ],
    ids=["refused", "connect", "read"],
)
def test_a_pool_that_does_not_answer_is_unavailable_and_never_a_yes(name: str, error: Exception) -> None:
    unreachable: Any = Unreachable(error)

    with pytest.raises(Unavailable):
        CALLS[name][1](Cognito(unreachable, CLIENT))


def test_errors_of_ours_are_not_shared_between_calls(pool: Pool) -> None:
    refusals = []
    for _ in range(2):
        with pytest.raises(ValidationError) as refusal:
            CALLS["confirm"][1](pool.refuses("confirm_sign_up", "CodeMismatchException"))
        refusals.append(refusal.value)

    assert refusals[0] is not refusals[1]


@pytest.mark.parametrize("name", ["refresh", "profile"])
@pytest.mark.parametrize(
    "code",
    ["NotAuthorizedException", "UserNotFoundException", "UserNotConfirmedException", "PasswordResetRequiredException"],
)
def test_a_session_that_is_over_for_whatever_reason_is_the_same_401(pool: Pool, name: str, code: str) -> None:
    refused = outcome(pool, name, code)

    assert refused[:2] == ("UNAUTHORIZED", "The session has ended. Please log in.")
