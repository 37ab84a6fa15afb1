"""A session while the site publishes: one request a second of a virtual clock, real HTTP and S3."""

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest
from dagster import raise_execution_interrupts

from benchmarks.virtual_time import VirtualClock
from tdnet_assets.assets.cancellation import run_until_interrupted
from tdnet_assets.assets.collection import SessionHeartbeat
from tdnet_assets.resources.aws.metrics import SENSOR_HEARTBEAT, MetricsResource
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets.tables.recipes import COLLECTION, names
from tdnet_assets_tests.assets.live_sessions import LiveSessions, TdnetOfToday, moment
from tdnet_assets_tests.pipeline import AT_ONCE

TODAY = date(2026, 6, 10)
YESTERDAY = date(2026, 6, 9)
COLLECTED = names(COLLECTION)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(moment(TODAY, "15:31"))


@pytest.fixture
def site(clock) -> SampleSite:
    made = SampleSite(clock=clock.now)
    made.set_day(TODAY, 0)
    return made


@pytest.fixture
def live(platform, site, clock) -> LiveSessions:
    return LiveSessions(platform.changed(requests_per_second=1), site, clock)


def all_files(site, day):
    return Counter(name for row in site.rows(day) for name in (row.pdf_name, row.xbrl_name) if name)


@pytest.mark.slow
def test_rows_published_while_files_are_fetched_are_in_the_lake_within_75_seconds(live, site):
    site.publish(TODAY, 150, time="15:30")
    seen: dict[str, float] = {}
    published: dict[str, float] = {}

    def publish(count):
        for row in site.publish(TODAY, count):
            published[row.disclosure_id] = live.clock.seconds

    live.collect(
        [TODAY],
        [(31, lambda: publish(20)), (95, lambda: publish(130))],
        watching=live.noting_rows(TODAY, seen),
    )

    assert len(published) == 150
    assert max(seen[number] - at for number, at in published.items()) <= 75
    assert live.numbers(TODAY) == {row.disclosure_id for row in site.rows(TODAY)}
    assert Counter(live.asked(".pdf") + live.asked(".zip")) == all_files(site, TODAY)
    assert live.not_whole(TODAY) == ""
    assert live.progress.counts["total_count"] == live.progress.collected == 300
    # One page for the 20, two or three for the 130, and all pages at the end.
    captures = [
        CaptureStore(live.lake).get(TODAY, one) for one in CaptureStore(live.lake).ids(TODAY)
    ]
    assert next(len(one.pages) for one in captures if one.continues) == 1
    assert captures[-1].continues is None
    assert [good for _, good in live.looks] == [True] * len(live.looks)


@pytest.mark.slow
@pytest.mark.parametrize("moments", [(61.0, 130.0), (43.5, 95.0)])
def test_rows_far_down_a_list_of_18_pages_are_in_the_lake_within_75_seconds(live, site, moments):
    # The second one comes while the list is read for the first one, so that it is read again.
    site.publish(TODAY, 1790, time="15:00")
    seen: dict[str, float] = {}
    published: dict[str, float] = {}

    def publish():
        (row,) = site.publish(TODAY, time="08:00")
        published[row.disclosure_id] = live.clock.seconds

    live.collect(
        [TODAY],
        [(moment, publish) for moment in moments],
        watching=live.noting_rows(TODAY, seen),
        stop_after=220,
    )

    assert max(seen[number] - at for number, at in published.items()) <= 75


def test_what_comes_while_the_last_files_are_fetched_is_not_left_to_the_next_session(live, site):
    site.publish(TODAY, 15, time="15:30")

    took = live.collect([TODAY], [(10, lambda: site.publish(TODAY, 4))])

    assert took < 60
    assert live.numbers(TODAY) == {row.disclosure_id for row in site.rows(TODAY)}
    assert len(live.numbers(TODAY)) == 19
    assert live.not_whole(TODAY) == ""


def test_a_host_that_is_away_at_the_end_of_a_session_is_waited_for(live, site):
    site.publish(TODAY, 15, time="15:30")
    begin = lambda: site.faults.answer(".", status=503)  # noqa: E731 - two events of a line

    live.collect([TODAY], [(12, begin), (12 + 300, site.faults.clear)])

    assert live.not_whole(TODAY) == ""


