"""What is known of a day's runs and materializations, for sensors that decide what to start.

What belongs here: questions to Dagster's own storage, by day. What does not: the decisions.

A Dagster instance may serve other code locations beside this one, with partitions of the same days:
their runs are none of ours.
"""

from dataclasses import dataclass
from datetime import date

import dagster as dg

from tdnet_assets.partitions import partitions_of
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES

_RUN = dg.DagsterRunStatus
IN_PROGRESS = (_RUN.NOT_STARTED, _RUN.QUEUED, _RUN.STARTING, _RUN.STARTED, _RUN.CANCELING)


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
class RunInProgress:
    """A run that is queued or not over yet: its days, and the kinds of work that it does."""

    run_id: str
    status: dg.DagsterRunStatus
    first: str
    last: str
    works: frozenset[str]

    def covers(self, day: date) -> bool:
        """Whether the day is one of the run's."""
        return self.first <= str(day) <= self.last

    @property
    def waits_to_collect(self) -> bool:
        """Whether the run waits for TDnet's one slot."""
        return COLLECTION in self.works and self.status in (_RUN.NOT_STARTED, _RUN.QUEUED)


def runs_in_progress(
    instance: dg.DagsterInstance, location: str | None = None
) -> list[RunInProgress]:
    """The location's runs over days that are queued or not over yet."""
    found = []
    for run in instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS))):
        days = partitions_of(run.tags)
        if days and is_of(run, location):
            found.append(RunInProgress(run.run_id, run.status, *days, _works(run)))
    return found


def run_in_progress(
    instance: dg.DagsterInstance, day: date, location: str | None = None
) -> RunInProgress | None:
    """A run that collects the day, alone or in a range, and is queued or not over yet."""
    for run in runs_in_progress(instance, location):
        if run.covers(day) and COLLECTION in run.works:
            return run
    return None


def _works(run: dg.DagsterRun) -> frozenset[str]:
    """The kinds of work of a run: by what it selects, else by its job, which may be all of it."""
    if run.asset_selection:
        names = {key.to_user_string() for key in run.asset_selection}
        return frozenset(recipe.work for name, recipe in RECIPES.items() if name in names)
    both = frozenset((COLLECTION, DERIVATION))
    return both & {run.job_name} or both


def latest_materialization(
    instance: dg.DagsterInstance, key: dg.AssetKey, day: date
) -> dg.EventLogRecord | None:
    """The record of an asset's newest materialization of the day."""
    wanted = dg.AssetRecordsFilter(key, asset_partitions=[str(day)])
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)
