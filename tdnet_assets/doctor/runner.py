"""All checks, in the order of their lines, and making them.

What belongs here: which checks an environment gets, and what becomes of one that cannot be made.
What does not: any check, and how lines are shown (``command.py``).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from botocore.exceptions import ClientError

from tdnet_assets.doctor import (
    bucket,
    dagster_instance,
    data,
    dynamodb,
    identity,
    policies,
    source,
    watch,
)
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import (
    FAILED,
    Check,
    Finding,
    failed,
    warning,
)

# What only a stack makes.
STACK_CHECKS: Final = (
    *bucket.BUCKET_SETTINGS,
    *dynamodb.STACK_CHECKS,
    *policies.STACK_CHECKS,
    *watch.STACK_CHECKS,
)
CHECKS: Final = (
    *identity.CHECKS,
    bucket.EXISTENCE,
    *dynamodb.CHECKS,
    *STACK_CHECKS,
    watch.NOTICE_TOPIC,
    watch.WATCHES,
    *data.CHECKS,
    *source.CHECKS,
    *dagster_instance.CHECKS,
    # The last one, because it may have to wait for minutes.
    watch.METRICS,
)

_STACK: Final = "stack"
_DENIED: Final = ("AccessDenied", "UnauthorizedOperation", "AuthorizationError", "403")


def examine(examination: Examination, checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """Make the checks that the environment is to be asked for; a line each, as they come.

    A check that breaks is a failed line with its error, and one that needs a failed one is not
    made and says so; all others go on. The local environment has no stack: what only a stack makes
    is one warning there.
    """
    unmet: set[str] = set()
    for check in checks:
        if check in STACK_CHECKS and not examination.has_stack:
            continue
        for finding in _made(check, examination, unmet):
            if finding.status == FAILED:
                unmet.add(check.name)
            yield finding
    if not examination.has_stack:
        yield _without_stack()


def _made(check: Check, examination: Examination, unmet: set[str]) -> Iterator[Finding]:
    if lacking := [name for name in check.needs if name in unmet]:
        unmet.add(check.name)
        names = ", ".join(lacking)
        yield warning(check.name, f"not looked at, because of: {names}", f"mend {names} first")
        return
    try:
        yield from check.look(examination)
    except Exception as error:  # noqa: BLE001 - whatever breaks a check is what it has found
        yield _broken(check.name, error)


def _broken(name: str, error: Exception) -> Finding:
    # On one line: botocore's and SQLAlchemy's messages may have several.
    seen = f"could not be looked at: {type(error).__name__}: {' '.join(str(error).split())}"
    denied = isinstance(error, ClientError) and error.response["Error"]["Code"].startswith(_DENIED)
    return failed(
        name,
        seen[:1_000],
        "give whoever runs this the policy that `tdnet infra policy --for operator` prints"
        if denied
        else "see what the error names: endpoint, region, credentials, network, database",
    )


def _without_stack() -> Finding:
    names = ", ".join(check.name for check in STACK_CHECKS)
    return warning(
        _STACK,
        f"the local environment has none; not looked at: {names}",
        "nothing: for data that must last, deploy to an account with `tdnet infra deploy`",
    )
