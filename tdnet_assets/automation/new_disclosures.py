"""The sensor ``new_disclosures``: a look at today's first list page each minute, a run on change.

What belongs here: when to look, and how a failed look shows. What does not: how a request is sent
and kept polite (``resources/source/session.py``), and what is missing of what was seen before
(``reconciler.py``).

What a look compares is the site and the lake: the page is asked for with the condition that the
newest whole capture came with, and is new as long as the newest capture does not show it. Nothing
else is remembered of a page, so a run that failed, was cancelled or was killed costs no
publication; runs that fail for one and the same page come with growing pauses (``pauses.py``).

A look that failed must not pass for "nothing new". Dagster drops the cursor of a tick that raises,
and keeps the one before. So the first failures are skips that name the error and count it in the
cursor; from FAILURES_BEFORE_THE_TICK_FAILS in a row on the tick itself fails, red in the UI. Each
good look sends a heartbeat of 1, each failed one of 0, and a tick that makes no look sends none:
the heartbeat says that somebody looked. While a run collects, its looks are the looks, and it sends
the heartbeat (``assets/collection_session.py``); one that is queued or hangs sends none.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from tdnet_assets.assets.collection import NEWS_TAG
from tdnet_assets.automation.day_runs import location_of, run_in_progress
from tdnet_assets.automation.jobs import Job
from tdnet_assets.automation.pauses import PAUSES, asked_again_at
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.metrics import SENSOR_HEARTBEAT, MetricsResource
from tdnet_assets.resources.lake.captures import CaptureStore, SeenPage
from tdnet_assets.resources.lake.store import LakeError, LakeResource, sha256
from tdnet_assets.resources.source.answers import SessionBusyError, TransientSourceError
from tdnet_assets.resources.source.polite_http import system_now
from tdnet_assets.resources.source.refusals import LONGEST_AWAY_SECONDS
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.resources.source.tdnet_source import OPENS, shows_the_same
from tdnet_assets.tables.recipes import COLLECTION
from tdnet_assets.tdnet.errors import TdnetAssetsError, TdnetError
from tdnet_assets.tdnet.listing import TOKYO, page_name, parse_list_page

NAME = "new_disclosures"
# Also how often a heartbeat is sent: each PutMetricData call costs money.
LOOK_EVERY_SECONDS = 60
LOOK_TIMEOUT_SECONDS = 6
FAILURES_BEFORE_THE_TICK_FAILS = 3
# Before a backfill's next chunk of days, which can wait.
_TAGS = {"dagster/priority": "1", NEWS_TAG: "true"}


class LooksFailedError(TdnetAssetsError):
    """Look after look at TDnet has failed; the message says how often and why."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The cursor: the failed looks since the last good one.

    ``not_before`` (ISO 8601, JST) is when TDnet, by its Retry-After, may be asked again; ``asked``
    is the digest of the page for which a run was last asked for; ``empty`` has the validator of a
    day's list that shows nothing yet, of which nothing is stored.
    """

    failures: int = 0
    error: str | None = None
    not_before: str | None = None
    asked: str | None = None
    empty: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Remembered":
        """What the cursor says; one that cannot be read, or is of another version, says nothing."""
        try:
            known = cls(**json.loads(cursor or "{}"))
            if known.not_before is not None and not datetime.fromisoformat(known.not_before).tzinfo:
                return cls()
            known.failures + 0
            dict(known.empty)
        except (ValueError, TypeError):
            return cls()
        return known

    def to_cursor(self) -> str:
        """The cursor's text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def failed(self, error: TdnetError, now: datetime) -> "Remembered":
        """The same after one more failed look."""
        wait = error.retry_after if isinstance(error, TransientSourceError) else None
        longest = LONGEST_AWAY_SECONDS
        not_before = (
            None if wait is None else (now + timedelta(seconds=min(wait, longest))).isoformat()
        )
        return Remembered(self.failures + 1, str(error)[:500], not_before, self.asked, self.empty)


@dataclass(frozen=True, slots=True)
class Look:
    """What a tick found: what to remember, why it starts nothing or the run that it starts.

    ``heartbeat`` is 1 for a good look, 0 for a failed one, None where none was made.
    """

    remembered: Remembered
    reason: str
    heartbeat: int | None
    request: dg.RunRequest | None = None


