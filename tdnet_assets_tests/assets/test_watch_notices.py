"""The day's notices as an asset: what is due is put, what has become of it is stored."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.notices_table import SENT, NoticesResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.delivery import Delivery
from tdnet_assets.resources.notices.due_notices import DueNotices, stored_notices
from tdnet_assets.resources.notices.sender import NoticeSender
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.resources.notices.watched_day import read_watched_day
from tdnet_assets_tests.pipeline import Pipeline
from tdnet_assets_tests.resources.notices.notices import watch_file

# A day on which many companies report.
DAY = date(2026, 5, 14)
THEN = datetime(2026, 5, 14, 0, 0, tzinfo=UTC)
FIGURES = """name = "figures"
to = ["hook"]
figures = ["forecast_revision.net_income.change <= -0.01", "surprise.operating_income >= 0.0001",
  "dividend.changed"]
"""
EVERYTHING = 'name = "all"\nto = ["hook"]\nexchanges = ["東", "名", "札", "福"]\n'


@pytest.fixture
def watched(pipeline, site, tmp_path, hook):
    """A day that is collected, with watches that began before it."""
    site.set_day(DAY, 30)
    path = watch_file(tmp_path, hook.address, EVERYTHING, FIGURES)
    return Pipeline(pipeline.config.changed(watches=path), pipeline.instance)


def _due(pipeline):
    """What is due, by a clock that stands in the day."""
    return DueNotices(
        NoticesResource(config=pipeline.config),
        pipeline.lake,
        clock=lambda: THEN + timedelta(hours=12),
    )


def _begin_before_the_day(pipeline):
    table = NoticesResource(config=pipeline.config)
    table.set_marker(THEN, restored=False)
    watches = read_watch_list(pipeline.config)
    for watch in watches.watches:
        table.watched_since(watch.name, watch.digest, THEN)
    return watches


@pytest.mark.slow
def test_without_a_watch_file_the_day_has_an_empty_table_and_is_whole(pipeline, site):
    site.set_day(DAY, 4)

    result = pipeline.materialize(DAY)

    assert result.success
    assert pipeline.table("watch_notices", DAY).height == 0
    assert pipeline.checks(result, "notices_delivered") == {str(DAY): True}


@pytest.mark.slow
def test_rows_and_figures_match_are_sent_and_stored_with_their_times(watched, hook):
    watches = _begin_before_the_day(watched)
    assert watched.materialize(DAY).success
    assert watched.table("watch_notices", DAY).height == 0  # of months ago: nobody is told
    day = read_watched_day(watched.lake, DAY)

    found = _due(watched).add(DAY, day.subjects(), watches)
    assert _due(watched).add(DAY, day.subjects(), watches) == []

    table = NoticesResource(config=watched.config)
    sender = NoticeSender(table, Delivery(watched.config))
    while sender.send_due(watches).messages:
        sender = NoticeSender(table, Delivery(watched.config))
    result = watched.materialize(DAY)
    assert result.success
    stored = watched.table("watch_notices", DAY)
    assert stored.height == len(found) == len(hook.ids)
    assert set(stored["state"]) == {SENT}
    assert (stored["seconds"] > 0).all()
    by_watch = dict(stored["watch"].value_counts().iter_rows())
    assert by_watch["all"] > 20
    assert 0 < by_watch["figures"] < 30
    assert all(one["figures"] for one in hook.told if one["watch"] == "figures")
    assert {one.id for one in stored_notices(watched.lake, DAY)} == {
        one.id for one in table.of_day(DAY)
    }
    # What has not changed is neither written nor told again.
    before, said = watched.objects(), len(hook.ids)
    assert watched.materialize(DAY).success
    assert watched.objects() == before
    assert len(hook.ids) == said


@pytest.mark.slow
def test_a_notice_that_failed_for_good_makes_the_day_of_this_asset_red_and_no_other(watched):
    watches = _begin_before_the_day(watched)
    assert watched.materialize(DAY).success
    day = read_watched_day(watched.lake, DAY)
    found = _due(watched).add(DAY, day.subjects(), watches)
    table = NoticesResource(config=watched.config)
    table.give_up(table.claim(found[0], THEN), error="answered 410", unconfirmed=False)

    started = datetime.now(UTC)
    result = watched.materialize(DAY)

    assert not result.success
    failed = watched.metrics.statistics(
        "PartitionsFailed",
        start=started.replace(second=0, microsecond=0),
        end=datetime.now(UTC) + timedelta(minutes=1),
        statistic="Maximum",
    )
    assert max(value for _, value in failed) == 1
    assert "PartitionsFailed" in {alarm.metric for alarm in ALARMS}
    assert watched.checks(result, "notices_delivered") == {str(DAY): False}
    assert "1 notices were not taken within a day" in watched.failure(result)
    assert "answered 410" in watched.failure(result)
    assert "watch_notices" not in watched.materialized(result)
    assert "report_links" in watched.materialized(result)


@pytest.mark.slow
def test_a_table_that_was_lost_is_brought_back_and_what_it_cannot_know_is_told_as_a_repetition(
    watched, hook
):
    watches = _begin_before_the_day(watched)
    assert watched.materialize(DAY).success
    day = read_watched_day(watched.lake, DAY)
    subjects = [
        replace(one, listed=replace(one.listed, first_seen_at=THEN + timedelta(hours=7)))
        for one in day.subjects()
    ]
    _due(watched).add(DAY, subjects[:20], watches)
    table = NoticesResource(config=watched.config)
    sender = NoticeSender(table, Delivery(watched.config))
    sender.send_due(watches)
    assert watched.materialize(DAY).success
    known = {one.id: one.state for one in table.of_day(DAY)}

    lost = watched.config.changed(notices_table=f"{watched.config.notices_table}-new")
    bootstrap(lost)
    again = NoticesResource(config=lost)
    brought = DueNotices(again, LakeResource(config=lost), clock=lambda: THEN + timedelta(hours=13))
    brought.add(DAY, subjects, watches)

    states = {one.id: one for one in again.of_day(DAY)}
    assert {key: states[key].state for key in known} == known
    assert again.marker().restored
    sent_before = set(hook.ids)
    clean = NoticeSender(again, Delivery(lost))
    while clean.send_due(watches).messages:
        clean = NoticeSender(again, Delivery(lost))
    told_again = [one for one in hook.told if hook.ids.count(one["id"]) > 1]
    assert not told_again
    later = [one for one in hook.told if one["id"] not in sent_before]
    assert later
    assert {one["repeated"] for one in later} == {True}


def test_a_retitling_and_a_deletion_are_told_when_the_day_is_read_again(watched, hook):
    watches = _begin_before_the_day(watched)
    assert watched.materialize(DAY).success
    subjects = read_watched_day(watched.lake, DAY).subjects()
    subject = next(
        one for one in subjects if watches.watches[0].fits(one) and one.listed.disclosed_at >= THEN
    )
    due = _due(watched)
    due.add(DAY, [subject], watches)
    listed = subject.listed
    other = replace(
        listed,
        title="別",
        previous_titles=(*listed.previous_titles, listed.title),
        status="retitled",
    )

    events = [
        [
            one.notice.event.partition("-")[0]
            for one in due.add(DAY, [replace(subject, listed=row)], watches)
        ]
        for row in (other, other, replace(other, status="deleted"))
    ]

    assert [sorted(set(one)) for one in events] == [["retitled"], [], ["deleted"]]
