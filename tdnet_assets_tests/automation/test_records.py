"""The sensors and the sweep that keep records true when the run itself cannot."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from tdnet_assets.automation import records
from tdnet_assets.automation.records import record_run, sweep
from tdnet_assets.automation.vigil import Vigil
from tdnet_assets.partitions import tags_for
from tdnet_assets.resources.aws import clients
from tdnet_assets_tests.automation.conftest import job_origin

DAY = date(2026, 6, 10)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def make_run(instance, pipeline):
    job = pipeline.job()

    def make(status, location=None, **tags):
        return instance.create_run_for_job(
            job,
            status=status,
            tags={**tags_for(str(DAY), str(DAY)), **tags},
            remote_job_origin=location and job_origin(location, job.name),
        )

    return make


RUN = dg.DagsterRunStatus


@pytest.mark.parametrize(
    ("run_status", "status"),
    [
        (RUN.NOT_STARTED, "pending"),
        (RUN.STARTED, "running"),
        (RUN.CANCELING, "running"),
        (RUN.SUCCESS, "completed"),
        (RUN.FAILURE, "failed"),
        (RUN.CANCELED, "canceled"),
    ],
)
def test_every_status_of_a_run_becomes_the_record_s(pipeline, make_run, run_status, status):
    run = make_run(run_status, **{"dagster/backfill": "abc"})

    record_run(pipeline.executions, run, reason="it broke")

    record = pipeline.executions.get(run.run_id)
    assert record.status == status
    assert (record.partition_start, record.partition_end) == (str(DAY), str(DAY))
    assert record.trigger == "backfill"
    assert record.dagster_url == f"/runs/{run.run_id}"
    assert record.error_message == ("it broke" if status == "failed" else None)


def test_a_run_without_partitions_gets_no_record(pipeline, instance):
    run = instance.create_run_for_job(pipeline.job(), status=RUN.STARTED)

    record_run(pipeline.executions, run)

    assert pipeline.executions.get(run.run_id) is None


def test_the_error_that_the_run_wrote_itself_stays(pipeline, make_run):
    run = make_run(RUN.FAILURE)
    pipeline.executions.start(run.run_id)
    pipeline.executions.finish(run.run_id, "failed", error_type="CharsetError", error_message="x")

    record_run(pipeline.executions, run, reason="Steps failed")

    assert pipeline.executions.get(run.run_id).error_type == "CharsetError"


def test_the_sweep_finishes_a_record_whose_run_is_over(pipeline, instance, make_run):
    run = make_run(RUN.CANCELED)
    pipeline.executions.start(run.run_id)

    corrected = sweep(instance, pipeline.executions, since=datetime.now(UTC) + timedelta(hours=1))

    assert pipeline.executions.get(run.run_id).status == "canceled"
    assert corrected == [f"{run.run_id}: running -> CANCELED"]
    assert sweep(instance, pipeline.executions, since=LONG_AGO) == []


@pytest.mark.slow
def test_the_sweep_makes_a_lost_record_from_dagster_s_run_storage(
    site, pipeline, instance, platform
):
    site.set_day(DAY, 5)
    result = pipeline.materialize(DAY)
    before = pipeline.record(result)
    dynamodb = clients.client(platform, "dynamodb")
    dynamodb.delete_item(
        TableName=platform.executions_table, Key={"execution_id": {"S": result.run_id}}
    )

    sweep(instance, pipeline.executions, since=LONG_AGO)

    record = pipeline.record(result)
    assert (record.status, record.progress) == ("completed", 100)
    assert (record.partition_start, record.trigger) == (str(DAY), "manual")
    assert abs(record.started_at - before.started_at) < timedelta(seconds=5)
    assert abs(record.completed_at - before.completed_at) < timedelta(seconds=5)


class Sweeper:
    """A daemon's sweep with a monotonic clock that the test puts forward."""

    def __init__(self, instance, executions):
        self.instance, self.executions, self.seconds = instance, executions, 0.0
        self.vigil = Vigil(clock=lambda: self.seconds)

    def tick(self, seconds=40):
        self.seconds += seconds
        return sweep(self.instance, self.executions, since=LONG_AGO, vigil=self.vigil)


@pytest.fixture
def sweeper(pipeline, instance):
    return Sweeper(instance, pipeline.executions)


def _presumed_vanished(pipeline, sweeper, run, *, now=None):
    """Start the run's record and let the sweeper find it silent."""
    pipeline.executions.start(run.run_id, partition_start=str(DAY), now=now)
    for _ in range(4):
        sweeper.tick()
    record = pipeline.executions.get(run.run_id)
    assert (record.status, record.error_type) == ("failed", "ProcessVanished")
    return record


def _end(instance, run, status, at):
    """Dagster's event that the run has ended so, at that time."""
    event = {
        RUN.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
        RUN.FAILURE: dg.DagsterEventType.RUN_FAILURE,
        RUN.CANCELED: dg.DagsterEventType.RUN_CANCELED,
    }[status]
    instance.report_dagster_event(
        dg.DagsterEvent(event.value, job_name=run.job_name), run.run_id, timestamp=at.timestamp()
    )
    assert instance.get_run_by_id(run.run_id).status == status


