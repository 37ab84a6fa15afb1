"""A run in this process: the code location's own job, executed through Dagster.

What belongs here: what ``tdnet collect`` and ``tdnet demo`` share. It adds no second way of doing
the work: the same definitions, instance, record and events as a run from the UI.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from tdnet_assets.cli.progress_display import ProgressDisplay
from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import DAILY_ASSETS, build_definitions
from tdnet_assets.local import dagster_home
from tdnet_assets.partitions import DAYS, tags_for
from tdnet_assets.resources.aws.executions import ExecutionRecord, ExecutionsResource
from tdnet_assets.tdnet.errors import TdnetAssetsError

# The console would show every event; a person gets the progress bar and the record instead.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_INTERRUPTION = dg.DagsterExecutionInterruptedError.__name__


class RequestError(TdnetAssetsError):
    """What was asked for cannot be run; the message says what can."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended; ``reason`` is one line for a person when it failed."""

    run_id: str
    success: bool
    record: ExecutionRecord | None
    reason: str | None


def materialize(
    config: PlatformConfig, first: date, last: date, select: Sequence[str] = ()
) -> RunOutcome:
    """Materialize the days from ``first`` to ``last``, both included, in one run.

    Args:
        config: with the addresses of running services (see ``local.services``).
        first: first day (JST).
        last: last day (JST).
        select: keys of daily assets; all of them when empty.

    Raises:
        RequestError: a day is no partition, or a key is no asset.
    """
    definitions = build_definitions(config)
    selection = _selection(select)
    tags = _partition_tags(first, last)
    run_id = str(uuid.uuid4())
    executions = ExecutionsResource(config=config)
    job = definitions.resolve_implicit_global_asset_job_def()
    with (
        dagster_home.instance(config) as instance,
        ProgressDisplay(executions, run_id, _label(first, last)),
    ):
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            run_config=_QUIET,
            asset_selection=selection,
            raise_on_error=False,
            tags=tags,
        )
    record = executions.get(run_id)
    return RunOutcome(run_id, result.success, record, None if result.success else _reason(result))


def _selection(select: Sequence[str]) -> list[dg.AssetKey]:
    wanted = [dg.AssetKey.from_user_string(name) for name in select] or list(DAILY_ASSETS)
    if unknown := [key.to_user_string() for key in wanted if key not in DAILY_ASSETS]:
        names = ", ".join(key.to_user_string() for key in DAILY_ASSETS)
        raise RequestError(f"no daily asset {', '.join(unknown)}: choose from {names}")
    return wanted


def _partition_tags(first: date, last: date) -> dict[str, str]:
    for day in (first, last):
        if not DAYS.has_partition_key(str(day)):
            raise RequestError(
                f"{day} is no day of this archive: use {DAYS.get_first_partition_key()} to "
                f"{DAYS.get_last_partition_key()} (today in Tokyo)"
            )
    if last < first:
        raise RequestError(f"--until {last} is before {first}")
    return tags_for(str(first), str(last))


def _label(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _reason(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            chain = [data.error]
            while (error := chain[-1]) is not None:
                chain.append(error.cause)
            errors = [error for error in chain if error is not None]
            # Anywhere: what a loop makes of an interrupt may stand behind it.
            if any(error.cls_name == _INTERRUPTION for error in errors):
                return "interrupted; collect the same days again: only the rest is fetched"
            if errors:
                return " ".join(errors[-1].message.split())
        if event.is_failure and event.message:
            reason = " ".join(event.message.split())
    return reason
