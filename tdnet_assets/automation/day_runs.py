"""What is known of a day's runs and materializations, for sensors that decide what to start.

What belongs here: questions to Dagster's own storage, by day. What does not: the decisions.

A Dagster instance may serve other code locations beside this one, with partitions of the same days:
their runs are none of ours.
"""

from datetime import date

import dagster as dg

from tdnet_assets.partitions import partitions_of

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


def run_in_progress(
    instance: dg.DagsterInstance, day: date, location: str | None = None
) -> dg.DagsterRun | None:
    """A run of the location and day, alone or in a range, that is queued or not over yet."""
    for run in instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS))):
        days = partitions_of(run.tags)
        if days and days[0] <= str(day) <= days[1] and is_of(run, location):
            return run
    return None


def latest_materialization(
    instance: dg.DagsterInstance, key: dg.AssetKey, day: date
) -> dg.EventLogRecord | None:
    """The record of an asset's newest materialization of the day."""
    wanted = dg.AssetRecordsFilter(key, asset_partitions=[str(day)])
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)


def data_version(made: dg.EventLogRecord) -> str | None:
    """The data version that a materialization was logged with."""
    return _tag(made, "dagster/data_version")


def made_from(made: dg.EventLogRecord, upstream: dg.AssetKey) -> str | None:
    """The data version of an upstream asset that a materialization was made from."""
    return _tag(made, f"dagster/input_data_version/{upstream.to_user_string()}")


def _tag(made: dg.EventLogRecord, name: str) -> str | None:
    event = made.asset_materialization
    return None if event is None else (event.tags or {}).get(name)
