"""How fast the disclosure index answers, and how fast a day is fed to it.

What belongs here: a table of days and the time of single look-ups. What does not: the reading of
the lake (``tdnet index rebuild`` shows that).

``python -m benchmarks.index_lookups`` starts the embedded AWS of this machine: the figures are of
our own calls and of that server, on loopback and on the same processors. They say nothing of AWS,
which adds the network and has a faster server.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import click

from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource, IndexedDisclosure
from tdnet_assets.tdnet.listing import TOKYO

FIRST_DAY = date(2026, 2, 2)
CODES = 4000
AIM_MILLISECONDS = 10.0


@click.command()
@click.option("--days", default=10, show_default=True, help="Days in the table.")
@click.option("--size", default=2694, show_default=True, help="Disclosures of the last day.")
@click.option("--lookups", default=500, show_default=True, help="Look-ups of each kind.")
def main(days: int, size: int, lookups: int) -> None:
    """Fill a table, then look things up in it, one after the other."""
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_aws.running(Path(folder), region=DEFAULT_REGION) as aws,
    ):
        config = PlatformConfig(
            bucket="lake",
            executions_table="executions",
            disclosures_table="disclosures",
            aws_endpoint_url=aws.endpoint_url,
            embedded_aws=True,
        )
        bootstrap(config)
        index = DisclosureIndexResource(config=config)
        for number in range(days - 1):
            day = FIRST_DAY + timedelta(days=number)
            index.replace_day(day, _rows(day, 386))  # an ordinary day
        day = FIRST_DAY + timedelta(days=days - 1)
        rows = _rows(day, size)
        print(f"embedded AWS, {386 * (days - 1) + size:,} items of {days} days\n")
        _print_feeds(index, day, rows)
        _print_lookups(index, rows, lookups)


def _print_feeds(index: DisclosureIndexResource, day: date, rows: list[IndexedDisclosure]) -> None:
    for name in ("a day fed", "the same day again"):
        begun = time.perf_counter()
        write = index.replace_day(day, rows)
        seconds = time.perf_counter() - begun
        print(f"{name:<22}{seconds:>7.2f} s  {write.put:,} put, {write.unchanged:,} unchanged")


def _print_lookups(
    index: DisclosureIndexResource, rows: list[IndexedDisclosure], lookups: int
) -> None:
    asked = random.choices(rows, k=lookups)  # noqa: S311 - no secret
    kinds: dict[str, list[Callable[[], object]]] = {
        "one by its id": [partial(index.get, row.disclosure_id) for row in asked],
        "a code's newest 20": [partial(index.by_code, row.code, limit=20) for row in asked],
        "a day, all of it": [partial(index.by_day, row.date) for row in asked[:5]],
    }
    print(f"\n{'':<22}{'median ms':>10}{'95 % ms':>10}{'worst ms':>10}")
    for name, calls in kinds.items():
        calls[0]()
        milliseconds = [_milliseconds(call) for call in calls]
        high = statistics.quantiles(milliseconds, n=20)[-1]
        print(
            f"{name:<22}{statistics.median(milliseconds):>10.2f}{high:>10.2f}"
            f"{max(milliseconds):>10.2f}"
        )
    print(f"\naim: below {AIM_MILLISECONDS:g} ms for one by its id and for a code's newest")


def _milliseconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    if not call():
        raise SystemExit("a look-up found nothing: the figures would mean nothing")
    return 1000 * (time.perf_counter() - begun)


def _rows(day: date, size: int) -> list[IndexedDisclosure]:
    opening = datetime(day.year, day.month, day.day, 8, tzinfo=TOKYO)
    return [
        IndexedDisclosure(
            disclosure_id=f"{day:%Y%m%d}{number:06d}",
            date=day,
            disclosed_at=opening + timedelta(minutes=number % 600),
            code=f"{1000 + number * 7919 % CODES}0",
            company_name="見本ホールディングス",
            title="2026年３月期 第３四半期決算短信〔日本基準〕（連結）",
            previous_titles=(),
            category="earnings",
            status="active",
            is_correction=False,
            exchanges=("東",),
            pdf_key=f"documents/date={day}/{day:%Y%m%d}{number:06d}.pdf",
            pdf_stored=True,
            xbrl_key=None,
            xbrl_stored=False,
            changed_at=None,
        )
        for number in range(size)
    ]


if __name__ == "__main__":
    main()
