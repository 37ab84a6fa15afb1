"""The look at today's list: what starts a run, what does not, and how failures show."""

import fcntl
import json
import os
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from tdnet_assets.automation.day_runs import run_in_progress
from tdnet_assets.automation.new_disclosures import (
    FAILURES_BEFORE_THE_TICK_FAILS,
    LooksFailedError,
    look,
    report,
)
from tdnet_assets.partitions import tags_for, trigger_of
from tdnet_assets.resources.aws.executions import TTL_ATTRIBUTE, ExecutionsResource
from tdnet_assets.resources.aws.metrics import SENSOR_HEARTBEAT, MetricsResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.polite_http import system_now
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets_tests.conftest import NOW

TODAY = NOW.date()
RUN = dg.DagsterRunStatus


class Ticks:
    """Evaluates the sensor as the daemon does: the cursor of a tick that raises is lost."""

    def __init__(self, config, instance):
        self.instance = instance
        self.tdnet = TdnetResource(config=config)
        self.lake = LakeResource(config=config)
        self.executions = ExecutionsResource(config=config)
        self.metrics = MetricsResource(config=config)
        self.cursor = None

    def tick(self, now=NOW, clock=system_now):
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        cursor = context.cursor
        found = look(
            self.instance, self.tdnet, self.lake, self.executions, cursor, now, clock=clock
        )
        result = report(context, found, self.metrics)
        self.cursor = result.cursor
        return result

    def tick_later(self, **later):
        """A tick so much later, by the clock of the machine as well."""
        return self.tick(NOW + timedelta(**later), lambda: NOW + timedelta(**later))

    def heartbeats(self):
        now = datetime.now(UTC)
        points = self.metrics.statistics(
            SENSOR_HEARTBEAT,
            start=now - timedelta(minutes=10),
            end=now + timedelta(minutes=2),
            statistic="SampleCount",
        )
        good = self.metrics.statistics(
            SENSOR_HEARTBEAT, start=now - timedelta(minutes=10), end=now + timedelta(minutes=2)
        )
        return sum(value for _, value in points), sum(value for _, value in good)


@pytest.fixture
def ticks(platform, instance):
    made = Ticks(platform, instance)
    # The tests' clock stands in June: records of that time would expire at any moment.
    made.executions.client.update_time_to_live(
        TableName=platform.executions_table,
        TimeToLiveSpecification={"Enabled": False, "AttributeName": TTL_ATTRIBUTE},
    )
    return made


def skipped(result):
    assert not result.run_requests
    return result.skip_reason.skip_message


@pytest.fixture
def read(pipeline):
    """Has a run read today's list, as the run that a tick asks for does first of all."""

    def run():
        assert pipeline.materialize(TODAY, select=["listing_pages"]).success

    return run


def today_of(result):
    (request,) = result.run_requests
    assert request.run_key is None
    return request.partition_key


def test_new_rows_start_a_run_of_today_until_they_are_in_the_lake(site, ticks, read):
    site.set_day(TODAY, 30)

    assert today_of(ticks.tick()) == str(TODAY)
    # That run came to nothing, whatever the reason: the rows are still missing.
    assert today_of(ticks.tick()) == str(TODAY)
    read()
    asked = len(site.requests)

    assert skipped(ticks.tick()) == "not modified: 全30件"
    assert [seen.status for seen in site.requests[asked:]] == [304]


def test_each_change_starts_a_run(site, ticks, read):
    site.set_day(TODAY, 30)
    read()
    site.publish(TODAY, 1)
    assert today_of(ticks.tick()) == str(TODAY)
    read()
    assert skipped(ticks.tick()) == "not modified: 全31件"
    site.delete(site.rows(TODAY)[3].disclosure_id, at=NOW)

    assert today_of(ticks.tick()) == str(TODAY)


def test_a_page_that_is_sent_again_without_a_change_starts_nothing(site, ticks, read):
    site.set_day(TODAY, 30)
    read()
    site.faults.wait("I_list", seconds=0)  # a request with a fault is never answered with 304

    assert skipped(ticks.tick()) == "nothing new: 全30件"
    assert site.requests[-1].status == 200


