"""Collection and derivation in one run and apart: order, report, and checks executed alone."""

import threading
from datetime import date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from tdnet_assets.assets import derivation
from tdnet_assets.assets.accounting import WARNINGS
from tdnet_assets.assets.collection import NAME as COLLECTION_STEP
from tdnet_assets.assets.collection import POOL
from tdnet_assets.definitions import DAILY_ASSETS, build_definitions
from tdnet_assets.partitions import tags_for
from tdnet_assets.resources.aws.metrics import MetricsResource
from tdnet_assets.tables.recipes import DERIVATION, RECIPES, names
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.local.processes import wait_until
from tdnet_assets_tests.pipeline import Pipeline

pytestmark = pytest.mark.slow

DAY = date(2026, 6, 10)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION


@pytest.fixture
def own(platform, tmp_path):
    """A pipeline with an instance of its own on disk, where slots are given from any thread."""
    settings = {"telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=settings) as instance:
        yield Pipeline(platform, instance)


@pytest.fixture
def job(platform):
    return build_definitions(platform).get_repository_def().get_job


def deliveries(pipeline, platform):
    now = datetime.now(TOKYO)
    found = MetricsResource(config=platform).statistics(
        "RunDuration",
        start=now - timedelta(minutes=10),
        end=now + timedelta(minutes=2),
        statistic="SampleCount",
    )
    return sum(value for _, value in found)


@pytest.mark.parametrize("names_steps", [True, False])
def test_a_run_of_both_kinds_has_one_record_and_one_delivery_of_metrics_after_its_last_step(
    site, own, platform, job, names_steps
):
    site.set_day(DAY, 5)
    collect_day = job("collect_day")
    run = own.instance.create_run_for_job(
        collect_day, tags=tags_for(str(DAY), str(DAY)), run_config=QUIET
    )
    if not names_steps:  # as the daemon makes it
        run = run._replace(step_keys_to_execute=None)
        own.instance.delete_run(run.run_id)
        own.instance.add_run(run)

    execute_run(InMemoryJob(collect_day), run, own.instance)

    record = own.executions.get(run.run_id)
    assert (record.status, record.progress, record.collected_count) == ("completed", 100, 5)
    assert (record.job_name, record.partition_start) == ("collect_day", str(DAY))
    events = [
        entry.dagster_event.event_specific_data
        for entry in own.instance.all_logs(run.run_id, of_type=EVALUATED)
    ]
    (delivered,) = [event for event in events if event.check_name == "metrics_delivered"]
    assert delivered.asset_key == dg.AssetKey(names(DERIVATION)[0])
    assert deliveries(own, platform) == 1


def test_while_the_slot_of_tdnet_is_taken_a_run_of_both_kinds_waits_before_it_derives(
    site, own, job, monkeypatch
):
    monkeypatch.setattr(derivation, "LOOK_EVERY_SECONDS", 1)
    site.set_day(DAY, 5)
    slots = own.instance.event_log_storage
    slots.set_concurrency_slots(POOL, 1)
    other = own.instance.create_run_for_job(
        job("collection"), tags=tags_for("2026-06-01", "2026-06-01")
    )
    assert slots.claim_concurrency_slot(POOL, other.run_id, COLLECTION_STEP).is_claimed

    seen = []

    def give_back():
        # While it waits its record beats, so that nobody takes it for dead.
        wait_until(lambda: seen.extend(_beating(own)) or seen, seconds=60)
        slots.free_concurrency_slot_for_step(other.run_id, COLLECTION_STEP)

    threading.Thread(target=give_back).start()
    result = job("collect_day").execute_in_process(
        instance=own.instance, partition_key=str(DAY), run_config=QUIET, raise_on_error=False
    )

    assert result.success
    assert own.record(result).status == "completed"
    assert set(own.materialized(result)) == set(RECIPES)
    waited = own.logged(result, dg.DagsterEventType.STEP_UP_FOR_RETRY)
    assert {event.step_key for event in waited} == {derivation.NAME}
    assert {record.execution_id for record in seen} == {result.run_id}


def _beating(pipeline):
    """The records that were renewed since they began."""
    return [one for one in pipeline.executions.unfinished() if one.updated_at > one.started_at]


def test_derivation_holds_no_slot_and_asks_nobody(site, own, job):
    site.set_day(DAY, 5)
    assert own.materialize(DAY).success
    own.instance.event_log_storage.set_concurrency_slots(POOL, 1)
    other = own.instance.create_run_for_job(job("collection"))
    own.instance.event_log_storage.claim_concurrency_slot(POOL, other.run_id, COLLECTION_STEP)
    asked = len(site.requests)

    result = job("derivation").execute_in_process(
        instance=own.instance, partition_key=str(DAY), run_config=QUIET
    )

    assert result.success
    assert len(site.requests) == asked


@pytest.fixture
def check(own):
    """Executes checks alone, as the UI does: no asset is selected."""

    def run(*keys, tags=None):
        whole = build_definitions(own.config).resolve_implicit_global_asset_job_def()
        every = whole.asset_layer.asset_graph.asset_check_keys
        chosen = (
            {key for key in every if key.name in keys}
            if keys
            else {key for key in every if key.asset_key in DAILY_ASSETS}
        )
        subset = whole.get_subset(asset_selection=set(), asset_check_selection=chosen)
        return subset.execute_in_process(
            instance=own.instance, run_config=QUIET, raise_on_error=False, tags=tags
        )

    return run


def evaluations(pipeline, result):
    found = [event.event_specific_data for event in pipeline.logged(result, EVALUATED)]
    return {(one.check_name, one.partition): (one.passed, one.description) for one in found}


def test_checks_executed_alone_are_answered_from_the_lake_for_the_days_of_the_run(site, own, check):
    days = [DAY, DAY + timedelta(days=1)]
    for day in days:
        site.set_day(day, 12)
    site.faults.answer(next(row.pdf_name for row in site.rows(DAY) if row.pdf_name), status=404)
    own.materialize(*days)
    objects, asked = own.objects(), len(site.requests)

    result = check(
        "files_complete", "rows_complete", "metrics_delivered", tags=tags_for(*map(str, days))
    )

    assert result.success
    assert evaluations(own, result) == {
        ("files_complete", str(DAY)): (False, f"{DAY}: files_complete failed when it was made"),
        ("files_complete", str(days[1])): (
            True,
            f"{days[1]}: files_complete is stored as passed",
        ),
        **{
            (name, str(day)): (True, f"{day}: {name} is stored as passed")
            for name in ("rows_complete", "metrics_delivered")
            for day in days
        },
    }
    assert (own.objects(), len(site.requests)) == (objects, asked)
    assert own.executions.get(result.run_id) is None


def test_checks_without_a_day_are_about_the_days_of_the_window(site, own, check):
    yesterday = datetime.now(TOKYO).date() - timedelta(days=1)
    site.set_day(yesterday, 12)
    site.faults.answer(
        next(row.pdf_name for row in site.rows(yesterday) if row.pdf_name), status=404
    )
    own.materialize(yesterday)
    asked = len(site.requests)

    result = check()

    assert result.success
    found = evaluations(own, result)
    passed, description = found["files_complete", None]
    assert not passed
    assert f"{yesterday}: files_complete failed when it was made" in description
    # What only warns is not stored with a table: nothing is said of it.
    assert not {name for name, _ in found} & WARNINGS
    assert len(site.requests) == asked
