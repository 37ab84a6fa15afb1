"""``tdnet company``: a company on a short page."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import click
import polars as pl
from rich.cells import cell_len

from tdnet_assets import catalog
from tdnet_assets.cli import questions
from tdnet_assets.cli.exit_codes import FAILED
from tdnet_assets.cli.output import printable
from tdnet_assets.config import PlatformConfig
from tdnet_assets.lookups import whole_code
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.reports.surprises import RANKED_ITEMS

_LATELY = 10
_SHOWN = ("disclosed_at", "title", "category", "status", "disclosure_id")
_FIGURES = ("revenue", *(item for item in RANKED_ITEMS if item != "revenue"))
_FORECAST_YEARS = ("this_year", "next_year")
# A company that still reports has done so within this, and its forecasts of that year are younger
# than both together: what is older need not be opened.
_REPORTS_WITHIN = timedelta(days=400)
_FORECASTS_BEFORE = timedelta(days=500)


@click.command()
@click.argument("code")
def company(code: str) -> None:
    """A company's name, latest report, forecast against result, and newest disclosures."""
    with questions.answering("table") as config:
        whole = whole_code(config, code, None, None)
        first, listed = _listed(config, whole)
        if listed.is_empty():
            note = questions.code_note(config, whole, None, None)
            click.echo(f"tdnet: {note(listed) or f'no disclosure of {whole}'}", err=True)
            sys.exit(FAILED)
        newest = listed.sort("disclosed_at", "disclosure_id", descending=True).head(_LATELY)
        last = newest.row(0, named=True)
        exchanges = ", ".join(last["exchanges"])
        click.echo(f"{whole}  {printable(last['company_name'])}  {printable(exchanges)}\n")
        reports, revisions = (
            scan(config=config, first=first, code=whole).collect()
            for scan in (catalog.scan_earnings, catalog.scan_forecast_revisions)
        )
        for line in _latest_report(reports, revisions):
            click.echo(line)
        click.echo()
        order = ("disclosed_at", "disclosure_id")
        questions.show(newest.lazy(), order, None, "table", _SHOWN)


def _listed(config: PlatformConfig, code: str | None) -> tuple[date | None, pl.DataFrame]:
    """A company's disclosures, and since when: of late where that tells all that is shown."""
    today = datetime.now(TOKYO).date()
    since = today - _REPORTS_WITHIN - _FORECASTS_BEFORE
    of_late = catalog.scan_disclosures(config=config, code=code, first=since).collect()
    reported = of_late.filter(
        pl.col("xbrl_kind") == "earnings", pl.col("date") >= today - _REPORTS_WITHIN
    )
    if of_late.height >= _LATELY and reported.height:
        return since, of_late
    return None, catalog.scan_disclosures(config=config, code=code).collect()


def _latest_report(reports: pl.DataFrame, revisions: pl.DataFrame) -> Iterator[str]:
    """The newest report of the newest period, each main figure beside the year's own forecast."""
    if reports.is_empty():
        yield "no report of results in the lake"
        return
    latest = reports.sort("period_end", "disclosed_at", nulls_last=False).row(-1, named=True)
    yield f"{latest['disclosed_at']:%Y-%m-%d %H:%M}  {printable(latest['title'])}"
    yield (
        f"{latest['period']} of the year to {latest['fiscal_year_end']}, "
        f"{latest['standard']}, {latest['consolidation']}  {latest['disclosure_id']}"
    )
    forecasts = _Forecasts(reports, revisions, latest)
    cells = [("", "result", "on the year", "year's forecast", "reached", "next year")]
    for item in _FIGURES:
        result, forecast = latest[item], forecasts.newest(item)
        following = latest[f"next_year_{item}_forecast"]
        if any(figure is not None for figure in (result, forecast, following)):
            change = latest.get(f"{item}_change")
            cells.append(
                (
                    item,
                    _figure(result),
                    "" if change is None else f"{change:+.1%}",
                    _figure(forecast),
                    _reached(result, forecast),
                    _figure(following),
                )
            )
    # A column in which nothing stands has no head either.
    columns = [column for column in zip(*cells, strict=True) if any(column[1:])]
    widths = [max(map(cell_len, column)) for column in columns]
    for head, *figures in zip(*columns, strict=True):
        numbers = (f"{text:>{width}}" for text, width in zip(figures, widths[1:], strict=True))
        yield f"{head:<{widths[0]}}  {'  '.join(numbers)}".rstrip()


@dataclass(frozen=True, slots=True)
class _Forecasts:
    """A company's own forecasts of the year of its latest report."""

    reports: pl.DataFrame
    revisions: pl.DataFrame
    latest: Mapping[str, Any]

    def newest(self, item: str) -> Decimal | None:
        """The last one that was one figure; of a full year's report, the last before it."""
        stated = [
            (moment, value)
            for moment, value in (*self._of_reports(item), *self._of_revisions(item))
            if value is not None
            and (self.latest["period"] != "FY" or moment < self.latest["disclosed_at"])
        ]
        return max(stated, key=lambda pair: pair[0])[1] if stated else None

    def _of_reports(self, item: str) -> Iterator[tuple[datetime, Decimal | None]]:
        for year in _FORECAST_YEARS:
            same = self.reports.filter(pl.col(f"{year}_end") == self._year_end)
            yield from same.select("disclosed_at", f"{year}_{item}_forecast").iter_rows()

    def _of_revisions(self, item: str) -> Iterator[tuple[datetime, Decimal | None]]:
        same = self.revisions.filter(
            pl.col("item") == item,
            pl.col("period") == "full_year",
            pl.col("period_end") == self._year_end,
            pl.col("consolidation") == self.latest["consolidation"],
            ~pl.col("is_difference"),
        )
        yield from same.select("disclosed_at", "current").iter_rows()

    @property
    def _year_end(self) -> date:
        end: date = self.latest["fiscal_year_end"] or self.latest["period_end"]
        return end


def _reached(result: Decimal | None, forecast: Decimal | None) -> str:
    """The share of the forecast that is reached; of a loss or of nothing there is none."""
    return "" if result is None or not forecast or forecast < 0 else f"{result / forecast:.0%}"


def _figure(value: Decimal | None) -> str:
    """A figure with its thousands apart, and without closing zeros."""
    if value is None:
        return ""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
