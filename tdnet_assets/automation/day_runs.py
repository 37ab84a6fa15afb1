"""What is known of a day's runs and materializations, for sensors that decide what to start.

What belongs here: questions to Dagster's own storage, by day. What does not: the decisions.

A Dagster instance may serve other code locations beside this one, with partitions of the same days:
their runs are none of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg

from tdnet_assets.partitions import partitions_of
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES

_RUN = dg.DagsterRunStatus
IN_PROGRESS = (_RUN.NOT_STARTED, _RUN.QUEUED, _RUN.STARTING, _RUN.STARTED, _RUN.CANCELING)
OVER = (_RUN.SUCCESS, _RUN.FAILURE, _RUN.CANCELED)
COLLECT_DAY = "collect_day"
"""The job of both kinds of work."""


def location_of(context: dg.SensorEvaluationContext) -> str | None:
    """The name of the code location that the daemon evaluates; None outside a daemon."""
    origin = context.code_location_origin
    return None if origin is None else origin.location_name


def is_of(run: dg.DagsterRun, location: str | None) -> bool:
    """Whether a run belongs to a code location; without a name, and in a process, all are ours."""
    origin = run.remote_job_origin
    if origin is None or location is None:
        return True
    return origin.repository_origin.code_location_origin.location_name == location


@dataclass(frozen=True, slots=True)
class RunOverDays:
    """A run: its days, and the kinds of work that it does."""

    run_id: str
    status: dg.DagsterRunStatus
    first: str
    last: str
    works: frozenset[str]

    def covers(self, day: date) -> bool:
        """Whether the day is one of the run's."""
        return self.first <= str(day) <= self.last


def runs_in_progress(
    instance: dg.DagsterInstance, location: str | None = None
) -> list[RunOverDays]:
    """The location's runs over days that are queued or not over yet."""
    return _over_days(instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS))), location)


def runs_ended_since(
    instance: dg.DagsterInstance, moment: datetime, location: str | None = None
) -> list[RunOverDays]:
    """The location's runs over days that have come to their end after a moment (aware)."""
    ended = dg.RunsFilter(statuses=list(OVER), updated_after=moment)
    return _over_days(instance.get_runs(ended), location)


def run_in_progress(
    instance: dg.DagsterInstance, day: date, location: str | None = None
) -> RunOverDays | None:
    """A run that collects the day, alone or in a range, and is queued or not over yet."""
    for run in runs_in_progress(instance, location):
        if run.covers(day) and COLLECTION in run.works:
            return run
    return None


def collection_waits(runs: Sequence[RunOverDays]) -> bool:
    """Whether a collection waits for TDnet's one slot: in the queue, or behind one at work.

    A run that has begun may wait as well, inside its process.
    """
    collecting = [run for run in runs if COLLECTION in run.works]
    queued = any(run.status in (_RUN.NOT_STARTED, _RUN.QUEUED) for run in collecting)
    return queued or len(collecting) > 1


def _over_days(runs: Sequence[dg.DagsterRun], location: str | None) -> list[RunOverDays]:
    found = []
    for run in runs:
        days, works = partitions_of(run.tags), _works(run)
        if days and works and is_of(run, location):
            found.append(RunOverDays(run.run_id, run.status, *days, works))
    return found


def _works(run: dg.DagsterRun) -> frozenset[str]:
    """The kinds of work of a run: by the assets that it selects, else by its job."""
    if run.asset_selection:
        names = {key.to_user_string() for key in run.asset_selection}
        return frozenset(recipe.work for name, recipe in RECIPES.items() if name in names)
    both = frozenset((COLLECTION, DERIVATION))
    return both if run.job_name == COLLECT_DAY else both & {run.job_name}


def latest_materialization(
    instance: dg.DagsterInstance, key: dg.AssetKey, day: date
) -> dg.EventLogRecord | None:
    """The record of an asset's newest materialization of the day."""
    wanted = dg.AssetRecordsFilter(key, asset_partitions=[str(day)])
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)
