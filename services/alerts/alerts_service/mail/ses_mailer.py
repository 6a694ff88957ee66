"""Where mails go: SES."""

from __future__ import annotations

from email.utils import formataddr
from typing import TYPE_CHECKING

from alerts_service.mail.sender import NotSent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sesv2 import SESV2Client

    from alerts_service.mail.composition import Mail

_SENDER = "KV Storage"


class SesMailer:
    """Hands mails to SES, under a configuration set whose events report delivery."""

    def __init__(self, client: SESV2Client, mail_from: str, configuration_set: str) -> None:
        self._client = client
        self._from = formataddr((_SENDER, mail_from))
        self._configuration_set = configuration_set

    def post(self, mail: Mail, *, to: str, unsubscribe: str, tags: Mapping[str, str]) -> str:
        """Return the id under which SES has taken the mail; NotSent with the reason when it has not, or may not have.

        `tags` come back in the events about the mail: nobody has to keep SES's ids.
        """
        from botocore.exceptions import ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as BotoConnectionError

        try:
            answer = self._client.send_email(
                FromEmailAddress=self._from,
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {
                        "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": mail.text, "Charset": "UTF-8"},
                            "Html": {"Data": mail.html, "Charset": "UTF-8"},
                        },
                        # One click in the mail program, without a visit: RFC 8058.
                        "Headers": [
                            {"Name": "List-Unsubscribe", "Value": f"<{unsubscribe}>"},
                            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                        ],
                    }
                },
                ConfigurationSetName=self._configuration_set,
                EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
            )
        except ClientError as error:
            # The code alone: SES's message may quote the address.
            raise NotSent(error.response["Error"]["Code"]) from error
        except (BotoConnectionError, HTTPClientError) as error:
            raise NotSent(type(error).__name__) from error
        return answer["MessageId"]


def ses() -> SESV2Client:
    """Return a client that tries once: it cannot know whether SES has taken what it sent, and the queue tries again."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "sesv2", config=Config(connect_timeout=1, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1})
    )
