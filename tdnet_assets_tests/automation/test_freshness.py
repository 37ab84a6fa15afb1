"""Whether the latest due day is complete, and how long the archive has been behind."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from tdnet_assets.assets.daily import build_daily_assets

from tdnet_assets.automation.freshness import (
    due_at,
    freshness,
    latest_due_day,
    report,
    with_freshness_policy,
)
from tdnet_assets.definitions import DAILY_ASSETS, DAILY_STEPS
from tdnet_assets.resources.aws.metrics import FRESHNESS_LAG, MetricsResource
from tdnet_assets.tdnet.listing import TOKYO

DAY = date(2026, 6, 10)
HOUR = timedelta(hours=1)
SPECS = [step.spec for step in DAILY_STEPS]


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 6, 11, 6, 59, tzinfo=TOKYO), date(2026, 6, 9)),
        (datetime(2026, 6, 11, 7, 0, tzinfo=TOKYO), DAY),
        (datetime(2026, 6, 11, 23, 59, tzinfo=TOKYO), DAY),
        (datetime(2026, 6, 10, 22, 0, tzinfo=UTC), DAY),
        (datetime(2026, 6, 10, 21, 59, tzinfo=UTC), date(2026, 6, 9)),
    ],
)
def test_a_day_is_due_at_seven_the_next_morning_in_japan(now, day):
    assert latest_due_day(now) == day
    assert due_at(day) <= now


def test_a_day_collected_after_it_was_over_is_fresh(site, pipeline, instance):
    site.set_day(DAY, 5)
    pipeline.materialize(DAY)
    now = due_at(DAY) + HOUR

    found = freshness(instance, SPECS, now)

    assert (found.day, found.problem) == (DAY, None)
    assert found.lag(now) == 0


def test_a_day_that_is_missing_is_behind_since_it_was_due(site, pipeline, instance):
    before = DAY - timedelta(days=1)
    site.set_day(before, 5)
    pipeline.materialize(before)
    now = due_at(DAY) + 3 * HOUR

    found = freshness(instance, SPECS, now)

    assert found.problem == f"listing_pages of {DAY} was never materialized"
    assert found.lag(now) == 3 * 3600


def test_an_outage_of_days_is_counted_from_its_first_day(site, pipeline, instance):
    site.set_day(DAY, 5)
    pipeline.materialize(DAY)
    now = due_at(DAY + timedelta(days=3))

    found = freshness(instance, SPECS, now)

    assert found.day == DAY + timedelta(days=3)
    assert found.lag(now) == timedelta(days=2).total_seconds()


def test_a_backfill_of_an_old_day_makes_nothing_fresh(site, pipeline, instance):
    old = DAY - timedelta(days=20)
    site.set_day(old, 5)
    pipeline.materialize(old)

    assert freshness(instance, SPECS, due_at(DAY)).problem is not None


def test_a_day_of_which_an_asset_failed_is_not_complete(site, pipeline, instance):
    site.set_day(DAY, 5)
    (row, *_) = [row for row in site.rows(DAY) if row.pdf_name]
    site.faults.html_instead(row.pdf_name)
    assert not pipeline.materialize(DAY).success

    found = freshness(instance, SPECS, due_at(DAY))

    assert found.problem == f"documents of {DAY} was never materialized"


def test_what_was_made_from_an_older_list_is_not_complete(site, pipeline, instance):
    site.set_day(DAY, 5)
    pipeline.materialize(DAY)
    site.publish(DAY, 1)
    pipeline.materialize(DAY, select=["listing_pages"])

    found = freshness(instance, SPECS, due_at(DAY))

    assert found.problem == f"disclosures of {DAY} was not made from the latest listing_pages"
    pipeline.materialize(DAY, select=[key.to_user_string() for key in DAILY_ASSETS[1:]])
    assert freshness(instance, SPECS, due_at(DAY)).problem is None


def test_a_day_that_was_last_read_before_it_was_over_is_not_complete(site, pipeline, instance):
    today = datetime.now(TOKYO).date()
    site.set_day(today, 0)
    assert pipeline.materialize(today).success

    found = freshness(instance, SPECS, due_at(today))

    if datetime.now(TOKYO).date() == today:
        assert found.problem == f"listing_pages of {today} was last read before the day was over"


@pytest.fixture
def look(platform, instance):
    metrics = MetricsResource(config=platform)

    def run(now, cursor=None, metrics=metrics):
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        return report(context, freshness(instance, SPECS, now), metrics, now)

    return run


def lags(platform):
    now = datetime.now(UTC)
    found = MetricsResource(config=platform).statistics(
        FRESHNESS_LAG,
        start=now - timedelta(minutes=10),
        end=now + timedelta(minutes=2),
        statistic="Maximum",
    )
    return [value for _, value in found]


def test_the_lag_is_sent_and_observed_once_until_something_else_is_to_be_said(
    site, pipeline, platform, look
):
    now = due_at(DAY) + HOUR
    late = look(now)
    again = look(now + HOUR, late.cursor)

    (observation,) = late.asset_events
    assert observation.partition == str(DAY)
    assert observation.metadata["complete"].value is False
    assert observation.description == f"listing_pages of {DAY} was never materialized"
    assert "behind for 30 days, 1:00:00" in late.skip_reason.skip_message
    assert again.asset_events == []
    assert max(lags(platform)) == timedelta(days=30, hours=2).total_seconds()

    site.set_day(DAY, 5)
    pipeline.materialize(DAY)
    good = look(now, again.cursor)
    (observation,) = good.asset_events
    assert observation.metadata["complete"].value is True
    assert observation.metadata["lag_seconds"].value == 0
    assert good.skip_reason.skip_message == f"{DAY} is complete"


def test_a_lag_that_cannot_be_sent_is_shown_and_breaks_no_tick(platform, look):
    nowhere = MetricsResource(config=platform.changed(aws_endpoint_url="http://127.0.0.1:9"))

    result = look(due_at(DAY), metrics=nowhere)

    assert "FreshnessLag were not delivered" in result.skip_reason.skip_message
    assert len(result.asset_events) == 1


def test_the_sensor_itself_runs_with_the_resources_of_the_code_location(platform, tick):
    data = tick("freshness")

    assert "was never materialized" in data.skip_message
    assert lags(platform)


def test_every_daily_asset_has_a_policy_that_ends_at_seven_in_japan():
    for spec in with_freshness_policy(build_daily_assets(DAILY_STEPS)).specs:
        assert spec.freshness_policy.deadline_cron == "0 7 * * *"
        assert spec.freshness_policy.timezone == "Asia/Tokyo"
        assert spec.freshness_policy.lower_bound_delta == timedelta(hours=7)
