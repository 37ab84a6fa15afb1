"""The runs of a Dagster instance as they end, for who watches them in a terminal.

What belongs here: which runs have ended since the last look. What does not: how a run is shown
(``cli/up.py``).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.assets.job.asset_job import is_reserved_asset_job_name

from tdnet_assets.partitions import partitions_of

_PAUSE_SECONDS = 2.0
# A run is written once more a moment after its end; older ones were told long ago.
_LOOK_BACK = timedelta(minutes=5)
_ENDED = {
    dg.DagsterRunStatus.SUCCESS: "completed",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "canceled",
}


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that has ended: first and last day if it has any, how, and after how many seconds."""

    id: str
    days: tuple[str, str] | None
    job: str
    status: str
    seconds: float


class FinishedRuns:
    """Tells each run once that ends after this was made; ``instance`` stays the caller's."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._since = datetime.now(UTC)
        self._told: set[str] = set()
        self._looked_at = time.monotonic()

    def new(self) -> Iterator[FinishedRun]:
        """Those that have ended since the last look, the earliest first; it looks now and then."""
        if time.monotonic() - self._looked_at < _PAUSE_SECONDS:
            return
        self._looked_at = time.monotonic()
        after = max(self._since, datetime.now(UTC) - _LOOK_BACK)
        wanted = dg.RunsFilter(statuses=list(_ENDED), updated_after=after)
        records = self._instance.get_run_records(wanted)
        for record in sorted(records, key=lambda record: record.end_time or 0):
            run = record.dagster_run
            ended = record.end_time or record.update_timestamp.timestamp()
            if run.run_id in self._told or ended < self._since.timestamp():
                continue
            self._told.add(run.run_id)
            yield FinishedRun(
                id=run.run_id,
                days=partitions_of(run.tags),
                # Of no job and no day are only checks that somebody executes.
                job="checks" if is_reserved_asset_job_name(run.job_name) else run.job_name,
                status=_ENDED[run.status],
                seconds=ended - (record.start_time or ended),
            )