def test_an_empty_list_starts_nothing_until_something_is_published(site, ticks):
    site.set_day(TODAY, 0)

    for _ in range(3):
        assert skipped(ticks.tick()) == f"no disclosures on {TODAY} yet"
    # Of an empty list nothing is stored, but it is sent once only.
    assert [seen.status for seen in site.requests] == [200, 304, 304]
    site.publish(TODAY, 1)

    assert today_of(ticks.tick()) == str(TODAY)


def test_a_list_that_could_not_be_read_whole_is_left_to_the_reconciler_while_page_1_is_the_same(
    site, pipeline, ticks
):
    site.set_day(TODAY, 130)
    site.faults.answer("I_list_002", status=404)
    assert not pipeline.materialize(TODAY, select=["listing_pages"]).success
    asked = len(site.requests)

    assert skipped(ticks.tick()) == "nothing new: 全130件"
    # Nothing is known to be whole, so there is no condition to ask with.
    assert [seen.if_modified_since for seen in site.requests[asked:]] == [None]
    site.publish(TODAY, 1)
    assert today_of(ticks.tick()) == str(TODAY)


def test_runs_that_fail_for_one_and_the_same_page_come_with_growing_pauses(site, ticks):
    site.set_day(TODAY, 30)
    day, minute = str(TODAY), timedelta(minutes=1)
    later = NOW + timedelta(hours=1)

    def fail(name, ended):
        records = ticks.executions
        days = {"partition_start": day, "partition_end": day}
        records.start(name, job_name="collect_day", now=ended - minute / 2, **days)
        records.finish(name, "failed", now=ended)

    assert today_of(ticks.tick(later)) == day
    fail("one", later)
    assert "the runs for it failed, the next is at 21:01" in skipped(ticks.tick(later))
    assert today_of(ticks.tick(later + minute)) == day
    fail("two", later + minute)
    assert "the runs for it failed, the next is at 21:03" in skipped(ticks.tick(later + minute))
    assert ticks.heartbeats() == (4, 4)
    # A failed look in between makes nothing new of it; a publication is another page.
    site.faults.answer("I_list_001", status=500, times=1)
    assert "look failed" in skipped(ticks.tick(later + minute))
    assert "the runs for it failed" in skipped(ticks.tick(later + minute))
    site.publish(TODAY, 1)
    assert today_of(ticks.tick(later + minute)) == day


@pytest.mark.parametrize("status", [RUN.NOT_STARTED, RUN.QUEUED, RUN.STARTED, RUN.CANCELING])
@pytest.mark.parametrize("until", [TODAY, TODAY + timedelta(days=1)])
def test_while_a_run_of_today_goes_on_nothing_is_asked_and_after_it_one_run_starts(
    site, ticks, instance, make_run, status, until
):
    site.set_day(TODAY, 30)
    first = str(TODAY if until == TODAY else TODAY - timedelta(days=3))
    tags = tags_for(first, str(until))
    run = make_run(status, tags)
    site.publish(TODAY, 2)
    asked = len(site.requests)

    assert run.run_id in skipped(ticks.tick())
    assert skipped(ticks.tick())
    assert len(site.requests) == asked
    # Nobody has looked, so nobody says that somebody did: a run that hangs is seen by the alarm.
    assert ticks.heartbeats() == (0, 0)
    instance.report_run_canceled(run)

    assert today_of(ticks.tick()) == str(TODAY)
    assert ticks.heartbeats() == (1, 1)


def test_a_derivation_of_today_holds_no_look_up(site, ticks, make_run):
    site.set_day(TODAY, 3)
    make_run(RUN.QUEUED, tags_for(str(TODAY), str(TODAY)), select=["earnings"])

    assert today_of(ticks.tick()) == str(TODAY)


def test_a_run_of_another_day_does_not_hold_today_up(site, ticks, make_run):
    site.set_day(TODAY, 3)
    yesterday = str(TODAY - timedelta(days=1))
    make_run(RUN.QUEUED, tags_for(yesterday, yesterday))

    assert len(ticks.tick().run_requests) == 1


