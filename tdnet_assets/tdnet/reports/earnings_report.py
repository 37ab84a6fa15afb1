"""What a 決算短信 says, as one wide row: results, position, dividends and forecasts.

What belongs here: choosing the cells of a summary that make the row. What does not: which element
states what (``earnings_items.py``), which days a report covers (``report_periods.py``), the row as
flat columns (``earnings_columns.py``), and whether the figures are right
(``accounting_checks.py``).

Amounts are exact decimals in yen, per-share figures in yen, ratios fractions: 0.252 is 25.2 %.
A figure that the report leaves empty (nil, printed as a dash) is None and never zero.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tdnet_assets.tdnet.reports.earnings_items import (
    CASH_FLOWS,
    DIVIDEND_ELEMENTS,
    FORECAST_ITEMS,
    INCOME,
    PAYOUT,
    PER_SHARE,
    POSITION,
    RATIOS,
    SHARES,
    Item,
    Standard,
    change_element,
    standard_of_element,
)
from tdnet_assets.tdnet.reports.report_periods import ReportPeriods, report_periods
from tdnet_assets.tdnet.reports.summary_cells import (
    CONSOLIDATED,
    FORECAST,
    LOWER,
    NON_CONSOLIDATED,
    PREDICTED,
    RESULT,
    UPPER,
    Cell,
    EarningsError,
    Span,
    SummaryCells,
    comparative,
)
from tdnet_assets.tdnet.xbrl.facts import Member

__all__ = [
    "Dividend",
    "DividendYear",
    "Earnings",
    "EarningsError",
    "Figure",
    "FilledShare",
    "Forecast",
    "ForecastFigures",
    "ForecastPeriod",
    "OtherForecast",
    "ReportIdentity",
    "Results",
    "filled_shares",
    "read_earnings",
]

_REVISION_DATES = (
    "ReportingDateOfFinancialForecastCorrection",
    "ReportingDateOfDividendForecastCorrection",
    "ReportingDateOfDistributionForecastCorrectionREIT",
)
_SCHEDULE = {
    "first_quarter": "FirstQuarter",
    "second_quarter": "SecondQuarter",
    "third_quarter": "ThirdQuarter",
    "year_end": "YearEnd",
    "annual": "Annual",
}
_STANDARD_WORDS: dict[str, Standard] = {
    "日本基準": "jp",
    "IFRS": "ifrs",
    "国際会計基準": "ifrs",
    "米国基準": "us",
    "REIT": "reit",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A result and the one that it is compared with, with the change rates as stated."""

    value: Decimal | None
    change: Decimal | None
    prior: Decimal | None
    prior_change: Decimal | None
    element: str | None
    """The element that states it; None where no element of the item is in the summary."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast: one figure, or the ends of a range, each with its change rate as stated."""

    value: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    change: Decimal | None
    change_lower: Decimal | None
    change_upper: Decimal | None
    element: str | None


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a report; the names are those of the table in ``earnings_items.py``.

    Positions are at the period's end, and compared with the last fiscal year's end. A trust's units
    stand where a company's shares do.
    """

    revenue: Figure
    operating_income: Figure
    ordinary_income: Figure
    profit_before_tax: Figure
    profit: Figure
    net_income: Figure
    comprehensive_income: Figure
    eps: Figure
    diluted_eps: Figure
    distribution_per_unit: Figure
    excess_distribution_per_unit: Figure
    total_distribution_per_unit: Figure
    total_assets: Figure
    net_assets: Figure
    equity: Figure
    equity_ratio: Figure
    net_assets_per_share: Figure
    cash_end: Figure
    operating_cash_flow: Figure
    investing_cash_flow: Figure
    financing_cash_flow: Figure
    return_on_equity: Figure
    return_on_assets: Figure
    operating_margin: Figure
    equity_method_income: Figure
    shares_issued: Figure
    treasury_shares: Figure
    average_shares: Figure


@dataclass(frozen=True, slots=True)
class ForecastFigures:
    """The forecasts of one period."""

    revenue: Forecast
    operating_income: Forecast
    ordinary_income: Forecast
    profit_before_tax: Forecast
    profit: Forecast
    net_income: Forecast
    comprehensive_income: Forecast
    eps: Forecast
    diluted_eps: Forecast
    distribution_per_unit: Forecast
    excess_distribution_per_unit: Forecast
    total_distribution_per_unit: Forecast


@dataclass(frozen=True, slots=True)
class ForecastPeriod:
    """A period that is forecast, and its forecasts."""

    period_start: date | None
    period_end: date
    figures: ForecastFigures


@dataclass(frozen=True, slots=True)
class Dividend:
    """A dividend: what was paid or resolved, or else what is forecast as one figure or a range."""

    result: Decimal | None
    forecast: Decimal | None
    lower: Decimal | None
    upper: Decimal | None


@dataclass(frozen=True, slots=True)
class DividendYear:
    """The dividends of one fiscal year, in yen per share, and what they amount to.

    Attributes:
        period_end: the last day of that fiscal year.
        annual: their sum as stated; empty in the year of a share split.
        total_dividends: yen paid in all.
        payout_ratio: share of the profit that is paid.
        dividend_on_equity: dividends by net assets.
    """

    period_end: date
    first_quarter: Dividend
    second_quarter: Dividend
    third_quarter: Dividend
    year_end: Dividend
    annual: Dividend
    total_dividends: Dividend
    payout_ratio: Dividend
    dividend_on_equity: Dividend


@dataclass(frozen=True, slots=True)
class OtherForecast:
    """A forecast that has no column: of the parent alone, of a quarter, of a later year."""

    element: str
    statistic: str
    """``Forecast``, ``Lower`` or ``Upper``."""
    period_start: date | None
    period_end: date
    consolidation: str | None
    dividend_schedule: str | None
    members: tuple[Member, ...]
    value: Decimal


class ReportIdentity(NamedTuple):
    """What a report and its corrections have in common; two reports with one identity are such."""

    code: str
    standard: Standard
    consolidation: str | None
    fiscal_year_end: date
    period: str
    period_end: date


@dataclass(frozen=True, slots=True)
class Earnings:
    """One 決算短信.

    Attributes:
        document_name: title on the form, e.g. ``第１四半期決算短信〔日本基準〕(連結)``.
        standard: ``jp``, ``ifrs``, ``us``, ``reit`` or ``etf``.
        consolidation: ``Consolidated`` or ``NonConsolidated``; None where the form has no such
            axis.
        code: securities code as stated, mostly 5 characters.
        company_name: the company's or the trust's name.
        fiscal_year_end: last day of the fiscal year that the report belongs to.
        period: ``Q1``, ``Q2`` (interim too), ``Q3`` or ``FY``.
        period_start: first day of the fiscal year.
        period_end: last day of the period.
        filing_date: day of filing as stated on the form, not the day of disclosure.
        results: figures of the period and of the one before.
        this_half: forecasts of this fiscal year's first half; None where there are none.
        this_year: forecasts of this fiscal year, stated by interim reports.
        next_half: forecasts of the next fiscal year's first half.
        next_year: forecasts of the next fiscal year, stated by annual reports.
        prior_dividends: the last fiscal year's dividends.
        dividends: this fiscal year's, paid and forecast.
        next_dividends: the next fiscal year's.
        other_forecasts: every other forecast that the summary states.
    """

    document_name: str | None
    standard: Standard
    consolidation: str | None
    code: str
    company_name: str | None
    fiscal_year_end: date
    period: str
    period_start: date | None
    period_end: date
    filing_date: date | None
    results: Results
    this_half: ForecastPeriod | None
    this_year: ForecastPeriod | None
    next_half: ForecastPeriod | None
    next_year: ForecastPeriod | None
    prior_dividends: DividendYear | None
    dividends: DividendYear | None
    next_dividends: DividendYear | None
    other_forecasts: tuple[OtherForecast, ...]

    @property
    def is_consolidated(self) -> bool:
        """Whether the results are a group's."""
        return self.consolidation == CONSOLIDATED

    @property
    def identity(self) -> ReportIdentity:
        """What a correction of this report would state too."""
        return ReportIdentity(
            code=self.code,
            standard=self.standard,
            consolidation=self.consolidation,
            fiscal_year_end=self.fiscal_year_end,
            period=self.period,
            period_end=self.period_end,
        )


