"""Old runs leave Dagster's store, and which partitions are made stays known.

What belongs here: which runs are still needed, and deleting the others. What does not: execution
records, which leave DynamoDB by themselves after 90 days.

Dagster knows a partition as made by the event of its newest materialization: with its run that
would be lost. Most runs are superseded by a later one of the same day, and nothing is lost by them.
"""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

from tdnet_assets.automation.day_runs import OVER, is_of
from tdnet_assets.partitions import partitions_of

_RUNS_AT_ONCE = 500


def prune(
    instance: dg.DagsterInstance, before: datetime, location: str | None = None
) -> tuple[int, int]:
    """Delete runs over days that ended before a moment and that nothing is known by any more.

    Kept are those with the newest materialization of an asset's partition, and the newest of the
    same job, assets and days: what its checks said is what they said last.

    Args:
        instance: whose store it is.
        before: aware.
        location: name of the code location whose runs these are; all are when None.

    Returns:
        How many runs were deleted, and how many old ones are kept.
    """
    needed = set(_runs_that_made(instance))
    seen: set[tuple[object, ...]] = set()
    old, superseded = 0, []
    for record in _newest_first(instance):
        run, days = record.dagster_run, partitions_of(record.dagster_run.tags)
        work = (run.job_name, run.asset_selection, days)
        is_newest = work not in seen
        seen.add(work)
        ended = record.end_time or record.update_timestamp.timestamp()
        if days and is_of(run, location) and ended < before.timestamp():
            old += 1
            if not is_newest and run.run_id not in needed:
                superseded.append(run.run_id)
    for run_id in superseded:
        _delete(instance, run_id)
    return len(superseded), old - len(superseded)


def _runs_that_made(instance: dg.DagsterInstance) -> Iterator[str]:
    """The runs with the newest materialization of any partition."""
    storage, kind = instance.event_log_storage, dg.DagsterEventType.ASSET_MATERIALIZATION
    for key in instance.get_asset_keys():
        newest = sorted(storage.get_latest_storage_id_by_partition(key, kind).values())
        for start in range(0, len(newest), _RUNS_AT_ONCE):
            some = newest[start : start + _RUNS_AT_ONCE]
            wanted = dg.AssetRecordsFilter(key, storage_ids=some)
            for record in instance.fetch_materializations(wanted, limit=len(some)).records:
                yield record.run_id


def _newest_first(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    """All runs that are over."""
    cursor = None
    while True:
        records = instance.get_run_records(
            dg.RunsFilter(statuses=list(OVER)), limit=_RUNS_AT_ONCE, cursor=cursor
        )
        yield from records
        if len(records) < _RUNS_AT_ONCE:
            return
        cursor = records[-1].dagster_run.run_id


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):  # Dagster leaves what its checks said
        with storage.index_connection() as connection:
            connection.execute(
                AssetCheckExecutionsTable.delete().where(
                    AssetCheckExecutionsTable.c.run_id == run_id
                )
            )
    instance.delete_run(run_id)
