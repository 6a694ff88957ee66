"""One CloudFormation stack, changed through change sets."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.deploy.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
#: A stack that was never created successfully; it can only be deleted.
_UNBORN = {"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED"}
_BEGIN_SECONDS = 30.0
_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "+", "Dynamic": "~"}


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """Where CloudFormation reads a template from: the request itself, or the artifacts bucket."""

    body: str | None = None
    url: str | None = None

    def arguments(self) -> dict[str, str]:
        """The arguments of an API call."""
        return {"TemplateURL": self.url} if self.url is not None else {"TemplateBody": self.body or ""}


class Stack:
    """A stack by name, whether it exists or not."""

    def __init__(
        self, client: CloudFormationClient, name: str, say: Callable[[str], None] = print, interval: float = 2.0
    ) -> None:
        self._client = client
        self._say = say
        self._interval = interval
        self.name = name

    def status(self) -> str | None:
        """The stack's status; None when it does not exist."""
        description = self._describe()
        return None if description is None else str(description["StackStatus"])

    def outputs(self) -> dict[str, str]:
        """The stack's outputs; none when it does not exist."""
        description = self._describe() or {}
        return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}

    def resources(self, kind: str) -> list[str]:
        """The physical ids of the stack's resources of one type; none when it does not exist."""
        if self._describe() is None:
            return []
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [
            one["PhysicalResourceId"]
            for page in pages
            for one in page["StackResourceSummaries"]
            if one["ResourceType"] == kind and one["ResourceStatus"] != "DELETE_COMPLETE"
        ]

    def deploy(self, template: TemplateSource, parameters: Mapping[str, str], tags: Mapping[str, str]) -> bool:
        """Create or update the stack; False when there was nothing to change.

        Prints what will change, then every resource as it changes. Raises DeploymentError with the first resource that
        failed and its reason.
        """
        exists = self._prepare()
        change_set = f"deploy-{time.time_ns()}"
        try:
            self._client.create_change_set(
                StackName=self.name,
                ChangeSetName=change_set,
                ChangeSetType="UPDATE" if exists else "CREATE",
                Capabilities=["CAPABILITY_IAM"],
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                **template.arguments(),  # type: ignore[arg-type]  # two of the many optional arguments
            )
        except ClientError as error:
            raise DeploymentError(f"{self.name}: CloudFormation refuses the template: {error}") from error
        if not self._await_change_set(change_set):
            self._client.delete_change_set(StackName=self.name, ChangeSetName=change_set)
            self._say(f"{self.name}: no changes")
            return False
        self._print_changes(change_set)
        seen = self._event_ids()
        self._client.execute_change_set(StackName=self.name, ChangeSetName=change_set)
        self._await_stack(seen, good={"CREATE_COMPLETE", "UPDATE_COMPLETE"})
        return True

    def delete(self) -> None:
        """Delete the stack, if it exists, and wait until it is gone."""
        description = self._describe()
        if description is None:
            return
        self._say(f"{self.name}: deleting")
        stack_id = str(description["StackId"])  # a deleted stack is found by its id only
        seen = self._event_ids()
        self._client.delete_stack(StackName=self.name)
        self._await_stack(seen, good={"DELETE_COMPLETE"}, stack_id=stack_id)

    def _describe(self, name: str | None = None) -> dict[str, Any] | None:
        try:
            stacks = self._client.describe_stacks(StackName=name or self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return dict(stacks[0])

    def _prepare(self) -> bool:
        """Make the stack ready for a change set: True to update it, False to create it."""
        status = self.status()
        if status is None:
            return False
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            raise DeploymentError(f"{self.name} is {status}: somebody else is deploying. Try again when that is done.")
        if status in _UNBORN:
            self._say(f"{self.name}: removing the remains of a failed creation ({status})")
            self.delete()
            return False
        return True

    def _await_change_set(self, name: str) -> bool:
        while True:
            answer = self._client.describe_change_set(StackName=self.name, ChangeSetName=name)
            status, reason = answer["Status"], answer.get("StatusReason", "")
            if status == "CREATE_COMPLETE":
                return True
            if status == "FAILED":
                if any(sign in reason for sign in _NO_CHANGES):
                    return False
                raise DeploymentError(f"{self.name}: CloudFormation refuses the template: {reason}")
            time.sleep(self._interval)

    def _print_changes(self, name: str) -> None:
        pages = self._client.get_paginator("describe_change_set").paginate(StackName=self.name, ChangeSetName=name)
        for page in pages:
            for change in page["Changes"]:
                resource = change.get("ResourceChange", {})
                action = resource.get("Action", "Modify")
                note = ", is replaced" if resource.get("Replacement") == "True" else ""
                self._say(
                    f"{self.name}: {_SIGNS.get(action, '?')} {action.lower():6} "
                    f"{resource.get('LogicalResourceId')} ({resource.get('ResourceType')}{note})"
                )

    def _event_ids(self) -> set[str]:
        return {event["EventId"] for event in self._events(self.name)}

    def _events(self, stack: str) -> list[Any]:
        try:
            return list(reversed(self._client.describe_stack_events(StackName=stack)["StackEvents"]))
        except ClientError as error:
            if "does not exist" in str(error):
                return []
            raise

    def _await_stack(self, seen: set[str], *, good: set[str], stack_id: str | None = None) -> None:
        started = time.monotonic()
        failure: str | None = None
        has_begun = False
        stack = stack_id or self.name
        while True:
            description = self._describe(stack)
            for event in self._events(stack):
                if event["EventId"] in seen:
                    continue
                seen.add(event["EventId"])
                has_begun = True
                status, reason = event.get("ResourceStatus", ""), event.get("ResourceStatusReason", "")
                if status.endswith("_FAILED") and failure is None and "cancelled" not in reason.lower():
                    failure = f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): {reason}"
                if not status.endswith("IN_PROGRESS"):
                    self._say(f"{self.name}: {status.lower():16} {event.get('LogicalResourceId')}")
            status = "DELETE_COMPLETE" if description is None else str(description["StackStatus"])
            # For a moment after the request, the stack may still show how the last change ended.
            has_begun = has_begun or time.monotonic() - started > _BEGIN_SECONDS
            if not status.endswith("_IN_PROGRESS") and (has_begun or description is None):
                break
            time.sleep(self._interval)
        if status not in good:
            reason = failure or (description or {}).get("StackStatusReason", "no reason given")
            raise DeploymentError(f"{self.name} ended as {status}. It failed at {reason}")
        self._say(f"{self.name}: {status.lower()} in {time.monotonic() - started:.1f} s")
