"""The row of a 決算短信 as flat columns with plain values, ready for a table.

What belongs here: names, kinds and order of the columns. What does not: reading the figures
(``earnings.py``) and the types of any table library.

Names are built from the items' names: ``revenue``, ``revenue_change``, ``revenue_prior``,
``revenue_prior_change``, ``revenue_element``; ``next_year_revenue_forecast``, ``…_lower``,
``…_upper``, each with ``_change``; ``dividend_year_end``, ``dividend_year_end_forecast``,
``prior_dividend_annual``, ``next_dividend_annual_lower``.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

from tdnet_assets.tdnet.reports.earnings_items import (
    FORECAST_ITEMS,
    INCOME,
    PAYOUT,
    RESULT_ITEMS,
    Item,
    Unit,
)
from tdnet_assets.tdnet.reports.earnings_report import (
    Dividend,
    DividendYear,
    Earnings,
    Figure,
    Forecast,
    ForecastPeriod,
    OtherForecast,
)

ColumnKind = Literal["text", "date", "flag", "other_forecasts"] | Unit
Value = str | date | bool | Decimal | tuple[OtherForecast, ...] | None

_HEAD: dict[str, ColumnKind] = {
    "document_name": "text",
    "standard": "text",
    "consolidation": "text",
    "is_consolidated": "flag",
    "code": "text",
    "company_name": "text",
    "fiscal_year_end": "date",
    "period": "text",
    "period_start": "date",
    "period_end": "date",
    "filing_date": "date",
}
_FORECAST_PERIODS = ("this_half", "this_year", "next_half", "next_year")
_DIVIDEND_YEARS = {
    "prior_dividends": "prior_dividend",
    "dividends": "dividend",
    "next_dividends": "next_dividend",
}
_SCHEDULE = ("first_quarter", "second_quarter", "third_quarter", "year_end", "annual")
_OTHER = "other_forecasts"

_Cell = tuple[str, ColumnKind, Value]


def earnings_columns() -> dict[str, ColumnKind]:
    """The names of the columns in their order, each with the kind of its values.

    ``yen``, ``yen_per_share``, ``fraction`` and ``shares`` are exact decimals.
    """
    return {name: kind for name, kind, _ in _cells(None)}


def earnings_row(earnings: Earnings) -> dict[str, Value]:
    """The values of one report by the names of :func:`earnings_columns`, in the same order."""
    return {name: value for name, _, value in _cells(earnings)}


def _cells(row: Earnings | None) -> Iterator[_Cell]:
    """Every column with its value; without a row, every value is None."""
    for name, kind in _HEAD.items():
        yield name, kind, _of(row, name)
    for item in RESULT_ITEMS:
        yield from _result(item, getattr(row.results, item.name) if row else None)
    for name in _FORECAST_PERIODS:
        yield from _forecasts(name, getattr(row, name) if row else None)
    for field, prefix in _DIVIDEND_YEARS.items():
        yield from _dividends(prefix, getattr(row, field) if row else None)
    yield _OTHER, "other_forecasts", _of(row, _OTHER)


def _result(item: Item, figure: Figure | None) -> Iterator[_Cell]:
    name = item.name
    yield name, item.unit, _of(figure, "value")
    if item in INCOME:
        yield f"{name}_change", "fraction", _of(figure, "change")
    yield f"{name}_prior", item.unit, _of(figure, "prior")
    if item in INCOME:
        yield f"{name}_prior_change", "fraction", _of(figure, "prior_change")
    if item.is_ambiguous:
        yield f"{name}_element", "text", _of(figure, "element")


def _forecasts(prefix: str, period: ForecastPeriod | None) -> Iterator[_Cell]:
    yield f"{prefix}_start", "date", _of(period, "period_start")
    yield f"{prefix}_end", "date", _of(period, "period_end")
    for item in FORECAST_ITEMS:
        name = f"{prefix}_{item.name}"
        forecast: Forecast | None = getattr(period.figures, item.name) if period else None
        yield f"{name}_forecast", item.unit, _of(forecast, "value")
        yield f"{name}_lower", item.unit, _of(forecast, "lower")
        yield f"{name}_upper", item.unit, _of(forecast, "upper")
        if item in INCOME:
            yield f"{name}_forecast_change", "fraction", _of(forecast, "change")
            yield f"{name}_lower_change", "fraction", _of(forecast, "change_lower")
            yield f"{name}_upper_change", "fraction", _of(forecast, "change_upper")
        if item.is_ambiguous:
            yield f"{name}_element", "text", _of(forecast, "element")


def _dividends(prefix: str, year: DividendYear | None) -> Iterator[_Cell]:
    yield f"{prefix}_fiscal_year_end", "date", _of(year, "period_end")
    lines: list[tuple[str, Unit]] = [(name, "yen_per_share") for name in _SCHEDULE]
    lines += [(item.name, item.unit) for item in PAYOUT]
    for line, unit in lines:
        dividend: Dividend | None = getattr(year, line) if year else None
        yield f"{prefix}_{line}", unit, _of(dividend, "result")
        yield f"{prefix}_{line}_forecast", unit, _of(dividend, "forecast")
        yield f"{prefix}_{line}_lower", unit, _of(dividend, "lower")
        yield f"{prefix}_{line}_upper", unit, _of(dividend, "upper")


def _of(source: object | None, field: str) -> Value:
    value: Value = None if source is None else getattr(source, field)
    return value
