"""The partitions: a day of the Tokyo calendar, today included, and for copies a year.

What belongs here: the days and years, and what a run's tags say of them and of what started the
run; Dagster's own tag names are spelled here once.

A disclosure belongs to the JST day whose list shows it. Days without disclosures (weekends,
holidays) are ordinary partitions with no rows, so there are no exclusions.
"""

from collections.abc import Mapping
from datetime import date

import dagster as dg

# Ten years: as far back as the exchange's own archive reaches, so that licensed history fits.
FIRST_DAY = "2016-01-01"
"""The earliest day that there can be; an archive's own is ``first_day`` of its configuration."""
TIMEZONE = "Asia/Tokyo"
# One run holds at most a month: the window of TDnet, and what one failed run can cost.
DAYS_PER_RUN = 31

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"

_TRIGGERS = {
    "dagster/backfill": "backfill",
    "dagster/sensor_name": "sensor",
    "dagster/schedule_name": "schedule",
}


def days_from(first_day: str) -> dg.DailyPartitionsDefinition:
    """The days from the first one, YYYY-MM-DD, to today; from the earliest when it is empty."""
    return dg.DailyPartitionsDefinition(first_day or FIRST_DAY, timezone=TIMEZONE, end_offset=1)


def years_from(first_day: str) -> dg.TimeWindowPartitionsDefinition:
    """The years of these days, this one included, whose days are taken over as they come."""
    return dg.TimeWindowPartitionsDefinition(
        start=(first_day or FIRST_DAY)[:4],
        fmt="%Y",
        cron_schedule="0 0 1 1 *",
        timezone=TIMEZONE,
        end_offset=1,
    )


DAYS = days_from(FIRST_DAY)
"""All days that there can be: those of an archive are some of them."""


def day_of(partition_key: str) -> date:
    """The day that a partition key names."""
    return date.fromisoformat(partition_key)


def tags_for(first: str, last: str) -> dict[str, str]:
    """The tags of a run over the partitions from ``first`` to ``last``, both included."""
    return {PARTITION: first} if first == last else {RANGE_START: first, RANGE_END: last}


def partitions_of(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """First and last partition key of a run; None for a run without partitions."""
    if PARTITION in tags:
        return tags[PARTITION], tags[PARTITION]
    if RANGE_START in tags and RANGE_END in tags:
        return tags[RANGE_START], tags[RANGE_END]
    return None


def trigger_of(tags: Mapping[str, str]) -> str:
    """What started the run: manual, backfill, sensor or schedule."""
    return next((name for tag, name in _TRIGGERS.items() if tag in tags), "manual")
