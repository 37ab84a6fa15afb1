"""The deployment as compose.yaml starts it: several run workers, one PostgreSQL, one request slot.

A machine is a TDNET_HOME here: the lock below it is all that run workers of one machine share, and
all that those of two machines do not.
"""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import groupby
from pathlib import Path

import dagster as dg
import pytest

from tdnet_assets.assets.collection import POOL
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import sha256
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets_tests import commands
from tdnet_assets_tests.deploy.deployment import (
    RUN_SECONDS,
    DeployedUi,
    Deployment,
    contact,
    running_deployment,
)
from tdnet_assets_tests.e2e.dagster_ui import ASSETS
from tdnet_assets_tests.pipeline import Pipeline

DAYS = [date(2026, 6, 8), date(2026, 6, 9)]
ROWS, NEW_ROWS = 6, 4
KEYS = ",".join(ASSETS)
TABLES = ("disclosures", "documents")
# When something was seen or fetched, and in how many attempts, differs from run to run.
OF_THE_RUN = ("first_seen_at", "last_seen_at", "capture", "fetched_at", "attempts")


@pytest.mark.deploy
@pytest.mark.timeout(900)  # seven processes of Dagster: a minute, unless the machine is busy
def test_the_pool_keeps_machines_apart_and_workers_at_once_tear_nothing(
    site, platform, pipeline, instance, postgres, tmp_path
):
    for day in DAYS:
        site.set_day(day, ROWS)
    tokyo, osaka, nagoya = (tmp_path / name for name in ("tokyo", "osaka", "nagoya"))
    config = platform.changed(requests_per_second=20)
    with (
        running_deployment(config, postgres, tmp_path / "deployment") as (deployment, ui),
        ExitStack() as daemon,
        ExitStack() as locks,
    ):
        for home in (osaka, nagoya):
            locks.enter_context(held_session(home))
        # As shipped. While one run works, neither the queue nor a run that passes it by begins.
        with held_session(tokyo):
            first_process = collect(deployment, home=tokyo, name="first")
            first = ui.run_when(None, lambda run: run.is_at_work)
            backfills = [
                ui.launch_on_machine(DAYS, home=nagoya, name="queued"),
                ui.launch_on_machine(DAYS, home=osaka, name="other-machine"),
            ]
            daemon.enter_context(deployment.running("daemon"))
            second_process = collect(deployment, home=nagoya, name="second")
            second = ui.run_when(None, lambda run: run.status == "STARTED", besides=[first])
            queued = [ui.run_when(one, lambda run: run.status == "QUEUED") for one in backfills]
            deployment.wait_for_health("daemon")
            assert at_work(ui) == {first.id}
            assert site.requests == []
        assert first_process.wait(RUN_SECONDS) == 0
        second = ui.run_when(None, lambda run: run.is_at_work, besides=[first])
        assert second.step_started >= ui.runs()[first.id].step_ended
        assert [ui.runs()[run.id].status for run in queued] == ["QUEUED", "QUEUED"]
        assert speakers(site) == ["first"]

        # Without the limit: three at once on the same changed days, two of them on one machine.
        for day in DAYS:
            site.publish(day, NEW_ROWS)
        ui.set_pool_limit(POOL, 3)
        for backfill in backfills:
            ui.run_when(backfill, lambda run: run.is_at_work)
        assert at_work(ui) == {second.id, *(run.id for run in queued)}
        assert speakers(site) == ["first"]
        locks.close()
        for backfill in backfills:
            ui.run_when(backfill, lambda run: run.has_ended)
        assert second_process.wait(RUN_SECONDS) == 0
        assert {*speakers(site)} == {"first", "second", "queued", "other-machine"}
        # On one machine they took turns, each from its beginning to its end.
        assert sorted(speakers(site, of={"second", "queued"})) == ["queued", "second"]

    records = [pipeline.executions.get(run.id) for run in (first, second, *queued)]
    assert [(one.status, one.progress) for one in records] == [("completed", 100)] * 4
    assert [one.total_count for one in records] == [
        len(DAYS) * ROWS,
        *[len(DAYS) * (ROWS + NEW_ROWS)] * 3,
    ]
    for record in records:
        assert record.collected_count + record.skipped_count == record.total_count
    undisturbed = undisturbed_run(platform, instance)
    for day in DAYS:
        assert_same_day(pipeline, undisturbed, day)


def collect(deployment: Deployment, *, home: Path, name: str) -> subprocess.Popen[str]:
    """``tdnet collect`` on a machine of the deployment: its run does not pass through the queue."""
    environment = {
        **deployment.environment,
        "TDNET_HOME": str(home),
        "TDNET_CONTACT": contact(name),
    }
    first, last = map(str, DAYS)
    return commands.start(environment, "collect", first, "--until", last, "--select", KEYS)


def at_work(ui: DeployedUi) -> set[str]:
    return {run.id for run in ui.runs().values() if run.is_at_work}


def speakers(site: SampleSite, *, of: set[str] | None = None) -> list[str]:
    """Who talked to the site, once for every time that another one took over."""
    agents = [request.user_agent for request in site.requests]
    names = (agent.partition("(")[2].partition("@")[0] for agent in agents)
    return [name for name, _ in groupby(name for name in names if of is None or name in of)]


@contextmanager
def held_session(home: Path) -> Iterator[None]:
    """Be the process that talks to TDnet on that machine, so that all others there wait."""
    home.mkdir()
    with (home / "tdnet-session.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def undisturbed_run(platform: PlatformConfig, instance: dg.DagsterInstance) -> Pipeline:
    """The same days, made one after the other by one run in a bucket of its own."""
    config = platform.changed(bucket=f"{platform.bucket}-undisturbed")
    bootstrap(config)
    alone = Pipeline(config, instance)
    assert alone.materialize(DAYS[0], DAYS[-1], select=ASSETS).success
    return alone


def assert_same_day(pipeline: Pipeline, undisturbed: Pipeline, day: date) -> None:
    for name in TABLES:
        frame, expected = (
            one.table(name, day).drop(OF_THE_RUN, strict=False) for one in (pipeline, undisturbed)
        )
        assert frame.height >= ROWS + NEW_ROWS
        assert frame.equals(expected), f"{name} of {day}"
    documents = pipeline.table("documents", day)
    assert documents["status"].unique().to_list() == ["stored"]
    for key, digest in documents.select("s3_key", "sha256").iter_rows():
        assert sha256(pipeline.lake.read(key)) == digest
    store = CaptureStore(pipeline.lake)
    captures = [store.get(day, one) for one in store.ids(day)]
    assert captures
    assert all(capture.complete for capture in captures)
