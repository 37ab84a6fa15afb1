"""Runs killed at random moments: does each day end whole, with true records and nothing twice?

What belongs here: killing runs, having the next one do the rest, and comparing what is left with
what an undisturbed run leaves. What does not: the moments that matter by themselves, which are
tests (``tdnet_assets_tests/assets/test_killed_runs.py``).

Run it with ``python -m benchmarks.kills --kills 200``; a kill takes some seconds. Runs are forked
from a process that has everything imported, so that a moment is a moment of the run.
"""

import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.store import LakeResource, sha256
from tdnet_assets.sample_site.site import SampleSite, serve

DAY = date(2026, 6, 10)
ROWS = 40
LONGEST_SECONDS = 3.0
"""A run of the day takes about as long: kills fall everywhere in it."""
_NOW = datetime(2026, 6, 30, 11, 0, tzinfo=UTC)


def collect(values: dict[str, Any]) -> None:
    """One run of the day in a process of its own; exit code 0 if it is whole."""
    from tdnet_assets.cli.in_process import materialize  # noqa: PLC0415 - the forked process's own

    config = PlatformConfig(**values)
    outcome = materialize(config, DAY, DAY, display=lambda *_: nullcontext())
    sys.exit(outcome.exit_code)


def undisturbed(config: PlatformConfig) -> set[str]:
    """The sha256 of every file of the day, as a run leaves them that nobody kills."""
    lake = LakeResource(config=config)
    return {f"{one.key} {sha256(lake.read(one.key) or b'')}" for one in lake.list("documents/")}


@click.command()
@click.option("--kills", default=200, show_default=True, help="How many runs to kill.")
@click.option("--seed", default=20260213, show_default=True, help="Of the moments.")
def main(kills: int, seed: int) -> None:
    """Kill runs, end each day with one that lives, and count what was not as it should be."""
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["tdnet_assets.cli.in_process", "polars", "obstore"])
    site = SampleSite(clock=lambda: _NOW + timedelta(hours=9))
    site.set_day(DAY, ROWS)
    faults: Counter[str] = Counter()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws = stack.enter_context(embedded_aws.running(folder / "aws", region=DEFAULT_REGION))
        address = stack.enter_context(serve(site))
        expected: set[str] = set()
        trial, killed = 0, 0
        while killed < kills:
            trial += 1
            config = PlatformConfig(
                bucket=f"kills-{trial}",
                executions_table=f"executions-{trial}",
                disclosures_table=f"disclosures-{trial}",
                tdnet_base_url=address,
                requests_per_second=0,
                home=str(folder / f"home-{trial}"),
                aws_endpoint_url=aws.endpoint_url,
                embedded_aws=True,
            )
            bootstrap(config)
            asked = len(site.requests)
            for _ in range(chance.randint(1, 4) if expected else 0):
                process = server.Process(target=collect, args=(config.values,))
                process.start()
                process.join(chance.uniform(0.2, LONGEST_SECONDS))
                if process.is_alive() and process.pid:
                    os.kill(process.pid, signal.SIGKILL)
                    killed += 1
                process.join()
            last = server.Process(target=collect, args=(config.values,))
            last.start()
            last.join(120)
            found = undisturbed(config)
            expected = expected or found
            faults += _faults(config, last.exitcode, found, expected, site, asked)
            click.echo(f"day {trial}: {killed} killed, faults so far {dict(faults)}")
    click.echo(f"{killed} runs killed over {trial} days: {dict(faults) or 'no fault'}")
    sys.exit(1 if faults else 0)


def _faults(  # noqa: PLR0917 - all that there is to compare
    config: PlatformConfig,
    code: int | None,
    found: set[str],
    expected: set[str],
    site: SampleSite,
    asked: int,
) -> Counter[str]:
    """What is not as it should be after the run that lived."""
    lake, index = LakeResource(config=config), DisclosureIndexResource(config=config)
    records = list(ExecutionsResource(config=config).by_partition(str(DAY)))
    files = Counter(
        seen.path for seen in site.requests[asked:] if seen.path.endswith((".pdf", ".zip"))
    )
    state = read_day_state(lake, index, DAY)
    stored = lake.read_table("disclosures", DAY)
    completed = [record for record in records if record.status == "completed"]
    true = {
        "the last run failed": code == 0,
        f"the day is not whole: {state.why()}": not state.why(),
        "other files than an undisturbed run's": found == expected,
        "rows are missing or twice": stored is not None
        and stored.frame.height == stored.frame["disclosure_id"].n_unique() == ROWS,
        "no record says completed": bool(completed),
        "a record of a killed run claims an end": all(
            record.status in ("completed", "pending", "running") for record in records
        ),
        "a record ends before it began": all(
            record.completed_at is None or record.started_at <= record.completed_at
            for record in records
        ),
        # One that was in flight at each kill may be asked for once more.
        "files were fetched again and again": all(
            count <= 1 + len(records) - len(completed) for count in files.values()
        ),
    }
    return Counter(fault for fault, right in true.items() if not right)


if __name__ == "__main__":
    started = time.monotonic()
    try:
        main()
    finally:
        click.echo(f"{time.monotonic() - started:.0f} s")
