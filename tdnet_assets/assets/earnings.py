"""``earnings``: one wide row per 決算短信: results, position, dividends, forecasts.

What belongs here: the asset, its rows and checks, and what a person sees of a day. What does not:
its columns (``tables/earnings.py``), links to other days' reports
(``assets/related_reports.py``), and what facts mean (``tdnet/reports/earnings_report.py``).
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import dagster as dg
import polars as pl

from tdnet_assets.assets.accounting import EARNINGS_CHECKS, accounting_checks
from tdnet_assets.assets.charts import bar_chart
from tdnet_assets.assets.filings import (
    IN_SUMMARY,
    Filing,
    Understood,
    check_understood,
    put_rejects,
    understand,
)
from tdnet_assets.assets.forecast_revisions import revision_lines, stored_revisions
from tdnet_assets.assets.previews import amount, column_metadata, percent, preview
from tdnet_assets.assets.related_reports import link_reports, own_forecasts
from tdnet_assets.assets.steps import DailyStep, Day, Materialized
from tdnet_assets.resources.lake import layout
from tdnet_assets.tables.earnings import (
    EARNINGS_REJECTS_TABLE,
    EARNINGS_TABLE,
    IS_CURRENT,
    REPLACED_BY,
    REPLACES,
)
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tdnet.identifiers import XbrlKind
from tdnet_assets.tdnet.reports.accounting_checks import Finding, check_earnings
from tdnet_assets.tdnet.reports.attached_elements import COMPARED_ELEMENTS
from tdnet_assets.tdnet.reports.earnings_columns import earnings_row
from tdnet_assets.tdnet.reports.earnings_report import filled_shares, read_earnings
from tdnet_assets.tdnet.reports.report_contents import Earnings
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.reports.surprises import RANKED_ITEMS, Surprise, largest, surprises
from tdnet_assets.tdnet.xbrl.facts import Fact

NAME = "earnings"
REPORTS_UNDERSTOOD = "reports_understood"

# Bounds of the chart's groups: the result against the company's own forecast.
_SURPRISES = (
    ("below -20%", -0.2),
    ("-20 to -5%", -0.05),
    ("±5%", 0.05),
    ("5 to 20%", 0.2),
    ("above 20%", float("inf")),
)

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="One row per 決算短信 of the day: results with last year's, position, cash flows, "
    "dividends by quarter, forecasts of this and the next year with their ranges, each change rate "
    "as stated. Japanese GAAP, IFRS, US GAAP and REIT forms. Amounts are exact decimals in yen. "
    "A corrected report stays, and says which one has replaced it.",
    group_name="tdnet",
    kinds={"s3", "parquet", "polars"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(EARNINGS_TABLE),
)

# Most facts are lines of statements that no figure of the summary is compared with.
_FACTS = IN_SUMMARY | pl.col("element").is_in(COMPARED_ELEMENTS)
# An archive under a name of no known kind must not disappear: it is a report, or a reject.
_KINDS: tuple[XbrlKind | None, ...] = ("earnings", None)


class _Report(NamedTuple):
    earnings: Earnings
    findings: tuple[Finding, ...]


_Reports = Sequence[tuple[Filing, Earnings]]


async def materialize(day: Day) -> Materialized:
    """Read the day's reports, link them to those they replace, and check their figures."""
    found = await asyncio.to_thread(understand, day, _KINDS, _FACTS, _report)
    reports = [(filing, report.earnings) for filing, report in found.rows]
    rows = [_row(filing, earnings) for filing, earnings in reports]
    await asyncio.to_thread(link_reports, day, rows)
    put_rejects(day, EARNINGS_REJECTS_TABLE, found.not_understood)
    findings = [(filing, one) for filing, report in found.rows for one in report.findings]
    surprising = await asyncio.to_thread(_surprises, day, reports)
    checks = [
        check_understood(REPORTS_UNDERSTOOD, found),
        *accounting_checks(EARNINGS_CHECKS, findings),
    ]
    made = day.put(NAME, EARNINGS_TABLE.frame(rows), checks)
    return replace(made, metadata=_metadata(day, found, rows, surprising))


