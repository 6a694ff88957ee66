"""The cloud that is deployed to: AWS with the developer's credentials, or the emulator with its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from infra.isolated_session import isolated_session

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

#: One function of `AfterDeployFunction` may take as long as a function may at all.
_CONFIG = Config(read_timeout=910, retries={"mode": "standard", "max_attempts": 5})
#: Buckets have no host names there, and no proxy leads to this machine.
_EMULATOR_CONFIG = Config(s3={"addressing_style": "path"}, proxies={})
#: Who deploys to the emulator: its account's root. Any other key is checked like a real one (AUTH=true).
EMULATOR_KEY = "test"
EMULATOR_SECRET = "test"  # noqa: S105 - fixed in the emulator, which listens on 127.0.0.1 only


class Cloud:
    """Clients of one region of AWS, or of the emulator."""

    def __init__(self, session: boto3.Session, endpoint: str | None = None) -> None:
        self._session = session
        self.endpoint = endpoint
        self.cloudformation: CloudFormationClient = self.client("cloudformation")
        self.s3: S3Client = self.client("s3")
        self.functions: LambdaClient = self.client("lambda")
        self.tables: DynamoDBClient = self.client("dynamodb")

    @classmethod
    def aws(cls, region: str) -> Cloud:
        """AWS, with whatever credentials the environment provides."""
        return cls(boto3.Session(region_name=region))

    @classmethod
    def emulator(cls, endpoint: str, region: str) -> Cloud:
        """The emulator, whatever the developer's environment says about AWS."""
        return cls(isolated_session(region, EMULATOR_KEY, EMULATOR_SECRET), endpoint)

    def client(self, service: str) -> Any:
        """A client of one AWS service."""
        config = _CONFIG.merge(_EMULATOR_CONFIG) if self.endpoint else _CONFIG
        client: Any = self._session.client
        return client(service, endpoint_url=self.endpoint, config=config)
