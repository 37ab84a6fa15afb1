"""The sensor ``changed_lists``: after a re-read of lists, a run for each day that changed.

What belongs here: which days changed. What does not: the re-read itself (``schedules.py``).

A day has changed when the data version of its list is not the one that its ``disclosures`` were
made from. Only runs that carry FOLLOW_CHANGES_TAG are followed: every other run that reads a list
makes what follows itself. The runs that are started here ask TDnet for new files only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from tdnet_assets.automation.day_runs import (
    data_version,
    latest_materialization,
    location_of,
    made_from,
    run_in_progress,
)
from tdnet_assets.automation.schedules import FOLLOW_CHANGES_TAG, LISTING_PAGES_KEY
from tdnet_assets.partitions import day_of

DISCLOSURES_KEY = dg.AssetKey("disclosures")
# Without a cursor: far enough back for the last night's re-read, not for years of events.
FIRST_LOOK_BACK = timedelta(days=2)
EVENTS_A_TICK = 500


@dataclass(frozen=True, slots=True)
class ChangedList:
    """A day whose ``disclosures`` were not made from its list, and the event of reading that."""

    day: date
    read_by: int

    @property
    def run_key(self) -> str:
        """Of the reading, not of what was read.

        A day whose run failed, or whose list is again as it once was, has its turn each night.
        """
        return f"{self.day}:{self.read_by}"


@dataclass(frozen=True, slots=True)
class Followed:
    """What a tick found; ``waiting`` says why it did not read further."""

    changed: list[ChangedList]
    unchanged: int
    cursor: str | None
    waiting: str | None


def follow(
    instance: dg.DagsterInstance, cursor: str | None, now: datetime, location: str | None = None
) -> Followed:
    """The changed days among the lists that were read since the cursor.

    Args:
        instance: where the events are.
        cursor: storage id of the last event that was dealt with.
        now: the present, aware; counts only without a cursor.
        location: the code location whose runs count; every one's when None.
    """
    changed: dict[date, ChangedList] = {}
    unchanged = 0
    for event in _lists_read(instance, cursor, now):
        run = instance.get_run_by_id(event.run_id)
        day = _day(event)
        if run is not None and FOLLOW_CHANGES_TAG in run.tags and day is not None:
            busy = run if not run.is_finished else run_in_progress(instance, day, location)
            if busy is not None:
                waiting = f"run {busy.run_id} of {day} is not over yet"
                return Followed(list(changed.values()), unchanged, cursor, waiting)
            if _has_changed(instance, day):
                changed[day] = ChangedList(day, event.storage_id)
            else:
                unchanged += 1
        cursor = str(event.storage_id)
    return Followed(list(changed.values()), unchanged, cursor, None)


def _lists_read(
    instance: dg.DagsterInstance, cursor: str | None, now: datetime
) -> Iterator[dg.EventLogRecord]:
    """Materializations of lists behind the cursor, oldest first."""
    back = (now.astimezone(UTC) - FIRST_LOOK_BACK).timestamp()
    wanted = dg.AssetRecordsFilter(
        LISTING_PAGES_KEY,
        after_storage_id=int(cursor) if cursor else None,
        after_timestamp=None if cursor else back,
    )
    yield from instance.fetch_materializations(wanted, EVENTS_A_TICK, ascending=True).records


def _day(event: dg.EventLogRecord) -> date | None:
    made = event.asset_materialization
    return day_of(made.partition) if made and made.partition else None


def _has_changed(instance: dg.DagsterInstance, day: date) -> bool:
    listed = latest_materialization(instance, LISTING_PAGES_KEY, day)
    made = latest_materialization(instance, DISCLOSURES_KEY, day)
    version = data_version(listed) if listed else None
    return version is not None and not (made and made_from(made, LISTING_PAGES_KEY) == version)


def build_changed_lists_sensor(daily: dg.AssetsDefinition) -> dg.SensorDefinition:
    """The sensor; on by default, since it has nothing to do until the re-read is turned on."""
    following = sorted(daily.keys - {LISTING_PAGES_KEY})

    @dg.sensor(
        name="changed_lists",
        description="After the nightly re-read of the window: a run of everything that follows "
        "from the list, for each day whose list has changed, and for no other.",
        target=dg.AssetSelection.assets(*following),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def changed_lists(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        found = follow(context.instance, context.cursor, now, location_of(context))
        if found.changed:
            return dg.SensorResult(
                run_requests=[
                    dg.RunRequest(run_key=one.run_key, partition_key=str(one.day))
                    for one in found.changed
                ],
                cursor=found.cursor,
            )
        nothing = f"{found.unchanged} lists read again, none has changed"
        return dg.SensorResult(skip_reason=found.waiting or nothing, cursor=found.cursor)

    return changed_lists
