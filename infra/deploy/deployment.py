"""A deployment: the stacks of one stage in one cloud, in the order in which they need each other."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from infra.deploy import buckets
from infra.deploy.artifacts import Artifacts
from infra.deploy.errors import DeploymentError
from infra.deploy.stack import Stack, TemplateSource
from infra.packaging import build_cache
from infra.repository import FIRST_SERVICES, PLATFORM_STACKS, Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.deploy.cloud import Cloud
    from infra.deploy.stage import Stage
    from infra.packaging.package import Package
    from infra.repository import Service

#: A template's output of this name holds a function that is to run once after every deployment of its stack.
AFTER_DEPLOY = "AfterDeployFunction"


#: In the shape EventBridge gives its events: Chalice's scheduled functions take no other.
_AFTER_DEPLOY_EVENT = json.dumps(
    {
        "version": "0",
        "id": "after-deploy",
        "source": "kv.deploy",
        "detail-type": "After Deployment",
        "account": "",
        "region": "",
        "time": "1970-01-01T00:00:00Z",
        "resources": [],
        "detail": {},
    }
).encode()


class Deployment:
    """Deploys stacks of one stage. `computed` gives parameter values that are only known once others are deployed."""

    def __init__(
        self,
        repository: Repository,
        stage: Stage,
        cloud: Cloud,
        *,
        computed: Callable[[], dict[str, str]] = dict,
        say: Callable[[str], None] = print,
    ) -> None:
        self.cloud = cloud
        self._repository = repository
        self._stage = stage
        self._computed = computed
        self._say = say

    def stack(self, name: str) -> Stack:
        """A stack of the stage, by its short name."""
        # The emulator answers at once; in AWS a change takes minutes and every question counts against a rate limit.
        interval = 0.05 if self.cloud.endpoint else 2.0
        return Stack(self.cloud.cloudformation, self._stage.stack(name), self._say, interval)

    def deploy_platform(self, name: str) -> None:
        """Deploy one platform stack."""
        path = self._repository.platform_template(name)
        self._deploy(name, TemplateSource(body=path.read_text()), json.loads(path.read_text()))

    def deploy_service(self, service: Service) -> Package:
        """Package a service, upload it and deploy its stack."""
        self._require_foundations(service)
        package = build_cache.build(self._repository, service, self._stage.architecture, self._say)
        artifacts = self._artifacts()
        artifacts.upload(package.code, package.code_key)
        source = artifacts.upload_template(package.template, service.name)
        self._deploy(service.name, source, json.loads(package.template.read_text()))
        self._run_after_deploy(service.name)
        return package

    def deploy_all(self) -> None:
        """Deploy everything: the platform first, then the services."""
        for name in PLATFORM_STACKS:
            self.deploy_platform(name)
        for service in self._repository.services():
            self.deploy_service(service)

    def destroy(self) -> None:
        """Delete every stack of the stage, services first, with all data."""
        services = [service.name for service in reversed(self._repository.services())]
        stacks = [self.stack(name) for name in (*services, *reversed(PLATFORM_STACKS))]
        for stack in stacks:
            self._require_unprotected(stack)
        for stack in stacks:
            for bucket in stack.resources("AWS::S3::Bucket"):
                buckets.empty(self.cloud.s3, bucket)
            stack.delete()

    def _require_unprotected(self, stack: Stack) -> None:
        """Raise DeploymentError where a table may not be deleted: what goes before it would be gone for nothing."""
        for table in stack.resources("AWS::DynamoDB::Table"):
            if self.cloud.tables.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"):
                raise DeploymentError(
                    f"{stack.name}: the table {table} is protected against deletion. "
                    "Switch that off first, if it is to go with all data. Nothing was deleted."
                )

    def _artifacts(self) -> Artifacts:
        return Artifacts(self.cloud.s3, self.stack("artifacts").outputs()["ArtifactsBucket"])

    def _require_foundations(self, service: Service) -> None:
        needed = [("platform", name) for name in PLATFORM_STACKS]
        earlier = {other.name for other in self._repository.services()} & set(FIRST_SERVICES) - {service.name}
        needed += [(name, name) for name in sorted(earlier)]
        for target, name in needed:
            status = self.stack(name).status()
            if status is None or not status.endswith("_COMPLETE") or status in {"ROLLBACK_COMPLETE", "DELETE_COMPLETE"}:
                raise DeploymentError(
                    f"{service.name} needs the stack {self._stage.stack(name)}, which is not there. "
                    f"Run this first: make deploy SERVICE={target} STAGE={self._stage.name}"
                )

    def _deploy(self, name: str, source: TemplateSource, template: dict[str, object]) -> None:
        stage = dataclasses.replace(self._stage, parameters={**self._stage.parameters, **self._computed()})
        stack = self.stack(name)
        stack.deploy(
            source, stage.parameters_of(template, stack.name), {"kv:stage": self._stage.name, "kv:stack": name}
        )
        for key, value in sorted(stack.outputs().items()):
            self._say(f"{stack.name}: {key} = {value}")

    def _run_after_deploy(self, name: str) -> None:
        function = self.stack(name).outputs().get(AFTER_DEPLOY)
        if function is None:
            return
        self._say(f"{self._stage.stack(name)}: running {function} once")
        answer = self.cloud.functions.invoke(FunctionName=function, Payload=_AFTER_DEPLOY_EVENT)
        payload = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise DeploymentError(f"{function} failed after the deployment of {self._stage.stack(name)}: {payload}")
