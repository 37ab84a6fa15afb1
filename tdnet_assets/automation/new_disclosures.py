"""The sensor ``new_disclosures``: a look at today's first list page each minute, a run on change.

What belongs here: when to look, what is remembered from look to look, and how a failed look shows.
What does not: how a request is sent and kept polite (``resources/source/session.py``).

A look that failed must neither pass for "nothing new" nor lose what is remembered. Dagster drops
the cursor of a tick that raises, and keeps the one before. So the first failures are skips that
name the error and count it in the cursor; from FAILURES_BEFORE_THE_TICK_FAILS in a row on the tick
itself fails, red in the UI, while the cursor stays as it is: nothing in it is out of date, since
only a good look changes what it says of the page. Each failed look sends a heartbeat of 0.
"""

import asyncio
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta

import dagster as dg

from tdnet_assets.automation.day_runs import location_of, run_in_progress
from tdnet_assets.resources.aws.metrics import SENSOR_HEARTBEAT, MetricsResource
from tdnet_assets.resources.source.session import (
    SessionBusyError,
    TdnetResource,
    TransientSourceError,
)
from tdnet_assets.tdnet.errors import TdnetAssetsError, TdnetError
from tdnet_assets.tdnet.listing import TOKYO, page_name, parse_list_page

NAME = "new_disclosures"
OPENS = time(7)
"""Looks begin at this hour in Japan and end at midnight."""
# Also how often a heartbeat is sent: each PutMetricData call costs money.
LOOK_EVERY_SECONDS = 60
LOOK_TIMEOUT_SECONDS = 6
FAILURES_BEFORE_THE_TICK_FAILS = 3
# Before a backfill's next chunk of days, which can wait.
_PRIORITY = {"dagster/priority": "1"}


class LooksFailedError(TdnetAssetsError):
    """Look after look at TDnet has failed; the message says how often and why."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The cursor: today's first page at the last good look, and the failed looks since.

    ``validator`` is the Last-Modified to ask with; ``not_before`` (ISO 8601, JST) is when TDnet,
    by its Retry-After, may be asked again.
    """

    day: str
    validator: str | None = None
    total: int | None = None
    digest: str | None = None
    failures: int = 0
    error: str | None = None
    not_before: str | None = None

    @classmethod
    def from_cursor(cls, cursor: str | None, day: date) -> "Remembered":
        """What the cursor says of the day; of another day only the failures count."""
        if not cursor:
            return cls(str(day))
        known = cls(**json.loads(cursor))
        if known.day == str(day):
            return known
        return replace(known, day=str(day), validator=None, total=None, digest=None)

    def to_cursor(self) -> str:
        """The cursor's text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def failed(self, error: TdnetError, now: datetime) -> "Remembered":
        """The same after one more failed look."""
        wait = error.retry_after if isinstance(error, TransientSourceError) else None
        not_before = None if wait is None else (now + timedelta(seconds=wait)).isoformat()
        return replace(
            self, failures=self.failures + 1, error=str(error)[:500], not_before=not_before
        )


@dataclass(frozen=True, slots=True)
class Look:
    """What a tick found: what to remember, why it starts nothing or the run that it starts."""

    remembered: Remembered
    reason: str
    request: dg.RunRequest | None = None
    failing: bool = False


def look(
    instance: dg.DagsterInstance,
    tdnet: TdnetResource,
    cursor: str | None,
    now: datetime,
    location: str | None = None,
) -> Look:
    """At most one request: today's first page, if it has changed since the last good look.

    Args:
        instance: where runs in progress are found.
        tdnet: the site; its session is never waited for.
        cursor: of the last evaluation.
        now: the present, in Japan's time zone.
        location: the code location whose runs count; every one's when None.
    """
    day = now.date()
    known = Remembered.from_cursor(cursor, day)
    if now.time() < OPENS:
        return Look(known, f"TDnet is looked at from {OPENS:%H:%M} to midnight in Japan")
    if run := run_in_progress(instance, day, location):
        # The cursor stays, so that what is published meanwhile is a change when the run is over.
        return Look(known, f"run {run.run_id} of {day} is not over yet ({run.status.value})")
    if known.not_before and now < datetime.fromisoformat(known.not_before):
        return Look(known, f"not asked before {known.not_before}: {known.error}", failing=True)
    try:
        return asyncio.run(_ask(tdnet, known, day))
    except SessionBusyError as busy:
        return Look(known, str(busy))
    except TdnetError as error:
        failed = known.failed(error, now)
        return Look(failed, f"look failed, {failed.failures} in a row: {error}", failing=True)


async def _ask(tdnet: TdnetResource, known: Remembered, day: date) -> Look:
    answer = await tdnet.look(
        page_name(day, 1),
        if_modified_since=known.validator,
        timeout_seconds=LOOK_TIMEOUT_SECONDS,
    )
    good = replace(known, failures=0, error=None, not_before=None)
    if answer.content is None:
        return Look(good, f"not modified: 全{known.total}件")
    page = parse_list_page(answer.content, day=day, page=1)
    # Of the rows and the total, not of the bytes: what is around them is no reason for a run.
    digest = hashlib.sha256(repr(page).encode()).hexdigest()
    found = replace(good, validator=answer.last_modified, total=page.total, digest=digest)
    if digest == known.digest:
        return Look(found, f"nothing new: 全{page.total}件")
    if not page.total:
        return Look(found, f"no disclosures on {day} yet")
    request = dg.RunRequest(
        run_key=f"{day}:{page.total}:{digest[:12]}", partition_key=str(day), tags=_PRIORITY
    )
    return Look(found, f"全{page.total}件, before {known.total}", request)


def build_new_disclosures_sensor(daily: dg.AssetsDefinition) -> dg.SensorDefinition:
    """The sensor, starting runs of all daily assets of today; off until somebody turns it on."""

    @dg.sensor(
        name=NAME,
        description="Looks at today's first list page each minute from 07:00 to midnight in Japan, "
        "with one conditional request, and starts a run of today's partition when it has changed. "
        "Sends a heartbeat: 1 while its looks are good, 0 when one failed.",
        target=dg.AssetSelection.assets(*daily.keys),
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
    )
    def new_disclosures(
        context: dg.SensorEvaluationContext, tdnet: TdnetResource, metrics: MetricsResource
    ) -> dg.SensorResult:
        now = datetime.now(TOKYO)
        found = look(context.instance, tdnet, context.cursor, now, location_of(context))
        return report(context, found, metrics)

    return new_disclosures


def report(
    context: dg.SensorEvaluationContext, found: Look, metrics: MetricsResource
) -> dg.SensorResult:
    """Send the heartbeat, and make of a look what Dagster is to do and show.

    Raises:
        LooksFailedError: too many failed in a row; the cursor stays as the last evaluation left it.
    """
    delivery = metrics.in_a_hurry().publish({SENSOR_HEARTBEAT: 0 if found.failing else 1})
    reason = f"{found.reason}; {delivery.error}" if delivery.error else found.reason
    (context.log.error if found.failing or delivery.error else context.log.info)(reason)
    known = found.remembered
    if found.failing and known.failures >= FAILURES_BEFORE_THE_TICK_FAILS:
        raise LooksFailedError(reason)
    if found.request:
        return dg.SensorResult(run_requests=[found.request], cursor=known.to_cursor())
    return dg.SensorResult(skip_reason=reason, cursor=known.to_cursor())
