"""``report_figures``: the main figures and own forecasts of the day's reports and revisions.

What belongs here: the asset, and how a day's results did against own forecasts, for a person. What
does not: which figures a filing states (``tdnet/reports/stated_figures.py``), and which forecast a
result is held against (``tables/report_figures.py``).
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

import dagster as dg
import polars as pl

from tdnet_assets.assets.earnings import understood_reports
from tdnet_assets.assets.previews import amount, column_metadata, percent, preview
from tdnet_assets.assets.related_reports import earlier_forecasts, figure_rows
from tdnet_assets.assets.steps import DailyStep, Day, Materialized
from tdnet_assets.resources.lake import layout
from tdnet_assets.tables.forecast_revisions import revision_of
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.report_figures import REPORT_FIGURES_TABLE, surprises
from tdnet_assets.tdnet.reports.stated_figures import (
    figure_of_itself,
    figures_of_notice,
    figures_of_report,
)
from tdnet_assets.tdnet.reports.surprises import RANKED_ITEMS, Difference, difference, largest

NAME = "report_figures"

# The result against the company's own forecast: so many reports up to each bound.
_SURPRISES = (
    ("below_forecast", -0.05),
    ("near_forecast", 0.05),
    ("above_forecast", float("inf")),
)
_SHOWN_SURPRISES = 10

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="The main figures and own forecasts of the day's reports and revisions, narrow: "
    "one row a figure. What later reports are held against is read from here, and so are the "
    "surprises, which an earlier day that arrives later changes without making anything again.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet", "polars"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(REPORT_FIGURES_TABLE),
)

_Row = Mapping[str, Any]


async def materialize(day: Day) -> Materialized:
    """Take the figures out of the day's reports and revisions."""
    return await asyncio.to_thread(_make, day)


def _make(day: Day) -> Materialized:
    rows = sorted([*_of_reports(day), *_of_notices(day)], key=_order)
    frame = REPORT_FIGURES_TABLE.frame(rows)
    made = day.put(NAME, frame, ())
    return replace(made, metadata=_metadata(day, frame, _surprises(day, frame)))


def _order(row: _Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in REPORT_FIGURES_TABLE.order)


def _of_reports(day: Day) -> Iterator[_Row]:
    for filing, report in understood_reports(day).rows:
        figures = (figure_of_itself(report.earnings), *figures_of_report(report.earnings))
        yield from figure_rows(filing, figures)


def _of_notices(day: Day) -> Iterator[_Row]:
    rows = day.read("forecast_revisions").frame.to_dicts()
    for number, notice in groupby(rows, itemgetter("disclosure_id")):
        revisions = list(notice)
        listed = {
            "disclosure_id": number,
            "code": revisions[0]["code"],
            "published_at": revisions[0]["disclosed_at"],
            "is_correction": revisions[0]["is_correction"],
        }
        figures = figures_of_notice(map(revision_of, revisions))
        yield from ({**listed, **figure._asdict()} for figure in figures)


def _surprises(day: Day, figures: pl.DataFrame) -> Sequence[_Row]:
    """The leading item of each report or notice that has a forecast to be compared with."""
    results = figures.filter(pl.col("kind") == "result")
    earlier = earlier_forecasts(day, results["code"])
    found = surprises(pl.concat([earlier, figures]).lazy())
    rank = pl.col("item").replace_strict(
        {item: place for place, item in enumerate(RANKED_ITEMS)}, default=None
    )
    return (
        found.filter(pl.col("expected").is_not_null(), rank.is_not_null())
        .sort("published_at", "code", "disclosure_id", rank)
        .unique("disclosure_id", keep="first", maintain_order=True)
        .collect()
        .to_dicts()
    )


def _metadata(day: Day, figures: pl.DataFrame, found: Sequence[_Row]) -> dict[str, Any]:
    key = layout.table_key(NAME, day.date)
    shown = largest(found, _difference, limit=_SHOWN_SURPRISES)
    return {
        "dagster/partition_row_count": figures.height,
        "dagster/uri": day.lake.uri(key),
        "filings": figures["disclosure_id"].n_unique(),
        **_groups(found),
        "biggest_surprises": preview(_line(row) for row in shown),
        "object": dg.MetadataValue.url(day.lake.console_url(key)),
    }


def _difference(row: _Row) -> Difference:
    return difference(row["expected"], row["value"])


def _line(row: _Row) -> dict[str, str]:
    found = _difference(row)
    return {
        "code": row["code"],
        "item": row["item"],
        "forecast": _forecast(row),
        "result": amount(row["value"]),
        "surprise": percent(found.rate) or (found.turn or "").replace("_", " "),
    }


def _forecast(row: _Row) -> str:
    value: Decimal | None = row["forecast"]
    if value is not None:
        return amount(value)
    return f"{amount(row['forecast_lower'])} to {amount(row['forecast_upper'])}"


def _groups(found: Sequence[_Row]) -> dict[str, int]:
    counts = dict.fromkeys((name for name, _ in _SURPRISES), 0)
    for row in found:
        rate = row["surprise_rate"]
        if rate is not None:
            counts[next(name for name, bound in _SURPRISES if rate <= bound)] += 1
    return counts


REPORT_FIGURES_STEP = DailyStep(spec=SPEC, checks={}, materialize=materialize)
