"""What is left when the process of a run dies, and what the next run makes of it."""

import gzip
import random
import re
import signal
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.executions import LEASE, PROCESS_VANISHED
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import sha256
from tdnet_assets_tests.commands import run, start, variables
from tdnet_assets_tests.local.processes import wait_until
from tdnet_assets_tests.pipeline import Pipeline

pytestmark = pytest.mark.slow

DAY = date(2026, 6, 10)
KILLS = 10
SEED = 20260213

# When something was seen or asked for differs from run to run; all else must not.
OBSERVED = {"fetched_at", "first_seen_at", "last_seen_at", "capture", "attempts"}
ID_OF_FILE = re.compile(r"/(?:1401|0[89]12)(\d{14})\.(pdf|zip)$")


@pytest.fixture
def undisturbed(platform, instance):
    """The same site, collected into a bucket of its own."""
    config = platform.changed(
        bucket=f"{platform.bucket}-undisturbed",
        executions_table=f"{platform.executions_table}-undisturbed",
        disclosures_table=f"{platform.disclosures_table}-undisturbed",
        home=f"{platform.home}-undisturbed",
    )
    bootstrap(config)
    return Pipeline(config, instance)


def _keys(paths):
    """The documents' keys that the requests were for."""
    found = [ID_OF_FILE.search(path) for path in paths]
    return {f"documents/date={DAY}/{match[1]}.{match[2]}" for match in found if match}


def _assert_whole(pipeline, site, keys):
    files = {}
    for row in site.rows(DAY):
        files[f"documents/date={DAY}/{row.disclosure_id}.pdf"] = row.pdf_name
        files[f"documents/date={DAY}/{row.disclosure_id}.zip"] = row.xbrl_name
    for key in keys:
        content = pipeline.lake.read(key)
        assert sha256(content) == pipeline.lake.metadata(key)["sha256"], key
        if key in files:
            assert content == site.document(files[key]), key


def _raw_pages(pipeline):
    """The raw bytes of each page number over all captures, finished or not."""
    pages = {}
    for key in pipeline.objects():
        if key.startswith("raw/") and key.endswith(".html.gz"):
            number = key.rsplit("page=", 1)[1]
            pages.setdefault(number, set()).add(gzip.decompress(pipeline.lake.read(key)))
    return pages


def _killed(environment, site, *, after_requests, seconds=0.0):
    """Start a run, kill it after so many requests and seconds; gives the paths of its requests."""
    before = len(site.requests)
    process = start(environment, "collect", str(DAY))
    try:
        wait_until(lambda: len(site.requests) - before >= after_requests, seconds=60)
        time.sleep(seconds)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    return [seen.path for seen in site.requests[before:]]


def test_a_run_killed_at_ten_moments_ends_with_the_bytes_of_an_undisturbed_one(
    site, pipeline, undisturbed
):
    site.set_day(DAY, 150)
    assert undisturbed.materialize(DAY).success
    site.faults.wait(r"[37]\.(pdf|zip)$", seconds=0.15)
    environment = variables(pipeline.config)
    chance = random.Random(SEED)  # noqa: S311 - no secret
    known, asked_twice = {}, set()

    for number in range(KILLS):
        stored = {key for key in pipeline.objects() if key.startswith("documents/")}
        # The first two requests are the list's; the last kill comes when nearly all is stored.
        requests = chance.randint(1, 20) if number < KILLS - 1 else len(_missing(site, stored))
        paths = _killed(environment, site, after_requests=requests, seconds=chance.uniform(0, 0.05))
        asked_twice |= _keys(paths) & stored
        now = pipeline.objects()
        _assert_whole(pipeline, site, [key for key in now if known.get(key) != now[key]])
        known = now

    stored = {key for key in known if key.startswith("documents/")}
    before = len(site.requests)
    last = run(environment, "collect", str(DAY))

    assert last.returncode == 0, last.stderr
    asked = _keys(seen.path for seen in site.requests[before:])
    assert asked.isdisjoint(stored)
    assert asked_twice == set()
    _assert_same(pipeline, undisturbed)
    _assert_whole(pipeline, site, pipeline.objects())