def _row(filing: Filing, earnings: Earnings) -> dict[str, Any]:
    """The row of one report, as yet without its links to others."""
    row: dict[str, Any] = dict(earnings_row(earnings))
    row["other_forecasts"] = [asdict(one) for one in earnings.other_forecasts]
    listed = {
        "disclosure_id": filing.disclosure_id,
        "disclosed_at": filing.disclosed_at,
        "title": filing.title,
        "is_correction": filing.is_correction,
        # The list's code is the key to everything else; a form may spell it otherwise.
        "code": filing.code,
        REPLACES: None,
        REPLACED_BY: None,
        IS_CURRENT: True,
    }
    return {**row, **listed}


def _report(facts: Sequence[Fact]) -> _Report | None:
    summary = SummaryCells(facts)
    earnings = read_earnings(summary)
    if earnings is None:
        return None
    return _Report(earnings, check_earnings(summary, facts, earnings))


def _surprises(day: Day, reports: _Reports) -> list[tuple[Filing, Surprise]]:
    """The leading item of each report that has a forecast to be compared with."""
    forecasts = own_forecasts(day, reports)
    leading = []
    for filing, report in reports:
        found = surprises(report, forecasts.get(filing.disclosure_id, {}))
        ranked = [one for one in found if one.item in RANKED_ITEMS]
        if ranked:
            leading.append((filing, min(ranked, key=lambda one: RANKED_ITEMS.index(one.item))))
    return leading


def _metadata(
    day: Day,
    found: Understood[_Report],
    rows: Sequence[Mapping[str, Any]],
    surprising: Sequence[tuple[Filing, Surprise]],
) -> dict[str, Any]:
    key = layout.table_key(EARNINGS_TABLE.name, day.date)
    return {
        "dagster/partition_row_count": len(rows),
        "dagster/uri": day.lake.uri(key),
        "reports": dict(Counter(f"{row['standard']} {row['period']}" for row in rows)),
        "not_understood": len(found.not_understood),
        "corrections": sum(bool(row["replaces"]) for row in rows),
        "filled": preview(
            {
                "standard": share.standard,
                "reports": share.filings,
                "revenue": percent_of(share.revenue),
                "operating income": percent_of(share.operating_income),
                "net income": percent_of(share.net_income),
            }
            for share in filled_shares(report.earnings for _, report in found.rows)
        ),
        "against_own_forecast": bar_chart("Results against own forecasts", _groups(surprising)),
        "biggest_surprises": preview(
            {
                "code": filing.code,
                "company": filing.company_name,
                "item": one.item,
                "forecast": amount(one.forecast.middle),
                "result": amount(one.actual),
                "surprise": percent(one.difference.rate)
                or (one.difference.turn or "").replace("_", " "),
            }
            for filing, one in largest(surprising, lambda pair: pair[1].difference, limit=10)
        ),
        "biggest_revisions": preview(revision_lines(stored_revisions(day))),
        "object": dg.MetadataValue.url(day.lake.console_url(key)),
    }


def percent_of(share: Any) -> str:
    """A share for a person, e.g. 97%."""
    return f"{share * 100:.0f}%"


def _groups(surprising: Sequence[tuple[Filing, Surprise]]) -> dict[str, int]:
    counts = dict.fromkeys((name for name, _ in _SURPRISES), 0)
    for _, one in surprising:
        rate = one.difference.rate
        if rate is not None:
            counts[next(name for name, bound in _SURPRISES if rate <= bound)] += 1
    return counts


EARNINGS_STEP = DailyStep(
    spec=SPEC,
    checks={
        REPORTS_UNDERSTOOD: "Every stored archive of a 決算短信 became a row.",
        **EARNINGS_CHECKS,
    },
    materialize=materialize,
)
