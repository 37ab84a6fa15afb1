"""What a revision of forecasts says, one row per revised figure: before, after, and the change.

What belongs here: pairing the previous and the current cells of the forms for companies' forecasts
and dividends and for trusts. What does not: which element states which item
(``earnings_items.py``), and how large a revision is (``surprises.py``).

Amounts are exact decimals in yen, per-share figures in yen, rates fractions: 0.143 is +14.3 %.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from tdnet_assets.tdnet.reports.earnings_items import (
    DIVIDEND_ELEMENTS,
    ITEM_OF_ELEMENT,
    change_element,
    changed_element,
)
from tdnet_assets.tdnet.reports.summary_cells import (
    CURRENT,
    FORECAST,
    LOWER,
    PREDICTED,
    PREVIOUS,
    RESULT,
    UPPER,
    Cell,
    EarningsError,
    Span,
    SummaryCells,
    comparative,
)

RevisionKind = Literal["earnings", "dividend", "reit"]
Statistic = Literal["amount", "per_share", "ratio"]

_REPORTING_DATES = (
    "ReportingDateOfFinancialForecastCorrection",
    "ReportingDateOfDividendForecastCorrection",
    "ReportingDateOfDistributionForecastCorrectionREIT",
)
_UNITS: dict[str, Statistic] = {
    "yen": "amount",
    "shares": "amount",
    "yen_per_share": "per_share",
    "fraction": "ratio",
}
_DIFFERENCE = "差異"
_MONTHS_OF_A_HALF = range(5, 8)
_PARTS_OF_A_YEAR = {"first_quarter": range(2, 5), "nine_months": range(8, 11)}
_MONTHS_OF_A_YEAR_AT_LEAST = 10


class Range(NamedTuple):
    """One figure, or the ends of a range; a company states one or the other."""

    value: Decimal | None
    lower: Decimal | None
    upper: Decimal | None

    @property
    def is_stated(self) -> bool:
        """Whether there is any figure; a forecast may be withdrawn without a new one."""
        return any(end is not None for end in self)

    @property
    def middle(self) -> Decimal | None:
        """The figure, or the middle of the range, or its only end."""
        if self.value is not None:
            return self.value
        ends = [end for end in (self.lower, self.upper) if end is not None]
        return sum(ends, Decimal(0)) / len(ends) if ends else None


@dataclass(frozen=True, slots=True)
class ForecastRevision:
    """One revised figure.

    Attributes:
        document_name: title of the notice.
        kind: ``earnings``, ``dividend`` or ``reit``.
        code: securities code as stated.
        fiscal_year_end: the fiscal year that the notice is about, as its form states it.
        period_year_end: the end of the fiscal year that the forecast's period belongs to, which
            may be a later one; None where the form states no fiscal year.
        reported_on: day of the notice as stated on the form.
        item: the item's name in ``earnings_items.py``, ``dividend`` for dividends per share, or
            the element where the table does not know it.
        element: the element that states the figure.
        statistic: ``amount`` in yen, ``per_share`` in yen, or ``ratio``.
        consolidation: ``Consolidated``, ``NonConsolidated``, or None without that axis.
        period_start: first day of the period that is forecast.
        period_end: its last day.
        period: ``first_quarter``, ``first_half``, ``nine_months``, ``full_year`` or ``other``; a
            trust's fiscal period is a full year.
        dividend_schedule: ``FirstQuarter`` to ``ThirdQuarter``, ``YearEnd``, ``Annual``, or None.
        previous: the forecast so far.
        current: the forecast now. In a notice about the difference between forecast and result
            this is the result, as those forms state it.
        result: what the same period brought, where the form has a cell for results.
        prior_result: what the same period of the year before brought.
        change: difference of the amounts as stated.
        change_rate: rate of the difference as stated; nil where the base is a loss.
        is_difference: the notice compares the forecast with a result (差異) of a period that was
            over when it was made.
    """

    document_name: str | None
    kind: RevisionKind
    code: str
    fiscal_year_end: date | None
    period_year_end: date | None
    reported_on: date | None
    item: str
    element: str
    statistic: Statistic
    consolidation: str | None
    period_start: date | None
    period_end: date
    period: str
    dividend_schedule: str | None
    previous: Range
    current: Range
    result: Decimal | None
    prior_result: Decimal | None
    change: Range
    change_rate: Range
    is_difference: bool


def read_revisions(summary: SummaryCells) -> tuple[ForecastRevision, ...]:
    """The revised figures of a notice, in the order of the document.

    Returns:
        One row per figure that has a forecast or a result, of this year or of the year before;
        empty where the archive is no revision, or states no figure at all.

    Raises:
        EarningsError: the notice has no summary or one in a taxonomy that is not known,
            contradicts itself, or states no securities code.
    """
    summary.form()
    return tuple(row for row, _ in _rows(summary))


def unread_elements(summary: SummaryCells) -> tuple[str, ...]:
    """The elements of filled forecast and revision facts that no row covers, sorted.

    Everything that stands under a previous, current, forecast, lower or upper member counts, and
    every change of an amount: an empty result says that :func:`read_revisions` dropped nothing.

    Raises:
        EarningsError: as :func:`read_revisions`.
    """
    covered = {cell for _, cells in _rows(summary) for cell in cells}
    return tuple(
        sorted(
            {
                cell.element
                for cell, fact in summary.numbers.items()
                if fact.value is not None
                and (cell.previous_current or cell.result_forecast in PREDICTED)
                and cell not in covered
            }
        )
    )


def _rows(summary: SummaryCells) -> Iterator[tuple[ForecastRevision, set[Cell]]]:
    """Every row with the cells that it covers."""
    # A 決算短信 has forecasts too, but no previous ones.
    if not any(cell.previous_current for cell in summary.numbers):
        return
    code = summary.text("SecuritiesCode")
    if code is None:
        raise EarningsError("the summary states no SecuritiesCode: look at the filing")
    document_name = summary.text("DocumentName")
    reported_on = summary.day(*_REPORTING_DATES)
    year_end = summary.day("FiscalYearEnd")
    for figure in _figures(summary):
        reading = _Reading(summary, figure)
        previous, current = reading.range(PREVIOUS), reading.range(CURRENT)
        result = reading.number(CURRENT, RESULT)
        prior_result = reading.prior_result()
        # A forecast may be undetermined before and after: what the year before brought stands.
        if not (previous.is_stated or current.is_stated or {result, prior_result} != {None}):
            continue
        change, change_rate = reading.change()
        row = ForecastRevision(
            document_name=document_name,
            kind=_kind(summary, figure),
            code=code,
            fiscal_year_end=year_end,
            period_year_end=_year_end(summary, figure.span, year_end),
            reported_on=reported_on,
            item=_item_name(figure.element),
            element=figure.element,
            statistic=_statistic(summary, figure),
            consolidation=figure.consolidation,
            period_start=figure.span.start,
            period_end=figure.span.end,
            period=_period(summary, figure.span, year_end),
            dividend_schedule=figure.dividend_schedule,
            previous=previous,
            current=current,
            result=result,
            prior_result=prior_result,
            change=change,
            change_rate=change_rate,
            is_difference=_is_difference(document_name, reported_on, figure.span),
        )
        yield row, reading.covered


def _figures(summary: SummaryCells) -> list[Cell]:
    """What is revised: each figure and period that has a forecast, by its cell without the rest.

    A result of the year before, which stands beside them, is of a figure too.
    """
    # In the order of the document, which decides where one year stands behind two forecasts.
    spans = dict.fromkeys(c.span for c in summary.numbers if c.result_forecast in PREDICTED)
    ends = {span.end for span in spans}
    figures: dict[Cell, None] = {}
    for cell in summary.numbers:
        if cell.previous_current is None or cell.members:
            continue
        span: Span | None = cell.span
        if cell.result_forecast not in PREDICTED and cell.span.end not in ends:
            span = _year_behind(cell.span, spans)
        if span is not None:
            element, _ = changed_element(cell.element)
            figure = Cell(
                element,
                span,
                cell.consolidation,
                result_forecast=None,
                dividend_schedule=cell.dividend_schedule,
            )
            figures[figure] = None
    return list(figures)


def _year_behind(span: Span, spans: Iterable[Span]) -> Span | None:
    """The period that is compared with that one."""
    return next((later for later in spans if comparative(later, [span, *spans]) == span), None)


class _Reading:
    """Reads the cells about one figure, and remembers them."""

    def __init__(self, summary: SummaryCells, figure: Cell) -> None:
        self._summary, self._figure = summary, figure
        self.covered: set[Cell] = set()

    def number(self, edition: str, kind: str, *, element: str | None = None) -> Decimal | None:
        return self._take(
            self._figure._replace(
                element=element or self._figure.element,
                result_forecast=kind,
                previous_current=edition,
            )
        )

    def range(self, edition: str, *, element: str | None = None) -> Range:
        return Range(
            *(self.number(edition, kind, element=element) for kind in (FORECAST, LOWER, UPPER))
        )

    def change(self) -> tuple[Range, Range]:
        """The stated difference and its rate; a difference from a result may stand under Result."""
        found = []
        for element in (
            f"AmountChange{self._figure.element}",
            change_element(self._figure.element),
        ):
            stated = self.range(CURRENT, element=element)
            of_result = self.number(CURRENT, RESULT, element=element)
            found.append(stated if stated.is_stated else Range(of_result, None, None))
        return found[0], found[1]

    def prior_result(self) -> Decimal | None:
        """What the year before brought; some forms state it without saying which edition it is."""
        base = self._figure._replace(result_forecast=RESULT)
        for edition in (CURRENT, PREVIOUS, None):
            cell = base._replace(previous_current=edition)
            spans = [c.span for c in self._summary.numbers if c._replace(span=cell.span) == cell]
            span = comparative(cell.span, spans)
            if span is not None:
                return self._take(cell._replace(span=span))
        return None

    def _take(self, cell: Cell) -> Decimal | None:
        self.covered.add(cell)
        return self._summary.value(cell)


def _kind(summary: SummaryCells, figure: Cell) -> RevisionKind:
    if summary.family == "re":
        return "reit"
    return "dividend" if figure.element in DIVIDEND_ELEMENTS else "earnings"


def _item_name(element: str) -> str:
    if element == DIVIDEND_ELEMENTS[0]:
        return "dividend"
    item = ITEM_OF_ELEMENT.get(element)
    return element if item is None else item.name


def _statistic(summary: SummaryCells, figure: Cell) -> Statistic:
    """By the table, or by the unit for elements outside it."""
    item = ITEM_OF_ELEMENT.get(figure.element)
    if item is not None:
        return _UNITS[item.unit]
    if figure.element in DIVIDEND_ELEMENTS:
        return "per_share"
    units = {
        (fact.unit or "").lower()
        for cell, fact in summary.numbers.items()
        if cell.element == figure.element
    }
    if any("share" in unit or "unit" in unit for unit in units):
        return "per_share"
    return "ratio" if units == {"pure"} else "amount"


def _period(summary: SummaryCells, span: Span, year_end: date | None) -> str:
    if span.end == year_end or summary.family == "re":
        return "full_year"
    if span.months in _MONTHS_OF_A_HALF:
        return "first_half"
    if span.start is None or year_end is None:
        return "other"
    starts_a_year = (span.start - timedelta(days=1)).month == year_end.month
    for name, months in _PARTS_OF_A_YEAR.items():
        if span.months in months and starts_a_year:
            return name
    # A notice may be about the next year as well.
    return "full_year" if span.months >= _MONTHS_OF_A_YEAR_AT_LEAST else "other"


def _year_end(summary: SummaryCells, span: Span, year_end: date | None) -> date | None:
    """The end of the fiscal year that holds the last day of a period; a trust's is the period's."""
    if summary.family == "re":
        return span.end
    while year_end is not None and year_end < span.end:
        year_end = _a_year_on(year_end)
    return year_end


def _a_year_on(day: date) -> date:
    """The same day a year later; the last of February stays the last."""
    next_day = day + timedelta(days=1)
    if (next_day.month, next_day.day) == (2, 29):
        next_day += timedelta(days=1)
    return next_day.replace(year=next_day.year + 1) - timedelta(days=1)


def _is_difference(document_name: str | None, reported_on: date | None, span: Span) -> bool:
    return (
        _DIFFERENCE in (document_name or "") and reported_on is not None and span.end < reported_on
    )