def _missing(site, stored):
    wanted = {
        f"documents/date={DAY}/{row.disclosure_id}.{suffix}"
        for row in site.rows(DAY)
        for name, suffix in ((row.pdf_name, "pdf"), (row.xbrl_name, "zip"))
        if name
    }
    return wanted - stored


def _assert_same(pipeline, undisturbed):
    documents, others = (
        {key: each.lake.read(key) for key in each.objects() if key.startswith("documents/")}
        for each in (pipeline, undisturbed)
    )
    assert documents == others
    assert len(documents) > 150
    assert _raw_pages(pipeline) == _raw_pages(undisturbed)
    for name in ("disclosures", "documents"):
        table, other = (each.table(name, DAY) for each in (pipeline, undisturbed))
        kept = [column for column in table.columns if column not in OBSERVED]
        assert table.columns == other.columns
        assert table.select(kept).equals(other.select(kept))
    assert set(pipeline.table("documents", DAY)["status"]) == {"stored"}
    finished = [key for key in pipeline.objects() if key.endswith("manifest.json")]
    assert len(finished) == 1
    latest = CaptureStore(pipeline.lake).latest(DAY)
    assert (latest.complete, latest.total, len(latest.pages)) == (True, 150, 2)


def test_the_record_of_a_killed_run_is_ended_when_its_lease_is_over(site, pipeline):
    site.set_day(DAY, 30)
    site.faults.wait(r"\.pdf$", seconds=0.2)
    environment = variables(pipeline.config)
    _killed(environment, site, after_requests=5)
    (left,) = pipeline.executions.by_status("running")
    assert left.partition_start == str(DAY)

    site.faults.clear()
    result = pipeline.materialize(DAY)

    assert result.success
    (still,) = pipeline.executions.by_status("running")
    assert still == left
    assert pipeline.executions.expire_stale(now=left.updated_at + LEASE) == []
    over = left.updated_at + LEASE + timedelta(seconds=1)
    (ended,) = pipeline.executions.expire_stale(now=over)
    assert (ended.execution_id, ended.status) == (left.execution_id, "failed")
    assert ended.error_type == PROCESS_VANISHED
    assert "only the rest is fetched" in ended.error_message
    assert ended.started_at == left.started_at
    assert ended.completed_at == over.replace(microsecond=over.microsecond // 1000 * 1000)
    assert ended == pipeline.executions.get(left.execution_id)
    assert pipeline.record(result).status == "completed"


def test_the_next_run_ends_the_records_of_vanished_ones_when_it_starts(site, pipeline):
    site.set_day(DAY, 3)
    long_ago = datetime.now(UTC) - LEASE - timedelta(seconds=30)
    vanished = pipeline.executions.start("vanished", partition_start=str(DAY), now=long_ago)
    alive = pipeline.executions.start("alive", partition_start=str(DAY))

    result = pipeline.materialize(DAY)

    ended = pipeline.executions.get("vanished")
    assert (ended.status, ended.error_type) == ("failed", PROCESS_VANISHED)
    assert ended.started_at == vanished.started_at
    assert pipeline.executions.get("alive") == alive
    assert pipeline.record(result).status == "completed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_recorded_as_canceled_at_once_and_the_next_does_the_rest(
    site, pipeline, number
):
    site.set_day(DAY, 60)
    site.faults.wait(r"[02468]\.(pdf|zip)$", seconds=0.3)
    environment = variables(pipeline.config)
    process = start(environment, "collect", str(DAY))
    wait_until(lambda: len(site.requests) >= 15, seconds=60)
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)

    assert process.returncode == 130
    (said,) = [line for line in errors.splitlines() if line.startswith("tdnet: ")]
    assert said == "tdnet: interrupted; collect the same days again: only the rest is fetched"
    assert "Traceback" not in errors
    assert output.startswith("canceled: 60 listed")
    (record,) = pipeline.executions.by_status("canceled")
    assert record.completed_at is not None
    assert record.error_message.startswith("the run was interrupted")
    stored = {key for key in pipeline.objects() if key.startswith("documents/")}
    assert record.progress < 100

    site.faults.clear()
    before = len(site.requests)
    result = pipeline.materialize(DAY)

    assert result.success
    asked = _keys(seen.path for seen in site.requests[before:])
    assert asked == _missing(site, stored)
    assert pipeline.record(result).total_count == 60
