"""The tables ``earnings`` and ``earnings_rejects``: one wide row per 決算短信.

What belongs here: types and descriptions of the wide row, with what the list knows of the filing in
front. What does not: the names and order of the figures (``tdnet/reports/earnings_columns.py``),
and which elements state them (``tdnet/reports/earnings_items.py``).
"""

from dataclasses import replace
from typing import Any

import polars as pl

from tdnet_assets.tables.filing_rejects import rejects_table
from tdnet_assets.tables.financial_facts import MEMBER, VALUE
from tdnet_assets.tables.table import Column, Table, yearly_copy_of
from tdnet_assets.tdnet.reports.earnings_columns import ColumnKind, earnings_columns
from tdnet_assets.tdnet.reports.earnings_items import RESULT_ITEMS
from tdnet_assets.tdnet.reports.report_contents import FORECAST_PERIODS

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
_STATED = "as the summary states it"
_TYPES: dict[ColumnKind, tuple[Any, str]] = {
    "text": (pl.String, _STATED),
    "texts": (pl.List(pl.String), _STATED),
    "date": (pl.Date, _STATED),
    "flag": (pl.Boolean, _STATED),
    "yen": (VALUE, "yen, exact"),
    "yen_per_share": (VALUE, "yen per share or unit, exact"),
    "fraction": (VALUE, "fraction: 0.252 is 25.2 %"),
    "shares": (VALUE, "number of shares or units"),
    "other_forecasts": (
        pl.List(_OTHER_FORECAST),
        "forecasts without a column: of a quarter, of a later year, a range of the parent's",
    ),
}
_MEANINGS = {
    "document_type": "period, scope and standard in one word, in the vocabulary of J-Quants",
    "document_name": "title on the form",
    "standard": "jp, ifrs, us, reit or etf, by the form and the elements of the results",
    "consolidation": "Consolidated (連結) or NonConsolidated (個別): the scope of the results",
    "is_consolidated": "whether the results are a group's",
    "fiscal_year_end": "決算期: last day of the fiscal year that the report belongs to, as stated",
    "period": "Q1, Q2 (interim too), Q3 or FY",
    "period_start": "first day of the fiscal year, where the results begin",
    "period_end": "last day of the results",
    "prior_start": "first day of the period that the results are compared with",
    "prior_end": "its last day",
    "filing_date": "提出日 as stated on the form, not the day of disclosure",
    "dividend_payment_date": "配当支払開始予定日 or 分配金支払開始予定日",
    "subsidiaries_changed": "期中における重要な子会社の異動",
    "consolidation_scope_changed": "期中における連結範囲の重要な変更, of newer forms",
    "policies_changed_by_standards": "会計基準等の改正に伴う会計方針の変更",
    "policies_changed_otherwise": "会計基準等の改正に伴う変更以外の会計方針の変更",
    "estimates_changed": "会計上の見積りの変更",
    "restated": "修正再表示",
    "forecasts_revised": "業績予想の修正の有無, against those published last",
    "dividend_forecasts_revised": "配当予想の修正の有無, against those published last",
    "untagged": "items printed without a tag, as their change or earlier figure shows: null here",
    **{
        f"{period}_standard": "standard of the elements that this period is forecast in"
        for period in FORECAST_PERIODS
    },
}
_FACT = (("financial_facts", "value"), ("financial_facts", "text"))