@pytest.mark.slow
def test_archives_of_a_burst_come_before_its_pdfs_and_the_newest_burst_first(live, site):
    early = site.publish(TODAY, 40, time="15:00")
    late = site.publish(TODAY, 40, time="15:30")

    live.collect([TODAY])

    asked = [name for name in live.asked("") if not name.startswith("I_list")]
    archives = [name for name in asked if name.endswith(".zip")]
    assert asked[: len(archives)] == archives
    late_names = {row.xbrl_name for row in late if row.xbrl_name}
    assert set(archives[: len(late_names)]) == late_names
    assert len(late_names) < len(archives)
    assert {row.disclosure_id for row in early} <= live.numbers(TODAY)


@pytest.mark.slow
def test_facts_of_a_burst_are_in_the_lake_while_its_pdfs_still_come(live, site):
    live.derive = True
    rows = site.publish(TODAY, 80)
    facts_at = []

    async def watch():
        while not facts_at:
            await asyncio.sleep(1)
            found = live.lake.read_table("financial_facts", TODAY)
            archives = {row.disclosure_id for row in rows if row.xbrl_name}
            if found and archives <= set(found.frame["disclosure_id"]):
                facts_at.append((live.clock.seconds, len(live.asked(".pdf")), len(archives)))

    live.collect([TODAY], watching=watch)

    ((seconds, pdfs, archives),) = facts_at
    assert archives > 3
    assert seconds <= archives + 20
    assert pdfs < 40
    assert live.not_whole(TODAY) == ""


@pytest.mark.slow
def test_nothing_is_green_before_the_last_file(live, site):
    site.publish(TODAY, 120)
    told = []

    async def watch():
        while True:
            await asyncio.sleep(10)
            told.append(live.not_whole(TODAY))

    live.collect([TODAY], watching=watch)

    assert len(told) > 10
    assert all(told)
    assert live.not_whole(TODAY) == ""


@pytest.mark.slow
def test_a_session_that_is_killed_is_resumed_and_no_file_is_fetched_twice(live, site):
    site.publish(TODAY, 150)

    live.collect([TODAY], [(70, lambda: site.publish(TODAY, 30))], stop_after=110.5)
    assert live.said[-1] == "killed"
    assert live.not_whole(TODAY)
    stored = {found.key for found in live.lake.list("documents/")}
    assert 90 < len(stored) < 130
    live.collect([TODAY])

    assert live.not_whole(TODAY) == ""
    counts = Counter(live.asked(".pdf") + live.asked(".zip"))
    # Those that were under way are asked for again.
    assert sum(counts.values()) - len(counts) <= 8
    assert live.numbers(TODAY) == {row.disclosure_id for row in site.rows(TODAY)}


@pytest.mark.slow
def test_a_run_of_another_day_works_off_today_first(live, site):
    site.set_day(YESTERDAY, 160)
    seen: dict[str, float] = {}
    (row, *_), begun = site.publish(TODAY, 3), live.clock.seconds

    took = live.collect(
        [YESTERDAY],
        [(80, lambda: site.publish(TODAY, 40, time="15:32"))],
        watching=live.noting_rows(TODAY, seen),
    )

    assert seen[row.disclosure_id] - begun <= 63
    assert max(seen.values()) - begun <= 80 + 45
    assert len(seen) == 43
    assert live.not_whole(YESTERDAY) == ""
    assert took < 400
    # Today's files were asked for before the rest of yesterday's.
    asked = [name for name in live.asked("") if not name.startswith("I_list")]
    todays = all_files(site, TODAY)
    last = max(index for index, name in enumerate(asked) if name in todays)
    assert len(asked) - last > 30
    assert Counter(asked) == todays + all_files(site, YESTERDAY)
    # A run of today finds it all stored.
    requests = len(site.requests)
    live.collect([TODAY])
    assert live.asked(".pdf", requests) == live.asked(".zip", requests) == []
    assert live.not_whole(TODAY) == ""


def test_a_run_of_another_day_that_is_over_within_a_minute_asks_nothing_of_today(live, site):
    site.set_day(YESTERDAY, 12)
    site.publish(TODAY, 3)

    live.collect([YESTERDAY])

    assert set(live.asked("I_list")) == {"I_list_001_20260609.html"}


@pytest.mark.slow
def test_today_is_not_looked_at_at_night(live, site, clock):
    clock.advance((moment(TODAY, "24:05") - clock.now()).total_seconds())
    site.set_day(TODAY, 90)

    live.collect([TODAY])

    assert set(live.asked("I_list")) == {"I_list_001_20260610.html"}
    assert live.looks == []


