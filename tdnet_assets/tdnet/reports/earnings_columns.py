"""The row of a 決算短信 as flat columns with plain values, ready for a table.

What belongs here: names, kinds, order and meaning of the columns. What does not: reading the
figures (``earnings_report.py``) and the types of any table library.

Names are built from the items' names: ``revenue``, ``revenue_change``, ``revenue_prior``,
``revenue_prior_change``, ``revenue_element``; ``next_year_revenue_forecast``, ``…_lower``,
``…_upper``, each with ``_change``; ``parent_revenue`` for the parent alone;
``dividend_year_end``, ``dividend_year_end_forecast``, ``prior_dividend_annual``,
``next_dividend_annual_lower``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple

from tdnet_assets.tdnet.reports.earnings_items import (
    COMMEMORATIVE_DIVIDEND,
    DIVIDEND,
    EXTRA_DIVIDEND,
    FORECAST_ITEMS,
    INCOME,
    PARENT_FORECAST_ITEMS,
    PARENT_ITEMS,
    PAYOUT,
    POSITION,
    RESULT_ITEMS,
    SHARES_AT_END,
    STANDARDS,
    Item,
    Standard,
    Unit,
)
from tdnet_assets.tdnet.reports.report_contents import (
    FORECAST_PERIODS,
    PARENT_FORECAST_PERIODS,
    Changes,
    Dividend,
    DividendYear,
    Earnings,
    Figure,
    Forecast,
    ForecastPeriod,
    OtherForecast,
)

ColumnKind = Literal["text", "texts", "date", "flag", "other_forecasts"] | Unit
Value = str | date | bool | Decimal | tuple[str, ...] | tuple[OtherForecast, ...] | None
FigureKind = Literal[
    "result",
    "change",
    "forecast",
    "forecast_lower",
    "forecast_upper",
    "forecast_change",
    "forecast_lower_change",
    "forecast_upper_change",
]


class FigureColumn(NamedTuple):
    """What the number of a column is.

    Attributes:
        item: e.g. ``revenue``, ``parent_revenue`` or ``dividend_annual``.
        period: ``current``, ``prior``, one of the periods that are forecast, or the year of a
            dividend: ``prior_year``, ``this_year`` or ``next_year``.
        kind: a result, a forecast or an end of its range, or the change of one of them.
        end_column: the column with the last day of the period; None for a position of the last
            year's end, which has none.
        element_column: the column that says which element states it; None where ``elements`` do.
        standard_column: the column with the standard that ``elements`` go by.
        elements: the one element of each standard.
    """

    item: str
    period: str
    kind: FigureKind
    end_column: str | None
    element_column: str | None
    standard_column: str
    elements: Mapping[Standard, str]


class _Cell(NamedTuple):
    name: str
    kind: ColumnKind
    value: Value
    figure: FigureColumn | None = None


_HEAD: dict[str, ColumnKind] = {
    "document_type": "text",
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
    "prior_start": "date",
    "prior_end": "date",
    "filing_date": "date",
    "dividend_payment_date": "date",
}
_DIVIDEND_YEARS = {
    "prior_dividends": ("prior_dividend", "prior_year"),
    "dividends": ("dividend", "this_year"),
    "next_dividends": ("next_dividend", "next_year"),
}
_PER_SHARE = {
    **dict.fromkeys(("first_quarter", "second_quarter", "third_quarter", "year_end"), DIVIDEND),
    "annual": DIVIDEND,
    "commemorative": COMMEMORATIVE_DIVIDEND,
    "extra": EXTRA_DIVIDEND,
}
_DIVIDEND_LINES: dict[str, Unit] = {
    **dict.fromkeys(_PER_SHARE, "yen_per_share"),
    **{item.name: item.unit for item in PAYOUT},
}
# The fields of a dividend, with the ending and the kind of their columns.
_DIVIDEND_FIELDS: dict[str, tuple[str, FigureKind]] = {
    "result": ("", "result"),
    "forecast": ("_forecast", "forecast"),
    "lower": ("_lower", "forecast_lower"),
    "upper": ("_upper", "forecast_upper"),
}
_PARENT = "parent_"
# By name: an item itself is long to compare.
_ITEMS = {item.name: item for item in RESULT_ITEMS}
_WITH_CHANGE = frozenset(item.name for item in INCOME)
_AMBIGUOUS = frozenset(item.name for item in RESULT_ITEMS if item.is_ambiguous)
_AT_END = frozenset(item.name for item in (*POSITION, *SHARES_AT_END))
# The fields of a forecast, with the ending and the kind of their columns.
_FORECAST_FIELDS: dict[str, tuple[str, FigureKind]] = {
    "value": ("forecast", "forecast"),
    "lower": ("lower", "forecast_lower"),
    "upper": ("upper", "forecast_upper"),
    "change": ("forecast_change", "forecast_change"),
    "change_lower": ("lower_change", "forecast_lower_change"),
    "change_upper": ("upper_change", "forecast_upper_change"),
}


def earnings_columns() -> dict[str, ColumnKind]:
    """The names of the columns in their order, each with the kind of its values.

    ``yen``, ``yen_per_share``, ``fraction`` and ``shares`` are exact decimals.
    """
    return {cell.name: cell.kind for cell in _cells(None)}


def figure_columns() -> dict[str, FigureColumn]:
    """What each column with a number is, by its name, in the order of the columns."""
    return {cell.name: cell.figure for cell in _cells(None) if cell.figure is not None}


def earnings_row(earnings: Earnings) -> dict[str, Value]:
    """The values of one report by the names of :func:`earnings_columns`, in the same order."""
    return {cell.name: cell.value for cell in _cells(earnings)}


def _cells(row: Earnings | None) -> Iterator[_Cell]:
    """Every column with its value; without a row, every value is None."""
    for name, kind in _HEAD.items():
        yield _Cell(name, kind, _of(row, name))
    for field in fields(Changes):
        yield _Cell(field.name, "flag", _of(row.changes if row else None, field.name))
    for item in RESULT_ITEMS:
        yield from _result("", item, getattr(row.results, item.name) if row else None)
    yield _Cell("untagged", "texts", _of(row, "untagged"))
    for item in PARENT_ITEMS:
        parent = row.parent if row else None
        yield from _result(_PARENT, item, getattr(parent, item.name) if parent else None)
    for name in FORECAST_PERIODS:
        yield from _forecasts(name, getattr(row, name) if row else None)
    for years, (prefix, period) in _DIVIDEND_YEARS.items():
        yield from _dividends(prefix, period, getattr(row, years) if row else None)
    yield _Cell("other_forecasts", "other_forecasts", _of(row, "other_forecasts"))


def _result(whose: str, item: Item, figure: Figure | None) -> Iterator[_Cell]:
    name = f"{whose}{item.name}"
    prior_end = None if item.name in _AT_END else "prior_end"
    result: FigureKind = "result"
    change: FigureKind = "change"
    for period, stem, end, amount, rate in (
        ("current", name, "period_end", "value", "change"),
        ("prior", f"{name}_prior", prior_end, "prior", "prior_change"),
    ):
        of = (whose, item.name, name, period)
        yield _Cell(stem, item.unit, _of(figure, amount), _figure_column(*of, result, end))
        if item.name in _WITH_CHANGE:
            meaning = _figure_column(*of, change, end)
            yield _Cell(f"{stem}_change", "fraction", _of(figure, rate), meaning)
    if _names_element(whose, item):
        yield _Cell(f"{name}_element", "text", _of(figure, "element"))


def _forecasts(prefix: str, period: ForecastPeriod | None) -> Iterator[_Cell]:
    yield _Cell(f"{prefix}_start", "date", _of(period, "period_start"))
    yield _Cell(f"{prefix}_end", "date", _of(period, "period_end"))
    yield _Cell(f"{prefix}_standard", "text", _of(period, "standard"))
    for item in FORECAST_ITEMS:
        forecast = getattr(period.figures, item.name) if period else None
        yield from _forecast("", prefix, item, forecast)
    for item in PARENT_FORECAST_ITEMS if prefix in PARENT_FORECAST_PERIODS else ():
        parent = period.parent if period else None
        yield from _forecast(_PARENT, prefix, item, getattr(parent, item.name) if parent else None)


def _forecast(whose: str, period: str, item: Item, forecast: Forecast | None) -> Iterator[_Cell]:
    name = f"{whose}{period}_{item.name}"
    for field, (ending, kind) in _FORECAST_FIELDS.items():
        is_rate = kind.endswith("_change")
        is_end = field not in ("value", "change")
        if (is_rate and item.name not in _WITH_CHANGE) or (is_end and whose):
            continue
        unit: Unit = "fraction" if is_rate else item.unit
        value = _of(forecast, field)
        column = _figure_column(whose, item.name, name, period, kind, f"{period}_end")
        yield _Cell(f"{name}_{ending}", unit, value, column)
    if _names_element(whose, item):
        yield _Cell(f"{name}_element", "text", _of(forecast, "element"))


def _names_element(whose: str, item: Item) -> bool:
    """Whether a row must say which element states the item; a parent's are Japanese."""
    return len(item.jp) > 1 if whose else item.name in _AMBIGUOUS