class FilledShare(NamedTuple):
    """How many of a standard's reports state the main figures; shares are fractions of 1."""

    standard: Standard
    filings: int
    revenue: Decimal
    operating_income: Decimal
    net_income: Decimal


def read_earnings(summary: SummaryCells) -> Earnings | None:
    """The row of a 決算短信, from its summary alone.

    Returns:
        The row, or None where the archive is another kind of filing: it has no summary, or it is a
        revision.

    Raises:
        EarningsError: the summary contradicts itself, or lacks its code, its fiscal year or any
            result.
    """
    if summary.family is None or _is_revision(summary):
        return None
    code = summary.text("SecuritiesCode")
    if code is None:
        raise EarningsError("the summary states no SecuritiesCode: look at the filing")
    periods = report_periods(summary)
    standard = _standard(summary, periods)
    reader = _Reader(summary, periods, standard)
    spans = periods.forecasts
    dividends = reader.dividends()
    return Earnings(
        document_name=summary.text("DocumentName"),
        standard=standard,
        consolidation=periods.consolidation,
        code=code,
        company_name=summary.text("CompanyName") or summary.text("IssuerNameREIT"),
        fiscal_year_end=periods.fiscal_year_end,
        period=periods.period,
        period_start=periods.current.start,
        period_end=periods.current.end,
        filing_date=summary.day("FilingDate"),
        results=reader.results(),
        this_half=reader.forecasts(spans.this_half),
        this_year=reader.forecasts(spans.this_year),
        next_half=reader.forecasts(spans.next_half),
        next_year=reader.forecasts(spans.next_year),
        prior_dividends=dividends.get("prior"),
        dividends=dividends.get("current"),
        next_dividends=dividends.get("next"),
        other_forecasts=reader.other_forecasts(),
    )