@pytest.mark.slow
def test_at_midnight_the_day_is_finished_and_the_next_is_left_for_the_morning(live, site, clock):
    clock.advance((moment(TODAY, "23:58") - clock.now()).total_seconds())
    site.publish(TODAY, 150)
    site.set_day(TODAY + timedelta(days=1), 50)

    took = live.collect([TODAY])

    assert took > 150
    assert live.not_whole(TODAY) == ""
    assert live.asked("20260611.html") == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["503", "maintenance"])
def test_a_host_that_is_away_for_a_while_costs_little_and_no_more_time(live, site, fault):
    site.publish(TODAY, 150)
    counted = []

    def begin():
        counted.append(len(site.requests))
        if fault == "503":
            site.faults.answer(".", status=503)
        else:
            site.faults.html_instead(".")

    def end():
        counted.append(len(site.requests))
        site.faults.clear()

    took = live.collect([TODAY], [(60.5, begin), (60.5 + 600, end)])

    assert live.not_whole(TODAY) == ""
    files = sum(all_files(site, TODAY).values())
    assert took <= files + 600 + 150
    asked = live.asked("", counted[0])[: counted[1] - counted[0]]
    assert sum(not name.startswith("I_list") for name in asked) <= 30
    assert [good for _, good in live.looks].count(False) >= 8


@pytest.mark.slow
def test_a_retitle_on_a_later_page_is_found_by_the_pass_at_the_end(live, site):
    site.publish(TODAY, 250, time="15:00")
    victim = site.rows(TODAY)[230].disclosure_id

    def change():
        site.retitle(victim, "訂正された表題")
        site.publish(TODAY, 5)

    live.collect([TODAY], [(70, change)])

    row = live.table("disclosures", TODAY).filter(pl.col("disclosure_id") == victim)
    assert row["title"].to_list() == ["訂正された表題"]
    assert live.not_whole(TODAY) == ""


@pytest.mark.slow
def test_a_run_for_news_reads_only_their_page_until_all_pages_are_an_hour_old(live, site, clock):
    site.publish(TODAY, 450, time="15:00")
    live.collect([TODAY])
    (whole,) = _captures(live)
    clock.advance(200)
    live.news_suffice = True

    def news():
        before = len(site.requests)
        site.publish(TODAY, 4)
        live.collect([TODAY])
        assert live.not_whole(TODAY) == ""
        assert live.numbers(TODAY) == {row.disclosure_id for row in site.rows(TODAY)}
        return [name for name in live.asked("I_list", before) if not name.startswith("I_list_001")]

    assert news() == news() == []
    assert [one.continues for one in _captures(live)] == [None, whole.id, whole.id]
    assert {one.whole_at for one in _captures(live)} == {whole.begun_at}
    clock.advance(3600)
    assert len(news()) == 4
    assert _captures(live)[-1].continues is None
    clock.advance(120)
    assert news() == []
    live.news_suffice = False
    assert len(news()) == 4


def _captures(live):
    store = CaptureStore(live.lake)
    return [store.get(TODAY, one) for one in store.ids(TODAY)]


@pytest.mark.slow
def test_a_run_for_news_finds_deletions_on_its_page_at_once_and_others_within_the_hour(
    live, site, clock
):
    site.publish(TODAY, 250, time="15:00")
    live.collect([TODAY])
    clock.advance(200)
    live.news_suffice = True
    on_page_1, on_page_3 = (site.rows(TODAY)[place].disclosure_id for place in (20, 230))

    def deleted_after_news():
        site.publish(TODAY, 3)
        live.collect([TODAY])
        assert live.not_whole(TODAY) == ""
        rows = live.table("disclosures", TODAY).filter(pl.col("status") == "deleted")
        return set(rows["disclosure_id"])

    site.delete(on_page_1)
    assert deleted_after_news() == {on_page_1}
    site.delete(on_page_3)
    assert deleted_after_news() == {on_page_1}
    clock.advance(3600)
    assert deleted_after_news() == {on_page_1, on_page_3}


@pytest.mark.slow
def test_a_row_deleted_while_files_are_fetched_keeps_its_number(live, site):
    site.publish(TODAY, 120)
    victim = site.rows(TODAY)[110]

    live.collect([TODAY], [(70, lambda: site.delete(victim.disclosure_id))])

    row = live.table("disclosures", TODAY).filter(pl.col("disclosure_id") == victim.disclosure_id)
    assert row["status"].to_list() == ["deleted"]
    assert row.height == 1
    assert live.not_whole(TODAY) == ""


