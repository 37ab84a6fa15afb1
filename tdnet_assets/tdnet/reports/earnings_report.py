"""Reads a 決算短信 into its row: results, position, dividends and forecasts.

What belongs here: choosing the cells of a summary that make the row. What does not: the row's shape
(``report_contents.py``), which element states what (``earnings_items.py``), which days a report
covers (``report_periods.py``), the row as flat columns (``earnings_columns.py``), and whether the
figures are right (``accounting_checks.py``).
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from tdnet_assets.tdnet.reports.earnings_items import (
    COMMEMORATIVE_DIVIDEND,
    DIVIDEND,
    EXTRA_DIVIDEND,
    FLAGS,
    FORECAST_ITEMS,
    INCOME,
    PARENT_FORECAST_ITEMS,
    PARENT_ITEMS,
    PAYMENT_DATES,
    PAYOUT,
    POSITION,
    RESULT_ITEMS,
    SHARES,
    SHARES_AT_END,
    Item,
    Standard,
    change_element,
    changed_element,
    elements_of,
    standard_of_element,
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
    ForecastFigures,
    ForecastPeriod,
    OtherForecast,
    ParentForecasts,
    ParentResults,
    Results,
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
_PARTS = {"commemorative": COMMEMORATIVE_DIVIDEND, "extra": EXTRA_DIVIDEND}
_STANDARD_WORDS: dict[str, Standard] = {
    "日本基準": "jp",
    "IFRS": "ifrs",
    "国際会計基準": "ifrs",
    "米国基準": "us",
    "REIT": "reit",
}


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
        The row, or None where the archive is a revision.

    Raises:
        EarningsError: there is no summary, its taxonomy is not known, it contradicts itself, or
            lacks its code, its fiscal year or any result.
    """
    summary.form()
    if _is_revision(summary):
        return None
    code = summary.text("SecuritiesCode")
    if code is None:
        raise EarningsError("the summary states no SecuritiesCode: look at the filing")
    periods = report_periods(summary)
    reader = _Reader(summary, periods, _standard(summary, periods))
    # In this order: forecasts prefer the elements of the results, and the rest is what is left.
    results = reader.results()
    parent = reader.parent_results()
    forecasts = {name: reader.forecasts(name) for name in FORECAST_PERIODS}
    dividends = reader.dividends()
    return Earnings(
        document_name=summary.text("DocumentName"),
        standard=reader.standard,
        consolidation=periods.consolidation,
        code=code,
        company_name=summary.text("CompanyName") or summary.text("IssuerNameREIT"),
        fiscal_year_end=periods.fiscal_year_end,
        period=periods.period,
        period_start=periods.current.start,
        period_end=periods.current.end,
        prior_start=periods.prior.start if periods.prior else None,
        prior_end=periods.prior.end if periods.prior else None,
        filing_date=summary.day("FilingDate"),
        dividend_payment_date=summary.day(*PAYMENT_DATES),
        changes=Changes(**{name: summary.flag(*elements) for name, elements in FLAGS.items()}),
        results=results,
        untagged=tuple(reader.untagged),
        parent=parent,
        **forecasts,
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
    """Takes the row's cells out of a summary, and remembers which forecasts it took.

    Attributes:
        standard: the report's.
        untagged: names of the results that are printed without a tag.
    """

    def __init__(self, summary: SummaryCells, periods: ReportPeriods, standard: Standard) -> None:
        self._summary, self._periods, self.standard = summary, periods, standard
        self.untagged: list[str] = []
        self._taken: set[Cell] = set()
        self._used: dict[tuple[str, str | None], str] = {}
        self._cells: Mapping[str, list[Cell]] = self._cells_by_element()
        self._stated = {changed_element(element)[0] for element in self._cells}

    def _cells_by_element(self) -> dict[str, list[Cell]]:
        cells: dict[str, list[Cell]] = defaultdict(list)
        for cell in self._summary.numbers:
            cells[cell.element].append(cell)
        return cells

    def _elements(self, item: Item, standard: Standard) -> list[str]:
        """The item's elements of which the summary says anything, in order of preference."""
        return [name for name in elements_of(item.name, standard) if name in self._stated]

    def results(self) -> Results:
        scope = (self._periods.consolidation,)
        # Shares are always the company's own.
        own = (NON_CONSOLIDATED, self._periods.consolidation)
        figures = {
            item.name: self._figure(item, own if item in SHARES else scope) for item in RESULT_ITEMS
        }
        return Results(**figures)

    def parent_results(self) -> ParentResults | None:
        if self._periods.consolidation != CONSOLIDATED:
            return None
        figures = {item.name: self._figure(item, (NON_CONSOLIDATED,)) for item in PARENT_ITEMS}
        return ParentResults(**figures)

    def _figure(self, item: Item, scopes: Sequence[str | None]) -> Figure:
        """The item's figure under the first element that is filled.

        Or else the first of which anything is: the change or the earlier figure of one that is
        printed without a tag, or an empty cell.
        """
        at_end = item in POSITION or item in SHARES_AT_END
        span = Span(None, self._periods.current.end) if at_end else self._periods.current
        places = [
            Cell(element, span, scope, RESULT)
            for element in self._elements(item, self._standard_of(scopes))
            for scope in scopes
        ]
        there = [cell for cell in places if cell in self._summary.numbers]
        filled = [cell for cell in there if self._summary.value(cell) is not None]
        beside = [] if filled else [cell for cell in places if self._is_around(cell)]
        cell = next(iter([*filled, *beside, *there]), None)
        if cell is None:
            return Figure(None, None, None, None, None)
        if filled:
            self._used[item.name, cell.consolidation] = cell.element
        elif not there:
            self.untagged.append(item.name)
        before = self._before(cell)
        return Figure(
            value=self._summary.value(cell),
            change=self._change(cell),
            prior=None if before is None else self._summary.value(before),
            prior_change=None if before is None else self._change(before),
            element=cell.element,
        )

    def _standard_of(self, scopes: Sequence[str | None]) -> Standard:
        """A group's parent keeps its own books under Japanese standards."""
        is_parent = self._periods.consolidation == CONSOLIDATED and scopes == (NON_CONSOLIDATED,)
        return "jp" if is_parent else self.standard

    def _is_around(self, cell: Cell) -> bool:
        """Whether the change of a figure or its earlier figure is filled."""
        before = self._before(cell)
        around = [
            cell.under(change_element(cell.element)),
            *([before] if before else []),
        ]
        return any(self._summary.value(place) is not None for place in around)

    def _before(self, cell: Cell) -> Cell | None:
        """Where the earlier figure is: positions have their own, at the last year's end or day."""
        prior = self._periods.prior
        if cell.span.start is None:
            others = (
                other.span
                for other in self._cells.get(cell.element, ())
                if other.span.start is None and other._replace(span=cell.span) == cell
            )
            prior = comparative(cell.span, others)
        return None if prior is None else cell._replace(span=prior)

    def forecasts(self, name: str) -> ForecastPeriod | None:
        """The forecasts of the period of that name."""
        span: Span | None = getattr(self._periods.forecasts, name)
        if span is None:
            return None
        scope = self._periods.consolidation
        figures = {item.name: self._forecast(item, span, scope) for item in FORECAST_ITEMS}
        used = Counter(
            standard_of_element(figure.element)
            for figure in figures.values()
            if figure.element is not None
        )
        return ForecastPeriod(
            period_start=span.start,
            period_end=span.end,
            standard=used.most_common(1)[0][0] if used and self._is_company else self.standard,
            figures=ForecastFigures(**figures),
            parent=self._parent_forecasts(span) if name in PARENT_FORECAST_PERIODS else None,
        )

    @property
    def _is_company(self) -> bool:
        return self.standard in ("jp", "ifrs", "us")

    def _parent_forecasts(self, span: Span) -> ParentForecasts | None:
        if self._periods.consolidation != CONSOLIDATED:
            return None
        return ParentForecasts(
            **{
                item.name: self._forecast(item, span, NON_CONSOLIDATED, kinds=(FORECAST,))
                for item in PARENT_FORECAST_ITEMS
            }
        )

    def _forecast(
        self, item: Item, span: Span, scope: str | None, *, kinds: Sequence[str] = PREDICTED
    ) -> Forecast:
        """The item's forecast, under the element of its result where that is filled."""
        elements = self._elements(item, self._standard_of((scope,)))
        used = self._used.get((item.name, scope))
        ranked = elements if used is None else (used, *(e for e in elements if e != used))

        def places(element: str) -> list[Cell]:
            return [Cell(element, span, scope, kind) for kind in kinds]

        there = [e for e in ranked if any(cell in self._summary.numbers for cell in places(e))]
        filled = (
            e for e in there if any(self._summary.value(cell) is not None for cell in places(e))
        )
        changed = (
            e
            for e in ranked
            if any(self._summary.value(cell) is not None for cell in places(change_element(e)))
        )
        element = next(chain(filled, changed, there), None)
        if element is None:
            return Forecast(None, None, None, None, None, None, None)
        cells = dict(zip(kinds, places(element), strict=True))

        def value(kind: str) -> Decimal | None:
            return self._take(cells[kind]) if kind in cells else None

        def change(kind: str) -> Decimal | None:
            return self._change(cells[kind]) if kind in cells else None

        return Forecast(
            value=value(FORECAST),
            lower=value(LOWER),
            upper=value(UPPER),
            change=change(FORECAST),
            change_lower=change(LOWER),
            change_upper=change(UPPER),
            element=element,
        )

    def dividends(self) -> dict[str, DividendYear]:
        """The years with dividends, as ``prior``, ``current`` and ``next``.

        Commemorative and extra dividends say nothing of them: interim reports state those of the
        quarters so far.
        """
        current = self._periods.current
        spans = {
            cell.span
            for element in (DIVIDEND, *(name for item in PAYOUT for name in _names(item)))
            for cell in self._cells.get(element, ())
            if cell.dividend_schedule is not None or self.standard == "reit"
        }
        years = {
            "prior": max(
                (s for s in spans if s.end < (current.start or current.end)), key=_end, default=None
            ),
            "current": max((s for s in spans if _holds(s, current)), key=_length, default=None),
            "next": min((s for s in spans if _begin(s) > current.end), key=_end, default=None),
        }
        return {
            which: self._dividend_year(span) for which, span in years.items() if span is not None
        }

    def _dividend_year(self, span: Span) -> DividendYear:
        annual = None if self.standard == "reit" else _SCHEDULE["annual"]
        paid = {
            name: self._dividend((DIVIDEND,), [span], schedule)
            for name, schedule in _SCHEDULE.items()
        }
        so_far = [span, self._periods.current] if _holds(span, self._periods.current) else [span]
        parts = {
            name: self._dividend((element,), so_far, _SCHEDULE["annual"])
            for name, element in _PARTS.items()
        }
        totals = {
            item.name: self._dividend(self._elements(item, self.standard), [span], annual)
            for item in PAYOUT
        }
        return DividendYear(period_end=span.end, **paid, **parts, **totals)

    def _dividend(
        self, elements: Sequence[str], spans: Sequence[Span], schedule: str | None
    ) -> Dividend:
        """A dividend by the first element that is filled, of the group or of the company alone.

        Dividends per share are always the company's own; ratios are the group's where it has them.
        """
        stated = [element for element in elements if element in self._cells]
        values: list[Decimal | None] = []
        for kind in (RESULT, FORECAST, LOWER, UPPER):
            places = [
                Cell(element, span, scope, kind, dividend_schedule=schedule)
                for element in stated
                for span in spans
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
        return self._take(cell.under(change_element(cell.element)))

    def _take(self, cell: Cell) -> Decimal | None:
        self._taken.add(cell)
        return self._summary.value(cell)


def _names(item: Item) -> tuple[str, ...]:
    return (*item.jp, *item.ifrs, *item.us, *item.reit)


def _begin(span: Span) -> date:
    return span.start or span.end


def _end(span: Span) -> date:
    return span.end


def _length(span: Span) -> int:
    return span.months


def _holds(year: Span, period: Span) -> bool:
    return _begin(year) <= period.end <= year.end
