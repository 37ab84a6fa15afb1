"""All that is known of a day: what is stored, what was tried, and what is going on.

What belongs here: bringing the three together for the sensors that judge days. What does not: the
judgement of what is stored (``tables/wholeness.py``), and what to do about it (``reconciler.py``).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import dagster as dg

from tdnet_assets.automation.day_plan import DayFacts
from tdnet_assets.automation.day_runs import RunOverDays, latest_materialization
from tdnet_assets.resources.aws.executions import ExecutionRecord, ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_states
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tdnet.listing import TOKYO

LISTING_PAGES = dg.AssetKey("listing_pages")
_TRIES_READ = 20


def facts_of_days(
    days: Iterable[date],
    *,
    instance: dg.DagsterInstance,
    lake: LakeResource,
    index: DisclosureIndexResource,
    now: datetime,
    executions: ExecutionsResource | None = None,
    runs: Sequence[RunOverDays] = (),
) -> list[DayFacts]:
    """What is stored, recorded and going on of some days.

    Args:
        days: which.
        instance: knows when their lists were last read.
        lake: has their tables.
        index: has their items.
        now: the present, aware.
        executions: has the records of what was tried; without it nothing is known of that.
        runs: those that are going on.

    Raises:
        LakeError: S3 refused or failed; nothing is guessed.
    """
    wanted = list(days)
    oldest = lake.config.oldest_listed_day(now.astimezone(TOKYO).date())
    tries = _tries(wanted, executions) if executions else {}
    found = []
    for day, state in read_day_states(lake, index, wanted).items():
        listed = latest_materialization(instance, LISTING_PAGES, day)
        works = (work for run in runs if run.covers(day) for work in run.works)
        found.append(
            DayFacts(
                state=state,
                tries=tries.get(day, ()),
                listed_at=datetime.fromtimestamp(listed.timestamp, UTC) if listed else None,
                in_progress=frozenset(works),
                can_be_had=oldest is None or day >= oldest,
            )
        )
    return found


def _tries(
    days: Sequence[date], executions: ExecutionsResource
) -> dict[date, list[ExecutionRecord]]:
    """The newest records of each day: of its own runs, and of ranges that begin on one of them."""
    records = {
        record.execution_id: record
        for day in days
        for record in executions.by_partition(str(day), limit=_TRIES_READ)
    }
    newest_first = sorted(records.values(), key=lambda record: record.started_at, reverse=True)
    return {
        day: [
            record
            for record in newest_first
            if (record.partition_start or "") <= str(day) <= (record.partition_end or "")
        ]
        for day in days
    }
