"""One company's history over years: what it takes with the yearly copies, and without them.

What belongs here: a lake of generated days, a counting way to it, and the questions. What does not:
how the questions are answered (``tdnet_assets/catalog.py``).

Run it with ``python -m benchmarks.company_history``; every request to S3 goes through a proxy of
this process, which counts it and may hold it back as a distant S3 would.
"""

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import click
import polars as pl

from benchmarks.aws_proxy import Answer, Pass, Request, Send, proxy
from tdnet_assets import catalog
from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tdnet.listing import TOKYO

FIRST_YEAR = 2021
COMPANIES = 3900
CODE = "72030"
REQUESTS_OF_THE_COPIES = 60


@dataclass(slots=True)
class Traffic:
    """What went through the proxy."""

    requests: int = 0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, size: int) -> None:
        """One more answer of this many bytes."""
        with self.lock:
            self.requests += 1
            self.bytes += size


@click.command()
@click.option("--years", default=5, show_default=True)
@click.option("--days", default=250, show_default=True, help="Days of a year.")
@click.option("--rows", default=400, show_default=True, help="Disclosures of a day.")
@click.option("--delay", default=20.0, show_default=True, help="Milliseconds added to a request.")
def main(years: int, days: int, rows: int, delay: float) -> None:
    """Measure a company's history, first by the daily files, then by the yearly copies."""
    with tempfile.TemporaryDirectory(prefix="company-history-") as name:
        folder = Path(name)
        with embedded_aws.running(folder / "aws", region=DEFAULT_REGION) as aws:
            direct = bench_config(folder, aws.endpoint_url)
            bootstrap(direct)
            lake = LakeResource(config=direct)
            _fill(lake, years, days, rows)
            traffic = Traffic()
            with proxy(aws.endpoint_url, slowly(traffic, delay / 1000)) as address:
                config = direct.changed(aws_endpoint_url=address)
                print(f"{years} years of {days} days of {rows} rows, {delay:g} ms a request\n")
                print(f"{'':44}{'wall s':>8}{'requests':>10}{'MB':>8}{'rows':>8}")
                slow = _ask(config, traffic, "the company, daily files only")
                started = time.perf_counter()
                for year in range(FIRST_YEAR, FIRST_YEAR + years):
                    yearly_copy(lake).bring_up_to_date(year)
                built = time.perf_counter() - started
                fast = _ask(config, traffic, "the company, with the yearly copies")
                _add_new_days(lake, years, rows)
                stale = _ask(config, traffic, "the same, 3 days changed since")
                _ask(config, traffic, "all rows of one day", days=1)
                _ask(config, traffic, "all rows of a month", days=30)
                started = time.perf_counter()
                update = yearly_copy(lake).bring_up_to_date(FIRST_YEAR)
                again = time.perf_counter() - started
    print(f"\nall copies made in {built:.1f} s; one brought up to date in {again:.2f} s", end="")
    print(f" ({len(update.changed)} days read)")
    verdict = "met" if fast < REQUESTS_OF_THE_COPIES < slow else "MISSED"
    aim = f"aim < {REQUESTS_OF_THE_COPIES}: {verdict}"
    print(f"requests {slow:,} -> {fast} ({stale} when stale), {aim}")


def bench_config(folder: Path, endpoint: str) -> PlatformConfig:
    """A lake of its own at an endpoint."""
    return PlatformConfig(
        bucket="company-history",
        executions_table="executions",
        disclosures_table="disclosures",
        home=str(folder / "home"),
        aws_endpoint_url=endpoint,
        embedded_aws=True,
    )


def _days(years: int, days: int) -> Iterator[date]:
    for year in range(FIRST_YEAR, FIRST_YEAR + years):
        yield from (date(year, 1, 1) + timedelta(days=offset) for offset in range(days))


def _fill(lake: LakeResource, years: int, days: int, rows: int) -> None:
    for day in _days(years, days):
        lake.write_table(DISCLOSURES_TABLE.name, day, day_of_rows(day, rows, seed=0), {})


def _add_new_days(lake: LakeResource, years: int, rows: int) -> None:
    for day in _days(years, 3):
        if day.year == FIRST_YEAR:
            lake.write_table(DISCLOSURES_TABLE.name, day, day_of_rows(day, rows, seed=1), {})


def day_of_rows(day: date, rows: int, seed: int) -> pl.DataFrame:
    """Rows of companies drawn by chance, with titles and links as long as real ones."""
    chance = random.Random(f"{day} {seed}")  # noqa: S311 - sample data
    codes = [CODE] * (day.day % 10 == 0)
    codes += [f"{1300 + number}0" for number in chance.sample(range(COMPANIES), rows - len(codes))]
    ids = [f"{day:%Y%m%d}{number:06d}" for number in chance.sample(range(1_000_000), rows)]
    minutes = sorted(chance.randrange(8 * 60, 19 * 60) for _ in codes)
    opening = datetime.combine(day, datetime.min.time(), TOKYO)
    titles = [
        f"{day.year}年3月期 第{number % 4}四半期決算短信のお知らせ {number}" for number in minutes
    ]
    columns = {
        "disclosure_id": ids,
        "disclosed_at": [opening + timedelta(minutes=minute) for minute in minutes],
        "code": codes,
        "company_name": [f"見本商事{code}" for code in codes],
        "title": titles,
        "title_normalized": titles,
        "category": ["earnings"] * rows,
        "is_correction": [False] * rows,
        "exchanges": [["東"]] * rows,
        "pdf_url": [f"https://tdnet.invalid/inbs/1401{number}.pdf" for number in ids],
        "status": ["active"] * rows,
        "previous_titles": [[]] * rows,
        "history": [""] * rows,
        "source": ["tdnet"] * rows,
        "capture": [f"{day:%Y%m%d}T100000.000000Z"] * rows,
    }
    blank = {name: [None] * rows for name in DISCLOSURES_TABLE.schema}
    return pl.DataFrame({**blank, **columns}, schema=DISCLOSURES_TABLE.schema)


def _ask(config: PlatformConfig, traffic: Traffic, name: str, days: int | None = None) -> int:
    """Ask for the company's rows, or for all rows of some days; gives the number of requests."""
    before = (traffic.requests, traffic.bytes)
    started = time.perf_counter()
    if days is None:
        found = catalog.scan_disclosures(config=config, code=CODE).collect()
    else:
        first = date(FIRST_YEAR, 2, 1)
        last = first + timedelta(days=days - 1)
        found = catalog.scan_disclosures(config=config, first=first, last=last).collect()
    wall = time.perf_counter() - started
    requests, size = traffic.requests - before[0], traffic.bytes - before[1]
    print(f"{name:44}{wall:>8.2f}{requests:>10,}{size / 1e6:>8.1f}{found.height:>8,}")
    return requests


def slowly(traffic: Traffic, delay: float) -> Pass:
    """Passes on what a proxy gets, after a wait, and counts it."""

    def pass_on(_: Request, send: Send) -> Answer:
        time.sleep(delay)
        answer = send()
        traffic.count(len(answer.body))
        return answer

    return pass_on


if __name__ == "__main__":
    main()
