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
from tdnet_assets.assets.filings import (
    IN_SUMMARY,
    REPORT_KINDS,
    Filing,
    Understood,
    check_understood,
    put_rejects,
    understand,
)
from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.assets.related_reports import replaced_reports
from tdnet_assets.assets.steps import DailyStep, Day, Materialized
from tdnet_assets.resources.lake import layout
from tdnet_assets.tables.earnings import (
    EARNINGS_REJECTS_TABLE,
    EARNINGS_TABLE,
    REPLACES,
)
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tdnet.reports.accounting_checks import Finding, check_earnings
from tdnet_assets.tdnet.reports.attached_elements import COMPARED_ELEMENTS
from tdnet_assets.tdnet.reports.earnings_columns import earnings_columns, earnings_row
from tdnet_assets.tdnet.reports.earnings_report import filled_shares, read_earnings
from tdnet_assets.tdnet.reports.report_contents import Earnings
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.xbrl.facts import Fact

NAME = "earnings"
REPORTS_UNDERSTOOD = "reports_understood"

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="One row per 決算短信 of the day: results with last year's, position, cash flows, "
    "dividends by quarter, forecasts of this and the next year with their ranges, each change rate "
    "as stated. Japanese GAAP, IFRS, US GAAP and REIT forms. Amounts are exact decimals in yen. "
    "A corrected report stays; report_links says which one has replaced it.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet", "polars"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(EARNINGS_TABLE),
)

# Most facts are lines of statements that no figure of the summary is compared with.
_FACTS = IN_SUMMARY | pl.col("element").is_in(COMPARED_ELEMENTS)


_COLUMNS = tuple(earnings_columns())


class Report(NamedTuple):
    """What a report says, the values of its columns, and how it compares with itself."""

    earnings: Earnings
    values: tuple[Any, ...]
    findings: tuple[Finding, ...]


async def materialize(day: Day) -> Materialized:
    """Read the day's reports, name those they replace, and check their figures."""
    found = await asyncio.to_thread(understood_reports, day)
    reports = [(filing, report.earnings) for filing, report in found.rows]
    before = await asyncio.to_thread(replaced_reports, day, reports)
    rows = [_row(filing, report, before.get(filing.disclosure_id)) for filing, report in found.rows]
    put_rejects(day, EARNINGS_REJECTS_TABLE, found.not_understood)
    findings = [(filing, one) for filing, report in found.rows for one in report.findings]
    checks = [
        check_understood(REPORTS_UNDERSTOOD, found),
        *accounting_checks(EARNINGS_CHECKS, findings),
    ]
    made = day.put(NAME, EARNINGS_TABLE.frame(rows), checks)
    return replace(made, metadata=_metadata(day, found, rows))


def understood_reports(day: Day) -> Understood[Report]:
    """The day's reports, read once for all that is made of them."""
    return understand(day, REPORT_KINDS, _FACTS, _report)


def _row(filing: Filing, report: Report, replaces: str | None) -> dict[str, Any]:
    """The row of one report."""
    row: dict[str, Any] = dict(zip(_COLUMNS, report.values, strict=True))
    row["other_forecasts"] = [asdict(one) for one in report.earnings.other_forecasts]
    listed = {
        "disclosure_id": filing.disclosure_id,
        "disclosed_at": filing.disclosed_at,
        "title": filing.title,
        "is_correction": filing.is_correction,
        # The list's code is the key to everything else; a form may spell it otherwise.
        "code": filing.code,
        REPLACES: replaces,
    }
    return {**row, **listed}


def _report(facts: Sequence[Fact]) -> Report | None:
    summary = SummaryCells(facts)
    earnings = read_earnings(summary)
    if earnings is None:
        return None
    values = tuple(earnings_row(earnings).values())
    return Report(earnings, values, check_earnings(summary, facts, earnings))


def _metadata(
    day: Day,
    found: Understood[Report],
    rows: Sequence[Mapping[str, Any]],
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
        "object": dg.MetadataValue.url(day.lake.console_url(key)),
    }


def percent_of(share: Any) -> str:
    """A share for a person, e.g. 97%."""
    return f"{share * 100:.0f}%"


EARNINGS_STEP = DailyStep(
    spec=SPEC,
    checks={
        REPORTS_UNDERSTOOD: "Every stored archive of a 決算短信 became a row.",
        **EARNINGS_CHECKS,
    },
    materialize=materialize,
)
