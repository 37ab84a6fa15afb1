"""Execution records from what Dagster knows, for every run of this code location.

What belongs here: sensors that write a run's status into its record (a process that died cannot do
it itself), and the sweep that corrects what a stopped daemon missed and ends what has gone silent.
Every write is idempotent and a final record changes only if it is a guess, so sensors, sweep and
the run itself may all write the same thing.

A vanished process leaves its run unfinished in Dagster too, and nobody else would end that. The
sweep does, and marks the run: such a failure is the sweep's own guess coming back, not Dagster's
verdict. A process that lives after all goes on, and its own end replaces the failure in both.

What does not belong here: progress and counts, which the running assets report
(``assets/progress.py``), and how silence is told (``automation/vigil.py``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from tdnet_assets.automation.day_runs import is_of, location_of
from tdnet_assets.automation.vigil import Vigil
from tdnet_assets.partitions import partitions_of, trigger_of
from tdnet_assets.resources.aws.executions import (
    CANCELED,
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    Details,
    ExecutionRecord,
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
PRESUMED_VANISHED = "tdnet/presumed_vanished"
"""Tag of a run that the sweep has reported failed: its own id, as a retry inherits the tags."""

# How far back the first sweep looks for finished runs whose record is missing or not final; later
# ones look back to the one before, with a margin for clocks.
FIRST_SWEEP_WINDOW = timedelta(days=31)
SWEEP_MARGIN = timedelta(minutes=10)
# A run writes its own record; these say what it cannot, and each tick is a row in Dagster's store.
_INTERVAL_SECONDS = 60
_QUEUED_INTERVAL_SECONDS = 30
# Ticks run in one long-lived process of the code location; what a restart forgets is seen again.
_VIGIL = Vigil()


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
        run: as Dagster has it now; a failure that the sweep has reported says nothing new.
        reason: what Dagster says of a run that failed; an error that the run itself wrote stays.
        at: when the status was reached; now by default.
    """
    if partitions_of(run.tags) is None or _is_presumed_vanished(run):
        return
    status = RECORD_STATUS.get(run.status, PENDING)
    executions.record(
        run.run_id,
        status=status,
        error_type="RunFailure" if status == FAILED else None,
        error_message=(reason or "see the run's events in Dagster") if status == FAILED else None,
        now=at,
        **_description(run),
    )


def sweep(
    instance: dg.DagsterInstance,
    executions: ExecutionsResource,
    since: datetime,
    *,
    vigil: Vigil | None = None,
    location: str | None = None,
) -> list[str]:
    """Correct records that disagree with Dagster; gives a line for each correction.

    Looks at the runs of the code location that changed after ``since`` and at every record that is
    not final.

    A record that is not final although its run is over gets the run's status, which also replaces a
    guess; a record that is missing is made from Dagster's run storage. A running record that the
    vigil has seen unchanged for too long is presumed failed and its run, which nobody would end
    otherwise, with it; a pending one is presumed canceled if Dagster no longer has its run.
    """
    unfinished = executions.unfinished()
    runs = _runs(instance, since, unfinished)
    corrected = [
        line for run in runs.values() if (line := _corrected(executions, run, location)) is not None
    ]
    silent = (vigil or Vigil()).look(
        {
            record.execution_id: (record.status, record.updated_at)
            for record in unfinished
            if record.status == RUNNING or record.execution_id not in runs
        }
    )
    corrected += [
        f"{ended.execution_id}: {ended.error_message}"
        for record in unfinished
        if record.execution_id in silent
        if (ended := executions.presume_vanished(record)) is not None
    ]
    _end_vanished_runs(instance, executions, location)
    return corrected


def _runs(
    instance: dg.DagsterInstance, since: datetime, unfinished: Sequence[ExecutionRecord]
) -> dict[str, dg.RunRecord]:
    """By id, the runs that ended of late, and those of the records that are not final."""
    filters = [dg.RunsFilter(statuses=list(FINISHED), updated_after=since)]
    if unfinished:
        filters.append(dg.RunsFilter(run_ids=[record.execution_id for record in unfinished]))
    found = [run for each in filters for run in instance.get_run_records(each)]
    return {run.dagster_run.run_id: run for run in found}


