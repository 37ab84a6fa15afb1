"""Execution records from what Dagster knows, for every run of this code location.

What belongs here: sensors that write a run's status into its record (a process that died cannot do
it itself), and the sweep that corrects what a stopped daemon missed. Every write is idempotent and
a final record never changes, so sensors, sweep and the run itself may all write the same thing.

What does not: progress and counts, which the running assets report (``assets/progress.py``).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from tdnet_assets.automation.day_runs import is_of, location_of
from tdnet_assets.partitions import partitions_of, trigger_of
from tdnet_assets.resources.aws.executions import (
    CANCELED,
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    ExecutionsResource,
)

_RUN = dg.DagsterRunStatus
RECORD_STATUS = {
    _RUN.NOT_STARTED: PENDING,
    _RUN.QUEUED: PENDING,
    _RUN.STARTING: PENDING,
    _RUN.STARTED: RUNNING,
    _RUN.CANCELING: RUNNING,
    _RUN.SUCCESS: COMPLETED,
    _RUN.FAILURE: FAILED,
    _RUN.CANCELED: CANCELED,
}
FINISHED = (_RUN.SUCCESS, _RUN.FAILURE, _RUN.CANCELED)
# How far back the first sweep looks for finished runs whose record is missing or not final; later
# ones look back to the one before, with a margin for clocks.
FIRST_SWEEP_WINDOW = timedelta(days=31)
SWEEP_MARGIN = timedelta(minutes=10)
# Dagster's daemon evaluates sensors every 30 s unless told otherwise.
_INTERVAL_SECONDS = 15


def record_run(
    executions: ExecutionsResource,
    run: dg.DagsterRun,
    *,
    reason: str | None = None,
    at: datetime | None = None,
) -> None:
    """Write a run's status into its record; runs without partitions are none of ours.

    Args:
        executions: the table of records.
        run: as Dagster has it now.
        reason: what Dagster says of a run that failed; an error that the run itself wrote stays.
        at: when the status was reached; now by default.
    """
    partitions = partitions_of(run.tags)
    if partitions is None:
        return
    status = RECORD_STATUS.get(run.status, PENDING)
    executions.record(
        run.run_id,
        status=status,
        partition_start=partitions[0],
        partition_end=partitions[1],
        job_name=run.job_name,
        trigger=trigger_of(run.tags),
        root_execution_id=run.root_run_id,
        dagster_url=f"/runs/{run.run_id}",
        error_type="RunFailure" if status == FAILED else None,
        error_message=(reason or "see the run's events in Dagster") if status == FAILED else None,
        now=at,
    )


def sweep(
    instance: dg.DagsterInstance,
    executions: ExecutionsResource,
    since: datetime,
    now: datetime | None = None,
    location: str | None = None,
) -> list[str]:
    """Correct records that disagree with Dagster; gives a line for each correction.

    Looks at the runs of the code location that changed after ``since`` and at every record that is
    not final.

    A record that is not final although its run is over gets the run's status; a record that is
    missing is made from Dagster's run storage; one whose lease is over is finished as failed, and
    its run, which nobody would end otherwise, with it.
    """
    corrected = []
    recent = instance.get_run_records(dg.RunsFilter(statuses=list(FINISHED), updated_after=since))
    for found in _with_unfinished(instance, executions, recent):
        run = found.dagster_run
        if run.status not in FINISHED or not partitions_of(run.tags):
            continue
        if not is_of(run, location):
            continue
        record = executions.get(run.run_id)
        if record is None:
            executions.start(run.run_id, now=_moment(found.start_time))
        elif record.is_final:
            continue
        record_run(executions, run, at=_moment(found.end_time))
        corrected.append(
            f"{run.run_id}: {record.status if record else 'no record'} -> {run.status.value}"
        )
    for expired in executions.expire_stale(now):
        corrected.append(f"{expired.execution_id}: {expired.error_message}")
        run_of_expired = instance.get_run_by_id(expired.execution_id)
        if run_of_expired and not run_of_expired.is_finished:
            instance.report_run_failed(run_of_expired, expired.error_message)
    return corrected


def _with_unfinished(
    instance: dg.DagsterInstance, executions: ExecutionsResource, recent: Sequence[dg.RunRecord]
) -> Iterator[dg.RunRecord]:
    """The recent runs, and those of records that are not final, however old they are."""
    yield from recent
    known = {found.dagster_run.run_id for found in recent}
    unfinished = [
        record.execution_id
        for record in executions.unfinished()
        if record.execution_id not in known
    ]
    if unfinished:
        yield from instance.get_run_records(dg.RunsFilter(run_ids=unfinished))


def _moment(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)


def _status_sensor(status: dg.DagsterRunStatus) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=f"record_{status.value.lower()}_runs",
        description=f"Writes into the execution record that a run is {RECORD_STATUS[status]}.",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=_INTERVAL_SECONDS,
    )
    def record(context: dg.RunStatusSensorContext, executions: ExecutionsResource) -> None:
        # Returns nothing on purpose: a sensor that returns anything handles one run a tick.
        record_run(executions, context.dagster_run, reason=context.dagster_event.message)

    return record


@dg.sensor(
    description="Corrects execution records that disagree with Dagster, and ends vanished runs.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def execution_record_sweep(
    context: dg.SensorEvaluationContext, executions: ExecutionsResource
) -> dg.SkipReason:
    """What a stopped daemon missed is mended within a minute of its return."""
    begun = datetime.now(UTC)
    since = (
        datetime.fromisoformat(context.cursor) - SWEEP_MARGIN
        if context.cursor
        else begun - FIRST_SWEEP_WINDOW
    )
    corrected = sweep(context.instance, executions, since, location=location_of(context))
    context.update_cursor(begun.isoformat())
    return dg.SkipReason("; ".join(corrected) or "every record agrees with its run")


RECORD_SENSORS: list[dg.SensorDefinition] = [
    *(_status_sensor(status) for status in (_RUN.QUEUED, _RUN.STARTED, *FINISHED)),
    execution_record_sweep,
]