def test_each_look_of_a_session_sends_the_heartbeat_of_the_sensor(platform):
    metrics = MetricsResource(config=platform)

    async def beat():
        heartbeat = SessionHeartbeat(metrics)
        heartbeat.beat(is_good=True)
        heartbeat.beat(is_good=False)
        heartbeat.beat(is_good=True)

    asyncio.run(beat())

    now = datetime.now(UTC)
    window = {"start": now - timedelta(minutes=5), "end": now + timedelta(minutes=2)}
    counts = metrics.statistics(SENSOR_HEARTBEAT, **window, statistic="SampleCount")
    assert sum(value for _, value in counts) == 3
    assert sum(value for _, value in metrics.statistics(SENSOR_HEARTBEAT, **window)) == 2


@pytest.mark.slow
def test_a_session_that_is_cancelled_ends_within_two_seconds_and_its_files_are_found_again(
    live, site
):
    site.publish(TODAY, 30)
    site.faults.wait(r"\.pdf$", seconds=0.5)
    live.derive = True
    sent = []

    def cancel():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGTERM)

    timer = threading.Timer(6, cancel)
    with raise_execution_interrupts():
        timer.start()
        with pytest.raises(dg.DagsterExecutionInterruptedError):
            run_until_interrupted(lambda: live.session([TODAY]))
        took = time.monotonic() - sent[0]
    stored = {found.key for found in live.lake.list("documents/")}
    asked = len(site.requests)
    site.faults.clear()
    live.collect([TODAY])

    assert took < 2
    assert 1 <= len(stored) <= 6
    files = sum(all_files(site, TODAY).values())
    again = live.asked(".pdf", asked) + live.asked(".zip", asked)
    assert len(again) == files - len(stored)
    assert live.not_whole(TODAY) == ""


@pytest.mark.slow
@pytest.mark.parametrize("range_", [False, True])
def test_a_run_of_today_logs_its_events_when_the_day_is_closed(pipeline, site, range_):
    pipeline.overrides["tdnet"] = TdnetOfToday(config=pipeline.config, **AT_ONCE)
    site.publish(TODAY, 130)
    site.set_day(YESTERDAY, 20)
    first = YESTERDAY if range_ else TODAY
    days = [str(YESTERDAY), str(TODAY)] if range_ else [str(TODAY)]

    result = pipeline.materialize(first, TODAY)

    assert result.success
    made = pipeline.materialized(result)
    assert {name: made[name] for name in COLLECTED} == dict.fromkeys(COLLECTED, days)
    assert pipeline.checks(result, "files_complete") == dict.fromkeys(days, True)
    record = pipeline.record(result)
    rows = 150 if range_ else 130
    assert (record.status, record.total_count, record.collected_count) == ("completed", rows, rows)
    pages = [seen.path for seen in site.requests if "I_list" in seen.path and "0610" in seen.path]
    # The first reading was of all pages, and nothing has come since; page 1 may be looked at again.
    assert len(pages) <= 3

    site.publish(TODAY, 2)
    asked = len(site.requests)
    again = pipeline.materialize(TODAY)

    assert again.success
    record = pipeline.record(again)
    assert (record.total_count, record.collected_count, record.skipped_count) == (132, 2, 130)
    files = [seen.path for seen in site.requests[asked:] if "I_list" not in seen.path]
    assert len(files) == len(set(files)) <= 4


def test_a_run_of_today_says_what_kept_the_list_from_being_read(pipeline, site):
    pipeline.overrides["tdnet"] = TdnetOfToday(config=pipeline.config, **AT_ONCE)
    site.publish(TODAY, 130)
    site.faults.answer("I_list", status=404)

    result = pipeline.materialize(TODAY)

    assert not result.success
    assert f"TDnet has no list for {TODAY}" in pipeline.failure(result)
    assert len(site.requests) == 1
    record = pipeline.record(result)
    assert (record.status, record.error_type) == ("failed", "DayNotListedError")


@pytest.mark.slow
@pytest.mark.parametrize("status", [404, 403])
def test_a_run_of_today_whose_files_are_refused_is_red_and_not_asked_for_again(
    pipeline, site, status
):
    pipeline.overrides["tdnet"] = TdnetOfToday(config=pipeline.config, **AT_ONCE)
    site.publish(TODAY, 4)
    site.faults.answer(r"\.(pdf|zip)$", status=status)

    result = pipeline.materialize(TODAY)

    assert not result.success
    assert set(pipeline.table("documents", TODAY)["status"]) == {"failed"}
    files = [seen.path for seen in site.requests if "I_list" not in seen.path]
    assert len(files) == len(set(files)) == sum(all_files(site, TODAY).values())
    record = pipeline.record(result)
    assert (record.status, record.failed_count, record.total_count) == ("failed", 4, 4)
