"""Every failed run is announced once, to a real topic with a queue behind it."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from botocore.exceptions import ClientError
from dagster._core.execution.build_resources import wrap_resources_for_execution
from dagster._core.remote_origin import RegisteredCodeLocationOrigin

from tdnet_assets.automation.notices import NOTICES_A_TICK, failure_notices, notice_of
from tdnet_assets.partitions import tags_for
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets_tests.automation.topics import Topic

DAY = date(2026, 6, 10)
RUN = dg.DagsterRunStatus


@pytest.fixture
def topic(platform):
    topic = Topic(platform)
    yield topic
    topic.close()


class Ticks:
    """Evaluates the sensor; a daemon also tells it which code location it is of."""

    def __init__(self, config, instance, location=None):
        self.config, self.instance, self.cursor = config, instance, None
        self.origin = location and RegisteredCodeLocationOrigin(location)

    def tick(self):
        with dg.SensorEvaluationContext(
            instance_ref=None,
            instance=self.instance,
            cursor=self.cursor,
            resources=wrap_resources_for_execution(
                {"executions": ExecutionsResource(config=self.config)}
            ),
            code_location_origin=self.origin,
        ) as context:
            result = failure_notices(context)
        self.cursor = result.cursor
        return result.skip_reason.skip_message


@pytest.fixture
def ticks(platform, instance, topic):
    ticks = Ticks(platform.changed(notice_topic=topic.arn), instance)
    ticks.tick()
    return ticks


@pytest.fixture
def failed_run(instance, make_run):
    def fail(first=DAY, last=DAY, message="it broke", location=None, **tags):
        run = make_run(RUN.STARTED, {**tags_for(str(first), str(last)), **tags}, location)
        instance.report_run_failed(run, message)
        return run

    return fail


def test_a_failed_run_is_announced_once_with_its_day_reason_and_links(site, pipeline, topic, ticks):
    site.set_day(DAY, 5)
    site.faults.bare_page("I_list_001")
    result = pipeline.materialize(DAY)
    assert not result.success

    assert ticks.tick() == f"announced: {result.run_id}"
    assert ticks.tick() == "no run has failed"

    (notice,) = topic.received(1)
    assert notice["Subject"] == "TDnet local: 2026-06-10 failed"
    assert notice["TopicArn"] == topic.arn
    text = notice["Message"]
    assert "The manual run of 2026-06-10 failed." in text
    record = pipeline.record(result)
    assert f"{record.error_type}: {record.error_message}" in text
    assert "has 0 tables of rows" in text
    assert f"/runs/{result.run_id}" in text
    assert f"tdnet status {result.run_id}" in text


@pytest.mark.slow
def test_what_a_sensor_asks_for_again_and_fails_just_as_before_is_announced_once(
    platform, topic, ticks, failed_run
):
    records = ExecutionsResource(config=platform)
    begun = datetime.now(UTC) - timedelta(days=2)  # a record of long ago may be expired already
    messages = ("a row", "a row", "two rows", "two rows")
    runs = [failed_run(**{"dagster/sensor_name": "reconcile"}) for _ in messages]
    for number, (run, message) in enumerate(zip(runs, messages, strict=True)):
        now = begun + timedelta(hours=number)
        days = {"partition_start": str(DAY), "partition_end": str(DAY)}
        records.start(run.run_id, now=now, **days)
        records.finish(run.run_id, "failed", error_type="E", error_message=message, now=now)
    by_hand = failed_run()
    records.start(by_hand.run_id, now=begun + timedelta(days=1), **days)
    records.finish(by_hand.run_id, "failed", error_type="E", error_message="two rows")

    ticks.tick()

    texts = [notice["Message"] for notice in topic.received(3)]
    announced = ((runs[0], "E: a row"), (runs[2], "E: two rows"), (by_hand, "E: two rows"))
    for run, said in announced:
        (text,) = (text for text in texts if run.run_id in text)
        assert said in text


def test_a_backfill_s_range_and_a_run_without_a_record_are_announced_too(topic, ticks, failed_run):
    run = failed_run(DAY, date(2026, 6, 12), "the process died", **{"dagster/backfill": "abc"})

    ticks.tick()

    (notice,) = topic.received(1)
    assert notice["Subject"] == "TDnet local: 2026-06-10 to 2026-06-12 failed"
    assert "The backfill run of 2026-06-10 to 2026-06-12 failed." in notice["Message"]
    assert "the process died" in notice["Message"]
    assert run.run_id in notice["Message"]


@pytest.mark.slow
def test_runs_that_succeed_or_are_cancelled_are_not_announced(
    site, pipeline, instance, topic, ticks, make_run
):
    site.set_day(DAY, 2)
    assert pipeline.materialize(DAY).success
    instance.report_run_canceled(make_run(RUN.STARTED, tags_for(str(DAY), str(DAY))))

    assert ticks.tick() == "no run has failed"
    assert topic.received(0) == []


@pytest.mark.slow
def test_many_failures_are_all_announced_in_their_order(topic, ticks, failed_run):
    runs = [failed_run(message=f"failure {number}") for number in range(13)]

    ticks.tick()
    ticks.tick()

    texts = [notice["Message"] for notice in topic.received(13)]
    assert len(texts) == 13
    for run in runs:
        assert sum(run.run_id in text for text in texts) == 1


@pytest.mark.slow
def test_failures_of_another_code_location_are_not_announced_and_hold_up_none_of_ours(
    platform, instance, topic, failed_run
):
    ticks = Ticks(platform.changed(notice_topic=topic.arn), instance, "tdnet_assets")
    ticks.tick()
    for _ in range(NOTICES_A_TICK + 1):
        failed_run(location="another")
    ours = failed_run(location="tdnet_assets")

    assert ticks.tick() == "no run has failed"
    assert ticks.tick() == f"announced: {ours.run_id}"

    (notice,) = topic.received(1)
    assert ours.run_id in notice["Message"]


def test_a_run_that_failed_before_its_record_says_why_is_announced_with_dagster_s_reason(
    pipeline, topic, ticks, failed_run
):
    run = failed_run(message="the process died")
    pipeline.executions.start(run.run_id)

    ticks.tick()

    (notice,) = topic.received(1)
    assert "the process died" in notice["Message"]
    assert "None" not in notice["Message"]


def test_a_topic_that_refuses_fails_the_tick_and_costs_no_notice(
    platform, instance, topic, ticks, failed_run
):
    run = failed_run()
    good = ticks.config
    ticks.config = platform.changed(notice_topic=f"{topic.arn}-gone")

    for _ in range(2):
        with pytest.raises(ClientError, match="NotFound"):
            ticks.tick()
    assert topic.received(0) == []
    ticks.config = good

    assert ticks.tick() == f"announced: {run.run_id}"
    assert run.run_id in topic.received(1)[0]["Message"]


def test_without_a_topic_nothing_is_sent_and_turning_it_on_announces_no_old_failure(
    platform, instance, topic, failed_run
):
    off = Ticks(platform, instance)
    off.tick()
    failed_run()
    assert "no topic is configured" in off.tick()

    off.config = platform.changed(notice_topic=topic.arn)
    assert off.tick() == "no run has failed"
    assert topic.received(0) == []
    run = failed_run()

    assert off.tick() == f"announced: {run.run_id}"


@pytest.mark.slow
def test_failures_from_before_the_first_tick_are_not_announced(
    platform, instance, topic, failed_run
):
    failed_run()
    ticks = Ticks(platform.changed(notice_topic=topic.arn), instance)

    assert ticks.tick() == "failures from now on count"
    assert ticks.tick() == "no run has failed"
    assert topic.received(0) == []


@pytest.mark.slow
def test_a_notice_fits_what_sns_takes_however_long_the_reason(make_run):
    run = make_run(RUN.STARTED, tags_for(str(DAY), "2026-06-30"))

    notice = notice_of("prod", run, "長い" * 200_000, None)

    assert notice.subject.isascii()
    assert len(notice.subject) <= 100
    assert len(notice.message.encode()) < 256_000
    assert notice.message.endswith(f"tdnet status {run.run_id}")
