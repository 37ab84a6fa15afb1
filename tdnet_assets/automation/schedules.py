"""The schedules: the close of each day, the nightly re-read of the window, the yearly copies.

What belongs here: when, and over which days. What does not: what follows from a list that changed
(``reconciler.py``).

Why the re-read is a run: whether a list has changed is only known when every page has been asked
for, because a deletion on page 2 need not show on page 1. With If-Modified-Since an unchanged page
costs a 304 and nothing is stored, but 31 days of pages at one request a second take minutes: too
long for a tick, and they belong into the pool that keeps TDnet to one run.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import dagster as dg

from tdnet_assets.assets.histories import HISTORIES
from tdnet_assets.automation.jobs import Job
from tdnet_assets.config import LIVE_WINDOW_DAYS
from tdnet_assets.partitions import TIMEZONE, tags_for
from tdnet_assets.resources.day_states import window
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.tdnet.listing import TOKYO

DAY_CLOSE_CRON = ("35 23 * * *", "30 6 * * *")
WINDOW_REREAD_CRON = "0 2 * * *"
# After the re-read has begun. A copy that is old costs time, never rows: what it does not hold is
# read from the daily files.
YEARLY_COPIES_CRON = "30 2 * * *"

_NOON = time(12)


def build_schedules(collect_day: Job, collection: Job) -> list[dg.ScheduleDefinition]:
    """Every schedule; those that talk to TDnet are off until somebody turns them on."""

    @dg.schedule(
        name="day_close",
        description="Collects the day at 23:35 in Japan, when nearly all is published, and once "
        "more at 06:30 the next morning, when the day is over.",
        job=collect_day,
        cron_schedule=list(DAY_CLOSE_CRON),
        execution_timezone=TIMEZONE,
    )
    def day_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        at = _in_japan(context.scheduled_execution_time)
        return dg.RunRequest(run_key=f"{at:%Y-%m-%dT%H:%M}", partition_key=str(day_closed_at(at)))

    @dg.schedule(
        name="window_reread",
        description="Reads the lists of the whole window again each night: rows are deleted and "
        "retitled days later. What follows from a list that changed is for the sensor reconcile.",
        job=collection,
        cron_schedule=WINDOW_REREAD_CRON,
        execution_timezone=TIMEZONE,
    )
    def window_reread(
        context: dg.ScheduleEvaluationContext, tdnet: dg.ResourceParam[TdnetResource]
    ) -> dg.RunRequest:
        at = _in_japan(context.scheduled_execution_time)
        first, last = window(at.date(), tdnet.config)
        return dg.RunRequest(
            run_key=f"{at:%Y-%m-%dT%H:%M}",
            tags=tags_for(str(first), str(last)),
        )

    return [day_close, window_reread, yearly_copies]


@dg.schedule(
    cron_schedule=YEARLY_COPIES_CRON,
    execution_timezone=TIMEZONE,
    target=dg.AssetSelection.assets(*HISTORIES),
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Takes the days that changed into the yearly copies, each night at 02:30 in Tokyo.",
)
def yearly_copies(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """This year's copy, and in January the one of the year before."""
    at = _in_japan(context.scheduled_execution_time)
    for year in years_that_change(at.date()):
        yield dg.RunRequest(run_key=f"{year} at {at:%Y-%m-%d}", partition_key=year)


def years_that_change(today: date) -> list[str]:
    """The partition keys of the years that hold days which TDnet still lists."""
    return sorted({f"{today - timedelta(days=LIVE_WINDOW_DAYS):%Y}", f"{today:%Y}"})


def day_closed_at(at: datetime) -> date:
    """The day that a run of the close is about: before noon it is the one before."""
    return at.date() if at.time() >= _NOON else at.date() - timedelta(days=1)


def _in_japan(moment: datetime) -> datetime:
    return moment.astimezone(TOKYO)
