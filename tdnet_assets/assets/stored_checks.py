"""Checks executed alone: what is stored is looked at, nothing is made and nobody is asked.

What belongs here: what the checks of stored tables say without a run over days. What does not: the
checks of what a run has just made (``day_run.py``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from tdnet_assets.assets.accounting import WARNINGS
from tdnet_assets.assets.day_run import METRICS_DELIVERED
from tdnet_assets.partitions import DAYS, day_of, partitions_of
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import days_of_the_window, read_day_states
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.wholeness import DayState, days_in_words


def log_stored_checks(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    index: DisclosureIndexResource,
    executions: ExecutionsResource,
) -> None:
    """Evaluate the selected checks: for each of the run's days, else for the window as a whole."""
    found = partitions_of(context.run.tags)
    days = (
        [day_of(key) for key in DAYS.get_partition_keys_in_range(dg.PartitionKeyRange(*found))]
        if found
        else days_of_the_window(lake, lake.config, datetime.now(UTC))
    )
    states = list(read_day_states(lake, index, days).values())
    for key in sorted(context.selected_asset_check_keys, key=str):
        if key.name in WARNINGS:
            context.log.info(f"{key.name} is not stored, since it only warns: materialize the day")
            continue
        for group in [[state] for state in states] if found else [states]:
            partition = str(group[0].day) if found else None
            context.log_event(_evaluation(key, group, partition, executions))


def _evaluation(
    key: dg.AssetCheckKey,
    states: Sequence[DayState],
    partition: str | None,
    executions: ExecutionsResource,
) -> dg.AssetCheckEvaluation:
    problems = {state.day: _problem(key, state, executions) for state in states}
    told = days_in_words({day: problem for day, problem in problems.items() if problem})
    passed = days_in_words(dict.fromkeys(problems, f"{key.name} is stored as passed"))
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not told,
        description=told or passed,
        partition=partition,
    )


def _problem(key: dg.AssetCheckKey, state: DayState, executions: ExecutionsResource) -> str:
    """Why a check fails on a day, by what is stored; empty if it passes."""
    if key.name == METRICS_DELIVERED:
        newest = next(iter(executions.by_partition(str(state.day), limit=1)), None)
        return (newest and newest.metrics_error) or ""
    origin = state.origins.get(key.asset_key.to_user_string())
    if origin is None:
        return "not there"
    if origin.damage:
        return origin.damage
    return f"{key.name} failed when it was made" if key.name in origin.result else ""
