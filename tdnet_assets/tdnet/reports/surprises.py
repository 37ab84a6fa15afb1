"""How large a revision or a surprise is, and which of a day are the largest.

What belongs here: comparing one figure with another where a ratio may be meaningless, because the
base is a loss or nothing. What does not: reading the figures, and which forecast was a company's
last (the caller knows the earlier filings).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, TypeVar

from tdnet_assets.tdnet.reports.earnings_items import FORECAST_ITEMS
from tdnet_assets.tdnet.reports.report_contents import Earnings, ForecastPeriod
from tdnet_assets.tdnet.reports.revision_notice import ForecastRevision, Range

Turn = Literal["to_profit", "to_loss", "larger_loss", "smaller_loss"]

# Operating income first: it is the figure that all standards but banks' state.
RANKED_ITEMS = (
    "operating_income",
    "ordinary_income",
    "profit_before_tax",
    "net_income",
    "revenue",
    "eps",
)

_Row = TypeVar("_Row")


class Difference(NamedTuple):
    """A figure against an earlier one.

    Attributes:
        before: the earlier figure, or the nearer end of a range that is missed.
        now: the later figure.
        amount: ``now - before``.
        rate: ``amount / before`` as a fraction; None where the base is not positive, since the
            ratio to a loss or to nothing means nothing.
        turn: how the two lie about zero where the rate is None or misleading; None where both are
            positive or the base is zero.
        size: from 0, equal, to 2, of opposite signs: the amount by the mean of the two sizes. It
            orders every pair of figures, losses included.
    """

    before: Decimal
    now: Decimal
    amount: Decimal
    rate: Decimal | None
    turn: Turn | None
    size: Decimal


@dataclass(frozen=True, slots=True)
class Surprise:
    """A result against the company's own last forecast of it.

    Attributes:
        item: the item's name in ``earnings_items.py``.
        actual: the result.
        forecast: the forecast, as one figure or a range.
        difference: the result against the forecast; against the nearer end of a range, and against
            the result itself, which is no difference, inside one.
    """

    item: str
    actual: Decimal
    forecast: Range
    difference: Difference


def difference(before: Decimal, now: Decimal) -> Difference:
    """The later figure against the earlier one."""
    amount = now - before
    mean = (abs(before) + abs(now)) / 2
    return Difference(
        before=before,
        now=now,
        amount=amount,
        rate=amount / before if before > 0 else None,
        turn=_turn(before, now),
        size=abs(amount) / mean if mean else Decimal(0),
    )


def own_forecasts(period: ForecastPeriod | None) -> dict[str, Range]:
    """The stated forecasts of a period, by item, as :func:`surprises` takes them."""
    if period is None:
        return {}
    forecasts = {
        item.name: Range(stated.value, stated.lower, stated.upper)
        for item in FORECAST_ITEMS
        for stated in [getattr(period.figures, item.name)]
    }
    return {name: forecast for name, forecast in forecasts.items() if forecast.is_stated}


def surprises(earnings: Earnings, forecasts: Mapping[str, Range]) -> tuple[Surprise, ...]:
    """The results of a report against the company's last forecasts of the same period.

    Args:
        earnings: the report; a full year's, or an interim one with forecasts of its half.
        forecasts: the last forecast of each item, from :func:`own_forecasts` of an earlier report
            or from the current side of a revision.

    Returns:
        One entry per item that has both, in the order of the items.
    """
    found = []
    for item in FORECAST_ITEMS:
        actual = getattr(earnings.results, item.name).value
        forecast = forecasts.get(item.name)
        if actual is None or forecast is None or not forecast.is_stated:
            continue
        expected = _nearest(forecast, actual)
        found.append(Surprise(item.name, actual, forecast, difference(expected, actual)))
    return tuple(found)


def revision_difference(revision: ForecastRevision) -> Difference | None:
    """The new forecast, or the result, against the old one; None where one of them is missing.

    A range counts with its middle.
    """
    before = revision.previous.middle
    now = revision.current.middle
    if now is None:
        now = revision.result
    return None if before is None or now is None else difference(before, now)


def largest(
    rows: Iterable[_Row], difference_of: Callable[[_Row], Difference | None], *, limit: int
) -> tuple[_Row, ...]:
    """The rows with the largest differences, the largest first; rows without one are left out.

    Args:
        rows: anything that has a difference.
        difference_of: the difference of a row; None where there is none.
        limit: at most that many rows.

    Returns:
        Ordered by size; where sizes are equal, as between all that turned from loss to profit, by
        the amount without its sign. Equal rows keep their order.
    """
    ranked = [(found, row) for row in rows if (found := difference_of(row)) and found.amount]
    ranked.sort(key=lambda pair: (pair[0].size, abs(pair[0].amount)), reverse=True)
    return tuple(row for _, row in ranked[:limit])


def biggest_revisions(
    revisions: Iterable[ForecastRevision], *, limit: int
) -> tuple[ForecastRevision, ...]:
    """The day's largest revisions of forecasts, one for each notice and period.

    Of each notice and period the first item of :data:`RANKED_ITEMS` that was revised stands for
    all; dividends and trusts' distributions, which have no such item, stand for themselves.
    """
    leading: dict[object, ForecastRevision] = {}
    for revision in revisions:
        found = revision_difference(revision)
        if found is None or not found.amount:
            continue
        about = (revision.code, revision.document_name, revision.consolidation)
        key: object = (*about, revision.period_start, revision.period_end)
        if revision.item not in RANKED_ITEMS:
            key = (key, revision.item, revision.dividend_schedule)
        known = leading.get(key)
        if known is None or _rank(revision) < _rank(known):
            leading[key] = revision
    return largest(leading.values(), revision_difference, limit=limit)


def _rank(revision: ForecastRevision) -> int:
    return RANKED_ITEMS.index(revision.item) if revision.item in RANKED_ITEMS else 0


def _nearest(forecast: Range, actual: Decimal) -> Decimal:
    if forecast.value is not None:
        return forecast.value
    if forecast.lower is not None and actual < forecast.lower:
        return forecast.lower
    if forecast.upper is not None and actual > forecast.upper:
        return forecast.upper
    return actual


def _turn(before: Decimal, now: Decimal) -> Turn | None:
    if before < 0 <= now:
        return "to_profit"
    if now < 0 <= before:
        return "to_loss"
    if before < 0 and now != before:
        return "larger_loss" if now < before else "smaller_loss"
    return None
