"""The tables ``earnings`` and ``earnings_rejects``: one wide row per 決算短信.

What belongs here: types and descriptions of the wide row, with what the list knows of the filing in
front. What does not: the names and order of the figures (``tdnet/reports/earnings_columns.py``),
and which elements state them (``tdnet/reports/earnings_items.py``).
"""

from typing import Any

import polars as pl

from tdnet_assets.tables.filing_rejects import rejects_table
from tdnet_assets.tables.financial_facts import MEMBER, VALUE
from tdnet_assets.tables.table import Column, Table
from tdnet_assets.tdnet.reports.earnings_columns import ColumnKind, earnings_columns
from tdnet_assets.tdnet.reports.earnings_items import RESULT_ITEMS

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


_NAME_PATTERNS = {
    "{item}": "the result of the period",
    "{item}_change": "its change rate against the year before, as stated",
    "{item}_prior": "the result of the same period of the year before",
    "{item}_prior_change": "the change rate of the year before, as stated",
    "{item}_element": "the element that states the item, where a standard has several for it",
    "{period}_{item}_forecast": "the forecast as one figure; the period is this_half, this_year, "
    "next_half or next_year",
    "{period}_{item}_lower": "the lower end of a forecast that is a range; _upper likewise",
    "{period}_{item}_forecast_change": "the forecast's change rate, as stated; _lower_change and "
    "_upper_change likewise",
    "{year}_{line}": "what was paid or decided; the year is prior_dividend, dividend or "
    "next_dividend, the line first_quarter, second_quarter, third_quarter, year_end, annual, "
    "total_dividends, payout_ratio or dividend_on_equity",
    "{year}_{line}_forecast": "the same as a forecast; _lower and _upper where it is a range",
}
# By how the names begin; what begins otherwise is about the report itself.
_GROUPS = {
    **{item.name: "Results" for item in RESULT_ITEMS},
    "this_half_": "Forecast of this half year",
    "this_year_": "Forecast of this year",
    "next_half_": "Forecast of the next half year",
    "next_year_": "Forecast of the next year",
    "prior_dividend_": "Dividends of the year before",
    "dividend_": "Dividends of this year",
    "next_dividend_": "Dividends of the next year",
    "other_forecasts": "Other forecasts",
}
_REPORT = "The report"


def _listed(name: str, type_: pl.DataType | type[pl.DataType], meaning: str) -> Column:
    return Column(name, type_, meaning, (("disclosures", name),), _REPORT)


def _link(name: str, type_: pl.DataType | type[pl.DataType], meaning: str) -> Column:
    return Column(name, type_, meaning, group=_REPORT)


def _figure(name: str, kind: ColumnKind) -> Column:
    groups = (title for beginning, title in _GROUPS.items() if name.startswith(beginning))
    return Column(name, *_TYPES[kind], _FACT, next(groups, _REPORT))


EARNINGS_TABLE = Table(
    "earnings",
    (
        _listed("disclosure_id", pl.String, "14-digit 開示番号"),
        _listed("code", pl.String, "5-character securities code, as in the list"),
        _listed("disclosed_at", pl.Datetime("ms", "Asia/Tokyo"), "time, as in the list"),
        _listed("title", pl.String, "title, as in the list"),
        _listed("is_correction", pl.Boolean, "whether the title says 訂正"),
        _link(REPLACES, pl.String, "disclosure id of the report of the same period before this"),
        _link(REPLACED_BY, pl.String, "disclosure id of the report that has replaced this one"),
        _link(IS_CURRENT, pl.Boolean, "whether no later report has replaced this one"),
        *(_figure(name, kind) for name, kind in earnings_columns().items() if name != "code"),
    ),
    description="One row per 決算短信 of the day: results, position, cash flows, dividends and "
    "forecasts.",
    keys=("disclosure_id",),
    order=("disclosed_at", "code", "disclosure_id"),
    name_patterns=_NAME_PATTERNS,
)

EARNINGS_REJECTS_TABLE = rejects_table("earnings_rejects", "決算短信")