_NAME_PATTERNS = {
    "{item}": "the result of the period",
    "{item}_change": "its change rate against the year before, as stated",
    "{item}_prior": "the result of the same period of the year before; of positions, at the end of "
    "the last fiscal year",
    "{item}_prior_change": "the change rate of the year before, as stated",
    "{item}_element": "the element that states the item, where a standard has several for it",
    "parent_{item}": "the same of the parent alone (個別業績), where the report is a group's",
    "{period}_{item}_forecast": "the forecast as one figure; the period is this_half, this_year, "
    "next_half, next_year or year_after_next (a trust's second period)",
    "{period}_{item}_lower": "the lower end of a forecast that is a range; _upper likewise",
    "{period}_{item}_forecast_change": "the forecast's change rate, as stated; _lower_change and "
    "_upper_change likewise",
    "parent_{period}_{item}_forecast": "the forecast of the parent alone, with its change",
    "{year}_{line}": "what was paid or decided; the year is prior_dividend, dividend or "
    "next_dividend, the line first_quarter, second_quarter, third_quarter, year_end, annual, "
    "commemorative (記念配当), extra (特別配当), total_dividends, payout_ratio or "
    "dividend_on_equity",
    "{year}_{line}_forecast": "the same as a forecast; _lower and _upper where it is a range",
}
# By how the names begin; what begins otherwise is about the report itself.
_GROUPS = {
    "dividend_payment_date": "The report",
    "dividend_forecasts_revised": "The report",
    **{item.name: "Results" for item in RESULT_ITEMS},
    "untagged": "Results",
    **{
        f"{whose}{period}_": title
        for whose in ("", "parent_")
        for period, title in (
            ("this_half", "Forecast of this half year"),
            ("this_year", "Forecast of this year"),
            ("next_half", "Forecast of the next half year"),
            ("next_year", "Forecast of the next year"),
            ("year_after_next", "Forecast of the year after next"),
        )
    },
    "parent_": "Results of the parent alone",
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
    type_, meaning = _TYPES[kind]
    groups = (title for beginning, title in _GROUPS.items() if name.startswith(beginning))
    return Column(name, type_, _MEANINGS.get(name, meaning), _FACT, next(groups, _REPORT))


EARNINGS_TABLE = Table(
    "earnings",
    (
        _listed("disclosure_id", pl.String, "14-digit 開示番号"),
        _listed("code", pl.String, "5-character securities code, as in the list"),
        _listed("disclosed_at", pl.Datetime("ms", "Asia/Tokyo"), "time, as in the list"),
        _listed("title", pl.String, "title, as in the list"),
        _listed("is_correction", pl.Boolean, "whether the title says 訂正"),
        _link(
            REPLACES,
            pl.String,
            "disclosure id of the report of the same period before this, as far as it was known "
            "when the file was made: `report_links` knows it whatever was made first",
        ),
        *(_figure(name, kind) for name, kind in earnings_columns().items() if name != "code"),
    ),
    description="One row per 決算短信 of the day: results, position, cash flows, dividends and "
    "forecasts.",
    keys=("disclosure_id",),
    order=("disclosed_at", "code", "disclosure_id"),
    name_patterns=_NAME_PATTERNS,
)

EARNINGS_COPY = yearly_copy_of(
    EARNINGS_TABLE,
    "earnings_history",
    order=("code", "disclosed_at", "disclosure_id"),
    # A report has some 650 columns, of which a footer tells for each group of rows: one company's
    # are had in the fewest requests and bytes from files that are read whole.
    parts=8,
)

_LAST_LISTED = EARNINGS_TABLE.columns.index(
    next(column for column in EARNINGS_TABLE.columns if column.name == REPLACES)
)
EARNINGS_VIEW = replace(
    EARNINGS_TABLE,
    name="linked_earnings",
    columns=(
        *EARNINGS_TABLE.columns[:_LAST_LISTED],
        _link(REPLACES, pl.String, "disclosure id of the report of the same period before this"),
        _link(REPLACED_BY, pl.String, "disclosure id of the report that has replaced this one"),
        _link(IS_CURRENT, pl.Boolean, "whether no later report has replaced this one"),
        *EARNINGS_TABLE.columns[_LAST_LISTED + 1 :],
    ),
    description="The rows of `earnings`, each with the report that it replaces and the one that "
    "has replaced it, by `report_links` of all days.",
    view_of="earnings",
)
"""What is had when ``earnings`` is read: later reports make an earlier one not current."""

EARNINGS_REJECTS_TABLE = rejects_table("earnings_rejects", "決算短信")
