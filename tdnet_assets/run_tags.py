"""What a Dagster run's tags say: its partitions, and what started it.

What belongs here: Dagster's own tag names, spelled once. What does not: the partitions themselves
(``partitions.py``).
"""

from collections.abc import Mapping

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"

_TRIGGERS = {
    "dagster/backfill": "backfill",
    "dagster/sensor_name": "sensor",
    "dagster/schedule_name": "schedule",
}


def for_partitions(first: str, last: str) -> dict[str, str]:
    """The tags of a run over the partitions from ``first`` to ``last``, both included."""
    return {PARTITION: first} if first == last else {RANGE_START: first, RANGE_END: last}


def partitions(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """First and last partition key of a run; None for a run without partitions."""
    if PARTITION in tags:
        return tags[PARTITION], tags[PARTITION]
    if RANGE_START in tags and RANGE_END in tags:
        return tags[RANGE_START], tags[RANGE_END]
    return None


def trigger(tags: Mapping[str, str]) -> str:
    """What started the run: manual, backfill, sensor or schedule."""
    return next((name for tag, name in _TRIGGERS.items() if tag in tags), "manual")
