"""When the schedules run, over which days, and what a re-read of the window starts."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from tdnet_assets.automation.changed_lists import follow

from tdnet_assets.automation.schedules import FOLLOW_CHANGES_TAG, window
from tdnet_assets.partitions import partitions_of, tags_for, trigger_of
from tdnet_assets.tdnet.listing import TOKYO

FIRST = date(2026, 6, 8)
DAYS = [FIRST + timedelta(days=number) for number in range(4)]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def request_at(repository, instance):
    """The one run that a schedule asks for at a time in Japan."""

    def at(name, when):
        schedule = repository.get_schedule_def(name)
        assert schedule.execution_timezone == "Asia/Tokyo"
        with dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=when,
            repository_def=repository,
            resources=repository.get_top_level_resources(),
        ) as context:
            (request,) = schedule.evaluate_tick(context).run_requests
        return request

    return at


def in_japan(day, hour, minute):
    return datetime(2026, 6, day, hour, minute, tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("when", "day"),
    [
        (in_japan(10, 23, 35), "2026-06-10"),
        (in_japan(11, 6, 30), "2026-06-10"),
        # The daemon may hand the time over in any zone.
        (in_japan(11, 6, 30).astimezone(UTC), "2026-06-10"),
    ],
)
def test_the_close_is_about_the_day_that_ends_and_about_the_day_before_in_the_morning(
    request_at, when, day
):
    request = request_at("day_close", when)

    assert request.partition_key == day
    assert request.tags["dagster/schedule_name"] == "day_close"
    assert trigger_of(request.tags) == "schedule"


def test_both_closes_of_a_day_are_runs_of_their_own(request_at):
    evening = request_at("day_close", in_japan(10, 23, 35))
    morning = request_at("day_close", in_japan(11, 6, 30))

    assert evening.run_key != morning.run_key


def test_the_schedules_are_due_at_their_hours_in_japan_and_off_at_first(repository):
    crons = {"day_close": ["35 23 * * *", "30 6 * * *"], "window_reread": "0 2 * * *"}

    for name, cron in crons.items():
        schedule = repository.get_schedule_def(name)
        assert schedule.cron_schedule == cron
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_the_re_read_is_one_run_of_the_lists_alone_over_the_window(request_at):
    request = request_at("window_reread", in_japan(30, 2, 0))

    assert partitions_of(request.tags) == ("2026-05-31", "2026-06-30")
    assert request.tags[FOLLOW_CHANGES_TAG] == "yes"
    assert trigger_of(request.tags) == "schedule"


def test_the_window_is_tdnet_s_31_days_or_what_the_site_lists_if_that_is_less():
    today = date(2026, 6, 30)

    assert window(today, None) == (date(2026, 5, 31), today)
    assert window(today, date(2020, 1, 1)) == (date(2026, 5, 31), today)
    assert window(today, date(2026, 6, 28)) == (date(2026, 6, 28), today)


@pytest.fixture
def reread(pipeline):
    """Runs what the schedule asks for over the four days."""

    def run():
        return pipeline.job().execute_in_process(
            instance=pipeline.instance,
            run_config=QUIET,
            asset_selection=[dg.AssetKey("listing_pages")],
            raise_on_error=False,
            tags={
                **tags_for(str(DAYS[0]), str(DAYS[-1])),
                FOLLOW_CHANGES_TAG: "yes",
            },
        )

    return run


def changed(followed):
    return [found.day for found in followed.changed]


def test_a_re_read_starts_runs_only_for_the_days_whose_list_changed(
    site, pipeline, instance, reread
):
    for day in DAYS:
        site.set_day(day, 120)
    lists = ["listing_pages", "disclosures"]
    assert pipeline.materialize(DAYS[0], DAYS[-1], select=lists).success
    cursor = follow(instance, None, datetime.now(UTC)).cursor
    # On page 2, where page 1 need not show it.
    site.delete(site.rows(DAYS[1])[110].disclosure_id)
    site.retitle(site.rows(DAYS[3])[5].disclosure_id, "新しい表題")
    asked = len(site.requests)

    assert reread().success
    found = follow(instance, cursor, LONG_AGO)

    assert changed(found) == [DAYS[1], DAYS[3]]
    assert found.unchanged == 2
    statuses = [seen.status for seen in site.requests[asked:]]
    assert len(statuses) == 8
    assert statuses.count(304) >= 4
    again = follow(instance, found.cursor, LONG_AGO)
    assert (again.changed, again.unchanged) == ([], 0)


@pytest.mark.slow
def test_the_runs_that_follow_make_the_rest_of_the_day_from_the_list_in_the_lake(
    site, pipeline, instance, repository, reread, tick
):
    for day in DAYS:
        site.set_day(day, 5)
    pipeline.materialize(DAYS[0], DAYS[-1])
    site.publish(DAYS[2], 1)
    reread()

    data = tick("changed_lists")

    (request,) = data.run_requests
    assert request.partition_key == str(DAYS[2])
    job = repository.get_job(repository.get_sensor_def("changed_lists").job_name)
    asked = len(site.requests)
    result = job.execute_in_process(
        instance=instance, partition_key=request.partition_key, run_config=QUIET
    )
    assert result.success
    made = pipeline.materialized(result)
    assert "listing_pages" not in made
    assert made["disclosures"] == made["documents"] == [str(DAYS[2])]
    assert pipeline.table("disclosures", DAYS[2]).height == 6
    assert not [seen for seen in site.requests[asked:] if "I_list" in seen.path]
    # And it is not started again after the next re-read.
    reread()
    assert follow(instance, data.cursor, LONG_AGO).changed == []


def test_a_day_whose_run_failed_has_its_turn_again_after_the_next_re_read(
    site, pipeline, instance, reread
):
    for day in DAYS:
        site.set_day(day, 3)
    reread()
    first = follow(instance, None, datetime.now(UTC))
    # Their runs fail, so no disclosures are made; the lists stay as they are.
    reread()
    second = follow(instance, first.cursor, LONG_AGO)

    assert changed(first) == changed(second) == DAYS
    # Dagster starts no second run for a key that it has seen.
    assert not {one.run_key for one in first.changed} & {one.run_key for one in second.changed}


def test_a_day_that_was_never_collected_is_a_changed_one(site, pipeline, instance, reread):
    for day in DAYS:
        site.set_day(day, 3)
    reread()

    assert changed(follow(instance, None, datetime.now(UTC))) == DAYS


def test_a_day_that_cannot_be_read_does_not_keep_the_others_from_being_followed(
    site, pipeline, instance, reread
):
    for day in DAYS:
        site.set_day(day, 3)
    site.faults.bare_page("I_list_001_20260609")
    assert not reread().success

    assert changed(follow(instance, None, datetime.now(UTC))) == [DAYS[0], *DAYS[2:]]


def test_a_run_that_read_the_list_for_itself_is_not_followed(site, pipeline, instance):
    site.set_day(FIRST, 3)
    pipeline.materialize(FIRST, select=["listing_pages"])

    assert follow(instance, None, datetime.now(UTC)).changed == []


def test_a_day_with_a_run_in_progress_is_followed_when_it_is_over(
    site, pipeline, instance, reread, make_run
):
    for day in DAYS:
        site.set_day(day, 3)
    reread()
    day = str(DAYS[2])
    run = make_run(dg.DagsterRunStatus.QUEUED, tags_for(day, day))

    first = follow(instance, None, datetime.now(UTC))
    assert changed(first) == DAYS[:2]
    assert run.run_id in first.waiting
    instance.report_run_canceled(run)

    assert changed(follow(instance, first.cursor, LONG_AGO)) == DAYS[2:]
