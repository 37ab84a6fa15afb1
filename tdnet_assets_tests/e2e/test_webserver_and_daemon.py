"""Through the real webserver and daemon: what Dagster, DynamoDB, S3 and CloudWatch say agrees."""

import os
import re
import signal
from datetime import UTC, date, datetime, timedelta

import pytest

from tdnet_assets import dagster_home
from tdnet_assets_tests.e2e.dagster_ui import ASSETS, DagsterUi, eventually, running_ui

MONDAY = date(2026, 6, 8)
DAYS = [MONDAY + timedelta(days=number) for number in range(5)]
BROKEN = DAYS[2]
SLOW = date(2026, 6, 15)


@pytest.fixture
def ui(platform, tmp_path):
    with running_ui(platform, tmp_path / "up.log") as running:
        yield running


def finished(ui: DagsterUi, backfill: str):
    found = ui.backfill(backfill)
    return found if found["status"] not in ("REQUESTED", "COMPLETING") else None


def final(pipeline, run_id):
    record = pipeline.executions.get(run_id)
    return record if record and record.is_final else None


def run_process(config, run_id: str) -> int:
    """The process that executes a run, as Dagster's event log names it."""
    with dagster_home.instance(config) as instance:
        messages = [entry.message for entry in instance.all_logs(run_id)]
    (found,) = {match[1] for text in messages if (match := re.search(r"\(pid: (\d+)\)", text))}
    return int(found)


def test_a_backfill_with_a_broken_day_and_a_killed_run_leave_the_truth_everywhere(
    site, platform, pipeline, ui
):
    for number, day in enumerate(DAYS, start=1):
        site.set_day(day, 4 * number)
    site.faults.bare_page(f"I_list_001_{BROKEN:%Y%m%d}")
    before = datetime.now(UTC)

    launched = ui.launch_backfill(DAYS)
    backfill = eventually(lambda: finished(ui, launched), seconds=150)

    (run,) = backfill["runs"]
    assert run["status"] == "FAILURE"
    assert {
        (one["assetKey"]["path"][0], one["numPartitionsMaterialized"], one["numPartitionsFailed"])
        for one in backfill["assetBackfillData"]["assetBackfillStatuses"]
    } == {(asset, 4, 1) for asset in ASSETS}
    for asset in ASSETS:
        assert ui.partitions(asset) == [
            ("MATERIALIZED", str(DAYS[0]), str(DAYS[1])),
            ("FAILED", str(BROKEN), str(BROKEN)),
            ("MATERIALIZED", str(DAYS[3]), str(DAYS[4])),
        ]
    record = eventually(lambda: final(pipeline, run["id"]), seconds=60)
    assert (record.status, record.trigger) == ("failed", "backfill")
    assert (record.partition_start, record.partition_end) == (str(DAYS[0]), str(DAYS[4]))
    assert (record.total_count, record.collected_count) == (4 + 8 + 16 + 20, 4 + 8 + 16 + 20)
    for number, day in enumerate(DAYS, start=1):
        if day != BROKEN:
            assert pipeline.table("disclosures", day).height == 4 * number
    failed = pipeline.metrics.statistics(
        "PartitionsFailed", start=before - timedelta(minutes=2), end=before + timedelta(minutes=10)
    )
    assert [value for _, value in failed] == [1]

    # A run whose process is killed: its record ends without anyone's help, and so does the run.
    site.set_day(SLOW, 30)
    site.faults.wait(r"\.pdf$", seconds=5)
    killed = ui.launch_backfill([SLOW])
    running = eventually(
        lambda: next(
            (
                one["id"]
                for one in ui.backfill(killed)["runs"]
                if (found := pipeline.executions.get(one["id"])) and found.total_count
            ),
            None,
        ),
        seconds=90,
    )
    started_at = pipeline.executions.get(running).started_at
    os.kill(run_process(platform, running), signal.SIGKILL)

    record = eventually(lambda: final(pipeline, running), seconds=90)
    assert record.status == "failed"
    assert record.started_at == started_at
    assert eventually(lambda: finished(ui, killed), seconds=90)["runs"][0]["status"] == "FAILURE"
    assert ("FAILED", str(SLOW), str(SLOW)) in ui.partitions("documents")
