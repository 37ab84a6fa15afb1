"""The reconciler over a real lake: what it asks for, what that costs, and how days become whole."""

import json
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from benchmarks.aws_proxy import proxy
from tdnet_assets.automation import pauses
from tdnet_assets.automation.day_facts import facts_of_days
from tdnet_assets.automation.day_runs import (
    collection_waits,
    runs_ended_since,
    runs_in_progress,
)
from tdnet_assets.partitions import PARTITION, tags_for
from tdnet_assets.resources.aws.executions import CANCELED, ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state, read_day_states
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, names
from tdnet_assets.tdnet.listing import TOKYO

TODAY = datetime.now(TOKYO).date()
YESTERDAY = TODAY - timedelta(days=1)
BEFORE = TODAY - timedelta(days=2)
RUN = dg.DagsterRunStatus


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    """The pauses have tests of their own."""
    monkeypatch.setattr(pauses, "PAUSES", (timedelta(0),) * len(pauses.PAUSES))


@pytest.fixture
def ask(tick):
    """What a tick asks for, by job and day, with its cursor."""

    def evaluate(cursor=None):
        data = tick("reconcile", cursor)
        asked = [(one.job_name, one.partition_key) for one in data.run_requests or []]
        return data, asked

    return evaluate


def first_pdf(site, day):
    return next(row.pdf_name for row in site.rows(day) if row.pdf_name)


def test_the_sensor_is_off_at_first_and_looks_each_minute(repository):
    sensor = repository.get_sensor_def("reconcile")

    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert sensor.minimum_interval_seconds == 60
    assert {job.name for job in sensor.jobs} == {"collection", "derivation"}


def test_in_an_empty_lake_nothing_is_asked_for(site, ask):
    data, asked = ask()

    assert asked == []
    assert data.skip_message == (f"{TODAY}: listing_pages: not there (waits to be published)")
    assert site.requests == []


@pytest.mark.slow
def test_a_whole_day_asks_for_nothing_and_nobody_is_asked(site, pipeline, ask):
    site.set_day(YESTERDAY, 5)
    assert pipeline.materialize(YESTERDAY).success
    before = len(site.requests)

    data, asked = ask()

    assert asked == []
    assert str(YESTERDAY) not in data.skip_message
    assert len(site.requests) == before


@pytest.mark.slow
def test_a_file_that_is_missing_once_is_stored_by_the_next_collection_and_all_that_follows_is_made(
    site, pipeline, ask, do
):
    site.set_day(YESTERDAY, 12)
    name = first_pdf(site, YESTERDAY)
    site.faults.answer(name, status=404)
    result = pipeline.materialize(YESTERDAY)
    assert (pipeline.record(result).status, result.success) == ("failed", False)
    assert set(pipeline.table("documents", YESTERDAY)["status"]) == {"stored", "failed"}
    site.faults.clear()
    asked_before = len(site.requests)

    data, asked = ask()
    assert asked == [(COLLECTION, str(YESTERDAY))]
    (request,) = data.run_requests
    assert request.run_key is None
    assert request.asset_selection is None
    assert request.tags["tdnet/reason"] == "documents: check files_complete failed"
    assert do(request).success
    assert set(pipeline.table("documents", YESTERDAY)["status"]) == {"stored"}
    files = [one.path for one in site.requests[asked_before:] if "I_list" not in one.path]
    assert [path.rsplit("/", 1)[1] for path in files] == [name]

    data, asked = ask()
    assert asked == [(DERIVATION, str(YESTERDAY))]
    (request,) = data.run_requests
    assert [key.to_user_string() for key in request.asset_selection] == list(names(DERIVATION))
    asked_before = len(site.requests)
    result = do(request)
    assert result.success
    assert pipeline.record(result).status == "completed"
    assert len(site.requests) == asked_before
    assert ask()[1] == []


@pytest.mark.slow
def test_a_day_whose_run_was_canceled_before_it_read_the_list_is_asked_for_without_a_publication(
    site, pipeline, platform, ask
):
    site.set_day(YESTERDAY, 3)
    pipeline.materialize(YESTERDAY)
    records = ExecutionsResource(config=platform)
    day = str(YESTERDAY)
    records.start("gone", partition_start=day, partition_end=day, job_name="collect_day")
    assert ask()[1] == []
    records.finish("gone", CANCELED)

    data, asked = ask()

    assert asked == [(COLLECTION, day)]
    assert "the run gone canceled before" in data.run_requests[0].tags["tdnet/reason"]