def test_a_run_of_another_code_location_does_not_hold_today_up(instance, make_run):
    tags = tags_for(str(TODAY), str(TODAY))
    theirs = make_run(RUN.QUEUED, tags, "another")

    assert run_in_progress(instance, TODAY, "tdnet_assets") is None
    ours = make_run(RUN.QUEUED, tags, "tdnet_assets")
    assert run_in_progress(instance, TODAY, "tdnet_assets").run_id == ours.run_id
    assert run_in_progress(instance, TODAY, "another").run_id == theirs.run_id


def test_while_another_process_talks_to_tdnet_the_tick_does_not_wait(site, platform, ticks):
    site.set_day(TODAY, 30)
    platform.home_path.mkdir(parents=True)
    lock = os.open(platform.home_path / "tdnet-session.lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)

    assert skipped(ticks.tick()) == "a run is talking to TDnet"
    assert site.requests == []
    assert ticks.heartbeats() == (0, 0)
    os.close(lock)

    assert len(ticks.tick().run_requests) == 1


def test_a_look_keeps_the_gap_to_the_request_before_it(site, platform, instance):
    site.set_day(TODAY, 30)
    slow = Ticks(platform.changed(requests_per_second=0.01), instance)
    slow.tick()

    reason = skipped(slow.tick())

    assert reason.startswith("TDnet may be asked again in ")
    assert len(site.requests) == 1
    assert slow.heartbeats() == (1, 1)


@pytest.mark.parametrize(
    ("clock", "asks"), [("00:00", False), ("06:59", False), ("07:00", True), ("23:59", True)]
)
def test_looks_are_made_from_seven_to_midnight_in_japan(site, ticks, clock, asks):
    site.set_day(TODAY, 3)
    hour, minute = map(int, clock.split(":"))

    result = ticks.tick(NOW.replace(hour=hour, minute=minute))

    assert bool(site.requests) is asks
    assert bool(result.run_requests) is asks
    assert ticks.heartbeats() == (1, 1)


def test_a_new_day_is_looked_at_afresh(site, ticks):
    site.set_day(TODAY, 30)
    tomorrow = TODAY + timedelta(days=1)
    site.set_day(tomorrow, 30)
    ticks.tick()

    (request,) = ticks.tick(NOW + timedelta(days=1)).run_requests

    assert request.partition_key == str(tomorrow)
    assert site.requests[-1].if_modified_since is None


@pytest.mark.slow
def test_failed_looks_are_counted_shown_and_lose_nothing(site, ticks, read):
    site.set_day(TODAY, 30)
    read()
    ticks.tick()
    asked = len(site.requests)
    site.faults.answer("I_list_001", status=500)

    def a_minute_later():
        """The host is left in peace for seconds after refusals in a row."""
        os.utime(ticks.tdnet.config.home_path / "tdnet-session.lock", (0, 0))

    for count in range(1, FAILURES_BEFORE_THE_TICK_FAILS):
        a_minute_later()
        reason = skipped(ticks.tick())
        assert f"look failed, {count} in a row" in reason
        assert "answers 500" in reason
    for _ in range(2):
        a_minute_later()
        with pytest.raises(LooksFailedError, match=r"3 in a row.*answers 500"):
            ticks.tick()

    assert ticks.heartbeats() == (5, 1)
    # One request a look: a tick has no time for retries.
    assert len(site.requests) == asked + 4
    site.faults.clear()
    site.publish(TODAY, 1)
    a_minute_later()
    assert today_of(ticks.tick()) == str(TODAY)
    assert json.loads(ticks.cursor)["failures"] == 0
    assert ticks.heartbeats() == (6, 2)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda faults: faults.answer("I_list", status=404), "answers 404"),
        (lambda faults: faults.close("I_list"), "RemoteProtocolError"),
        (lambda faults: faults.bare_page("I_list"), "look failed"),
        (lambda faults: faults.wrong_charset("I_list"), "look failed"),
        (lambda faults: faults.cut_connection("I_list"), "look failed"),
    ],
    ids=["404", "closed", "no table", "charset", "cut"],
)
def test_whatever_is_wrong_with_the_page_is_a_failed_look(site, ticks, fault, said):
    site.set_day(TODAY, 30)
    fault(site.faults)

    assert said in skipped(ticks.tick())
    assert ticks.heartbeats() == (1, 0)
    assert len(site.requests) == 1