def test_the_sweep_fails_a_vanished_run_in_the_record_and_in_dagster(
    pipeline, instance, make_run, sweeper
):
    run, alive = make_run(RUN.STARTED), make_run(RUN.STARTED)
    started = pipeline.executions.start(run.run_id)
    for percent in range(3):
        pipeline.executions.progress(alive.run_id, percent)
        assert sweeper.tick() == []
    pipeline.executions.progress(alive.run_id, 3)

    (corrected,) = sweeper.tick()

    record = pipeline.executions.get(run.run_id)
    assert (record.status, record.error_type) == ("failed", "ProcessVanished")
    assert corrected == f"{run.run_id}: {record.error_message}"
    assert record.started_at == started.started_at
    assert instance.get_run_by_id(run.run_id).status == RUN.FAILURE
    assert pipeline.executions.get(alive.run_id).status == "running"
    assert instance.get_run_by_id(alive.run_id).status == RUN.STARTED
    assert sweeper.tick() == []
    assert pipeline.executions.get(run.run_id) == record


@pytest.mark.parametrize("skew", [-3_600, -75, 75, 3_600])
def test_the_sweep_of_a_machine_with_another_clock_ends_no_living_run(
    pipeline, make_run, sweeper, skew
):
    """Seen from a clock that is ahead, every record of others is old."""
    run = make_run(RUN.STARTED)
    for beat in range(12):
        written = datetime.now(UTC) + timedelta(seconds=skew + beat)
        pipeline.executions.progress(run.run_id, beat, now=written)
        assert sweeper.tick() == []

    assert pipeline.executions.get(run.run_id).status == "running"


def test_a_stall_of_140_seconds_of_everything_else_ends_no_run_that_still_beats(
    pipeline, make_run, sweeper
):
    run = make_run(RUN.STARTED)
    pipeline.executions.progress(run.run_id, 10)
    sweeper.tick()
    for second in range(5, 145, 5):  # the same counts all the time
        moment = datetime.now(UTC) + timedelta(seconds=second)
        pipeline.executions.progress(run.run_id, 10, now=moment)
        assert sweeper.tick(5) == []

    assert pipeline.executions.get(run.run_id).status == "running"


@pytest.mark.parametrize("status", [RUN.SUCCESS, RUN.CANCELED])
def test_dagster_s_verdict_replaces_a_guess_and_is_the_run_s_own_end(
    pipeline, instance, make_run, sweeper, status
):
    run = make_run(RUN.STARTED)
    begun = datetime.now(UTC) - timedelta(hours=9)
    _presumed_vanished(pipeline, sweeper, run, now=begun)
    ended = begun + timedelta(hours=1)

    _end(instance, run, status, ended)
    sweeper.tick()

    record = pipeline.executions.get(run.run_id)
    assert (record.status, record.error_type, record.error_message) == (
        "completed" if status == RUN.SUCCESS else "canceled",
        None,
        None,
    )
    assert abs(record.completed_at - ended) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "error_type"),
    [(RUN.SUCCESS, None), (RUN.FAILURE, "RunFailure"), (RUN.CANCELED, None)],
)
def test_the_end_of_a_run_that_ended_hours_before_the_sweep_is_its_own_end(
    pipeline, instance, make_run, sweeper, status, error_type
):
    run = make_run(RUN.STARTED)
    begun = datetime.now(UTC) - timedelta(hours=9)
    pipeline.executions.start(run.run_id, now=begun)
    ended = begun + timedelta(hours=1)
    _end(instance, run, status, ended)

    sweeper.tick()

    record = pipeline.executions.get(run.run_id)
    assert record.is_final
    assert record.error_type == error_type
    assert abs(record.completed_at - ended) < timedelta(seconds=1)


def test_what_dagster_has_already_is_written_instead_of_a_guess(
    pipeline, instance, make_run, sweeper
):
    run = make_run(RUN.STARTED)
    pipeline.executions.start(run.run_id)
    for _ in range(3):
        assert sweeper.tick() == []
    _end(instance, run, RUN.FAILURE, datetime.now(UTC))

    assert sweeper.tick() == [f"{run.run_id}: running -> FAILURE"]
    record = pipeline.executions.get(run.run_id)
    assert (record.status, record.error_type) == ("failed", "RunFailure")


def test_the_failure_that_the_sweep_has_reported_is_not_taken_for_dagster_s_verdict(
    pipeline, instance, make_run, sweeper
):
    run = make_run(RUN.STARTED)
    guess = _presumed_vanished(pipeline, sweeper, run)
    failed = instance.get_run_by_id(run.run_id)

    record_run(pipeline.executions, failed, reason="the sensor hears of the failure")
    assert pipeline.executions.get(run.run_id) == guess
    # The process was only suspended.
    pipeline.executions.progress(run.run_id, 50)
    record_run(pipeline.executions, failed, reason="the sensor hears of it late")
    assert sweeper.tick() == []
    assert pipeline.executions.get(run.run_id).status == "running"
    # And now it dies indeed.
    for _ in range(4):
        sweeper.tick()
    assert pipeline.executions.get(run.run_id).is_guess


