"""The sensors and the sweep that keep records true when the run itself cannot."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from tdnet_assets.automation.records import record_run, sweep
from tdnet_assets.partitions import tags_for
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.executions import LEASE
from tdnet_assets_tests.automation.conftest import job_origin

DAY = date(2026, 6, 10)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def instance():
    """One of its own: the sweep looks at every run there is."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


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


def test_the_sweep_fails_a_vanished_run_in_the_record_and_in_dagster(pipeline, instance, make_run):
    run = make_run(RUN.STARTED)
    started = pipeline.executions.start(run.run_id)
    alive = make_run(RUN.STARTED)
    later = datetime.now(UTC) + LEASE + timedelta(seconds=1)
    pipeline.executions.start(alive.run_id, now=later)

    sweep(instance, pipeline.executions, since=LONG_AGO, now=later)

    record = pipeline.executions.get(run.run_id)
    assert (record.status, record.error_type) == ("failed", "ProcessVanished")
    assert record.started_at == started.started_at
    assert instance.get_run_by_id(run.run_id).status == RUN.FAILURE
    assert pipeline.executions.get(alive.run_id).status == "running"
    assert instance.get_run_by_id(alive.run_id).status == RUN.STARTED


def test_runs_of_other_code_locations_get_no_record(pipeline, instance, make_run):
    ours, theirs = make_run(RUN.SUCCESS, "tdnet_assets"), make_run(RUN.SUCCESS, "another")
    in_a_process = make_run(RUN.SUCCESS)

    sweep(instance, pipeline.executions, since=LONG_AGO, location="tdnet_assets")

    assert pipeline.executions.get(ours.run_id).status == "completed"
    assert pipeline.executions.get(in_a_process.run_id).status == "completed"
    assert pipeline.executions.get(theirs.run_id) is None


def test_a_completed_run_s_record_is_left_as_it_is(site, pipeline, instance):
    site.set_day(DAY, 5)
    result = pipeline.materialize(DAY)
    before = pipeline.record(result)

    record_run(pipeline.executions, instance.get_run_by_id(result.run_id))

    assert sweep(instance, pipeline.executions, since=LONG_AGO) == []
    assert pipeline.record(result) == before
