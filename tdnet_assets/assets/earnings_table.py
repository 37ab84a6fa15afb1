"""The columns of the table ``earnings``, and its rows.

What belongs here: types and descriptions of the wide row, with what the list knows of the filing in
front. What does not: the names and order of the figures (``tdnet/reports/earnings_columns.py``),
and the links between reports (``assets/related_reports.py``).
"""

from dataclasses import asdict
from typing import Any

import polars as pl

from tdnet_assets.assets.filings import Filing, rejects_table
from tdnet_assets.assets.financial_facts import MEMBER, VALUE
from tdnet_assets.assets.tables import Column, Table
from tdnet_assets.tdnet.reports.earnings_columns import ColumnKind, earnings_columns, earnings_row
from tdnet_assets.tdnet.reports.earnings_report import Earnings

REPLACES, REPLACED_BY, IS_CURRENT = "replaces", "replaced_by", "is_current"

_OTHER_FORECAST = pl.Struct(
    {
        "element": pl.String,
        "statistic": pl.String,
        "period_start": pl.Date,
        "period_end": pl.Date,
        "consolidation": pl.String,
        "dividend_schedule": pl.String,
        "members": pl.List(MEMBER),
        "value": VALUE,
    }
)
_TYPES: dict[ColumnKind, tuple[Any, str]] = {
    "text": (pl.String, "as the summary states it"),
    "date": (pl.Date, "as the summary states it"),
    "flag": (pl.Boolean, "as the summary states it"),
    "yen": (VALUE, "yen, exact"),
    "yen_per_share": (VALUE, "yen per share or unit, exact"),
    "fraction": (VALUE, "fraction: 0.252 is 25.2 %"),
    "shares": (VALUE, "number of shares or units"),
    "other_forecasts": (
        pl.List(_OTHER_FORECAST),
        "forecasts without a column: of the parent alone, of a quarter, of a later year",
    ),
}
_FACT = (("financial_facts", "value"), ("financial_facts", "text"))


def _listed(name: str, type_: pl.DataType | type[pl.DataType], meaning: str) -> Column:
    return Column(name, type_, meaning, (("disclosures", name),))


EARNINGS_TABLE = Table(
    "earnings",
    (
        _listed("disclosure_id", pl.String, "14-digit 開示番号"),
        _listed("code", pl.String, "5-character securities code, as in the list"),
        _listed("disclosed_at", pl.Datetime("ms", "Asia/Tokyo"), "time, as in the list"),
        _listed("title", pl.String, "title, as in the list"),
        _listed("is_correction", pl.Boolean, "whether the title says 訂正"),
        Column(REPLACES, pl.String, "disclosure id of the report of the same period before this"),
        Column(REPLACED_BY, pl.String, "disclosure id of the report that has replaced this one"),
        Column(IS_CURRENT, pl.Boolean, "whether no later report has replaced this one"),
        *(
            Column(name, *_TYPES[kind], _FACT)
            for name, kind in earnings_columns().items()
            if name != "code"
        ),
    ),
)

EARNINGS_REJECTS_TABLE = rejects_table("earnings_rejects")


def table_row(filing: Filing, earnings: Earnings) -> dict[str, Any]:
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
