"""Whether every due day of the window is whole, and how long the archive has been behind."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from tdnet_assets.automation.day_facts import facts_of_days
from tdnet_assets.automation.day_plan import DayFacts, over_at
from tdnet_assets.automation.due_days import due_at, freshness, latest_due_day
from tdnet_assets.automation.freshness import report
from tdnet_assets.definitions import COLLECTION_STEPS, DERIVATION_STEPS, build_definitions
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import FRESHNESS_LAG, MetricsResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.wholeness import DayState
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.automation.days import stored

DAY = date(2026, 6, 10)
HOUR = timedelta(hours=1)
FILES = {"documents": ("files_complete",)}


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


def facts(day, state=None, **changes):
    """Facts of a day whose list was read when it was over."""
    return DayFacts(**{"state": state or stored(day), "listed_at": over_at(day), **changes})


def test_whole_days_that_were_read_when_they_were_over_are_fresh():
    now = due_at(DAY) + HOUR

    found = freshness([facts(DAY - timedelta(days=n)) for n in range(5)], now)

    assert (found.latest, found.problems, found.lag(now)) == (DAY, {}, 0)
    assert str(found) == f"every due day up to {DAY} is whole"


def test_a_red_day_behind_a_good_one_is_told_and_the_lag_counts_from_the_oldest():
    red = DAY - timedelta(days=2)
    days = [facts(DAY), facts(DAY - timedelta(days=1)), facts(red, stored(red, failed=FILES))]
    now = due_at(DAY) + HOUR

    found = freshness(days, now)

    assert found.problems == {red: "documents: check files_complete failed"}
    assert str(found) == f"{red}: documents: check files_complete failed"
    assert found.behind_since == due_at(red)
    assert found.lag(now) == (timedelta(days=2) + HOUR).total_seconds()
    older = red - timedelta(days=3)
    both = freshness([*days, facts(older, DayState(older))], now)
    assert both.lag(now) == (timedelta(days=5) + HOUR).total_seconds()
    assert str(both).startswith(f"{red}: ")


def test_what_is_made_of_a_day_that_is_not_whole_does_not_make_it_fresh():
    state = stored(DAY, failed={"disclosures": ("rows_complete",)})

    assert freshness([facts(DAY, state)], due_at(DAY)).problems == {
        DAY: "disclosures: check rows_complete failed"
    }


def test_a_day_that_is_not_due_yet_is_no_problem():
    tomorrow = DAY + timedelta(days=1)

    found = freshness([facts(DAY), facts(tomorrow, DayState(tomorrow))], due_at(DAY))

    assert found.problems == {}


@pytest.mark.parametrize("listed_at", [None, over_at(DAY) - timedelta(seconds=1)])
def test_a_day_that_was_last_read_before_it_was_over_is_not_complete(listed_at):
    found = freshness([facts(DAY, listed_at=listed_at)], due_at(DAY))

    assert found.problems == {DAY: "its list was last read before the day was over"}


@pytest.fixture
def known(platform, instance):
    """The facts of some days as they are stored."""

    def read(*days):
        return facts_of_days(
            days,
            instance=instance,
            lake=LakeResource(config=platform),
            index=DisclosureIndexResource(config=platform),
            now=datetime.now(UTC),
        )

    return read


@pytest.mark.slow
def test_a_day_collected_after_it_was_over_is_fresh_and_a_day_of_which_a_file_failed_is_not(
    site, pipeline, known
):
    bad = DAY - timedelta(days=1)
    for day in (bad, DAY):
        site.set_day(day, 5)
    site.faults.html_instead(next(row.pdf_name for row in site.rows(bad) if row.pdf_name))
    pipeline.materialize(bad, DAY)
    now = due_at(DAY) + HOUR

    found = freshness(known(bad, DAY), now)

    assert found.problems == {bad: "documents: check files_complete failed"}
    site.faults.clear()
    assert pipeline.materialize(bad, select=["listing_pages", "disclosures", "documents"]).success
    behind = freshness(known(bad, DAY), now).problems[bad]
    assert "financial_facts: not made from the documents stored now" in behind
    assert pipeline.materialize(bad).success
    assert freshness(known(bad, DAY), now).problems == {}


@pytest.mark.slow
def test_what_was_made_from_an_older_list_is_not_complete(site, pipeline, known):
    site.set_day(DAY, 5)
    pipeline.materialize(DAY)
    site.publish(DAY, 1)
    pipeline.materialize(DAY, select=["listing_pages"])

    found = freshness(known(DAY), due_at(DAY))

    assert found.problems == {DAY: "disclosures: not made from the listing_pages stored now"}
    pipeline.materialize(DAY)
    assert freshness(known(DAY), due_at(DAY)).problems == {}


@pytest.fixture
def look(platform, instance):
    metrics = MetricsResource(config=platform)

    def run(days, now, cursor=None, metrics=metrics):
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        return report(context, freshness(days, now), metrics, now)

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


def test_the_lag_is_sent_and_observed_once_until_something_else_is_to_be_said(platform, look):
    now = due_at(DAY) + HOUR
    red = [facts(DAY, DayState(DAY))]
    late = look(red, now)
    again = look(red, now + HOUR, late.cursor)

    (observation,) = late.asset_events
    assert observation.partition == str(DAY)
    assert observation.metadata["complete"].value is False
    assert observation.metadata["days_not_whole"].value == 1
    assert observation.description == f"{DAY}: listing_pages: not there"
    assert "behind for 1:00:00" in late.skip_reason.skip_message
    assert again.asset_events == []
    assert max(lags(platform)) == 2 * 3600

    good = look([facts(DAY)], now, again.cursor)
    (observation,) = good.asset_events
    assert observation.metadata["complete"].value is True
    assert observation.metadata["lag_seconds"].value == 0
    assert good.skip_reason.skip_message == f"every due day up to {DAY} is whole"


def test_a_lag_that_cannot_be_sent_is_shown_and_breaks_no_tick(platform, look):
    nowhere = MetricsResource(config=platform.changed(aws_endpoint_url="http://127.0.0.1:9"))

    result = look([facts(DAY, DayState(DAY))], due_at(DAY), metrics=nowhere)

    assert "FreshnessLag were not delivered" in result.skip_reason.skip_message
    assert len(result.asset_events) == 1


def test_in_an_empty_lake_the_latest_due_day_is_behind(platform, repository, tick):
    data = tick("freshness")

    day = latest_due_day(datetime.now(TOKYO))
    assert data.skip_message.startswith(f"{day}: listing_pages: not there; behind for ")
    assert lags(platform)
    sensor = repository.get_sensor_def("freshness")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED


@pytest.mark.slow
def test_the_sensor_finds_a_red_day_of_the_window_behind_a_good_one(site, pipeline, tick):
    latest = latest_due_day(datetime.now(TOKYO))
    red = latest - timedelta(days=3)
    days = [red + timedelta(days=n) for n in range(4)]
    for day in days:
        site.set_day(day, 3)
    site.faults.html_instead(next(row.pdf_name for row in site.rows(red) if row.pdf_name))
    pipeline.materialize(red, latest)

    data = tick("freshness")

    assert data.skip_message.startswith(f"{red}: documents: check files_complete failed; behind")
    (observation,) = data.asset_events
    assert observation.metadata["days_not_whole"].value == 1


def test_every_daily_asset_has_a_policy_that_ends_at_seven_in_japan(platform):
    definitions = build_definitions(platform)
    steps = (*COLLECTION_STEPS, *DERIVATION_STEPS)
    for step in steps:
        spec = definitions.get_assets_def(step.spec.key).specs_by_key[step.spec.key]
        assert spec.freshness_policy.deadline_cron == "0 7 * * *"
        assert spec.freshness_policy.timezone == "Asia/Tokyo"
        assert spec.freshness_policy.lower_bound_delta == timedelta(hours=7)
