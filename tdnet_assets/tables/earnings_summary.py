"""The view ``earnings_summary``: what a person asks of a 決算短信, in some forty columns.

What belongs here: which columns of ``earnings`` it is made of, in polars and in SQL alike. What
does not: the columns themselves (``tables/earnings.py``). A figure is stated as it is there; a
forecast that is a range has no one figure, and is null here.
"""

from typing import NamedTuple

import polars as pl

from tdnet_assets.tables.earnings import EARNINGS_VIEW
from tdnet_assets.tables.table import Column, Table


class SummaryColumn(NamedTuple):
    """One column of the view.

    Attributes:
        name: in the view.
        meaning: with the Japanese term.
        sources: columns of ``earnings``; the first that has a value.
        annual_sources: those of reports of a whole year, where they are others.
    """

    name: str
    meaning: str
    sources: tuple[str, ...]
    annual_sources: tuple[str, ...] | None = None


def _same(name: str, meaning: str) -> SummaryColumn:
    return SummaryColumn(name, meaning, (name,))


def _forecast(item: str, meaning: str, *names: str, ending: str = "forecast") -> SummaryColumn:
    """Of this year, or of the next where the report is of a whole year."""
    this_year, next_year = (
        tuple(f"{year}_{name}_{ending}" for name in names) for year in ("this_year", "next_year")
    )
    return SummaryColumn(item, meaning, this_year, next_year)


_PRETAX = ("ordinary_income", "profit_before_tax")
_PER_SHARE = ("total_distribution_per_unit", "distribution_per_unit")

EARNINGS_SUMMARY: tuple[SummaryColumn, ...] = (
    _same("disclosure_id", "開示番号, 14 digits"),
    _same("disclosed_at", "開示日時 as in the list (JST)"),
    _same("code", "証券コード, 5 characters"),
    _same("company_name", "会社名 or 投資法人名"),
    _same("document_type", "period, scope and standard in one word, as J-Quants has it"),
    _same("standard", "会計基準: jp, ifrs, us, reit or etf"),
    _same("consolidation", "連結 (Consolidated) or 個別 (NonConsolidated)"),
    _same("fiscal_year_end", "決算期"),
    _same("period", "Q1, Q2, Q3 or FY"),
    _same("period_end", "last day of the results"),
    _same("is_correction", "訂正: whether the title says so"),
    _same("is_current", "whether no later report has replaced it"),
    _same("revenue", "売上高 or 営業収益"),
    _same("revenue_change", "増減率 of it: 0.252 is 25.2 %"),
    _same("operating_income", "営業利益"),
    _same("operating_income_change", "増減率 of it"),
    SummaryColumn("ordinary_or_pretax_income", "経常利益, or 税引前利益 without it", _PRETAX),
    SummaryColumn(
        "ordinary_or_pretax_income_change",
        "増減率 of it",
        tuple(f"{name}_change" for name in _PRETAX),
    ),
    _same("net_income", "親会社株主に帰属する当期純利益, or 当期純利益"),
    _same("net_income_change", "増減率 of it"),
    _same("eps", "1株当たり当期純利益, or 1口当たり当期純利益"),
    _same("total_assets", "総資産"),
    _same("net_assets", "純資産 or 資本合計"),
    _same("equity_ratio", "自己資本比率"),
    _same("operating_cash_flow", "営業活動によるキャッシュ・フロー"),
    _same("investing_cash_flow", "投資活動によるキャッシュ・フロー"),
    _same("financing_cash_flow", "財務活動によるキャッシュ・フロー"),
    _same("cash_end", "現金及び現金同等物期末残高"),
    SummaryColumn(
        "dividend_per_share",
        "年間配当金 paid or decided, or 1口当たり分配金",
        ("dividend_annual", *_PER_SHARE),
    ),
    SummaryColumn("payout_ratio", "配当性向", ("dividend_payout_ratio",)),
    SummaryColumn(
        "forecast_end", "last day of the year forecast", ("this_year_end",), ("next_year_end",)
    ),
    _forecast("forecast_revenue", "売上高予想", "revenue"),
    _forecast("forecast_revenue_change", "増減率 of it", "revenue", ending="forecast_change"),
    _forecast("forecast_operating_income", "営業利益予想", "operating_income"),
    _forecast(
        "forecast_operating_income_change",
        "増減率 of it",
        "operating_income",
        ending="forecast_change",
    ),
    _forecast("forecast_ordinary_or_pretax_income", "経常利益予想 or 税引前利益予想", *_PRETAX),
    _forecast(
        "forecast_ordinary_or_pretax_income_change",
        "増減率 of it",
        *_PRETAX,
        ending="forecast_change",
    ),
    _forecast("forecast_net_income", "当期純利益予想", "net_income"),
    _forecast("forecast_net_income_change", "増減率 of it", "net_income", ending="forecast_change"),
    _forecast("forecast_eps", "1株当たり当期純利益予想", "eps"),
    SummaryColumn(
        "forecast_dividend_per_share",
        "年間配当金予想, or 1口当たり分配金予想",
        ("dividend_annual_forecast", *(f"this_year_{name}_forecast" for name in _PER_SHARE)),
        ("next_dividend_annual_forecast", *(f"next_year_{name}_forecast" for name in _PER_SHARE)),
    ),
    _same("forecasts_revised", "業績予想の修正の有無"),
)

EARNINGS_SUMMARY_VIEW = Table(
    "earnings_summary",
    tuple(
        Column(
            column.name,
            EARNINGS_VIEW.schema[column.sources[0]],
            column.meaning,
            tuple(
                ("linked_earnings", source)
                for source in dict.fromkeys((*column.sources, *(column.annual_sources or ())))
            ),
        )
        for column in EARNINGS_SUMMARY
    ),
    description="What a person asks of a 決算短信, one row each; forecasts are of this year, or of "
    "the next where the report is of a whole year. A range has no one figure: see `earnings`.",
    keys=("disclosure_id",),
    order=("disclosed_at", "code", "disclosure_id"),
    view_of="linked_earnings",
)


def earnings_summary(earnings: pl.LazyFrame) -> pl.LazyFrame:
    """The view over rows of ``earnings``; other columns, as ``date``, stay in front.

    Args:
        earnings: rows with the columns of ``linked_earnings``, ``is_current`` among them.
    """
    known = {*EARNINGS_VIEW.schema}
    kept = [name for name in earnings.collect_schema().names() if name not in known]
    return earnings.select(*kept, *(_expression(column) for column in EARNINGS_SUMMARY))


def summary_columns_sql() -> str:
    """The view's columns as the list of a SQL ``SELECT`` over ``linked_earnings``."""
    return ",\n".join(f"  {_sql(column)} AS {column.name}" for column in EARNINGS_SUMMARY)


def _expression(column: SummaryColumn) -> pl.Expr:
    value = pl.coalesce(*column.sources)
    if column.annual_sources is not None:
        annual = pl.coalesce(*column.annual_sources)
        value = pl.when(pl.col("period") == "FY").then(annual).otherwise(value)
    return value.alias(column.name)


def _sql(column: SummaryColumn) -> str:
    value = _first(column.sources)
    if column.annual_sources is None:
        return value
    return f"CASE WHEN period = 'FY' THEN {_first(column.annual_sources)} ELSE {value} END"


def _first(sources: tuple[str, ...]) -> str:
    return sources[0] if len(sources) == 1 else f"COALESCE({', '.join(sources)})"
