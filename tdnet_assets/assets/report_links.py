"""``report_links``: which reports a report of the day replaces or corrects, and which replace it.

What belongs here: the asset. What does not: its columns and which reports follow each other
(``tables/report_links.py``), and finding those of other days (``assets/related_reports.py``).

The day's own figures are stored before other days' are looked at, so of two days that are made at
the same time one sees the other. No other day's file is touched.
"""

import asyncio
from dataclasses import replace
from typing import Any

import dagster as dg
import polars as pl

from tdnet_assets.assets.previews import column_metadata
from tdnet_assets.assets.related_reports import of_day, reports_of_their_periods
from tdnet_assets.assets.steps import DailyStep, Day, Materialized
from tdnet_assets.resources.lake import layout
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.report_links import REPORT_LINKS_TABLE, links_between

NAME = "report_links"

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="One row per pair of a report of the day and another of the same company, scope "
    "and period, on whichever day: which of them replaces or corrects the other. Reports are "
    "current or replaced by these rows of all days, so no day's file depends on a later one.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet", "polars"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(REPORT_LINKS_TABLE),
)


async def materialize(day: Day) -> Materialized:
    """Link the day's reports to each other and to those of other days that are there."""
    return await asyncio.to_thread(_make, day)


def _make(day: Day) -> Materialized:
    figures = of_day(day, day.read("report_figures").frame)
    links = links_between(figures, reports_of_their_periods(day, figures))
    made = day.put(NAME, links, ())
    return replace(made, metadata=_metadata(day, links))


def _metadata(day: Day, links: pl.DataFrame) -> dict[str, Any]:
    key = layout.table_key(NAME, day.date)
    return {
        "dagster/partition_row_count": links.height,
        "dagster/uri": day.lake.uri(key),
        **dict(links["relation"].value_counts().sort("relation").iter_rows()),
        "other_days": links["other_date"].n_unique(),
        "object": dg.MetadataValue.url(day.lake.console_url(key)),
    }


REPORT_LINKS_STEP = DailyStep(spec=SPEC, checks={}, materialize=materialize)
