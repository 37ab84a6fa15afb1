"""The page of how the archive is: freshness, days that are not whole, what comes next, and runs.

What belongs here: what can be told of that without Dagster, from what is stored and from the
records of runs. What does not: the judgement (``tables/wholeness.py``) and the plan
(``automation/day_plan.py``).
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from tdnet_assets.automation.day_plan import DayFacts, Plan, plan
from tdnet_assets.automation.due_days import Freshness, freshness
from tdnet_assets.automation.pauses import tries_of
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.reading_room import ReadingRoom
from tdnet_assets.reader.responses import Answer, Asking, Prepared
from tdnet_assets.reader.window_days import Window
from tdnet_assets.resources.aws.executions import COMPLETED, STATUSES, ExecutionRecord
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION
from tdnet_assets.tdnet.listing import TOKYO

RUNS_SHOWN: Final = 25
_READ: Final = 100
_KEPT_SECONDS: Final = 10
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Records:
    """The newest records of runs, newest first; ``problem`` says why there are none to be had."""

    newest: Sequence[ExecutionRecord] = ()
    problem: bool = False


def status(asking: Asking) -> Prepared:
    """How the archive is."""
    asking.query([])
    room = asking.reader
    window = room.window.now(wait_seconds=3)
    records = room.library.kept(
        ("records",),
        str(int(time.monotonic() / _KEPT_SECONDS)),
        lambda: _records(room),
        lambda _: 400_000,
    )
    now = datetime.now(UTC)
    facts = facts_of(window, records.newest, room, now)
    known = freshness(facts, now) if facts and not window.is_empty else None
    planned = plan(facts, now)

    def make() -> Answer:
        return html_page(
            asking,
            "status.html",
            window=window,
            freshness=known,
            planned=planned.outlooks,
            not_whole=[one for one in window.days if one.mark in ("not_whole", "not_yet")],
            records=records.newest[:RUNS_SHOWN],
            problem=records.problem,
        )

    return Prepared(_version(window, records, known, planned), make)


def facts_of(
    window: Window, records: Sequence[ExecutionRecord], room: ReadingRoom, now: datetime
) -> list[DayFacts]:
    """What is known of the days without Dagster: what is stored, and what runs have recorded.

    A list counts as read when its newest capture was begun, or a later run that completed.
    """
    oldest = room.library.config.oldest_listed_day(now.astimezone(TOKYO).date())
    found = []
    for day, state in window.states.items():
        own = [one for one in records if covers(one, day)]
        listing = state.origins.get("listing_pages")
        read = [one.started_at for one in tries_of(own, COLLECTION) if one.status == COMPLETED]
        if listing and listing.stored_at:
            read.append(listing.stored_at)
        going = [one for one in own if not one.is_final]
        found.append(
            DayFacts(
                state=state,
                tries=own,
                listed_at=max(read, default=None),
                in_progress=frozenset(
                    work for work in (COLLECTION, DERIVATION) if tries_of(going, work)
                ),
                can_be_had=oldest is None or day >= oldest,
            )
        )
    return found


def covers(record: ExecutionRecord, day: date) -> bool:
    """Whether a day is one of the run's."""
    return (record.partition_start or "~") <= str(day) <= (record.partition_end or "")


def _records(room: ReadingRoom) -> Records:
    def of_status(name: str) -> list[ExecutionRecord]:
        return room.executions.by_status(name, limit=_READ)

    try:
        with ThreadPoolExecutor(len(STATUSES)) as pool:
            found = [record for some in pool.map(of_status, STATUSES) for record in some]
    except (BotoCoreError, ClientError):
        _LOGGER.exception("the records of runs cannot be read")
        return Records(problem=True)
    return Records(sorted(found, key=lambda one: one.started_at, reverse=True))


def _version(window: Window, records: Records, known: Freshness | None, planned: Plan) -> str:
    said = [window.version, str(known), str(planned.reasons), str(records.problem)]
    said += [f"{one.execution_id} {one.updated_at} {one.status}" for one in records.newest]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:24]