def look(  # noqa: PLR0917 - as the sensor gives them
    instance: dg.DagsterInstance,
    tdnet: TdnetResource,
    lake: LakeResource,
    executions: ExecutionsResource,
    cursor: str | None,
    now: datetime,
    location: str | None = None,
    clock: Callable[[], datetime] = system_now,
) -> Look:
    """At most one request: today's first page, if it is not the one in the lake.

    Args:
        instance: where runs in progress are found.
        tdnet: the site; its session is never waited for.
        lake: has the newest capture of today.
        executions: has the records of what was tried in vain.
        cursor: of the last evaluation.
        now: the present, in Japan's time zone.
        location: the code location whose runs count; every one's when None.
        clock: by which the site is left in peace for a while.
    """
    day = now.date()
    known = Remembered.from_cursor(cursor)
    if now.time() < OPENS:
        return Look(known, f"TDnet is looked at from {OPENS:%H:%M} to midnight in Japan", 1)
    if run := run_in_progress(instance, day, location):
        return Look(known, f"run {run.run_id} of {day} is not over yet ({run.status.value})", None)
    if known.not_before and now < datetime.fromisoformat(known.not_before):
        return Look(known, f"not asked before {known.not_before}: {known.error}", None)
    try:
        return asyncio.run(_ask(tdnet, CaptureStore(lake), executions, known, now, clock))
    except SessionBusyError as busy:
        return Look(known, str(busy), None)
    except TdnetError as error:
        failed = known.failed(error, now)
        return Look(failed, f"look failed, {failed.failures} in a row: {error}", 0)


async def _ask(  # noqa: PLR0917 - as look has them
    tdnet: TdnetResource,
    store: CaptureStore,
    executions: ExecutionsResource,
    known: Remembered,
    now: datetime,
    clock: Callable[[], datetime],
) -> Look:
    day = now.date()
    stored = store.latest(day)
    page = stored.page(1) if stored else None
    is_whole = stored is not None and stored.complete and page is not None and page.is_whole
    empty = known.empty.get(str(day)) if stored is None else None
    answer = await tdnet.look(
        page_name(day, 1),
        if_modified_since=page.last_modified if page and is_whole else empty,
        timeout_seconds=LOOK_TIMEOUT_SECONDS,
        now=clock,
    )
    good = Remembered()
    nothing_yet = f"no disclosures on {day} yet"
    if answer.content is None and empty:
        return Look(Remembered(empty=known.empty), nothing_yet, 1)
    if answer.content is None:
        return Look(good, f"not modified: 全{page.total if page else 0}件", 1)
    seen = parse_list_page(answer.content, day=day, page=1)
    if page and shows_the_same(store, page, answer.content, day):
        return Look(good, f"nothing new: 全{seen.total}件", 1)
    if not seen.total:
        validator = answer.last_modified
        remembered = Remembered(empty={str(day): validator} if validator else {})
        return Look(remembered, nothing_yet, 1)
    news = f"全{seen.total}件, in the lake {page.total if page else 0}"
    digest = sha256(answer.content)
    good = Remembered(asked=digest)
    if digest == known.asked:
        tries = executions.by_partition(str(day), limit=len(PAUSES))
        not_before = asked_again_at(tries, COLLECTION, None)
        if not_before > now:
            again = f"{not_before.astimezone(TOKYO):%H:%M}"
            return Look(good, f"{news}; the runs for it failed, the next is at {again}", 1)
    elif answer.last_modified and not (seen.rejects or seen.missing):
        try:
            store.put_seen(day, SeenPage(answer.content, answer.last_modified), clock())
        except LakeError as error:
            news += f"; not kept for the run, which asks for the page again: {error}"
    return Look(good, news, 1, dg.RunRequest(partition_key=str(day), tags=_TAGS))


def build_new_disclosures_sensor(
    collect_day: Job,
) -> dg.SensorDefinition:
    """The sensor, starting runs of all that belongs to today; off until somebody turns it on."""

    @dg.sensor(
        name=NAME,
        description="Looks at today's first list page each minute from 07:00 to midnight in Japan, "
        "with one conditional request, and starts a run of today's partition when it has changed. "
        "Sends a heartbeat with each look: 1 for a good one, 0 for one that failed.",
        job=collect_day,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
    )
    def new_disclosures(
        context: dg.SensorEvaluationContext,
        tdnet: dg.ResourceParam[TdnetResource],
        lake: dg.ResourceParam[LakeResource],
        executions: dg.ResourceParam[ExecutionsResource],
        metrics: dg.ResourceParam[MetricsResource],
    ) -> dg.SensorResult:
        now = datetime.now(TOKYO)
        location = location_of(context)
        found = look(context.instance, tdnet, lake, executions, context.cursor, now, location)
        return report(context, found, metrics)

    return new_disclosures


def report(
    context: dg.SensorEvaluationContext, found: Look, metrics: MetricsResource
) -> dg.SensorResult:
    """Send the heartbeat, and make of a look what Dagster is to do and show.

    Raises:
        LooksFailedError: too many failed in a row; the cursor stays as the last evaluation left it.
    """
    failing = found.heartbeat == 0
    error = None
    if found.heartbeat is not None:
        error = metrics.in_a_hurry().publish({SENSOR_HEARTBEAT: found.heartbeat}).error
    reason = f"{found.reason}; {error}" if error else found.reason
    (context.log.error if failing or error else context.log.info)(reason)
    known = found.remembered
    if failing and known.failures >= FAILURES_BEFORE_THE_TICK_FAILS:
        raise LooksFailedError(reason)
    if found.request:
        return dg.SensorResult(run_requests=[found.request], cursor=known.to_cursor())
    return dg.SensorResult(skip_reason=reason, cursor=known.to_cursor())
