"""Which days a 決算短信 reports on, compares with and forecasts, told from the contexts' dates.

What belongs here: choosing among the periods that a summary mentions. What does not: the figures of
those periods (``earnings_report.py``). Nothing is read from the ids of contexts.
"""

from dataclasses import dataclass
from datetime import date

from tdnet_assets.tdnet.reports.earnings_items import INCOME_ELEMENTS
from tdnet_assets.tdnet.reports.summary_cells import (
    CONSOLIDATED,
    NON_CONSOLIDATED,
    PREDICTED,
    RESULT,
    Cell,
    EarningsError,
    Span,
    SummaryCells,
    comparative,
)

_MONTHS_OF_A_QUARTER = 3
_MONTHS_OF_A_HALF = range(5, 8)
_MONTHS_OF_A_YEAR_AT_LEAST = 10
_MONTHS_OF_DOUBT = 2


@dataclass(frozen=True, slots=True)
class ForecastSpans:
    """The periods that a report forecasts; None where it does not.

    A half is the first six months of that year. A real estate trust's year is its fiscal period,
    mostly of six months, and it mostly forecasts two of them.
    """

    this_half: Span | None
    this_year: Span | None
    next_half: Span | None
    next_year: Span | None
    year_after_next: Span | None


@dataclass(frozen=True, slots=True)
class ReportPeriods:
    """What a report covers.

    Attributes:
        consolidation: ``Consolidated`` or ``NonConsolidated``, the scope of the results; None where
            the form has no such axis.
        fiscal_year_end: last day of the fiscal year that the report belongs to.
        period: ``FY``, or ``Q1`` to ``Q3`` (interim is ``Q2``; ``Q4`` occurs in a fiscal year that
            is longer than twelve months).
        current: from the first day of the fiscal year to the end of the period.
        prior: the period that the results are compared with; None for a first report.
        forecasts: the periods of the forecasts.
    """

    consolidation: str | None
    fiscal_year_end: date
    period: str
    current: Span
    prior: Span | None
    forecasts: ForecastSpans


def report_periods(summary: SummaryCells) -> ReportPeriods:
    """The periods of a 決算短信.

    Raises:
        EarningsError: the summary states no fiscal year's end, or no results.
    """
    fiscal_year_end = summary.day("FiscalYearEnd")
    if fiscal_year_end is None:
        raise EarningsError("the summary states no FiscalYearEnd: look at the filing")
    scope = _scope(summary)
    spans = _spans(summary, scope, (RESULT,))
    if not spans:
        raise EarningsError(
            "the summary states no revenue and no profit of any period, by any element of the "
            "table in earnings_items: look at which elements it uses"
        )
    end = max(span.end for span in spans)
    # The longest, where a quarter by itself stands beside the year to date.
    current = max((span for span in spans if span.end == end), key=lambda span: span.months)
    return ReportPeriods(
        consolidation=scope,
        fiscal_year_end=fiscal_year_end,
        period=_period(summary, current, fiscal_year_end),
        current=current,
        prior=comparative(current, spans),
        forecasts=_forecasts(summary, scope, fiscal_year_end),
    )


def _scope(summary: SummaryCells) -> str | None:
    """The scope of the results: the group's where it reports as a group.

    A group's annual report also has figures of the parent alone, never the other way round.
    """
    results = [
        (cell.consolidation, fact.value is not None)
        for cell, fact in summary.numbers.items()
        if _is_income(cell) and cell.result_forecast == RESULT
    ]
    # Some forms carry empty cells of the other scope: figures decide, then the cells.
    for stated in ({scope for scope, filled in results if filled}, {scope for scope, _ in results}):
        for scope in (CONSOLIDATED, NON_CONSOLIDATED):
            if scope in stated:
                return scope
    return None


def _period(summary: SummaryCells, current: Span, fiscal_year_end: date) -> str:
    if current.end == fiscal_year_end:
        return "FY"
    stated = [
        fact.value
        for cell, fact in summary.numbers.items()
        if cell.element == "QuarterlyPeriod" and fact.value is not None
    ]
    text = summary.text("QuarterlyPeriod")
    if stated:
        return f"Q{int(stated[0])}"
    if text is not None and text.isdecimal():
        return f"Q{int(text)}"
    # Interim reports do not always number their quarter.
    return f"Q{max(1, round(current.months / _MONTHS_OF_A_QUARTER))}"


def _forecasts(summary: SummaryCells, scope: str | None, year_end: date) -> ForecastSpans:
    spans = _spans(summary, scope, PREDICTED)
    coming = sorted((span for span in spans if span.end > year_end), key=lambda span: span.end)
    next_year = _next_year(summary, coming, year_end)
    return ForecastSpans(
        this_half=_half([span for span in spans if span.end < year_end], None),
        this_year=max(
            (span for span in spans if span.end == year_end),
            key=lambda span: span.months,
            default=None,
        ),
        next_half=_half(coming, next_year),
        next_year=next_year,
        year_after_next=_year_after(coming, next_year),
    )


def _next_year(summary: SummaryCells, coming: list[Span], year_end: date) -> Span | None:
    if not coming:
        return None
    if summary.family == "re":
        # A trust often forecasts two fiscal periods: the first of them is the next.
        first = min(span.start for span in coming if span.start is not None)
        return max((span for span in coming if span.start == first), key=lambda span: span.end)
    # The dividend forecast names the next year's days, whatever its length.
    ends = {
        cell.span.end
        for cell in summary.numbers
        if cell.dividend_schedule and cell.result_forecast in PREDICTED and cell.span.end > year_end
    }
    named = [span for span in coming if span.end in ends]
    whole = named or [span for span in coming if span.months >= _MONTHS_OF_A_YEAR_AT_LEAST]
    return whole[-1] if whole else None


def _year_after(coming: list[Span], year: Span | None) -> Span | None:
    """The period behind the next year, of its length."""
    if year is None:
        return None
    behind = [
        span
        for span in coming
        if span.start is not None
        and span.start > year.end
        and abs(span.months - year.months) <= _MONTHS_OF_DOUBT
    ]
    return min(behind, key=lambda span: span.end, default=None)


def _half(spans: list[Span], year: Span | None) -> Span | None:
    halves = [span for span in spans if span.months in _MONTHS_OF_A_HALF and span != year]
    if year is not None:
        halves = [span for span in halves if span.start == year.start]
    return max(halves, key=lambda span: span.end, default=None)


def _spans(summary: SummaryCells, scope: str | None, kinds: tuple[str, ...]) -> set[Span]:
    """The periods for which there are cells of those kinds, nil ones included."""
    return {
        cell.span
        for cell in summary.numbers
        if _is_income(cell) and cell.consolidation == scope and cell.result_forecast in kinds
    }


def _is_income(cell: Cell) -> bool:
    return (
        cell.element in INCOME_ELEMENTS
        and cell.span.start is not None
        and cell.dividend_schedule is None
        and cell.previous_current is None
        and not cell.members
    )
