"""alerts_service.mail.ses_mailer, compared with the model of SES."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from alerts_service.mail.composition import Mail
from alerts_service.mail.sender import NotSent
from alerts_service.mail.ses_mailer import SesMailer

MAIL = Mail("Subject", "text", "<p>html</p>")
LINK = "https://api.example.com/v1/alerts/unsubscribe?token=t"


@pytest.fixture
def client() -> Any:
    return boto3.client("sesv2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def post(client: Any) -> str:
    box = SesMailer(client, "no-reply@example.com", "kv-dev-alerts")
    return box.post(MAIL, to="ada@example.com", unsubscribe=LINK, tags={"account": "a-1", "alert": "alert_1"})


def test_mail_has_both_bodies_one_click_unsubscribe_and_tags(client: Any) -> None:
    with Stubber(client) as ses:
        ses.add_response(
            "send_email",
            {"MessageId": "ses-1"},
            {
                "FromEmailAddress": "KV Storage <no-reply@example.com>",
                "Destination": {"ToAddresses": ["ada@example.com"]},
                "ConfigurationSetName": "kv-dev-alerts",
                "EmailTags": [{"Name": "account", "Value": "a-1"}, {"Name": "alert", "Value": "alert_1"}],
                "Content": {
                    "Simple": {
                        "Subject": {"Data": "Subject", "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": "text", "Charset": "UTF-8"},
                            "Html": {"Data": "<p>html</p>", "Charset": "UTF-8"},
                        },
                        "Headers": [
                            {"Name": "List-Unsubscribe", "Value": f"<{LINK}>"},
                            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                        ],
                    }
                },
            },
        )
        assert post(client) == "ses-1"
        ses.assert_no_pending_responses()


@pytest.mark.parametrize(
    "code",
    ["TooManyRequestsException", "MessageRejected", "SendingPausedException", "MailFromDomainNotVerifiedException"],
)
def test_rejection_is_reported_by_code_without_message(client: Any, code: str) -> None:
    with Stubber(client) as ses:
        ses.add_client_error("send_email", code, "ada@example.com is not verified", expected_params=None)
        with pytest.raises(NotSent) as refusal:
            post(client)

    assert str(refusal.value) == code


def test_missing_response_is_reported_as_not_sent() -> None:
    class Silent:
        def send_email(self, **_: Any) -> None:
            raise ConnectTimeoutError(endpoint_url="https://email")

    with pytest.raises(NotSent, match="ConnectTimeoutError"):
        post(Silent())
