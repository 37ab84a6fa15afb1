"""What is left when the process of a run dies, and what the next run makes of it."""

import gzip
import random
import re
import signal
import time
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from tdnet_assets.automation.records import record_run, sweep
from tdnet_assets.automation.vigil import Vigil
from tdnet_assets.local import dagster_home
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.executions import PROCESS_VANISHED, ExecutionsResource
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


class Clock:
    """An observer's monotonic clock, which a test puts forward."""

    def __init__(self):
        self.seconds = 1_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def observer(platform):
    """The sweep of a daemon whose ticks are half a minute apart: gives its corrections."""
    clock = Clock()
    vigil = Vigil(clock=clock)
    executions = ExecutionsResource(config=platform)

    def tick():
        clock.seconds += 30
        with dagster_home.instance(platform) as instance:
            return sweep(instance, executions, datetime.now(UTC) - timedelta(days=1), vigil=vigil)

    return tick


def test_the_record_of_a_killed_run_is_ended_once_it_was_seen_unchanged_for_two_minutes(
    site, pipeline, observer
):
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
    assert [observer() for _ in range(4)] == [[], [], [], []]
    before = datetime.now(UTC)
    (line,) = observer()
    ended = pipeline.executions.get(left.execution_id)
    assert line == f"{left.execution_id}: {ended.error_message}"
    assert (ended.status, ended.error_type) == ("failed", PROCESS_VANISHED)
    assert "only the rest is fetched" in ended.error_message
    assert ended.started_at == left.started_at
    assert ended.completed_at >= before.replace(microsecond=0)
    with dagster_home.instance(pipeline.config) as instance:
        assert instance.get_run_by_id(left.execution_id).status == dg.DagsterRunStatus.FAILURE
    assert pipeline.record(result).status == "completed"


def test_a_suspended_run_takes_back_what_was_presumed_of_it(site, pipeline, observer):
    site.set_day(DAY, 40)
    site.faults.wait(r"\.pdf$", seconds=0.3)
    process = start(variables(pipeline.config), "collect", str(DAY))
    wait_until(lambda: len(site.requests) >= 5, seconds=60)
    (begun,) = pipeline.executions.by_status("running")
    process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(5):
            observer()
        presumed = pipeline.executions.get(begun.execution_id)
        assert (presumed.status, presumed.is_guess) == ("failed", True)
        # Dagster's failure is the sweep's own; neither it nor the sensors make more of it.
        with dagster_home.instance(pipeline.config) as instance:
            run_there = instance.get_run_by_id(begun.execution_id)
            assert run_there.status == dg.DagsterRunStatus.FAILURE
            record_run(pipeline.executions, run_there, reason="it failed")
        assert observer() == []
        assert pipeline.executions.get(begun.execution_id) == presumed
    finally:
        process.send_signal(signal.SIGCONT)
    wait_until(lambda: pipeline.executions.get(begun.execution_id).status != "failed", seconds=20)
    assert observer() == []
    process.communicate(timeout=60)

    assert process.returncode == 0
    record = pipeline.executions.get(begun.execution_id)
    assert (record.status, record.progress, record.collected_count) == ("completed", 100, 40)
    assert (record.error_type, record.error_message) == (None, None)
    assert record.started_at == begun.started_at
    with dagster_home.instance(pipeline.config) as instance:
        assert instance.get_run_by_id(begun.execution_id).status == dg.DagsterRunStatus.SUCCESS
    assert observer() == []
    assert pipeline.executions.get(begun.execution_id) == record


def test_a_run_judges_no_other_however_silent_it_is(site, pipeline):
    site.set_day(DAY, 3)
    before = datetime.now(UTC) - timedelta(seconds=140)
    silent = pipeline.executions.start("silent", partition_start=str(DAY), now=before)

    result = pipeline.materialize(DAY)

    assert pipeline.record(result).status == "completed"
    assert pipeline.executions.get("silent") == silent


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
