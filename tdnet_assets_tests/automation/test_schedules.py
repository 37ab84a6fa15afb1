"""When the schedules run, over which days, and what follows from a re-read of the window."""

from datetime import UTC, date, datetime, time, timedelta

import dagster as dg
import pytest

from tdnet_assets.partitions import partitions_of, tags_for, trigger_of
from tdnet_assets.resources.day_states import window
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tdnet.listing import TOKYO


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


def test_the_re_read_is_one_collection_over_the_window(request_at):
    request = request_at("window_reread", in_japan(30, 2, 0))

    assert partitions_of(request.tags) == ("2026-05-31", "2026-06-30")
    assert trigger_of(request.tags) == "schedule"


def test_the_window_is_tdnet_s_31_days_or_what_the_site_lists_if_that_is_less(platform):
    today = date(2026, 6, 30)

    assert window(today, platform) == (date(2026, 5, 31), today)
    assert window(today, platform.changed(window_days=2000)) == (date(2026, 5, 31), today)
    assert window(today, platform.changed(window_days=3)) == (date(2026, 6, 28), today)


def test_no_day_before_the_first_partition_is_in_the_window(platform):
    today = date(2026, 6, 30)

    for first, begins in (("2026-06-20", 20), ("2026-06-30", 30)):
        config = platform.changed(first_day=first)
        assert window(today, config) == (date(2026, 6, begins), today)
    assert window(today, platform.changed(first_day="2020-01-01")) == (date(2026, 5, 31), today)


def test_the_jobs_are_those_of_each_kind_of_work(repository):
    jobs = {
        schedule.name: schedule.job_name
        for schedule in repository.schedule_defs
        if schedule.name != "yearly_copies"
    }

    assert jobs == {"day_close": "collect_day", "window_reread": "collection"}
    assets = {
        name: {
            key.to_user_string()
            for key in repository.get_job(name).asset_layer.executable_asset_keys
        }
        for name in ("collect_day", "collection", "derivation", "yearly_copies")
    }
    assert assets == {
        "collect_day": set(RECIPES),
        "collection": {"listing_pages", "disclosures", "documents"},
        "derivation": {
            "disclosure_index",
            "financial_facts",
            "forecast_revisions",
            "earnings",
            "report_figures",
            "report_links",
            "document_texts",
            "watch_notices",
        },
        "yearly_copies": {
            "disclosure_history",
            "earnings_history",
            "report_figures_history",
            "report_links_by_code",
        },
    }


@pytest.mark.slow
def test_after_a_re_read_the_reconciler_has_just_the_changed_days_made_again(
    site, pipeline, request_at, do, tick
):
    today = datetime.now(TOKYO).date()
    days = [today - timedelta(days=number) for number in (4, 3, 2, 1)]
    for day in days:
        site.set_day(day, 120)
    assert pipeline.materialize(days[0], days[-1]).success
    # On page 2, where page 1 need not show it.
    site.delete(site.rows(days[1])[110].disclosure_id)
    site.retitle(site.rows(days[3])[5].disclosure_id, "新しい表題")
    asked = len(site.requests)
    request = request_at("window_reread", datetime.combine(today, time(2), TOKYO))
    assert request.asset_selection is None
    short = request.with_replaced_attrs(
        tags={**request.tags, **tags_for(str(days[0]), str(days[-1]))}
    )
    result = do(short, "collection")

    assert result.success
    statuses = [seen.status for seen in site.requests[asked:] if "I_list" in seen.path]
    assert len(statuses) == 8
    assert statuses.count(304) >= 4
    data = tick("reconcile")
    assert [(one.job_name, one.partition_key) for one in data.run_requests] == [
        ("derivation", str(days[3])),
        ("derivation", str(days[1])),
    ]
    for one in data.run_requests:
        assert do(one).success
    assert tick("reconcile").run_requests == []
