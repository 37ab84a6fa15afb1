"""What an accountant checks in a filing, as findings that name both figures.

What belongs here: comparisons of figures inside one filing. What does not: refusing a filing that
states one figure twice (``summary_cells.py``), and how findings are shown.

A failed finding is a question about the filing, not always a mistake in it. Figures are compared
within what their stated decimals leave open: reports cut amounts off (百万円未満切捨て) as often as
they round them, so that each may be almost one unit of its last digit away from the truth.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import NamedTuple

from tdnet_assets.tdnet.reports.attached_elements import (
    ASSETS,
    ATTACHED_ELEMENTS,
    LIABILITIES,
    LIABILITIES_AND_NET_ASSETS,
    NET_ASSETS,
    PARTS_OF_REVENUE,
    WHOLES_OF_REVENUE,
)
from tdnet_assets.tdnet.reports.earnings_items import (
    FORECAST_ITEMS,
    PARENT_FORECAST_ITEMS,
    PAYOUT,
    changed_element,
)
from tdnet_assets.tdnet.reports.report_contents import (
    Dividend,
    DividendYear,
    Earnings,
    Figure,
    Forecast,
)
from tdnet_assets.tdnet.reports.summary_cells import (
    CONSOLIDATED,
    CURRENT,
    FORECAST,
    LOWER,
    PREDICTED,
    PREVIOUS,
    RESULT,
    UPPER,
    Cell,
    Span,
    SummaryCells,
    comparative,
    unit_of,
)
from tdnet_assets.tdnet.xbrl.facts import ATTACHMENT, Fact

SUMMARY_EQUALS_STATEMENTS = "summary_equals_statements"
CHANGE_RATE_AGREES = "change_rate_agrees"
CHANGE_AMOUNT_AGREES = "change_amount_agrees"
ASSETS_BALANCE = "assets_balance"
NET_ASSETS_WITHIN_ASSETS = "net_assets_within_assets"
EQUITY_RATIO_AGREES = "equity_ratio_agrees"
FIGURES_TAGGED = "figures_tagged"
FORECASTS_KEPT = "forecasts_kept"
FORECAST_IS_FIGURE_OR_RANGE = "forecast_is_figure_or_range"
DIVIDENDS_ADD_UP = "dividends_add_up"

_PARTS = ("first_quarter", "second_quarter", "third_quarter", "year_end")
_LONGEST_LIST = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison.

    Attributes:
        name: which check, one of the constants of this module.
        passed: whether the figures agree.
        compared: what was compared, for a person to read.
        left: the figure that is checked.
        right: what it should be.
        tolerance: the figures agree when they differ by less than this; 0 means exactly.
    """

    name: str
    passed: bool
    compared: str
    left: Decimal | None
    right: Decimal | None
    tolerance: Decimal


def check_earnings(
    summary: SummaryCells, facts: Iterable[Fact], earnings: Earnings
) -> tuple[Finding, ...]:
    """All findings about a 決算短信; what is not stated is not checked.

    Args:
        summary: of the report.
        facts: of the attached statements, those of the ``COMPARED_ELEMENTS``; others are passed
            over.
        earnings: the row that was read from the summary.
    """
    statements = _Statements(facts)
    return (
        *_summary_equals_statements(summary, statements),
        *_statements_balance(statements),
        *_position_is_possible(summary, earnings),
        *_change_rates(summary),
        *_figures_are_tagged(earnings),
        _forecasts_are_kept(summary, earnings),
        *_forecasts_are_figures_or_ranges(earnings),
        *_dividends_add_up(earnings),
    )


def check_revisions(summary: SummaryCells) -> tuple[Finding, ...]:
    """All findings about a revision: the stated changes are those of the stated figures."""
    return (*_change_amounts(summary), *_change_rates(summary))


class _Place(NamedTuple):
    """What figures of the statements must share to be compared; some are in two currencies."""

    span: Span
    is_group: bool
    unit: str


