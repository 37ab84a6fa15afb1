"""What a filing says, one fact at a time: the shape that the reader makes and all else reads.

What belongs here: facts with their context, unit and exact value. What does not: reading them
(``archive`` and ``inline``) and what they mean for a company (``tdnet/reports/earnings_report.py``,
``tdnet/reports/revision_notice.py``).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

SUMMARY, ATTACHMENT = "summary", "attachment"


@dataclass(frozen=True, slots=True)
class Member:
    """A dimension of a context that has no column of its own.

    ``axis`` and ``member`` are local names; ``member`` is the text where the dimension is typed.
    """

    axis: str
    member: str
    is_typed: bool


class Fact(NamedTuple):
    """One fact of an inline XBRL document; a day has a quarter of a million, and tuples are cheap.

    Attributes:
        document: file name of the document inside the archive, without its folder.
        part: ``summary`` or ``attachment``.
        order: position among the archive's facts, from 1.
        element: local name, e.g. ``NetSales``.
        namespace: URI of the element's namespace.
        context_id: id of the context as the filing spells it; nothing is read from it.
        period_type: ``duration``, ``instant`` or ``forever``.
        period_start: first day of a duration.
        period_end: last day of a duration, or the day of an instant.
        period_label: first part of the context id, e.g. ``CurrentYearDuration``; a label only.
        consolidation: ``Consolidated`` or ``NonConsolidated``, from its axis; None without one.
        result_forecast: ``Result``, ``Forecast``, ``Upper`` or ``Lower``.
        previous_current: ``Previous`` or ``Current``, in revisions only.
        dividend_schedule: ``FirstQuarter`` to ``ThirdQuarter``, ``YearEnd`` or ``Annual``.
        members: all other dimensions, by axis.
        unit: local name of the unit's measure, e.g. ``JPY``; numerator/denominator for a ratio.
        decimals: accuracy as stated, None where it is absent or INF.
        scale: power of ten that the printed number was multiplied with.
        value: exact value of a number, scale and sign applied; None for text and for nil.
        text: text of a fact that is no number, transformed to its canonical form.
        is_nil: the fact says that there is no value, which is not zero.
    """

    document: str
    part: str
    order: int
    element: str
    namespace: str
    context_id: str
    period_type: str
    period_start: date | None
    period_end: date | None
    period_label: str
    consolidation: str | None
    result_forecast: str | None
    previous_current: str | None
    dividend_schedule: str | None
    members: tuple[Member, ...]
    unit: str | None
    decimals: int | None
    scale: int | None
    value: Decimal | None
    text: str | None
    is_nil: bool
