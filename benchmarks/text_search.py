"""The texts of documents: how fast they are read, how large they are, and how fast searched.

What belongs here: generated PDFs and a generated lake of texts, a counting way to it, and the
questions. What does not: how texts are read (``tdnet_assets/assets/document_texts.py``) and
searched (``tdnet_assets/document_search.py``).

Run it with ``python -m benchmarks.text_search [--paragraphs FILE]``, a file of one paragraph a line
in UTF-8; without one, paragraphs are made of the words of disclosures, which compress better than
those of people. Every request to S3 goes through a proxy of this process, which counts it and holds
it back as a distant S3 would.
"""

import asyncio
import io
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import click
import polars as pl

from benchmarks.aws_proxy import proxy
from benchmarks.company_history import CODE, COMPANIES, Traffic, bench_config, slowly
from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.document_search import search
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.resources.file_workers import FileWorkers
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.sample_site.pdf import pdf
from tdnet_assets.tables.disclosures import disclosures_frame
from tdnet_assets.tables.document_texts import DOCUMENT_TEXTS_TABLE, comparable_texts
from tdnet_assets.tdnet.document_text import pdf_text
from tdnet_assets.tdnet.search_query import Query
from tdnet_assets_tests.lake_days import disclosure

MONTH = date(2026, 6, 1)
_LINES_A_PAGE = 34
_LETTERS_A_LINE = 36
_WORDS = (
    "当社は取締役会において自己株式の取得に係る事項を決議しました",
    "前年同四半期と比べ売上高は増加し営業利益は減少しました",
    "連結業績予想につきましては本日公表の資料をご覧ください",
    "（単位：百万円）１株当たり配当金　第２四半期末　期末　合計",
    "譲渡制限付株式報酬としての新株式の発行を行うことを決定",
    "その他有価証券評価差額金、為替換算調整勘定及び非支配株主持分",
)


@click.command()
@click.option("--paragraphs", type=click.Path(exists=True, path_type=Path))
@click.option("--files", default=1_000, show_default=True, help="PDFs of ten pages to be read.")
@click.option("--days", default=20, show_default=True, help="Days of the month to be searched.")
@click.option("--rows", default=386, show_default=True, help="Disclosures of a day.")
@click.option("--years", default=5, show_default=True, help="Years of one company.")
@click.option("--delay", default=20.0, show_default=True, help="Milliseconds added to a request.")
def main(
    *, paragraphs: Path | None, files: int, days: int, rows: int, years: int, delay: float
) -> None:
    """Measure reading, size and searching, and print the aims beside them."""
    written = paragraphs.read_text().splitlines() if paragraphs else []
    pages = _Pages(written or _paragraphs())
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    _extraction(pages, files)
    month = [MONTH + timedelta(days=offset) for offset in range(days)]
    with tempfile.TemporaryDirectory(prefix="text-search-") as name:
        folder = Path(name)
        with embedded_aws.running(folder / "aws", region=DEFAULT_REGION) as aws:
            direct = bench_config(folder, aws.endpoint_url)
            bootstrap(direct)
            lake = LakeResource(config=direct)
            for day in month:
                _fill(lake, pages, day, rows)
            _sizes(lake, month)
            for day in _days_of_the_company(years):
                _fill(lake, pages, day, rows)
            for year in range(MONTH.year - years, MONTH.year + 1):
                yearly_copy(lake).bring_up_to_date(year)
            traffic = Traffic()
            with proxy(aws.endpoint_url, slowly(traffic, delay / 1000)) as address:
                config = direct.changed(aws_endpoint_url=address)
                _questions(config, traffic, month)


class _Pages:
    """Pages of text drawn from paragraphs, each another one."""

    def __init__(self, paragraphs: Sequence[str]) -> None:
        self._paragraphs = paragraphs
        self._chance = random.Random(1)  # noqa: S311 - sample data

    def lines(self, count: int) -> list[str]:
        """So many lines as a PDF sets them."""
        lines: list[str] = []
        while len(lines) < count:
            text = f"{self._chance.choice(self._paragraphs)}{self._chance.randrange(10_000):,}"
            lines += [
                text[start : start + _LETTERS_A_LINE]
                for start in range(0, len(text), _LETTERS_A_LINE)
            ]
        return lines[:count]

    def page(self) -> str:
        """A page of text."""
        return "\n".join(self.lines(_LINES_A_PAGE))


def _paragraphs() -> list[str]:
    chance = random.Random(0)  # noqa: S311 - sample data
    return ["".join(chance.sample(_WORDS, chance.randint(1, 3))) for _ in range(5_000)]


def _extraction(pages: _Pages, files: int) -> None:
    documents = [pdf(pages.lines(10 * _LINES_A_PAGE), key=str(number)) for number in range(files)]

    async def read() -> int:
        async with FileWorkers(processes=2) as workers:
            texts = await asyncio.gather(*(workers.run(pdf_text, one) for one in documents))
        return sum(len(text.pages) for text in texts)

    started = time.perf_counter()
    count = asyncio.run(read())
    took = time.perf_counter() - started
    _verdict(f"{files:,} PDFs, {count:,} pages, in two processes", took, 30 * files / 1_000, "s")