class _Statements:
    """The figures of the attached statements, without any breakdown, by scope and unit."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts: dict[tuple[str, _Place], list[Fact]] = defaultdict(list)
        self.places: dict[_Place, None] = {}
        for fact in facts:
            if fact.part != ATTACHMENT or fact.value is None or fact.period_end is None:
                continue
            if fact.members or fact.result_forecast or fact.dividend_schedule:
                continue
            # EDINET's taxonomies mean the group where no member says otherwise.
            is_group = fact.consolidation in (None, CONSOLIDATED)
            place = _Place(Span(fact.period_start, fact.period_end), is_group, _unit(fact))
            self._facts[fact.element, place].append(fact)
            self.places[place] = None

    def stated(self, elements: Iterable[str], place: _Place) -> list[Fact]:
        return [fact for element in elements for fact in self._facts.get((element, place), ())]

    def one(self, elements: Iterable[str], place: _Place) -> Fact | None:
        return next(iter(self.stated(elements, place)), None)


def _unit(fact: Fact) -> str:
    """Its unit in one spelling: JPYPerShares is JPY/shares."""
    return (fact.unit or "").lower().replace("per", "/")


def _summary_equals_statements(summary: SummaryCells, statements: _Statements) -> Iterator[Finding]:
    """Every result of the summary against the line of the statements that says the same."""
    for cell, fact in summary.numbers.items():
        elements = ATTACHED_ELEMENTS.get(cell.element)
        if elements is None or fact.value is None or not _is_result(cell):
            continue
        is_group = cell.consolidation in (None, CONSOLIDATED)
        value = fact.value
        lines = [
            line
            for line in statements.stated(elements, _Place(cell.span, is_group, _unit(fact)))
            if not _is_part(line, cell.element, value)
        ]
        if lines:
            line = min(lines, key=lambda line: abs((line.value or Decimal(0)) - value))
            yield _finding(
                SUMMARY_EQUALS_STATEMENTS,
                f"{_named(cell)} and {line.element} of {line.document}",
                fact.value,
                line.value,
                max(unit_of(fact), unit_of(line)),
            )


def _is_part(line: Fact, element: str, whole: Decimal) -> bool:
    """Whether a line is only a part of the summary's revenue: 売上高 beside 営業収入."""
    return (
        line.element in PARTS_OF_REVENUE
        and element in WHOLES_OF_REVENUE
        and (line.value or Decimal(0)) + unit_of(line) <= whole
    )


def _statements_balance(statements: _Statements) -> Iterator[Finding]:
    for place in statements.places:
        assets = statements.one(ASSETS, place)
        if assets is None:
            continue
        span = place.span
        both = statements.one(LIABILITIES_AND_NET_ASSETS, place)
        if both is not None:
            yield _finding(
                ASSETS_BALANCE,
                f"assets and {both.element} of {span.end}",
                assets.value,
                both.value,
                max(unit_of(assets), unit_of(both)),
            )
        debts = statements.one(LIABILITIES, place)
        net = statements.one(NET_ASSETS, place)
        if debts is not None and net is not None:
            yield _finding(
                ASSETS_BALANCE,
                f"assets and the sum of {debts.element} and {net.element} of {span.end}",
                assets.value,
                (debts.value or Decimal(0)) + (net.value or Decimal(0)),
                # Two parts, each cut off: their sum may be one unit short.
                2 * max(map(unit_of, (assets, debts, net))),
            )


def _position_is_possible(summary: SummaryCells, earnings: Earnings) -> Iterator[Finding]:
    results = earnings.results
    assets_element = results.total_assets.element
    for cell, fact in summary.numbers.items():
        if cell.element != assets_element or fact.value is None or not _is_result(cell):
            continue
        net = summary.numbers.get(cell.under(results.net_assets.element or ""))
        if net is not None and net.value is not None:
            yield Finding(
                name=NET_ASSETS_WITHIN_ASSETS,
                passed=net.value <= fact.value,
                compared=f"net assets, at most total assets, of {cell.span.end}",
                left=net.value,
                right=fact.value,
                tolerance=Decimal(0),
            )
        equity = summary.numbers.get(cell.under(results.equity.element or ""))
        ratio = summary.numbers.get(cell.under(results.equity_ratio.element or ""))
        if equity is not None and ratio is not None:
            yield from _rate_finding(
                EQUITY_RATIO_AGREES,
                f"{_named(cell.under(ratio.element))} and equity by total assets",
                ratio,
                _Quotient(equity, fact),
            )


def _change_rates(summary: SummaryCells) -> Iterator[Finding]:
    """Every stated rate of change against its two figures, where the base is a profit."""
    for cell, rate in summary.numbers.items():
        element, statistic = changed_element(cell.element)
        if statistic != "rate" or rate.value is None or cell.members:
            continue
        now = summary.numbers.get(cell.under(element))
        before = _base(summary, cell.under(element))
        if now is not None and before is not None:
            yield from _rate_finding(
                CHANGE_RATE_AGREES,
                f"{_named(cell)} and the change from {before.result_forecast} {before.period_end}",
                rate,
                _Quotient(now, before, less_one=True),
            )


