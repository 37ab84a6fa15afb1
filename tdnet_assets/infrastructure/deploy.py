"""Deploying the template: a change set, its execution, and what CloudFormation says meanwhile.

What belongs here: creating and updating the stack. What does not: what is in it (``template.py``).

It can be repeated: a stack that is as the configuration says is left alone. Data that outlived an
earlier stack is taken into the new one, because the change set imports what already has its name.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from tdnet_assets.config import ConfigurationError, PlatformConfig
from tdnet_assets.infrastructure import names
from tdnet_assets.infrastructure.template import body
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, sha256
from tdnet_assets.tdnet.errors import TdnetAssetsError

Show = Callable[[str], object]

POLL_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 1_800.0

# The managed policies, which have no names of their own.
_CAPABILITIES: Final = ("CAPABILITY_IAM",)
_NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")
_SUCCEEDED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
# A stack in one of these was never made, or cannot be updated any more.
_NOT_YET: Final = "REVIEW_IN_PROGRESS"
_BROKEN: Final = (
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_FAILED",
)


class DeploymentError(TdnetAssetsError):
    """The stack is not as the configuration says; the message has CloudFormation's reasons."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What became of a deployment: whether anything changed, and the stack's outputs by name."""

    changed: bool
    outputs: Mapping[str, str]


def deploy(config: PlatformConfig, show: Show, *, poll_seconds: float = POLL_SECONDS) -> Deployment:
    """Make the stack as the configuration says, and wait until it is.

    Args:
        config: of any environment whose AWS is not the embedded one.
        show: gets a line for each change and each event.
        poll_seconds: pause between two looks.

    Raises:
        ConfigurationError: the environment's AWS is the embedded one, which needs no stack.
        DeploymentError: CloudFormation refused or failed, or the stack is in no state for it.
        LakeError: the template could not be put into the bucket.
        botocore.exceptions.ClientError: AWS refused a call.
    """
    if config.uses_embedded_aws:
        raise ConfigurationError(
            "the local environment makes what it needs in the embedded AWS by itself: set "
            "TDNET_ENVIRONMENT to dev or prod, and credentials, to deploy to an account"
        )
    return _Stack(config, show, poll_seconds).deploy()


class _Stack:
    """The configuration's stack, and one attempt to bring it up to date."""

    def __init__(self, config: PlatformConfig, show: Show, poll_seconds: float) -> None:
        self.config = config
        self.name = names.stack(config)
        self.show = show
        self.poll_seconds = poll_seconds
        self.client = clients.client(config, "cloudformation")

    def deploy(self) -> Deployment:
        stack = self._described()
        status = stack["StackStatus"] if stack else _NOT_YET
        self._require_ready(status)
        if status == _NOT_YET:
            self._apply("CREATE", {"TemplateBody": body(self.config, catalogue=False)})
        changed = self._apply("UPDATE", self._whole())
        if not changed:
            self.show(f"{self.name}: no changes")
        return Deployment(changed or status == _NOT_YET, self._outputs())

    def _apply(self, kind: str, source: Mapping[str, str]) -> bool:
        """Make the stack as the template in the source says; False if it is already."""
        change_set = self._prepared(kind, source)
        if change_set is None:
            return False
        seen = set() if kind == "CREATE" else {event["EventId"] for event in self._events()}
        self.client.execute_change_set(StackName=self.name, ChangeSetName=change_set)
        self._follow(seen)
        return True

    def _whole(self) -> dict[str, str]:
        """The whole template, put into the bucket once for each of its versions."""
        content = body(self.config).encode()
        lake = LakeResource(config=self.config)
        key = layout.template_key(sha256(content))
        lake.put_new(key, content, content_type="application/json", metadata={})
        endpoint = clients.client(self.config, "s3").meta.endpoint_url
        return {"TemplateURL": f"{endpoint}/{self.config.bucket}/{lake.object_key(key)}"}

    def _require_ready(self, status: str) -> None:
        if status in _BROKEN:
            raise DeploymentError(
                f"stack {self.name} is {status} and takes no update: read its events, delete the "
                "stack (bucket and tables are kept), then deploy again"
            )
        if status.endswith("_IN_PROGRESS") and status != _NOT_YET:
            raise DeploymentError(f"stack {self.name} is {status}: wait until it is done")

    def _prepared(self, kind: str, source: Mapping[str, str]) -> str | None:
        """The ARN of a change set that is ready; None when there is nothing to change."""
        name = f"deploy-{uuid.uuid4().hex[:12]}"
        arn: str = self.client.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType=kind,
            **source,
            Capabilities=list(_CAPABILITIES),
            ImportExistingResources=True,
        )["Id"]
        described = self._await_change_set(arn)
        if described["Status"] == "FAILED":
            self.client.delete_change_set(ChangeSetName=arn)
            reason = described.get("StatusReason", "no reason given")
            if any(text in reason for text in _NO_CHANGES):
                return None
            raise DeploymentError(f"stack {self.name}: no change set could be made: {reason}")
        for change in self._changes(arn):
            self.show(
                f"{change['Action']:<8} {change['ResourceType']:<26} {change['LogicalResourceId']}"
            )
        return arn

    def _await_change_set(self, arn: str) -> dict[str, Any]:
        for _ in self._looks("the change set is not ready"):
            described: dict[str, Any] = self.client.describe_change_set(ChangeSetName=arn)
            if not described["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
                return described
        raise AssertionError("the looks end with an error")

    def _changes(self, arn: str) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("describe_change_set").paginate(ChangeSetName=arn)
        for page in pages:
            for change in page["Changes"]:
                yield change["ResourceChange"]

    def _follow(self, seen: set[str]) -> None:
        """Show what happens until the stack has come to rest."""
        failures: list[str] = []
        for _ in self._looks("the stack is still being changed"):
            stack = self._described()  # before the events: what is done has all of them
            for event in self._new_events(seen):
                line = _line(event)
                self.show(line)
                if event["ResourceStatus"].endswith("_FAILED"):
                    failures.append(line)
            status = stack["StackStatus"] if stack else "gone"
            if not status.endswith("_IN_PROGRESS"):
                break
        if status not in _SUCCEEDED:
            failures += self._validation_failures()
            reasons = "\n".join(f"  {line}" for line in failures) or "  no event says why"
            raise DeploymentError(
                f"stack {self.name} is {status}:\n{reasons}\nMend the cause and deploy again; a "
                "stack in ROLLBACK_COMPLETE must be deleted first (bucket and tables are kept)"
            )

    def _validation_failures(self) -> list[str]:
        """What the latest operation refused before it began; the stack's events only count it."""
        pages = self.client.get_paginator("describe_events").paginate(StackName=self.name)
        events = [event for page in pages for event in page["OperationEvents"]]
        latest = max(events, key=lambda event: event["Timestamp"])["OperationId"] if events else ""
        return [
            f"{event['LogicalResourceId']}: {event['ValidationStatusReason']}"
            for event in events
            if event["OperationId"] == latest and event.get("ValidationStatus") == "FAILED"
        ]

    def _new_events(self, seen: set[str]) -> list[dict[str, Any]]:
        """Events not shown yet, oldest first."""
        fresh = [event for event in self._events() if event["EventId"] not in seen]
        seen.update(event["EventId"] for event in fresh)
        return fresh[::-1]

    def _events(self) -> Iterator[dict[str, Any]]:
        """Events of the stack, newest first."""
        for page in self.client.get_paginator("describe_stack_events").paginate(
            StackName=self.name
        ):
            yield from page["StackEvents"]

    def _described(self) -> dict[str, Any] | None:
        """The stack, or None when there is none."""
        try:
            stacks = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            # CloudFormation has no code of its own for a stack that is not there.
            if "does not exist" in error.response["Error"].get("Message", ""):
                return None
            raise
        found: dict[str, Any] = stacks[0]
        return found

    def _outputs(self) -> dict[str, str]:
        stack = self._described() or {}
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}

    def _looks(self, overdue: str) -> Iterator[None]:
        """One turn now and one after each pause.

        Raises:
            DeploymentError: it has taken longer than anyone should wait.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            yield
            if time.monotonic() > deadline:
                raise DeploymentError(
                    f"stack {self.name}: {overdue} after {PATIENCE_SECONDS:g} s; look at its "
                    "events in the AWS console"
                )
            time.sleep(self.poll_seconds)


def _line(event: Mapping[str, Any]) -> str:
    reason = event.get("ResourceStatusReason", "")
    line = f"{event['ResourceStatus']:<20} {event['ResourceType']:<26} {event['LogicalResourceId']}"
    return f"{line}: {reason}" if reason else line
