"""What a run leaves in Dagster's store, and what an unchanged run of a small day costs.

What belongs here: ``tdnet collect`` of one small day again and again, each time in a process of its
own, and what lies in Dagster's home afterwards. What does not: a peak day (``peak_day.py``).

Run it with ``python -m benchmarks.dagster_store``.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.peak_day import DAY, Setting, collect, setting

BYTES_A_RUN = 100_000
CPU_BEYOND_START = 0.4
RUNS = 4
_START_UP = """
import boto3, obstore.auth.boto3, polars
from tdnet_assets.cli.in_process import DAILY_ASSETS, build_definitions, dagster_home
from tdnet_assets.config import PlatformConfig
config = PlatformConfig.from_environment()
job = build_definitions(config).resolve_implicit_global_asset_job_def()
with dagster_home.instance(config) as instance:
    job.get_subset(asset_selection=set(DAILY_ASSETS), asset_check_selection=set())
    instance.get_runs(limit=1)
"""


@click.command()
@click.option("--size", default=30, show_default=True, help="Disclosures of the day.")
def main(size: int) -> None:
    """Measure the first run of a day and unchanged ones after it."""
    with setting({DAY: size}, 20_000) as parts:
        home = Path(parts.variables["TDNET_HOME"]) / "dagster"
        runs, sizes = [], [0]
        for _ in range(RUNS):
            runs.append(collect(parts, DAY))
            files = (path for path in home.rglob("*") if path.is_file())
            sizes.append(sum(path.stat().st_size for path in files))
        start = _start_up(parts)
        print(f"\n{size} disclosures, {os.cpu_count()} processors\n")
        print(f"{'':10}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'bytes':>12}")
        for number, run in enumerate(runs, start=1):
            more = sizes[number] - sizes[number - 1]
            print(f"run {number:<6}{run.wall:>9.2f}{run.cpu:>9.2f}{run.megabytes:>9.0f}{more:>12,}")
        print(f"{'start-up':10}{'':9}{start:>9.2f}\n")
        for name, count, bytes_ in _rows(home):
            print(f"{name:48}{count / RUNS:>8.1f} rows a run{bytes_ / RUNS:>10,.0f} bytes")
    grown = (sizes[-1] - sizes[1]) / (RUNS - 1)
    beyond = min(run.cpu for run in runs[1:]) - start
    print(f"\n{grown:,.0f} bytes an unchanged run, aim <= {BYTES_A_RUN:,}")
    print(f"{beyond:.2f} s of CPU beyond start-up, aim <= {CPU_BEYOND_START:g}")


def _start_up(parts: Setting) -> float:
    """CPU seconds until a run can begin: all is imported, defined and opened."""
    process = subprocess.Popen([sys.executable, "-c", _START_UP], env=parts.variables)  # noqa: S603 - our own
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the start-up ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def _rows(home: Path) -> Iterator[tuple[str, int, int]]:
    """Rows and bytes of their values by table, those of events by their kind; the largest first."""
    found = []
    for path in home.rglob("*.db"):
        with sqlite3.connect(path) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'"):
                names = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
                size = "+".join(f'coalesce(length("{name}"), 0)' for name in names)
                kind = "dagster_event_type" if "dagster_event_type" in names else "''"
                rows = database.execute(
                    f'SELECT {kind}, count(*), sum({size}) FROM "{table}" GROUP BY 1'  # noqa: S608
                )
                found += [(f"{table} {name or ''}", count, bytes_) for name, count, bytes_ in rows]
    yield from sorted(found, key=lambda row: -row[2])[:20]


if __name__ == "__main__":
    main()