def _base(summary: SummaryCells, cell: Cell) -> Fact | None:
    """What a change is counted from: the previous forecast, or the same period a year before."""
    if cell.previous_current == CURRENT:
        previous = cell._replace(previous_current=PREVIOUS)
        found = summary.numbers.get(previous)
        if cell.result_forecast == RESULT:
            found = found or summary.numbers.get(previous._replace(result_forecast=FORECAST))
        return found
    result, forecast = (cell._replace(result_forecast=kind) for kind in (RESULT, FORECAST))
    # The second of two forecast periods is held against the first.
    span = comparative(cell.span, [*summary.spans(result), *summary.spans(forecast)])
    # An interim report forecasts a year whose base, the last year, it does not state.
    if span is None or abs(span.months - cell.span.months) > 1:
        return None
    base = summary.numbers.get(result._replace(span=span))
    return base or summary.numbers.get(forecast._replace(span=span))


def _change_amounts(summary: SummaryCells) -> Iterator[Finding]:
    for cell, change in summary.numbers.items():
        element, statistic = changed_element(cell.element)
        if statistic != "change" or change.value is None or cell.members:
            continue
        now = summary.numbers.get(cell.under(element))
        before = _base(summary, cell.under(element))
        if now is None or before is None or now.value is None or before.value is None:
            continue
        yield _finding(
            CHANGE_AMOUNT_AGREES,
            f"{_named(cell)} and the difference of the two figures",
            change.value,
            now.value - before.value,
            2 * max(map(unit_of, (change, now, before))),
        )


def _figures_are_tagged(earnings: Earnings) -> Iterator[Finding]:
    """A result whose change or earlier figure is tagged is tagged itself: else it is in no row."""
    for name in earnings.untagged:
        figure: Figure = getattr(earnings.results, name)
        yield Finding(
            name=FIGURES_TAGGED,
            passed=False,
            compared=f"{figure.element} of {earnings.period_end}, which has no tag, and what it "
            "is compared with",
            left=None,
            right=figure.prior,
            tolerance=Decimal(0),
        )


def _forecasts_are_kept(summary: SummaryCells, earnings: Earnings) -> Finding:
    """Every filled forecast of the summary is somewhere in the row, as often as it is stated."""
    stated = Counter(
        (str(cell.result_forecast), fact.value, cell.element)
        for cell, fact in summary.numbers.items()
        if cell.result_forecast in PREDICTED and fact.value is not None
    )
    kept = Counter(_forecasts_of(earnings))
    missing = []
    for (kind, value, element), times in stated.items():
        absent = times - kept[kind, value]
        kept[kind, value] -= times
        if absent > 0:
            missing.append(f"{element} {kind} {value}")
    shown = ", ".join(sorted(missing)[:_LONGEST_LIST])
    return Finding(
        name=FORECASTS_KEPT,
        passed=not missing,
        compared="forecasts in the row and in the summary" + (f"; not kept: {shown}" * bool(shown)),
        left=Decimal(stated.total() - len(missing)),
        right=Decimal(stated.total()),
        tolerance=Decimal(0),
    )


def _forecasts_of(earnings: Earnings) -> Iterator[tuple[str, Decimal | None]]:
    for _, forecast in _named_forecasts(earnings):
        yield from ((FORECAST, forecast.value), (FORECAST, forecast.change))
        yield from ((LOWER, forecast.lower), (LOWER, forecast.change_lower))
        yield from ((UPPER, forecast.upper), (UPPER, forecast.change_upper))
    for year in _dividend_years(earnings):
        for name in (*_PARTS, "annual", "commemorative", "extra", *(item.name for item in PAYOUT)):
            dividend: Dividend = getattr(year, name)
            yield from ((FORECAST, dividend.forecast), (LOWER, dividend.lower))
            yield UPPER, dividend.upper
    for other in earnings.other_forecasts:
        yield other.statistic, other.value