def test_retry_after_is_obeyed_over_ticks(site, ticks):
    site.set_day(TODAY, 30)
    site.faults.answer("I_list", status=429, retry_after="7200", times=1)
    assert "asks to wait 7200 s" in skipped(ticks.tick_later(minutes=0))

    assert "not asked before" in skipped(ticks.tick_later(minutes=119))
    assert len(site.requests) == 1
    # Nobody has looked: a session beside it may, and then its heartbeat counts.
    assert ticks.heartbeats() == (1, 0)

    assert len(ticks.tick_later(minutes=121).run_requests) == 1


@pytest.mark.parametrize("retry_after", ["9" * 400, "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_of_for_ever_is_asked_about_once_a_day(site, ticks, retry_after):
    site.set_day(TODAY, 30)
    site.faults.answer("I_list", status=429, retry_after=retry_after, times=1)
    assert "answers 429" in skipped(ticks.tick_later(minutes=0))

    assert "not asked before" in skipped(ticks.tick_later(minutes=90))
    site.set_day(TODAY + timedelta(days=1), 30)
    assert len(ticks.tick_later(hours=25).run_requests) == 1


def test_metrics_that_cannot_be_delivered_are_shown_and_break_no_tick(site, platform, ticks, read):
    site.set_day(TODAY, 30)
    ticks.metrics = MetricsResource(config=platform.changed(aws_endpoint_url="http://127.0.0.1:9"))

    assert len(ticks.tick().run_requests) == 1
    read()
    assert "SensorHeartbeat were not delivered" in skipped(ticks.tick())


@pytest.mark.slow
def test_the_run_that_is_requested_materializes_the_day_and_says_that_a_sensor_began_it(
    site, ticks, pipeline
):
    site.set_day(TODAY, 4)
    (request,) = ticks.tick().run_requests
    result = pipeline.materialize(TODAY)
    assert result.success

    assert skipped(ticks.tick())
    assert request.tags == {"dagster/priority": "1", "tdnet/news": "true"}
    # Dagster adds this tag to every run that a sensor requests.
    assert trigger_of({"dagster/sensor_name": "new_disclosures"}) == "sensor"


def test_a_capture_that_is_damaged_in_the_lake_costs_no_look(site, ticks, pipeline, read):
    site.set_day(TODAY, 4)
    read()
    (page,) = [key for key in pipeline.objects() if key.endswith(".html.gz")]
    pipeline.lake.store.put(page, b"cut")
    site.faults.wait("I_list", seconds=0)

    assert skipped(ticks.tick()) == "nothing new: 全4件"
    (manifest,) = [key for key in pipeline.objects() if key.endswith("manifest.json")]
    pipeline.lake.store.put(manifest, b"[]")
    assert today_of(ticks.tick()) == str(TODAY)


@pytest.mark.parametrize(
    "cursor",
    [
        "garbage",
        "null",
        "[1]",
        "7",
        '{"failures": "three"}',
        '{"day": "2026-06-30", "validator": null, "total": 30, "digest": "ab"}',
        '{"failures": 1, "error": null, "not_before": "2026-06-30T20:00:00"}',
        '{"failures": 1, "error": null, "not_before": 5}',
    ],
)
def test_a_cursor_that_cannot_be_read_is_none(site, ticks, cursor):
    site.set_day(TODAY, 3)
    ticks.cursor = cursor

    assert today_of(ticks.tick()) == str(TODAY)
    assert json.loads(ticks.cursor)["failures"] == 0


def test_the_sensor_itself_runs_with_the_resources_of_the_code_location(site, repository, tick):
    data = tick("new_disclosures")

    # By the clock of this machine a list that the site does not have, or night in Japan.
    assert len(site.requests) in (0, 1)
    assert json.loads(data.cursor)["failures"] == len(site.requests)
    sensor = repository.get_sensor_def("new_disclosures")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert sensor.minimum_interval_seconds == 60