def filled_shares(rows: Iterable[Earnings]) -> tuple[FilledShare, ...]:
    """How many reports state revenue, operating and net income, by standard in alphabetical order.

    A standard without a report has no line.
    """
    by_standard: dict[Standard, list[Results]] = defaultdict(list)
    for row in rows:
        by_standard[row.standard].append(row.results)

    def share(figures: list[Figure]) -> Decimal:
        return Decimal(sum(figure.value is not None for figure in figures)) / len(figures)

    return tuple(
        FilledShare(
            standard=standard,
            filings=len(results),
            revenue=share([result.revenue for result in results]),
            operating_income=share([result.operating_income for result in results]),
            net_income=share([result.net_income for result in results]),
        )
        for standard, results in sorted(by_standard.items())
    )


def _is_revision(summary: SummaryCells) -> bool:
    return any(summary.text(element) for element in _REVISION_DATES) or any(
        cell.previous_current for cell in summary.numbers
    )


def _standard(summary: SummaryCells, periods: ReportPeriods) -> Standard:
    """By the form, then by the elements of the results, then by the document's name."""
    if summary.family == "re":
        return "reit"
    if summary.family == "ef":
        return "etf"
    names = {name for item in (*INCOME, *POSITION) for name in (*item.jp, *item.ifrs, *item.us)}
    used = Counter(
        standard_of_element(cell.element)
        for cell, fact in summary.numbers.items()
        if fact.value is not None
        and cell.element in names
        and cell.consolidation == periods.consolidation
        and cell.result_forecast == RESULT
    )
    if used:
        return used.most_common(1)[0][0]
    name = unicodedata.normalize("NFKC", summary.text("DocumentName") or "").upper()
    return next((found for word, found in _STANDARD_WORDS.items() if word in name), "jp")