def test_a_lost_table_is_made_again_from_the_lake_and_only_what_is_missing(site, pipeline, ask, do):
    site.set_day(YESTERDAY, 12)
    pipeline.materialize(YESTERDAY)
    pipeline.lake.store.delete(layout.table_key("earnings", YESTERDAY))

    data, asked = ask()

    assert asked == [(DERIVATION, str(YESTERDAY))]
    lost_and_made_from_it = ("earnings", "report_figures", "report_links", "watch_notices")
    assert data.run_requests[0].asset_selection == [*map(dg.AssetKey, lost_and_made_from_it)]
    assert do(data.run_requests[0]).success
    assert ask()[1] == []


@pytest.mark.slow
def test_only_one_collection_is_queued_and_derivation_goes_on_beside_it(
    site, pipeline, instance, ask, make_run
):
    for day in (YESTERDAY, BEFORE):
        site.set_day(day, 3)
        site.faults.answer(first_pdf(site, day), status=404)
        pipeline.materialize(day)
    pipeline.lake.store.delete(layout.table_key("earnings", YESTERDAY))
    old = str(TODAY - timedelta(days=90))

    assert ask()[1] == [(COLLECTION, str(YESTERDAY)), (DERIVATION, str(YESTERDAY))]
    working = make_run(RUN.STARTED, tags_for(old, old))
    assert (COLLECTION, str(YESTERDAY)) in ask()[1]
    waiting = make_run(RUN.STARTED, tags_for(old, old))
    assert ask()[1] == [(DERIVATION, str(YESTERDAY))]
    for run in (working, waiting):
        instance.report_run_canceled(run)
    make_run(RUN.QUEUED, tags_for(old, old))
    assert ask()[1] == [(DERIVATION, str(YESTERDAY))]


@pytest.mark.slow
def test_a_queued_yearly_copy_or_derivation_holds_no_collection_up(
    site, pipeline, instance, repository, ask, make_run
):
    site.set_day(YESTERDAY, 3)
    site.faults.answer(first_pdf(site, YESTERDAY), status=404)
    pipeline.materialize(YESTERDAY)
    copies = repository.get_job("yearly_copies")
    instance.create_run_for_job(copies, status=RUN.NOT_STARTED, tags={PARTITION: str(TODAY.year)})
    make_run(RUN.QUEUED, tags_for(str(BEFORE), str(BEFORE)), select=["earnings"])

    assert ask()[1] == [(COLLECTION, str(YESTERDAY))]


@pytest.mark.slow
def test_work_of_a_day_that_is_queued_is_not_asked_for_twice(site, pipeline, ask, make_run):
    site.set_day(YESTERDAY, 3)
    pipeline.materialize(YESTERDAY)
    pipeline.lake.store.delete(layout.table_key("earnings", YESTERDAY))
    make_run(RUN.QUEUED, tags_for(str(BEFORE), str(TODAY)), select=["earnings"])

    data, asked = ask()

    assert asked == []
    assert f"{YESTERDAY}: earnings: not there (derivation goes on)" in data.skip_message


@pytest.mark.slow
def test_days_that_wait_for_their_turn_are_looked_at_with_the_next_tick(site, pipeline, ask):
    for day in (YESTERDAY, BEFORE):
        site.set_day(day, 3)
        site.faults.answer(first_pdf(site, day), status=404)
        pipeline.materialize(day)

    first, asked = ask()
    assert asked == [(COLLECTION, str(YESTERDAY))]
    # Yesterday is not looked at again: its run is taken to be queued.
    second, asked = ask(later(first.cursor))
    assert asked == [(COLLECTION, str(BEFORE))]
    assert ask(later(second.cursor))[1] == []


def later(cursor):
    """The cursor as it is when runs that have ended by now ended before it."""
    said = json.loads(cursor)
    said["at"] = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    return json.dumps(said)


