"""Who asks AWS, where, and with which clock.

What belongs here: what every other call to AWS stands on.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import Check, Finding, failed, ok, warning

IDENTITY: Final = "identity"
_CLOCK: Final = "clock"

# The Date header has whole seconds, and an answer takes its time.
CLOCK_TOLERANCE: Final = timedelta(seconds=5)
# The times in tables and records are then off by as much; AWS itself refuses signatures from five
# minutes on.
CLOCK_LIMIT: Final = timedelta(seconds=30)


def identity(examination: Examination) -> Iterator[Finding]:
    """The caller's ARN, the account and the region."""
    config = examination.config
    caller = examination.caller
    where = f" at {endpoint}" if (endpoint := config.endpoint_url("sts")) else ""
    yield ok(IDENTITY, f"{caller['Arn']}, account {caller['Account']}, {config.aws_region}{where}")


def clock(examination: Examination) -> Iterator[Finding]:
    """This machine's clock against the Date of an answer of AWS."""
    asked = examination.clock()
    answer = _answer(examination)
    halfway = asked + (examination.clock() - asked) / 2
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if not date:
        yield warning(_CLOCK, "AWS's answer has no Date", "compare the clock by other means")
        return
    skew = halfway - _moment(date)
    seconds = skew.total_seconds()
    if abs(skew) <= CLOCK_TOLERANCE:
        yield ok(_CLOCK, f"agrees with AWS within {CLOCK_TOLERANCE.total_seconds():g} s")
        return
    seen = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} AWS"
    advice = (
        "set this machine's clock with NTP: signatures are refused from 300 s on, and the times in "
        "records and tables are wrong before"
    )
    yield (failed if abs(skew) > CLOCK_LIMIT else warning)(_CLOCK, seen, advice)


def _answer(examination: Examination) -> dict[str, Any]:
    """Any answer will do, a refusal for a skewed clock too."""
    try:
        answer: dict[str, Any] = examination.client("sts").get_caller_identity()
    except ClientError as refusal:
        return dict(refusal.response)
    return answer


def _moment(date: str) -> datetime:
    moment = parsedate_to_datetime(date)
    # On average an answer was given in the middle of the second that it names.
    return moment.astimezone(UTC) + timedelta(seconds=0.5)


CHECKS: Final = (Check(IDENTITY, identity), Check(_CLOCK, clock))