def _sizes(lake: LakeResource, month: Sequence[date]) -> None:
    """The stored table against zstd of its texts alone, and what a second column would take."""
    stored = texts_alone = both = 0
    for day in month:
        table = lake.read_table(DOCUMENT_TEXTS_TABLE.name, day)
        head = lake.table_head(DOCUMENT_TEXTS_TABLE.name, day)
        if table is None or head is None:
            raise SystemExit(f"no texts of {day}")
        stored += head.bytes
        texts_alone += _zstd(table.frame.select("text"), None)
        normalized = comparable_texts(table.frame.lazy()).select("text", "text_normalized")
        both += _zstd(normalized.collect(), DOCUMENT_TEXTS_TABLE.rows_a_group)
    _verdict("the table, in sizes of its texts by zstd", stored / texts_alone, 1.2, "x")
    print(f"{'  with text_normalized stored as well':58}{both / texts_alone:>8.2f} x")
    print(f"{'  texts by zstd':58}{texts_alone / 1e6:>8.2f} MB")


def _zstd(frame: pl.DataFrame, rows_a_group: int | None) -> int:
    content = io.BytesIO()
    frame.rechunk().write_parquet(
        content, compression="zstd", statistics=False, row_group_size=rows_a_group
    )
    return len(content.getvalue())


def _days_of_the_company(years: int) -> Iterator[date]:
    """Some twenty days a year on which the company publishes."""
    first = date(MONTH.year - years, 1, 5)
    return (first + timedelta(days=18 * number) for number in range(20 * years))


def _fill(lake: LakeResource, pages: _Pages, day: date, rows: int) -> None:
    chance = random.Random(str(day))  # noqa: S311 - sample data
    codes = [CODE, *(f"{1300 + one}0" for one in chance.sample(range(COMPANIES), rows - 1))]
    listed = [
        disclosure(day, number, code=code, title="自己株式の取得に関するお知らせ")
        for number, code in enumerate(codes)
    ]
    texts = [
        {
            "disclosure_id": one.disclosure_id,
            "code": one.code,
            "kind": "pdf",
            "page": page,
            "text": text,
            "chars": len("".join(text.split())),
            "has_text": True,
        }
        for one in listed
        for page in range(1, 11)
        for text in (pages.page(),)
    ]
    lake.write_table("disclosures", day, disclosures_frame(listed), {"capture": "none"})
    lake.put_table(
        DOCUMENT_TEXTS_TABLE.name,
        day,
        DOCUMENT_TEXTS_TABLE.frame(texts).sort(DOCUMENT_TEXTS_TABLE.order),
        {},
        expected=None,
        row_group_size=DOCUMENT_TEXTS_TABLE.rows_a_group,
    )


def _questions(config: PlatformConfig, traffic: Traffic, month: Sequence[date]) -> None:
    first, last = month[0], month[-1]

    def of_month(typed: str) -> Callable[[], pl.DataFrame]:
        return lambda: search(
            Query.parse(typed), within="text", config=config, first=first, last=last
        )

    def of_company(typed: str) -> Callable[[], pl.DataFrame]:
        return lambda: search(Query.parse(typed), within="text", config=config, code=CODE)

    of_company("起動")()  # what a process does once: libraries, keys, tables of characters
    _ask("a month of the market, a rare phrase", of_month("玄海原子力発電所"), traffic, 3)
    _ask("a month of the market, a common word", of_month("譲渡制限付株式報酬"), traffic, 3)
    _ask("a month of the market, two words", of_month("営業利益 自己株式 -配当金"), traffic, 3)
    _ask("a company's years, a rare phrase", of_company("玄海原子力発電所"), traffic, 1)
    _ask("a company's years, a common word", of_company("自己株式"), traffic, 1)


def _ask(name: str, ask: Callable[[], pl.DataFrame], traffic: Traffic, aim: float) -> None:
    best, found, requests, size = float("inf"), 0, 0, 0
    for _ in range(3):
        before = (traffic.requests, traffic.bytes)
        started = time.perf_counter()
        found = ask().height
        best = min(best, time.perf_counter() - started)
        requests, size = traffic.requests - before[0], traffic.bytes - before[1]
    _verdict(name, best, aim, "s", f"{found:,} found, {requests:,} requests, {size / 1e6:.1f} MB")


def _verdict(name: str, measured: float, aim: float, unit: str, more: str = "") -> None:
    verdict = "met" if measured <= aim else "MISSED"
    print(f"{name:58}{measured:>8.2f} {unit}   aim {aim:g} {unit}: {verdict}   {more}")


if __name__ == "__main__":
    main()