def test_a_retry_of_a_vanished_run_that_fails_has_failed(pipeline, instance, make_run, sweeper):
    run = make_run(RUN.STARTED)
    _presumed_vanished(pipeline, sweeper, run)
    inherited = instance.get_run_by_id(run.run_id).tags

    retry = make_run(RUN.FAILURE, **inherited)
    record_run(pipeline.executions, retry, reason="it broke")

    record = pipeline.executions.get(retry.run_id)
    assert (record.status, record.error_type, record.error_message) == (
        "failed",
        "RunFailure",
        "it broke",
    )


def test_a_guess_that_dagster_was_not_told_of_is_told_by_the_next_sweep(
    pipeline, instance, make_run, sweeper
):
    run = make_run(RUN.STARTED)
    record = pipeline.executions.start(run.run_id)
    guess = pipeline.executions.presume_vanished(record)  # and here the daemon was killed

    assert sweeper.tick() == []
    assert instance.get_run_by_id(run.run_id).status == RUN.FAILURE
    assert pipeline.executions.get(run.run_id) == guess


def test_a_pending_record_whose_run_was_deleted_ends_and_a_queued_run_s_never(
    pipeline, instance, make_run, sweeper
):
    deleted, queued = make_run(RUN.NOT_STARTED), make_run(RUN.NOT_STARTED)
    for run in (deleted, queued):
        record_run(pipeline.executions, run)
    instance.delete_run(deleted.run_id)

    corrections = [sweeper.tick() for _ in range(4)]

    record = pipeline.executions.get(deleted.run_id)
    assert record.status == "canceled"
    assert record.error_message == (
        "the run was deleted in Dagster before it began; "
        "materialize the same days again: only the rest is fetched"
    )
    assert corrections == [[], [], [], [f"{deleted.run_id}: {record.error_message}"]]
    assert pipeline.executions.get(queued.run_id).status == "pending"
    assert sweeper.tick(7_200) == []


def test_a_lost_record_of_a_vanished_run_is_made_again_as_the_guess_that_it_was(
    pipeline, instance, make_run, sweeper, platform
):
    run = make_run(RUN.STARTED)
    _presumed_vanished(pipeline, sweeper, run)
    clients.client(platform, "dynamodb").delete_item(
        TableName=platform.executions_table, Key={"execution_id": {"S": run.run_id}}
    )

    sweeper.tick()

    record = pipeline.executions.get(run.run_id)
    assert (record.status, record.is_guess) == ("failed", True)
    assert (record.partition_start, record.job_name) == (str(DAY), run.job_name)


def test_the_sensor_remembers_from_tick_to_tick_what_it_has_seen(
    pipeline, instance, make_run, tick, monkeypatch
):
    seconds = iter(range(0, 1_000, 40))
    monkeypatch.setattr(records, "_VIGIL", Vigil(clock=lambda: next(seconds)))
    run = make_run(RUN.STARTED)
    pipeline.executions.start(run.run_id)

    said = [tick("execution_record_sweep").skip_message for _ in range(4)]

    assert said[:3] == ["every record agrees with its run"] * 3
    assert said[3].startswith(f"{run.run_id}: the run's process was last heard of at ")
    assert instance.get_run_by_id(run.run_id).status == RUN.FAILURE


@pytest.mark.parametrize("cursor", ["garbage", "{}", "2026-06-10T09:00:00"])
def test_a_cursor_of_another_version_costs_nothing_but_a_longer_look(tick, cursor):
    result = tick("execution_record_sweep", cursor)

    assert result.skip_message == "every record agrees with its run"
    assert datetime.fromisoformat(result.cursor).tzinfo is not None


def test_runs_of_other_code_locations_get_no_record(pipeline, instance, make_run):
    ours, theirs = make_run(RUN.SUCCESS, "tdnet_assets"), make_run(RUN.SUCCESS, "another")
    in_a_process = make_run(RUN.SUCCESS)

    sweep(instance, pipeline.executions, since=LONG_AGO, location="tdnet_assets")

    assert pipeline.executions.get(ours.run_id).status == "completed"
    assert pipeline.executions.get(in_a_process.run_id).status == "completed"
    assert pipeline.executions.get(theirs.run_id) is None


@pytest.mark.slow
def test_a_completed_run_s_record_is_left_as_it_is(site, pipeline, instance):
    site.set_day(DAY, 5)
    result = pipeline.materialize(DAY)
    before = pipeline.record(result)

    record_run(pipeline.executions, instance.get_run_by_id(result.run_id))

    assert sweep(instance, pipeline.executions, since=LONG_AGO) == []
    assert pipeline.record(result) == before
