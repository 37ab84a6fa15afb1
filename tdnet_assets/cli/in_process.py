"""A run in this process: the code location's own job, executed through Dagster.

What belongs here: what ``tdnet collect`` and ``tdnet demo`` share. It adds no second way of doing
the work: the same definitions, instance, record and events as a run from the UI. How its progress
is shown is the caller's business.
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.assets.run_report import progress_of
from tdnet_assets.automation.day_runs import COLLECT_DAY
from tdnet_assets.cli.exit_codes import FAILED, INTERRUPTED
from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import DAILY_ASSETS, build_definitions
from tdnet_assets.local import dagster_home
from tdnet_assets.partitions import DAYS_PER_RUN, days_from, tags_for
from tdnet_assets.resources.aws.executions import ExecutionRecord, ExecutionsResource
from tdnet_assets.tdnet.errors import TdnetAssetsError

# The console would show every event; a person gets the progress bar and the record instead.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_INTERRUPTS = (dg.DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__)
_INTERRUPTED = "interrupted; collect the same days again: only the rest is fetched"
_SILENT = "the run failed, and none of its events says why: see its log in the Dagster UI"

_BEGINS = (
    "; it begins with the oldest day that TDnet listed at its first start, unless TDNET_FIRST_DAY "
    "says another: set that to begin earlier"
)

Display = Callable[[Callable[[], RunProgress | None], str], AbstractContextManager[object]]
"""Made of a run's progress and a label of its days; shows the run while it is entered."""


class RequestError(TdnetAssetsError):
    """What was asked for cannot be run; the message says what can."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended, with its exit code; ``reason`` is one line for a person unless that is 0."""

    run_id: str
    exit_code: int
    record: ExecutionRecord | None
    reason: str | None

    @property
    def success(self) -> bool:
        """Whether everything that was asked for was done."""
        return self.exit_code == 0


def materialize(
    config: PlatformConfig,
    first: date,
    last: date,
    select: Sequence[str] = (),
    *,
    display: Display,
) -> RunOutcome:
    """Materialize the days from ``first`` to ``last``, both included, in one run.

    Args:
        config: with the addresses of running services (see ``local.services``).
        first: first day (JST).
        last: last day (JST).
        select: keys of daily assets; all of them when empty.
        display: shows the progress of the run.

    Raises:
        RequestError: a day is not a partition, or a key is not an asset.
    """
    definitions = build_definitions(config)
    selection = _selection(select)
    tags = _partition_tags(config, first, last)
    run_id = str(uuid.uuid4())
    executions = ExecutionsResource(config=config)
    if set(selection) == set(DAILY_ASSETS):
        job = definitions.resolve_job_def(COLLECT_DAY)
    else:
        # As the named jobs: checks are evaluated with their assets without having been planned.
        job = definitions.resolve_implicit_global_asset_job_def().get_subset(
            asset_selection=set(selection), asset_check_selection=set()
        )
    with (
        dagster_home.instance_for_a_run_here(config) as instance,
        display(lambda: progress_of(run_id), _label(first, last)),
    ):
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            run_config=_QUIET,
            raise_on_error=False,
            tags=tags,
        )
    exit_code, reason = _ending(result)
    return RunOutcome(run_id, exit_code, executions.get(run_id), reason)


def runs_of(config: PlatformConfig, first: date, last: date) -> list[tuple[date, date]]:
    """The days from ``first`` to ``last`` in runs of at most a month, as a backfill has them.

    Raises:
        RequestError: a day is not a partition.
    """
    _partition_tags(config, first, last)
    length = timedelta(days=DAYS_PER_RUN - 1)
    begins = [first + timedelta(days=n) for n in range(0, (last - first).days + 1, DAYS_PER_RUN)]
    return [(begin, min(begin + length, last)) for begin in begins]


def _selection(select: Sequence[str]) -> list[dg.AssetKey]:
    wanted = [dg.AssetKey.from_user_string(name) for name in select] or list(DAILY_ASSETS)
    if unknown := [key.to_user_string() for key in wanted if key not in DAILY_ASSETS]:
        names = ", ".join(key.to_user_string() for key in DAILY_ASSETS)
        raise RequestError(f"no daily asset {', '.join(unknown)}: choose from {names}")
    return wanted


def _partition_tags(config: PlatformConfig, first: date, last: date) -> dict[str, str]:
    days = days_from(config.first_day)
    for day in (first, last):
        if not days.has_partition_key(str(day)):
            begins = days.get_first_partition_key()
            raise RequestError(
                f"{day} is not a day of this archive: use {begins} to "
                f"{days.get_last_partition_key()} (today in Tokyo)"
                + (_BEGINS if config.first_day and str(day) < config.first_day else "")
            )
    if last < first:
        raise RequestError(f"--until {last} is before {first}")
    return tags_for(str(first), str(last))


def _label(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _ending(result: dg.ExecuteInProcessResult) -> tuple[int, str | None]:
    """The exit code, and what a person is told of a run that did not succeed."""
    if result.success:
        return 0, None
    failures = [event for event in result.all_events if event.is_failure]
    # Anywhere: what a loop makes of an interrupt may stand behind it.
    if any(name in _INTERRUPTS for event in failures for name, _ in _errors(event)):
        return INTERRUPTED, _INTERRUPTED
    return FAILED, " ".join(_reason(failures).split())


def _reason(failures: Sequence[dg.DagsterEvent]) -> str:
    """What the first failure that says something says, by what began it."""
    for event in failures:
        raised = event.step_failure_data.user_failure_data if event.is_step_failure else None
        if raised and raised.description:
            return raised.description
        if errors := _errors(event):
            return errors[-1][1]
    return next((event.message for event in reversed(failures) if event.message), _SILENT)


def _errors(event: dg.DagsterEvent) -> list[tuple[str | None, str]]:
    """Class and message of a failure's error, then of the one that caused it, and so on."""
    errors = []
    error = getattr(event.event_specific_data, "error", None)
    while error is not None:
        errors.append((error.cls_name, error.message))
        error = error.cause
    return errors
