"""All that is known of a day: what is stored, what was tried, and what is going on.

What belongs here: bringing the three together for the sensors that judge days. What does not: the
judgement of what is stored (``tables/wholeness.py``), and what to do about it (``reconciler.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from tdnet_assets.automation.day_runs import RunInProgress, latest_materialization
from tdnet_assets.config import LIVE_WINDOW_DAYS, PlatformConfig
from tdnet_assets.resources.aws.executions import ExecutionRecord, ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.wholeness import DayState
from tdnet_assets.tdnet.listing import TOKYO

LISTING_PAGES = dg.AssetKey("listing_pages")
_TRIES_READ = 20


@dataclass(frozen=True, slots=True)
class DayFacts:
    """All that is known of a day: what is stored, what was tried, and what is going on.

    ``tries`` are newest first; ``listed_at`` (aware) is when its list was last read whole, and
    ``in_progress`` the kinds of work that a run is doing or queued for.
    """

    state: DayState
    tries: Sequence[ExecutionRecord] = ()
    listed_at: datetime | None = None
    in_progress: frozenset[str] = frozenset()
    can_be_had: bool = True

    @property
    def day(self) -> date:
        """The day."""
        return self.state.day


def facts_of_days(
    days: Iterable[date],
    *,
    instance: dg.DagsterInstance,
    lake: LakeResource,
    index: DisclosureIndexResource,
    executions: ExecutionsResource,
    runs: Sequence[RunInProgress],
    now: datetime,
) -> list[DayFacts]:
    """What is stored, recorded and going on of some days.

    Args:
        days: which.
        instance: knows when their lists were last read.
        lake: has their tables.
        index: has their items.
        executions: has the records of what was tried.
        runs: those that are going on.
        now: the present, aware.

    Raises:
        LakeError: S3 refused or failed; nothing is guessed.
    """
    return [_facts_of(day, instance, lake, index, executions, runs, now) for day in days]


def _facts_of(  # noqa: PLR0917 - the parameters of the only caller
    day: date,
    instance: dg.DagsterInstance,
    lake: LakeResource,
    index: DisclosureIndexResource,
    executions: ExecutionsResource,
    runs: Sequence[RunInProgress],
    now: datetime,
) -> DayFacts:
    listed = latest_materialization(instance, LISTING_PAGES, day)
    oldest = lake.config.oldest_listed_day(now.astimezone(TOKYO).date())
    tries = executions.by_partition(str(day), newest_first=True, limit=_TRIES_READ)
    return DayFacts(
        state=read_day_state(lake, index, day),
        tries=list(tries),
        listed_at=datetime.fromtimestamp(listed.timestamp, UTC) if listed else None,
        in_progress=frozenset(work for run in runs if run.covers(day) for work in run.works),
        can_be_had=oldest is None or day >= oldest,
    )


def window(today: date, oldest_listed: date | None) -> tuple[date, date]:
    """First and last day of TDnet's window, or of what the site lists if that is less."""
    first = today - timedelta(days=LIVE_WINDOW_DAYS - 1)
    return max(first, oldest_listed or first), today


def days_of_the_window(lake: LakeResource, config: PlatformConfig, now: datetime) -> list[date]:
    """Today and the days of TDnet's window before it, newest first, back to the lake's oldest day.

    Days before the oldest were never asked for: whether they are wanted is for a person to say.
    """
    today = now.astimezone(TOKYO).date()
    first, last = window(today, config.oldest_listed_day(today))
    first = max(first, CaptureStore(lake).oldest_day() or today)
    return [last - timedelta(days=back) for back in range((last - first).days + 1)]
