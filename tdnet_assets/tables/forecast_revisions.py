"""The tables ``forecast_revisions`` and ``forecast_revision_rejects``: notices of revisions.

What the values mean in the field: ``tdnet/reports/revision_notice.py``.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

import polars as pl

from tdnet_assets.tables.filing_rejects import rejects_table
from tdnet_assets.tables.financial_facts import VALUE
from tdnet_assets.tables.table import Column, Table
from tdnet_assets.tdnet.reports.revision_notice import ForecastRevision, Range

REVISION_RANGES: Final = ("previous", "current", "change", "change_rate")
"""What has three columns: the figure, and the ends of a range."""

_VALUE = (("financial_facts", "value"),)
_CONTEXT = (("financial_facts", "context_id"),)
_TEXT = (("financial_facts", "text"),)
_LISTED = "as in the list"


def _range(name: str, meaning: str) -> tuple[Column, Column, Column]:
    return (
        Column(name, VALUE, meaning, _VALUE),
        Column(f"{name}_lower", VALUE, f"{meaning}: lower end of a range", _VALUE),
        Column(f"{name}_upper", VALUE, f"{meaning}: upper end of a range", _VALUE),
    )


REVISIONS_TABLE = Table(
    "forecast_revisions",
    (
        Column(
            "disclosure_id", pl.String, "14-digit 開示番号", (("disclosures", "disclosure_id"),)
        ),
        Column("code", pl.String, f"code, {_LISTED}", (("disclosures", "code"),)),
        Column(
            "disclosed_at",
            pl.Datetime("ms", "Asia/Tokyo"),
            f"time, {_LISTED}",
            (("disclosures", "disclosed_at"),),
        ),
        Column("is_correction", pl.Boolean, "title says 訂正", (("disclosures", "is_correction"),)),
        Column("document_name", pl.String, "title of the notice's form", _TEXT),
        Column("kind", pl.String, "earnings, dividend or reit", _CONTEXT),
        Column("fiscal_year_end", pl.Date, "fiscal year that the notice is about", _TEXT),
        Column(
            "period_year_end",
            pl.Date,
            "end of the fiscal year that the period belongs to, which may be a later one",
            _CONTEXT,
        ),
        Column("reported_on", pl.Date, "day of the notice as its form states", _TEXT),
        Column("item", pl.String, "what is revised, e.g. operating_income", _CONTEXT),
        Column("element", pl.String, "element that states it", (("financial_facts", "element"),)),
        Column("statistic", pl.String, "amount (yen), per_share (yen) or ratio", _CONTEXT),
        Column("consolidation", pl.String, "Consolidated or NonConsolidated", _CONTEXT),
        Column("period_start", pl.Date, "first day of the forecast's period", _CONTEXT),
        Column("period_end", pl.Date, "its last day", _CONTEXT),
        Column(
            "period",
            pl.String,
            "first_quarter, first_half, nine_months, full_year or other",
            _CONTEXT,
        ),
        Column("dividend_schedule", pl.String, "FirstQuarter to YearEnd, or Annual", _CONTEXT),
        *_range("previous", "forecast so far"),
        *_range("current", "forecast now, or the result in a notice about the difference"),
        Column("result", VALUE, "result of the period, where the form has it", _VALUE),
        Column("prior_result", VALUE, "result of the same period of the year before", _VALUE),
        *_range("change", "difference as stated"),
        *_range("change_rate", "rate of the difference as stated: 0.143 is +14.3 %"),
        Column("is_difference", pl.Boolean, "compares the forecast with a result (差異)", _TEXT),
    ),
    description="One row per figure that a notice of the day revises: before, after, and the "
    "change.",
    keys=(
        "disclosure_id",
        "element",
        "consolidation",
        "period_start",
        "period_end",
        "dividend_schedule",
    ),
    order=("disclosed_at", "code", "disclosure_id"),
)

REVISION_REJECTS_TABLE = rejects_table("forecast_revision_rejects", "notice of a revision")


def revision_of(row: Mapping[str, Any]) -> ForecastRevision:
    """The revision that became this row of the table."""
    names = (field.name for field in fields(ForecastRevision))
    return ForecastRevision(**{name: _field(row, name) for name in names})


def _field(row: Mapping[str, Any], name: str) -> Any:
    if name in REVISION_RANGES:
        return Range(row[name], row[f"{name}_lower"], row[f"{name}_upper"])
    return row[name]
