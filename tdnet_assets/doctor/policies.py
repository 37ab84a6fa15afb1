"""The deployed run policy against the one that the configuration makes.

What belongs here: whether a run is allowed what it does, under the configured names. What does not:
what that is (``infrastructure/policy.py``).

The probe metric says what the doctor's own caller may do; the runs' role is another one.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import (
    Check,
    Finding,
    failed,
    listed,
    ok,
    warning,
)
from tdnet_assets.doctor.identity import IDENTITY
from tdnet_assets.infrastructure import names
from tdnet_assets.infrastructure.policy import run_policy
from tdnet_assets.infrastructure.template import RUN_POLICY_OUTPUT

_POLICY: Final = "run policy"
_DEPLOY: Final = "`tdnet infra deploy`"


def policy(examination: Examination) -> Iterator[Finding]:
    """The stack's run policy is the configuration's, and some role has it."""
    config = examination.config
    stack = names.stack(config)
    arn = _policy_arn(examination, stack)
    if arn is None:
        yield failed(_POLICY, f"there is no stack {stack} that has one", f"{_DEPLOY} makes it")
        return
    iam = examination.client("iam")
    described = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=described["DefaultVersionId"])
    found = _statements(_document(version["PolicyVersion"]["Document"]))
    wanted = _statements(run_policy(config, examination.account))
    if problems := list(_differences(found, wanted)):
        yield failed(_POLICY, f"{arn}: {listed(problems)}", _DEPLOY)
    elif not described.get("AttachmentCount"):
        yield warning(
            _POLICY, f"{arn} is attached to nobody", "attach it to the role that runs Dagster"
        )
    else:
        yield ok(_POLICY, f"{arn} allows what a run does, in {config.metrics_namespace!r}")


def _policy_arn(examination: Examination, stack: str) -> str | None:
    try:
        stacks = examination.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        # CloudFormation has no code of its own for a stack that is not there.
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    outputs: dict[str, str] = {
        output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", ())
    }
    return outputs.get(RUN_POLICY_OUTPUT)


def _document(document: Any) -> dict[str, Any]:
    # boto3 decodes it; what speaks another protocol may hand over the text.
    loaded: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
    return loaded


def _statements(policy_document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    statements = policy_document["Statement"]
    # Written by another hand, it may be a single one, and need not have a name.
    every = [statements] if isinstance(statements, dict) else statements
    return {statement.get("Sid", "an unnamed statement"): statement for statement in every}


def _differences(
    found: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]]
) -> Iterator[str]:
    for sid, statement in wanted.items():
        if sid not in found:
            yield f"{sid} is missing"
            continue
        for part, value in statement.items():
            if _canonical(found[sid].get(part)) != _canonical(value):
                yield f"{part} of {sid} is {found[sid].get(part)}, should be {value}"
    yield from (f"{sid} is not ours" for sid in found if sid not in wanted)


def _canonical(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


STACK_CHECKS: Final = (Check(_POLICY, policy, needs=(IDENTITY,)),)