def _forecasts_are_figures_or_ranges(earnings: Earnings) -> Iterator[Finding]:
    for name, forecast in _named_forecasts(earnings):
        lower, upper = forecast.lower, forecast.upper
        if lower is None and upper is None:
            continue
        in_order = lower is None or upper is None or lower <= upper
        yield Finding(
            name=FORECAST_IS_FIGURE_OR_RANGE,
            passed=in_order and forecast.value is None,
            compared=f"the range of {name}, lower end first and without a figure beside it",
            left=lower,
            right=upper,
            tolerance=Decimal(0),
        )


def _dividends_add_up(earnings: Earnings) -> Iterator[Finding]:
    """The parts of a year against the year, with forecasts where nothing is paid yet.

    A company that pays twice a year leaves the other quarters empty. One that has split its shares
    leaves the year empty.
    """
    for year in _dividend_years(earnings):
        for kind in ("forecast", "lower", "upper"):
            annual = _known(year.annual, kind)
            parts = [_known(getattr(year, name), kind) for name in _PARTS]
            first, second, third, last = parts
            complete = (
                second is not None and last is not None and (first is None) == (third is None)
            )
            # Without forecasts, the three kinds are one and the same sum of results.
            if annual is None or not complete or (kind != "forecast" and _is_paid(year)):
                continue
            yield _finding(
                DIVIDENDS_ADD_UP,
                f"annual dividend of {year.period_end} and the sum of its parts ({kind})",
                annual,
                sum((part for part in parts if part is not None), Decimal(0)),
                Decimal(0),
            )


def _known(dividend: Dividend, kind: str) -> Decimal | None:
    if dividend.result is not None:
        return dividend.result
    if kind == "forecast" or dividend.forecast is not None:
        return dividend.forecast
    end: Decimal | None = getattr(dividend, kind)
    return end


def _is_paid(year: DividendYear) -> bool:
    """Whether the year's sum is one figure, so that there are no ends of a range to add up."""
    return year.annual.result is not None or year.annual.forecast is not None


def _dividend_years(earnings: Earnings) -> list[DividendYear]:
    years = (earnings.prior_dividends, earnings.dividends, earnings.next_dividends)
    return [year for year in years if year is not None]


def _named_forecasts(earnings: Earnings) -> Iterator[tuple[str, Forecast]]:
    for period in earnings.forecast_periods.values():
        for item in FORECAST_ITEMS:
            yield f"{item.name} to {period.period_end}", getattr(period.figures, item.name)
        for item in PARENT_FORECAST_ITEMS if period.parent else ():
            name = f"the parent's {item.name} to {period.period_end}"
            yield name, getattr(period.parent, item.name)


class _Quotient(NamedTuple):
    """One figure by another, less one for a rate of change."""

    above: Fact
    below: Fact
    less_one: bool = False

    def bounds(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """The least, the stated and the largest quotient that the cut-off figures allow.

        None where a figure is missing or the divisor is not surely positive.
        """
        above, below = self.above.value, self.below.value
        margin_above, margin_below = unit_of(self.above), unit_of(self.below)
        if above is None or below is None or below - margin_below <= 0:
            return None
        corners = [
            a / b
            for a, b in product(
                (above - margin_above, above + margin_above),
                (below - margin_below, below + margin_below),
            )
        ]
        base = Decimal(self.less_one)
        return min(corners) - base, above / below - base, max(corners) - base


def _rate_finding(name: str, compared: str, rate: Fact, quotient: _Quotient) -> Iterator[Finding]:
    bounds = quotient.bounds()
    if bounds is None or rate.value is None:
        return
    least, exact, most = bounds
    # The rate itself may be cut off or rounded, so it may be one unit of its last digit away.
    margin = max(exact - least, most - exact) + unit_of(rate)
    yield _finding(name, compared, rate.value, exact, margin)


def _finding(
    name: str, compared: str, left: Decimal | None, right: Decimal | None, tolerance: Decimal
) -> Finding:
    """Two figures that agree when they are equal or differ by less than the tolerance."""
    agree = left == right
    if left is not None and right is not None:
        agree = agree or abs(left - right) < tolerance
    return Finding(name, agree, compared, left, right, tolerance)


def _is_result(cell: Cell) -> bool:
    return (
        cell.result_forecast == RESULT
        and cell.previous_current is None
        and cell.dividend_schedule is None
        and not cell.members
    )


def _named(cell: Cell) -> str:
    words = (cell.element, cell.consolidation, cell.result_forecast, str(cell.span.end))
    return " ".join(word for word in words if word)
