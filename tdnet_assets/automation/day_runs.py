"""What is known of a day's runs and materializations, for sensors that decide what to start.

What belongs here: questions to Dagster's own storage, by day. What does not: the decisions.
"""

from datetime import date

import dagster as dg

from tdnet_assets import run_tags

_RUN = dg.DagsterRunStatus
IN_PROGRESS = (_RUN.NOT_STARTED, _RUN.QUEUED, _RUN.STARTING, _RUN.STARTED, _RUN.CANCELING)


def run_in_progress(instance: dg.DagsterInstance, day: date) -> dg.DagsterRun | None:
    """A run of the day, alone or in a range, that is queued or not over yet."""
    for run in instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS))):
        days = run_tags.partitions(run.tags)
        if days and days[0] <= str(day) <= days[1]:
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
