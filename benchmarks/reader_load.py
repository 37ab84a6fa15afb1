"""The reader under load: first pages over a distant S3, and fifty readers at once.

What belongs here: a lake of five years, a slow way to it, readers who read, and what it took beside
what it may take. What does not: the reader (``tdnet_assets/reader/``).

Run it with ``python -m benchmarks.reader_load``; every request to S3 goes through a proxy of this
process that holds it back as a distant S3 would.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import click
import httpx

from benchmarks.aws_proxy import Answer, Request, Send, proxy
from benchmarks.company_history import CODE, day_of_rows
from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.reader.example_lake import write_history

FIRST_PAGE_SECONDS = 0.3
COMPANY_PAGE_SECONDS = 1.0
P95_SECONDS = 0.5
PEAK_MEGABYTES = 500.0
START_SECONDS = 60


@dataclass(slots=True)
class Seen:
    """What the readers saw: seconds of each answer, and the statuses that were not good."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float, error: str | None) -> None:
        """One more answer."""
        with self.lock:
            self.seconds.append(seconds)
            if error:
                self.errors.append(error)


@click.command()
@click.option("--years", default=5, show_default=True)
@click.option("--days", default=250, show_default=True, help="Days of a year.")
@click.option("--rows", default=386, show_default=True, help="Disclosures of a day.")
@click.option("--delay", default=20.0, show_default=True, help="Milliseconds added to a request.")
@click.option("--readers", default=50, show_default=True)
@click.option("--seconds", default=60.0, show_default=True, help="How long they read.")
def main(*, years: int, days: int, rows: int, delay: float, readers: int, seconds: float) -> None:
    """Measure the first pages, then many readers at once."""
    with tempfile.TemporaryDirectory(prefix="reader-load-") as name:
        folder = Path(name)
        with embedded_aws.running(folder / "aws", region=DEFAULT_REGION) as aws:
            config = _config(folder, aws.endpoint_url)
            bootstrap(config)
            _fill(LakeResource(config=config), years, days, rows)

            def slowly(_: Request, send: Send) -> Answer:
                time.sleep(delay / 1000)
                return send()

            with (
                proxy(aws.endpoint_url, slowly) as far,
                _reader(config.changed(aws_endpoint_url=far), folder) as (address, process),
            ):
                print(f"{years} years of {days} days of {rows} rows, {delay:g} ms a request\n")
                time.sleep(2)  # the look at the window that a start begins
                first = _asked(address, "/")
                company = _asked(address, f"/companies/{CODE}")
                seen = _read(address, readers, seconds)
                peak = _peak_megabytes(process.pid)
    p95 = statistics.quantiles(seen.seconds, n=20)[-1]
    _line("first page", first, FIRST_PAGE_SECONDS, "s")
    _line("company page, five years", company, COMPANY_PAGE_SECONDS, "s")
    _line(f"p95 of {len(seen.seconds):,} answers to {readers} readers", p95, P95_SECONDS, "s")
    _line("errors", len(seen.errors), 0, "")
    _line("peak memory", peak, PEAK_MEGABYTES, "MiB")
    for error in dict.fromkeys(seen.errors[:5]):
        print(f"  {error}")


def _line(name: str, measured: float, aim: float, unit: str) -> None:
    verdict = "met" if measured <= aim else "MISSED"
    print(f"{name:48}{measured:>9.3g} {unit:4} aim <= {aim:g} {unit:4} {verdict}")


def _config(folder: Path, endpoint: str) -> PlatformConfig:
    return PlatformConfig(
        bucket="reader-load",
        executions_table="executions",
        disclosures_table="disclosures",
        tdnet_base_url="http://127.0.0.1:9/none",
        home=str(folder / "home"),
        aws_endpoint_url=endpoint,
        embedded_aws=True,
    )


def _fill(lake: LakeResource, years: int, days: int, rows: int) -> None:
    """The company's own reports first, then days of all companies up to today."""
    write_history(lake, CODE)
    today = datetime.now(TOKYO).date()
    for year in range(years):
        for place in range(days):
            day = today - timedelta(days=365 * year + place)
            frame = day_of_rows(day, rows, seed=0)
            lake.write_table(DISCLOSURES_TABLE.name, day, frame, {})
    for year in range(today.year - years, today.year + 1):
        yearly_copy(lake).bring_up_to_date(year)


@contextmanager
def _reader(
    config: PlatformConfig, folder: Path
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    port = free_port()
    environment = {
        **os.environ,
        "TDNET_BUCKET": config.bucket,
        "TDNET_EXECUTIONS_TABLE": config.executions_table,
        "TDNET_DISCLOSURES_TABLE": config.disclosures_table,
        "TDNET_BASE_URL": config.tdnet_base_url,
        "TDNET_HOME": config.home,
        "AWS_ENDPOINT_URL": config.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": EMBEDDED_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": EMBEDDED_SECRET_KEY,
    }
    command = [sys.executable, "-m", "tdnet_assets.cli.main", "serve", "--port", str(port)]
    with (folder / "reader.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(f"{address}/health", timeout=2).raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError((folder / "reader.log").read_text()) from None
                time.sleep(0.1)
        yield address, process
    finally:
        process.terminate()
        process.wait(30)


def _asked(address: str, path: str) -> float:
    started = time.perf_counter()
    httpx.get(f"{address}{path}", timeout=60).raise_for_status()
    return time.perf_counter() - started


def _read(address: str, readers: int, seconds: float) -> Seen:
    """So many people, each of whom opens a page, reads it for about a second, and opens another."""
    seen, end = Seen(), time.monotonic() + seconds
    today = datetime.now(TOKYO).date()
    paths = ["/", "/", f"/companies/{CODE}", "/feed.atom", "/search?q=決算", "/status"]
    paths += [f"/days/{today - timedelta(days=back)}" for back in range(5)]
    paths += [f"/companies/{1300 + number}0" for number in range(0, 100, 10)]

    def read(number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - sample data
        with httpx.Client(timeout=30) as client:
            while time.monotonic() < end:
                path = chance.choice(paths)
                started = time.perf_counter()
                try:
                    status = client.get(f"{address}{path}").status_code
                    error = None if status in (200, 404) else f"{path}: {status}"
                except httpx.HTTPError as failed:
                    error = f"{path}: {failed!r}"
                seen.add(time.perf_counter() - started, error)
                time.sleep(chance.uniform(0.5, 1.5))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