@cache
def _figure_column(  # noqa: PLR0917 - all that tells one column from another
    whose: str, name: str, stem: str, period: str, kind: FigureKind, end: str | None
) -> FigureColumn:
    item = _ITEMS[name]
    is_forecast = period in FORECAST_PERIODS and not whose
    return FigureColumn(
        item=f"{whose}{item.name}",
        period=period,
        kind=kind,
        end_column=end,
        element_column=f"{stem}_element" if _names_element(whose, item) else None,
        standard_column=f"{period}_standard" if is_forecast else "standard",
        elements={
            standard: names[0]
            for standard in STANDARDS
            if (names := item.elements("jp" if whose else standard))
        },
    )


def _dividends(prefix: str, period: str, year: DividendYear | None) -> Iterator[_Cell]:
    end = f"{prefix}_fiscal_year_end"
    yield _Cell(end, "date", _of(year, "period_end"))
    for line, unit in _DIVIDEND_LINES.items():
        dividend: Dividend | None = getattr(year, line) if year else None
        for field, (ending, kind) in _DIVIDEND_FIELDS.items():
            figure = _dividend_column(line, period, kind, end)
            yield _Cell(f"{prefix}_{line}{ending}", unit, _of(dividend, field), figure)


@cache
def _dividend_column(line: str, period: str, kind: FigureKind, end: str) -> FigureColumn:
    element = _PER_SHARE.get(line)
    if element is None:
        elements = _only_elements(next(item for item in PAYOUT if item.name == line))
        return FigureColumn(line, period, kind, end, None, "standard", elements)
    elements = dict.fromkeys(STANDARDS, element)
    return FigureColumn(f"dividend_{line}", period, kind, end, None, "standard", elements)


def _only_elements(item: Item) -> dict[Standard, str]:
    """The item's element by standard, where there is no other: the row does not say which it is."""
    own: dict[Standard, tuple[str, ...]] = {
        standard: item.jp if standard == "etf" else getattr(item, standard)
        for standard in STANDARDS
    }
    return {standard: (names or item.jp)[0] for standard, names in own.items() if len(names) <= 1}


def _of(source: object | None, field: str) -> Value:
    value: Value = None if source is None else getattr(source, field)
    return value