class _Reader:
    """Takes the row's cells out of a summary, and remembers which forecasts it took."""

    def __init__(self, summary: SummaryCells, periods: ReportPeriods, standard: Standard) -> None:
        self._summary, self._periods, self._standard = summary, periods, standard
        self._taken: set[Cell] = set()
        self._cells: Mapping[str, list[Cell]] = self._cells_by_element()

    def _cells_by_element(self) -> dict[str, list[Cell]]:
        cells: dict[str, list[Cell]] = defaultdict(list)
        for cell in self._summary.numbers:
            cells[cell.element].append(cell)
        return cells

    def results(self) -> Results:
        periods = self._periods
        scope = (periods.consolidation,)
        figures: dict[str, Figure] = {}
        for item in (*INCOME, *PER_SHARE, *CASH_FLOWS, *RATIOS):
            figures[item.name] = self._figure(item, periods.current, periods.prior, scope)
        end = Span(None, periods.current.end)
        for item in POSITION:
            figures[item.name] = self._figure(item, end, None, scope)
        shares = (NON_CONSOLIDATED, periods.consolidation)
        for item in SHARES:
            lasting = item.name == "average_shares"
            span = periods.current if lasting else end
            prior = periods.prior if lasting else None
            figures[item.name] = self._figure(item, span, prior, shares)
        return Results(**figures)

    def _figure(
        self, item: Item, span: Span, prior: Span | None, scopes: Sequence[str | None]
    ) -> Figure:
        """The item's figure under the first element that is filled, or else that is there."""
        places = [
            Cell(element, span, scope, RESULT)
            for element in item.elements(self._standard)
            for scope in scopes
        ]
        there = [cell for cell in places if cell in self._summary.numbers]
        filled = (cell for cell in there if self._summary.value(cell) is not None)
        cell = next(filled, there[0] if there else None)
        if cell is None:
            return Figure(None, None, None, None, None)
        if span.start is None:
            # Each line has its own comparison: the last year's end, or last year's same day.
            others = (c.span for c in self._cells[cell.element] if c._replace(span=span) == cell)
            prior = comparative(span, (other for other in others if other.start is None))
        before = None if prior is None else cell._replace(span=prior)
        return Figure(
            value=self._summary.value(cell),
            change=self._change(cell),
            prior=None if before is None else self._summary.value(before),
            prior_change=None if before is None else self._change(before),
            element=cell.element,
        )

    def forecasts(self, span: Span | None) -> ForecastPeriod | None:
        if span is None:
            return None
        figures = {item.name: self._forecast(item, span) for item in FORECAST_ITEMS}
        return ForecastPeriod(span.start, span.end, ForecastFigures(**figures))

    def _forecast(self, item: Item, span: Span) -> Forecast:
        scope = self._periods.consolidation
        there = [
            element
            for element in item.elements(self._standard)
            if any(Cell(element, span, scope, kind) in self._summary.numbers for kind in PREDICTED)
        ]
        filled = (
            element
            for element in there
            if any(
                self._summary.value(Cell(element, span, scope, kind)) is not None
                for kind in PREDICTED
            )
        )
        element = next(filled, there[0] if there else None)
        if element is None:
            return Forecast(None, None, None, None, None, None, None)
        point, lower, upper = (Cell(element, span, scope, kind) for kind in PREDICTED)
        return Forecast(
            value=self._take(point),
            lower=self._take(lower),
            upper=self._take(upper),
            change=self._change(point),
            change_lower=self._change(lower),
            change_upper=self._change(upper),
            element=element,
        )

    def dividends(self) -> dict[str, DividendYear]:
        """The years with dividends, as ``prior``, ``current`` and ``next``."""
        year_end = self._periods.fiscal_year_end
        spans = {
            cell.span
            for element in (*DIVIDEND_ELEMENTS, *(name for i in PAYOUT for name in _names(i)))
            for cell in self._cells.get(element, ())
            if cell.dividend_schedule is not None or self._standard == "reit"
        }
        years = {
            "prior": max((s for s in spans if s.end < year_end), key=_end, default=None),
            "current": max((s for s in spans if s.end == year_end), key=_length, default=None),
            "next": min((s for s in spans if s.end > year_end), key=_end, default=None),
        }
        return {
            which: self._dividend_year(span) for which, span in years.items() if span is not None
        }

    def _dividend_year(self, span: Span) -> DividendYear:
        paid = {
            name: self._dividend(("DividendPerShare",), span, schedule)
            for name, schedule in _SCHEDULE.items()
        }
        annual = None if self._standard == "reit" else _SCHEDULE["annual"]
        totals = {
            item.name: self._dividend(item.elements(self._standard), span, annual)
            for item in PAYOUT
        }
        return DividendYear(period_end=span.end, **paid, **totals)

    def _dividend(self, elements: Sequence[str], span: Span, schedule: str | None) -> Dividend:
        """A dividend by the first element that is filled, of the group or of the company alone.

        Dividends per share are always the company's own; ratios are the group's where it has them.
        """
        values: list[Decimal | None] = []
        for kind in (RESULT, FORECAST, LOWER, UPPER):
            places = [
                Cell(element, span, scope, kind, dividend_schedule=schedule)
                for element in elements
                for scope in (self._periods.consolidation, NON_CONSOLIDATED)
            ]
            filled = (cell for cell in places if self._summary.value(cell) is not None)
            cell = next(filled, None)
            values.append(None if cell is None else self._take(cell))
        return Dividend(*values)

    def other_forecasts(self) -> tuple[OtherForecast, ...]:
        """The filled forecasts that were not taken, in the order of the document."""
        rest = [
            (fact.order, cell, fact.value)
            for cell, fact in self._summary.numbers.items()
            if cell.result_forecast in PREDICTED
            and fact.value is not None
            and cell not in self._taken
        ]
        return tuple(
            OtherForecast(
                element=cell.element,
                statistic=str(cell.result_forecast),
                period_start=cell.span.start,
                period_end=cell.span.end,
                consolidation=cell.consolidation,
                dividend_schedule=cell.dividend_schedule,
                members=cell.members,
                value=value,
            )
            for _, cell, value in sorted(rest, key=lambda line: line[0])
        )

    def _change(self, cell: Cell) -> Decimal | None:
        return self._take(cell._replace(element=change_element(cell.element)))

    def _take(self, cell: Cell) -> Decimal | None:
        self._taken.add(cell)
        return self._summary.value(cell)


def _names(item: Item) -> tuple[str, ...]:
    return (*item.jp, *item.ifrs, *item.us, *item.reit)


def _end(span: Span) -> date:
    return span.end


def _length(span: Span) -> int:
    return span.months
