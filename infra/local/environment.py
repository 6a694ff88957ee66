"""The local environment: the emulator, Redis and a simulated Paddle, with the stage `local` deployed to them.

`make run` and the tests use the same class: there is no second way to run KV Storage locally.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from infra.deploy.cloud import Cloud
from infra.deploy.deployment import Deployment
from infra.deploy.stage import LOCAL, Stage
from infra.local.emulator import REGION, Emulator
from infra.local.ports import free_port
from infra.local.redis_server import RedisServer, find_redis
from infra.packaging.architecture import Architecture
from infra.paddle_simulator import keys, prices
from infra.paddle_simulator.api import PaddleApi
from infra.paddle_simulator.subscription_store import SubscriptionStore
from infra.repository import PLATFORM_STACKS, Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

#: The HTTP API's id is pinned by a tag, so the local URL is the same after every run.
API_ID = f"kv-{LOCAL}"


class LocalEnvironment:
    """An emulator, a Redis and a simulated Paddle with a state folder of their own.

    As a context manager it starts on entering and stops on leaving. Without explicit ports it takes free ones, so any
    number of environments can run side by side.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        persist: bool = False,
        port: int | None = None,
        redis_port: int | None = None,
        repository: Repository | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self._repository = repository or Repository.here()
        self._say = say
        tools = self._repository.root / ".venv-emulator"
        self.state_dir = state_dir.resolve()
        self.emulator = Emulator(self.state_dir, port or free_port(), tools / "bin" / "ministack", persist=persist)
        self.redis = RedisServer(
            self.state_dir / "redis", redis_port or free_port(), find_redis(tools), persist=persist
        )
        self.paddle_shelf = SubscriptionStore(self.state_dir / "paddle")
        self.paddle = PaddleApi(self.paddle_shelf)

    @property
    def aws_endpoint(self) -> str:
        """The endpoint of every AWS service."""
        return self.emulator.endpoint

    @property
    def redis_url(self) -> str:
        """Where Redis listens."""
        return self.redis.url

    @property
    def base_url(self) -> str:
        """The HTTP API: append `/v1/…`."""
        return _base_url(self.aws_endpoint)

    def start(self) -> None:
        """Start all servers; when one fails, none is left behind."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        try:
            self.paddle.start()
            self.redis.start()
            self.emulator.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all servers, orderly."""
        self.emulator.stop()
        self.redis.stop()
        self.paddle.stop()

    def deploy(self, services: Iterable[str] | None = None) -> None:
        """Deploy the platform and the named services, or all of them."""
        deployment = self.deployment()
        for name in PLATFORM_STACKS:
            deployment.deploy_platform(name)
        wanted = None if services is None else set(services)
        for service in self._repository.services():
            if wanted is None or service.name in wanted:
                deployment.deploy_service(service)
        keys.prepare(self.aws_client("secretsmanager"), LOCAL)

    def deployment(self) -> Deployment:
        """A deployment of the stage `local` to this emulator."""
        return local_deployment(self._repository, self.aws_endpoint, self.redis_url, self.paddle.url, self._say)

    def aws_client(self, service: str) -> Any:
        """A boto3 client with every right, whatever the developer's environment says about AWS."""
        return Cloud.emulator(self.aws_endpoint, REGION).client(service)

    @property
    def localstack_host(self) -> str:
        """The emulator's host and port, as LOCALSTACK_HOST has them."""
        return self.aws_endpoint.removeprefix("http://")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _base_url(endpoint: str) -> str:
    return f"{endpoint}/_aws/execute-api/{API_ID}"


def local_deployment(
    repository: Repository, endpoint: str, redis_url: str, paddle_url: str, say: Callable[[str], None] = print
) -> Deployment:
    """A deployment of the stage `local` to a running emulator."""
    cloud = Cloud.emulator(endpoint, REGION)
    fixed = {
        "RedisUrl": redis_url,
        "AllowedOrigins": "http://localhost:5173,http://127.0.0.1:5173",
        "UserPoolDeletionProtection": "INACTIVE",
        # Developers see what they did within seconds; nobody pays for the extra events here.
        "FlushEverySeconds": "2",
        "DynamoDbClient": os.environ.get("DYNAMODB_CLIENT", "fast"),
        "MeterFlushDelaySeconds": "0",
        "KeyUseReportMinutes": "1",
        "StorageBatchSeconds": "0",
        "InFlightGraceSeconds": "1",
        "PaddlePrices": prices.parameter(),
        "PaddleApiUrl": paddle_url,
        "MailFrom": "no-reply@kv-storage.local",
        "CreateMailIdentity": "true",
        "ApiUrl": _base_url(endpoint),
        # A busy machine may take long from signing to the gateway; Paddle signs again each time it retries.
        "PaddleToleranceSeconds": "30",
    }
    stage = Stage(LOCAL, REGION, Architecture.of_host(), fixed, source="infra/local/environment.py")

    def computed() -> dict[str, str]:
        pool = deployment.stack("identity").outputs().get("UserPoolId")
        # Tokens name AWS as their issuer; their keys are found at the emulator.
        return {} if pool is None else {"JwksUrl": f"{endpoint}/{pool}/.well-known/jwks.json"}

    deployment = Deployment(repository, stage, cloud, computed=computed, say=say)
    return deployment
