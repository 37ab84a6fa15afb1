"""Keeping the yearly copies current: one run a night, for the years whose days may have changed.

What belongs here: when the copies are brought up to date. What does not: how (``assets/history``).
A copy that is old costs time, never rows: what it does not hold is read from the daily files.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from tdnet_assets.assets.disclosure_history import disclosure_history
from tdnet_assets.partitions import TIMEZONE
from tdnet_assets.tdnet.listing import TOKYO

# TDnet lists a day for a month, so until the end of January last year's days may still change.
WINDOW = timedelta(days=31)


@dg.schedule(
    cron_schedule="30 2 * * *",
    execution_timezone=TIMEZONE,
    target=[disclosure_history],
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Takes the days that changed into the yearly copies, each night at 02:30 in Tokyo.",
)
def disclosure_history_schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """This year's copy, and in January the one of the year before."""
    now = context.scheduled_execution_time.astimezone(TOKYO)
    for year in years_that_change(now):
        yield dg.RunRequest(run_key=f"{year} at {now:%Y-%m-%d}", partition_key=year)


def years_that_change(now: datetime) -> list[str]:
    """The partition keys of the years that hold days which TDnet still lists."""
    return sorted({f"{now - WINDOW:%Y}", f"{now:%Y}"})


HISTORY_SCHEDULES = [disclosure_history_schedule]
