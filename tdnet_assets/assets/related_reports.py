"""What other days say of a day's reports: their figures, out of the narrow table of figures.

What belongs here: which rows of ``report_figures`` of other days are looked at, and no more of them
than these. What does not: which reports follow each other (``tables/report_links.py``), and which
forecast a result is held against (``tables/report_figures.py``).

How far it looks is bounded in time, and yearly copies stand for the days that they hold: what one
day costs is the same in a lake of one year and of ten.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from tdnet_assets.assets.filings import Filing
from tdnet_assets.assets.steps import Day
from tdnet_assets.resources.lake.store import StoredObject
from tdnet_assets.resources.lake.yearly_copies import daily_files, scan_copied
from tdnet_assets.tables.earnings import REPLACED_BY
from tdnet_assets.tables.report_figures import (
    FORECAST_AGE,
    FORECAST_KINDS,
    REPORT,
    REPORT_FIGURES_COPY,
    REPORT_FIGURES_TABLE,
)
from tdnet_assets.tables.report_links import LINK_AGE, links_between
from tdnet_assets.tdnet.reports.report_contents import Earnings
from tdnet_assets.tdnet.reports.stated_figures import ReportFigure, figure_of_itself

# What tells which reports are of one period, and nothing of the figures.
_LINKED = (
    "date",
    "disclosure_id",
    "code",
    "published_at",
    "is_correction",
    "standard",
    "consolidation",
    "item",
    "period_end",
    "kind",
)


def figure_rows(filing: Filing, figures: Iterable[ReportFigure]) -> list[Mapping[str, Any]]:
    """Figures of a filing as rows of ``report_figures``."""
    listed = {
        "disclosure_id": filing.disclosure_id,
        "code": filing.code,
        "published_at": filing.disclosed_at,
        "is_correction": filing.is_correction,
    }
    return [{**listed, **figure._asdict()} for figure in figures]


def replaced_reports(day: Day, reports: Sequence[tuple[Filing, Earnings]]) -> dict[str, str]:
    """Which report each of the day's reports replaces, as far as other days have them by now."""
    rows = (row for filing, one in reports for row in figure_rows(filing, [figure_of_itself(one)]))
    own = of_day(day, REPORT_FIGURES_TABLE.frame(rows))
    links = links_between(own, reports_of_their_periods(day, own))
    replaced = links.filter(pl.col("relation") != REPLACED_BY)
    # The links of a report are in the order of the others: the last of them is the one before it.
    return dict(replaced.select("disclosure_id", "other_id").iter_rows())


def of_day(day: Day, figures: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``report_figures`` of the day itself, led by their ``date``."""
    return figures.select(pl.lit(day.date).alias("date"), pl.all())


def reports_of_their_periods(day: Day, reports: pl.DataFrame) -> pl.DataFrame:
    """Reports of other days that may be of the periods of these: their rows of kind ``report``.

    A report of a period is published within a time of the period's end, or of the one that it
    follows.

    Args:
        day: the day of the reports.
        reports: rows of ``report_figures``; only those of kind ``report`` count.
    """
    own = reports.filter(pl.col("kind") == REPORT)
    ends = set(own["period_end"])
    first, last = day.date - LINK_AGE, day.date + LINK_AGE
    files = _files(day, min(ends), last) if ends else {}
    near = {
        other: found
        for other, found in files.items()
        if other != day.date
        and (first <= other or any(end <= other <= end + LINK_AGE for end in ends))
    }
    return _of_companies(day, near, own["code"], pl.col("kind") == REPORT, _LINKED)


def earlier_forecasts(day: Day, codes: Iterable[str]) -> pl.DataFrame:
    """What these companies had forecast, on the days before, of periods that may end by now."""
    files = _files(day, day.date - FORECAST_AGE, day.date - timedelta(days=1))
    columns = tuple(REPORT_FIGURES_TABLE.schema)
    return _of_companies(day, files, codes, pl.col("kind").is_in(FORECAST_KINDS), columns)


def _files(day: Day, first: date, last: date) -> dict[date, StoredObject]:
    return daily_files(day.lake, REPORT_FIGURES_TABLE.name, first, last)


def _of_companies(
    day: Day,
    files: Mapping[date, StoredObject],
    codes: Iterable[str],
    wanted: pl.Expr,
    columns: Sequence[str],
) -> pl.DataFrame:
    found = sorted(set(codes))
    question = (*((other, file.etag) for other, file in files.items()), *found, *columns)
    if question not in day.recalled:
        rows = scan_copied(day.lake, REPORT_FIGURES_COPY, files if found else {}, codes=found)
        wanted_rows = rows.filter(pl.col("code").is_in(found), wanted)
        day.recalled[question] = wanted_rows.select(columns).collect()
    return day.recalled[question]
