"""A run's counts get into its record from a thread of their own, whatever the run is doing."""

import asyncio
import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from tdnet_assets.assets.progress import RunProgress
from tdnet_assets_tests.local.processes import wait_until

RUN = "a-run"


@pytest.fixture
def progress(pipeline):
    pipeline.executions.start(RUN)
    return RunProgress(pipeline.executions, RUN, days=2)


@pytest.fixture
def updates(pipeline):
    """Waits for the record to change so many times; the times that it said."""

    def changes(count):
        told = []
        deadline = time.monotonic() + 20
        while len(told) < count:
            assert time.monotonic() < deadline, told
            updated_at = pipeline.executions.get(RUN).updated_at
            if updated_at not in told:
                told.append(updated_at)
        return told

    return changes


def _heartbeats():
    return [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def test_a_blocked_event_loop_does_not_make_the_record_stand_still(progress, updates):
    unblocked = threading.Event()

    async def block():
        unblocked.wait(30)  # no await: nothing else in the loop can run

    def observe():
        try:
            updates(5)
        finally:
            unblocked.set()

    observer = threading.Thread(target=observe)
    with progress.heartbeat(0.02):
        observer.start()
        asyncio.run(block())
        observer.join()

    assert _heartbeats() == []


def test_what_is_settled_is_told_by_the_heartbeat_and_the_run_does_not_wait(progress, pipeline):
    writers = []
    pipeline.executions.client.meta.events.register(
        "before-call.dynamodb.UpdateItem",
        lambda **_: writers.append(threading.current_thread().name),
    )
    with progress.heartbeat(60):
        progress.listed(300, 2)
        progress.settled(collected=100)
        wait_until(lambda: pipeline.executions.get(RUN).collected_count == 100)
        record = pipeline.executions.get(RUN)
        assert (record.progress, record.total_count, record.rejected_count) == (16, 302, 2)
        progress.settled(collected=150, failed=50)
        progress.day_done(made=True)
        wait_until(lambda: pipeline.executions.get(RUN).progress == 50)

    assert pipeline.executions.get(RUN).failed_count == 50
    assert writers == []  # the run's own client has written nothing


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_the_heartbeat_ends_with_the_block_however_that_ends(progress, error):
    def end():
        with progress.heartbeat(0.02):
            assert len(_heartbeats()) == 1
            raise error

    with pytest.raises(error):
        end()

    assert _heartbeats() == []


def test_a_missed_beat_is_said_and_tried_again(progress, pipeline, updates, caplog):
    table = pipeline.config.executions_table
    client = pipeline.executions.client
    definition = client.describe_table(TableName=table)["Table"]
    client.delete_table(TableName=table)
    with caplog.at_level(logging.WARNING), progress.heartbeat(0.02):
        wait_until(lambda: "could not be renewed, trying again: ResourceNotFound" in caplog.text)
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=definition["KeySchema"],
            AttributeDefinitions=[{"AttributeName": "execution_id", "AttributeType": "S"}],
        )
        wait_until(lambda: pipeline.executions.get(RUN) is not None)
        assert len(updates(3)) == 3


def test_a_clock_that_is_ahead_elsewhere_does_not_make_a_living_record_stand_still(
    progress, pipeline, updates
):
    ahead = datetime.now(UTC) + timedelta(hours=1)
    pipeline.executions.record(RUN, status="running", job_name="a sensor's word", now=ahead)

    with progress.heartbeat(0.02):
        told = updates(4)

    assert told == sorted(told)
    assert told[-1] - ahead < timedelta(seconds=1)


def test_progress_over_two_days_goes_on_behind_the_day_that_is_done(progress):
    told = []
    for disclosures, settled in ((10, 5), (4, 1)):
        progress.listed(disclosures, 0)
        told.append(progress.percent)
        progress.settled(collected=settled)
        told.append(progress.percent)
        progress.settled(skipped=disclosures - settled)
        progress.day_done(made=True)
        told.append(progress.percent)

    assert told == [0, 25, 50, 50, 62, 99]


def test_progress_read_by_another_thread_while_days_end_never_falls(progress):
    ended = threading.Event()
    read = []

    def watch():
        while not ended.is_set():
            read.append(progress.percent)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(2):
        progress.listed(1_000, 0)
        for _ in range(1_000):
            progress.settled(collected=1)
        progress.day_done(made=True)
    ended.set()
    watcher.join()

    assert read == sorted(read)
    assert progress.percent == 99


def test_progress_never_falls_when_a_day_that_goes_on_gets_more_disclosures(pipeline):
    progress = RunProgress(pipeline.executions, RUN, days=1)
    progress.listed(100, 0)
    progress.settled(collected=80)
    assert progress.percent == 80

    progress.listed(300, 1)

    assert progress.percent == 80
    assert progress.counts["total_count"] == 401
    progress.settled(collected=310)
    assert progress.percent == 97


def test_what_was_done_beside_a_runs_own_days_is_counted_and_is_no_progress(pipeline):
    progress = RunProgress(pipeline.executions, RUN, days=1)
    progress.listed(100, 0)
    progress.settled(collected=50)
    beside = RunProgress(pipeline.executions, RUN, days=1)
    beside.listed(10, 1)
    beside.settled(collected=6, skipped=3, failed=1)
    beside.documents_stored += 9

    progress.take_in(beside)

    assert progress.percent == 50
    assert (progress.total, progress.collected, progress.failed) == (111, 56, 1)
    assert (progress.rejected, progress.documents_stored) == (1, 9)