def _corrected(
    executions: ExecutionsResource, found: dg.RunRecord, location: str | None
) -> str | None:
    """Give the record of a finished run that run's status; says what was changed, if anything."""
    run = found.dagster_run
    if run.status not in FINISHED or not partitions_of(run.tags) or not is_of(run, location):
        return None
    record = executions.get(run.run_id)
    if record is None:
        started = executions.start(run.run_id, now=_moment(found.start_time), **_description(run))
        if _is_presumed_vanished(run):
            executions.presume_vanished(started, _moment(found.end_time))
    elif _is_presumed_vanished(run) or (record.is_final and not record.is_guess):
        return None
    record_run(executions, run, at=_moment(found.end_time))
    return f"{run.run_id}: {record.status if record else 'no record'} -> {run.status.value}"


def _end_vanished_runs(
    instance: dg.DagsterInstance, executions: ExecutionsResource, location: str | None
) -> None:
    """Report the runs failed that go on for Dagster only, whoever presumed so, and whenever."""
    for run in instance.get_runs(dg.RunsFilter(statuses=[_RUN.STARTED, _RUN.CANCELING])):
        record = executions.get(run.run_id) if is_of(run, location) else None
        if record is not None and record.is_guess:
            # First of all: whoever sees the failure must see whose it is.
            instance.add_run_tags(run.run_id, {PRESUMED_VANISHED: run.run_id})
            instance.report_run_failed(run, record.error_message)


def _is_presumed_vanished(run: dg.DagsterRun) -> bool:
    """Whether Dagster has the run as failed only because the sweep said so."""
    return run.status == _RUN.FAILURE and run.tags.get(PRESUMED_VANISHED) == run.run_id


def _description(run: dg.DagsterRun) -> Details:
    """What a record says of its run from the first word on."""
    partitions = partitions_of(run.tags) or (None, None)
    return {
        "partition_start": partitions[0],
        "partition_end": partitions[1],
        "job_name": run.job_name,
        "trigger": trigger_of(run.tags),
        "root_execution_id": run.root_run_id,
        "dagster_url": f"/runs/{run.run_id}",
    }


def _moment(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)


def _since(cursor: str | None, now: datetime) -> datetime:
    """From when on runs are looked at; a cursor that cannot be read is none."""
    try:
        last = datetime.fromisoformat(cursor or "")
    except ValueError:
        return now - FIRST_SWEEP_WINDOW
    # Aware even if another version's was not.
    return (last if last.tzinfo else last.replace(tzinfo=UTC)) - SWEEP_MARGIN


def _status_sensor(status: dg.DagsterRunStatus) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=f"record_{status.value.lower()}_runs",
        description=f"Writes into the execution record that a run is {RECORD_STATUS[status]}.",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=_QUEUED_INTERVAL_SECONDS
        if status == _RUN.QUEUED
        else _INTERVAL_SECONDS,
    )
    def record(
        context: dg.RunStatusSensorContext, executions: dg.ResourceParam[ExecutionsResource]
    ) -> None:
        # Returns nothing on purpose: a sensor that returns anything handles one run a tick.
        record_run(executions, context.dagster_run, reason=context.dagster_event.message)

    return record


@dg.sensor(
    description="Corrects execution records that disagree with Dagster, and ends vanished runs.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def execution_record_sweep(
    context: dg.SensorEvaluationContext, executions: dg.ResourceParam[ExecutionsResource]
) -> dg.SkipReason:
    """What a stopped daemon missed is mended within a minute of its return."""
    begun = datetime.now(UTC)
    corrected = sweep(
        context.instance,
        executions,
        _since(context.cursor, begun),
        vigil=_VIGIL,
        location=location_of(context),
    )
    context.update_cursor(begun.isoformat())
    return dg.SkipReason("; ".join(corrected) or "every record agrees with its run")


RECORD_SENSORS: list[dg.SensorDefinition] = [
    *(_status_sensor(status) for status in (_RUN.QUEUED, _RUN.STARTED, *FINISHED)),
    execution_record_sweep,
]
