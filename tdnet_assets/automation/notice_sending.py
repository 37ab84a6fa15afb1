"""The sensor ``send_notices``: sends what watch-lists match while no session does.

What belongs here: when a pass is made, and when ``watch_notices`` of a day is to be made again
because notices have been sent since. What does not: what is due and how it is sent
(``resources/notices``), and failed runs, which are announced elsewhere (``notices.py``).
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from tdnet_assets.assets.watch_notices import NAME as WATCH_NOTICES
from tdnet_assets.assets.watch_notices import STANDING, standing
from tdnet_assets.automation.day_runs import location_of, runs_in_progress
from tdnet_assets.automation.jobs import Job
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.notices_table import SETTLED, NoticesResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.delivery import Delivery
from tdnet_assets.resources.notices.due_notices import DueNotices
from tdnet_assets.resources.notices.sender import NoticeSender, Pass
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.resources.notices.watched_day import read_watched_day
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.recipes import DERIVATION
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.watching.watch_list import WatchList

NAME = "send_notices"
SEND_EVERY_SECONDS = 60
PATIENCE_SECONDS = 25.0
"""Of a tick, which the daemon ends after a minute."""
_DAYS_BEHIND = 3
_UNSETTLED_EVERY = timedelta(minutes=15)

# By the table: what a sender remembers of claims and pauses lasts from tick to tick.
_senders: dict[tuple[str, str | None], NoticeSender] = {}


@dataclass(frozen=True, slots=True)
class Seen:
    """The cursor: the newest sign of a session's sender, and today's list as it was matched."""

    beat: str = ""
    matched: str = ""

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Seen":
        """What the cursor says; nothing where it cannot be read."""
        try:
            said = json.loads(cursor or "{}")
            return cls(str(said["beat"]), str(said["matched"]))
        except (ValueError, TypeError, KeyError):
            return cls()

    def to_cursor(self) -> str:
        """The cursor's text."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did: what to remember, and its passes; None where a session sends instead."""

    seen: Seen
    done: Pass | None = None


def tell(
    lake: LakeResource,
    watches: WatchList,
    sender: NoticeSender,
    cursor: str | None,
    clock: Callable[[], datetime],
) -> Tick:
    """Match today's rows and send what is due, unless a session has given a sign since.

    Args:
        lake: has the rows, and what a lost table is brought back from.
        watches: what is watched.
        sender: the same from tick to tick.
        cursor: of the last tick.
        clock: the present, aware.

    Raises:
        botocore.exceptions.ClientError: the table refuses, or ``BotoCoreError``.
        LakeError: the lake does not answer.
    """
    table = NoticesResource(config=lake.config)
    before, beat = Seen.from_cursor(cursor), table.last_beat()
    if beat and beat != before.beat:
        return Tick(Seen(beat, before.matched))
    matched = _match(lake, table, watches, before.matched, clock)
    return Tick(Seen(beat, matched), _passes(sender, watches))


def build_notice_sending(derivation: Job) -> dg.SensorDefinition:
    """The sensor, for the job that makes ``watch_notices`` again."""

    @dg.sensor(
        name=NAME,
        description="Sends what the watch-lists (TDNET_WATCHES) match, to SNS topics and webhooks, "
        "unless a session does; tries again for a day what was not taken. Asks for watch_notices "
        "when notices have been sent since it was made. Without a watch file it does nothing.",
        jobs=[derivation],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=SEND_EVERY_SECONDS,
    )
    def send_notices(
        context: dg.SensorEvaluationContext, lake: dg.ResourceParam[LakeResource]
    ) -> dg.SensorResult:
        watches = read_watch_list(lake.config)
        if not watches.watches:
            return dg.SensorResult(skip_reason="no watch file is configured (TDNET_WATCHES)")
        table = NoticesResource(config=lake.config)
        tick = tell(lake, watches, _sender(lake.config, table), context.cursor, _now)
        cursor, done = tick.seen.to_cursor(), tick.done
        if done is None:
            return dg.SensorResult(skip_reason="a session sends", cursor=cursor)
        requests = list(_outdated(context, lake, table, _now()))
        said = f"{done.messages} messages, {done.sent} notices sent, {done.put_off} put off"
        context.log.info(said)
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else said,
            cursor=cursor,
        )

    return send_notices


def _sender(config: PlatformConfig, table: NoticesResource) -> NoticeSender:
    key = (config.notices_table, config.endpoint_url("dynamodb"))
    if key not in _senders:
        _senders[key] = NoticeSender(table, Delivery(config))
    return _senders[key]


def _match(
    lake: LakeResource,
    table: NoticesResource,
    watches: WatchList,
    matched: str,
    clock: Callable[[], datetime],
) -> str:
    """Match today's rows if the list is another one; derivation, which comes later, has the rest.

    Returns:
        The mark of the list that is matched now.
    """
    today = clock().astimezone(TOKYO).date()
    due = DueNotices(table, lake, clock=clock)
    due.remember(watches)
    head = lake.table_head(DISCLOSURES_TABLE.name, today)
    mark = head.etag if head else ""
    if mark != matched and (day := read_watched_day(lake, today, texts=False)):
        due.add(today, day.subjects(), watches)
    return mark


def _now() -> datetime:
    return datetime.now(UTC)


def _passes(sender: NoticeSender, watches: WatchList) -> Pass:
    """Passes until nothing is left that may be sent now, or the tick's time is over."""
    ends = time.monotonic() + PATIENCE_SECONDS
    done = Pass()
    while (left := ends - time.monotonic()) > 0:
        last = sender.send_due(watches, seconds=left)
        done += last
        if not last.messages:
            break
    return done


def _outdated(
    context: dg.SensorEvaluationContext, lake: LakeResource, table: NoticesResource, now: datetime
) -> Iterable[dg.RunRequest]:
    """Runs for the days whose notices are others, or further, than ``watch_notices`` says."""
    today = now.astimezone(TOKYO).date()
    runs = runs_in_progress(context.instance, location_of(context))
    for day in (today - timedelta(days=back) for back in range(_DAYS_BEHIND)):
        notices = table.of_day(day)
        head = lake.table_head(WATCH_NOTICES, day)
        if not notices or head is None or head.metadata.get(STANDING) == standing(notices):
            continue
        settled = all(one.state in SETTLED for one in notices)
        is_due = settled or now - head.last_modified >= _UNSETTLED_EVERY
        if is_due and not any(run.covers(day) and DERIVATION in run.works for run in runs):
            yield dg.RunRequest(
                job_name=DERIVATION,
                partition_key=str(day),
                asset_selection=[dg.AssetKey(WATCH_NOTICES)],
                tags={"tdnet/reason": "notices were sent since"},
            )
