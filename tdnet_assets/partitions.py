"""The one partition definition: a day of the Tokyo calendar, today included.

What belongs here: the days, and what a run's tags say of them and of what started the run;
Dagster's own tag names are spelled here once.

A disclosure belongs to the JST day whose list shows it. Days without disclosures (weekends,
holidays) are ordinary partitions with no rows, so there are no exclusions.
"""

from collections.abc import Mapping
from datetime import date

import dagster as dg

# Ten years: as far back as the exchange's own archive reaches, so that licensed history fits.
FIRST_DAY = "2016-01-01"
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

DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=TIMEZONE, end_offset=1)


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