@pytest.mark.slow
def test_a_day_of_which_a_run_has_ended_is_looked_at_with_the_next_tick(
    site, pipeline, instance, ask, make_run
):
    site.set_day(YESTERDAY, 3)
    pipeline.materialize(YESTERDAY)
    cursor = ask()[0].cursor
    run = make_run(RUN.STARTED, tags_for(str(BEFORE), str(YESTERDAY)))
    pipeline.lake.store.delete(layout.table_key("earnings", YESTERDAY))
    assert ask(later(cursor))[1] == []
    instance.report_run_failed(run)

    assert ask(cursor)[1] == [(DERIVATION, str(YESTERDAY))]


@pytest.mark.slow
def test_a_whole_day_is_looked_at_each_hour_and_a_day_that_is_new_to_the_lake_each_quarter_of_one(
    site, pipeline, ask
):
    site.set_day(YESTERDAY, 3)
    pipeline.materialize(YESTERDAY)
    said = json.loads(later(ask()[0].cursor))
    turn = datetime.fromisoformat(said["turns"][str(YESTERDAY)])
    assert timedelta(minutes=59) < turn - datetime.now(UTC) <= timedelta(hours=1)
    pipeline.lake.store.delete(layout.table_key("earnings", YESTERDAY))
    assert ask(json.dumps(said))[1] == []

    due = {**said, "turns": {**said["turns"], str(YESTERDAY): said["listed_at"]}}
    assert ask(json.dumps(due))[1] == [(DERIVATION, str(YESTERDAY))]
    unknown = {**said, "turns": {}}
    assert ask(json.dumps(unknown))[1] == []
    unknown["listed_at"] = (datetime.now(UTC) - timedelta(minutes=15)).isoformat()
    assert ask(json.dumps(unknown))[1] == [(DERIVATION, str(YESTERDAY))]


@pytest.mark.slow
def test_a_range_of_days_is_known_as_each_of_its_days_is(site, pipeline, platform):
    days = [TODAY - timedelta(days=n) for n in range(5)]
    for day in days[1:4]:
        site.set_day(day, 3)
    pipeline.materialize(days[3], days[2])
    site.publish(days[2], 1)
    pipeline.materialize(days[2])
    index = DisclosureIndexResource(config=platform)

    together = read_day_states(pipeline.lake, index, days)

    assert list(together) == days
    assert together == {day: read_day_state(pipeline.lake, index, day) for day in days}
    assert [day for day in days if together[day].version("listing_pages")] == days[2:4]
    assert together[days[2]].not_whole() == {}


def test_runs_of_other_code_locations_are_none_of_ours(instance, make_run):
    day = str(YESTERDAY)
    make_run(RUN.QUEUED, tags_for(day, day), "another_location")

    assert not collection_waits(runs_in_progress(instance, "tdnet_assets"))
    assert collection_waits(runs_in_progress(instance, "another_location"))
    assert runs_ended_since(instance, datetime.now(UTC) - timedelta(hours=1)) == []


SENSORS = (
    "new_disclosures",
    "reconcile",
    "freshness",
    "failure_notices",
    "execution_record_sweep",
)


@pytest.mark.parametrize(
    "cursor", ["garbage", "7.5", '{"day": 1}', "[]", "null", "2026-06-10T12:00"]
)
def test_a_cursor_that_cannot_be_read_is_no_cursor_for_any_sensor(tick, cursor):
    for name in SENSORS:
        data = tick(name, cursor)
        assert data.cursor != cursor, name
        assert not data.run_requests, name


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 40])
def test_what_a_look_at_a_day_costs_does_not_depend_on_the_day(
    site, pipeline, platform, instance, aws_endpoint, size
):
    site.set_day(YESTERDAY, size)
    for _ in range(3):
        pipeline.materialize(YESTERDAY)
    passed = []

    def note(request, send):
        target = request.headers.get("x-amz-target", "").rpartition(".")[2]
        passed.append(target or (request.method, "list-type" in request.target))
        return send()

    with proxy(aws_endpoint, note) as address:
        metered = platform.changed(aws_endpoint_url=address)
        facts_of_days(
            [YESTERDAY],
            instance=instance,
            lake=LakeResource(config=metered),
            index=DisclosureIndexResource(config=metered),
            executions=ExecutionsResource(config=metered),
            now=datetime.now(UTC),
        )

    counted = {kind: passed.count(kind) for kind in passed}
    index_reads = counted.pop("GetItem", 0) + counted.pop("BatchGetItem", 0)
    assert index_reads == 1
    assert counted == {("GET", True): 1, ("GET", False): 1, ("HEAD", False): 9, "Query": 1}
