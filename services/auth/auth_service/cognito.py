"""Cognito, as far as the product uses it: its calls, and its refusals in our own words.

Responses must not reveal whether an e-mail address has an account. Cognito helps with `PreventUserExistenceErrors`; the
rest is here: every refusal that only an existing or only a missing account would get is made the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kv_common.errors import AppError, Forbidden, RateLimited, Unauthorized, Unavailable, field_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_TRY_LATER = frozenset({"InternalErrorException", "CodeDeliveryFailureException"})
_TOO_MANY = frozenset(
    {"LimitExceededException", "TooManyFailedAttemptsException", "TooManyRequestsException", "ThrottlingException"}
)
# Also the limits of attempts: only existing accounts reach them, which a response of its own would reveal.
_WRONG_CODE = frozenset(
    {
        "AliasExistsException",
        "CodeMismatchException",
        "ExpiredCodeException",
        "InvalidParameterException",
        "LimitExceededException",
        "NotAuthorizedException",
        "TooManyFailedAttemptsException",
        "UserNotFoundException",
    }
)
_SESSION_OVER = frozenset(
    {
        "InvalidParameterException",
        "NotAuthorizedException",
        "PasswordResetRequiredException",
        "UserNotConfirmedException",
        "UserNotFoundException",
    }
)
_NOTHING_TO_SEND = frozenset(
    {"InvalidParameterException", "NotAuthorizedException", "UserNotConfirmedException", "UserNotFoundException"}
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A session's tokens; the refresh token is None where Cognito keeps the old one. `expires_in` is in seconds."""

    access_token: str
    refresh_token: str | None
    expires_in: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A user in Cognito; `id` is the `sub`, a UUID.

    `username` is the same, but for who signed in through another provider.
    """

    id: str
    username: str
    email: str
    email_verified: bool


def client() -> CognitoIdentityProviderClient:
    """Return a client of Cognito; region, credentials and endpoint come from the environment."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "cognito-idp",
        config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}),
    )


class Cognito:
    """The user pool, through one of its clients; every method may raise Unavailable or RateLimited."""

    def __init__(self, client: CognitoIdentityProviderClient, client_id: str) -> None:
        self._client = client
        self._client_id = client_id

    def sign_up(self, email: str, password: str) -> None:
        """Start an account and mail its code; the same for an address that has an account already."""
        _call(
            self._client.sign_up,
            {
                "UsernameExistsException": None,
                "InvalidPasswordException": _weak_password(),
                "InvalidParameterException": _unusable(),
            },
            ClientId=self._client_id,
            Username=email,
            Password=password,
            UserAttributes=[{"Name": "email", "Value": email}],
        )

    def confirm(self, email: str, code: str) -> None:
        """Prove the address with the code that was mailed; ValidationError when it is not right."""
        _call(
            self._client.confirm_sign_up,
            dict.fromkeys(_WRONG_CODE, _wrong_code()),
            ClientId=self._client_id,
            Username=email,
            ConfirmationCode=code,
        )

    def resend(self, email: str) -> None:
        """Mail the code once more, if there is an account that waits for it."""
        _call(
            self._client.resend_confirmation_code,
            # Only existing accounts reach a limit, which a response of its own would reveal.
            dict.fromkeys((*_NOTHING_TO_SEND, "LimitExceededException")),
            ClientId=self._client_id,
            Username=email,
        )

    def log_in(self, email: str, password: str) -> Tokens:
        """Start a session; Unauthorized when address or password is wrong, Forbidden when a step is missing."""
        wrong = Unauthorized("The e-mail address or the password is wrong.")
        response = _call(
            self._client.initiate_auth,
            {
                **dict.fromkeys(
                    ("InvalidParameterException", "NotAuthorizedException", "UserNotFoundException"), wrong
                ),
                "UserNotConfirmedException": _step_missing(
                    "The e-mail address is not confirmed.", "email_not_confirmed"
                ),
                "PasswordResetRequiredException": _step_missing("Reset the password first.", "password_reset_required"),
            },
            ClientId=self._client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        if "AuthenticationResult" not in response:
            raise _step_missing("This account needs a further step to log in.", "challenge")
        return _tokens(response["AuthenticationResult"])

    def refresh(self, refresh_token: str) -> Tokens:
        """Go on with a session; Unauthorized when it has ended."""
        response = _call(
            self._client.initiate_auth,
            dict.fromkeys(_SESSION_OVER, _ended()),
            ClientId=self._client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": refresh_token},
        )
        return _tokens(response["AuthenticationResult"])

    def log_out(self, refresh_token: str) -> None:
        """End a session; the same when it has ended already."""
        _call(
            self._client.revoke_token,
            dict.fromkeys(("InvalidParameterException", "NotAuthorizedException", "UnauthorizedException")),
            ClientId=self._client_id,
            Token=refresh_token,
        )

    def forgot_password(self, email: str) -> None:
        """Mail a code to reset the password, if there is an account."""
        _call(
            self._client.forgot_password,
            # Only existing accounts reach a limit, which a response of its own would reveal.
            dict.fromkeys((*_NOTHING_TO_SEND, "LimitExceededException")),
            ClientId=self._client_id,
            Username=email,
        )

    def reset_password(self, email: str, code: str, password: str) -> None:
        """Set a new password with the code that was mailed; ValidationError when it is not right."""
        _call(
            self._client.confirm_forgot_password,
            {**dict.fromkeys(_WRONG_CODE, _wrong_code()), "InvalidPasswordException": _weak_password()},
            ClientId=self._client_id,
            Username=email,
            ConfirmationCode=code,
            Password=password,
        )

    def profile(self, access_token: str) -> Profile:
        """Return the user of a verified access token; Unauthorized when its session was ended since."""
        response = _call(
            self._client.get_user,
            dict.fromkeys(_SESSION_OVER, _ended()),
            AccessToken=access_token,
        )
        attributes = {attribute["Name"]: attribute.get("Value", "") for attribute in response["UserAttributes"]}
        return Profile(
            id=attributes["sub"],
            username=response["Username"],
            email=attributes.get("email", ""),
            email_verified=attributes.get("email_verified") == "true",
        )


def _call(method: Callable[..., Any], refusals: Mapping[str, AppError | None], **parameters: object) -> Any:
    """Return the response of a call; a refusal in `refusals` becomes its error, or None where it is ignored."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as BotoConnectionError

    try:
        return method(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in refusals:
            refusal = refusals[code]
            if refusal is None:
                return None
            raise refusal from error
        if code in _TOO_MANY:
            raise RateLimited("Too many attempts. Please wait.", headers={"Retry-After": "60"}) from error
        if code in _TRY_LATER:
            raise Unavailable from error
        raise
    except (BotoConnectionError, HTTPClientError) as error:
        raise Unavailable from error


def _tokens(result: Mapping[str, Any]) -> Tokens:
    return Tokens(result["AccessToken"], result.get("RefreshToken"), int(result["ExpiresIn"]))


def _wrong_code() -> AppError:
    return field_error("code", "wrong_code", "The code is wrong or has expired.")


def _weak_password() -> AppError:
    return field_error("password", "invalid_format", "The password does not meet the rules for passwords.")


def _unusable() -> AppError:
    return field_error(
        "password", "invalid_format", "The e-mail address or the password has characters that cannot be used."
    )


def _step_missing(message: str, reason: str) -> AppError:
    return Forbidden(message, details={"reason": reason})


def _ended() -> AppError:
    return Unauthorized("The session has ended. Please log in.")
