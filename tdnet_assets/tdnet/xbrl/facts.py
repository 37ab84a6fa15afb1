"""What a filing says, one fact at a time: the shape that the reader makes and all else reads.

What belongs here: facts with their context, unit and exact value, and what stands in their place
where one cannot be read. What does not: reading them
(``archive`` and ``inline``) and what they mean for a company (``tdnet/reports/earnings_report.py``,
``tdnet/reports/revision_notice.py``).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

SUMMARY, ATTACHMENT = "summary", "attachment"

# 26 digits before the point and 12 behind it hold any amount in yen and any stated ratio.
WHOLE_DIGITS, FRACTION_DIGITS = 26, 12

# Kinds of what is not among the facts of a filing.
UNREAD_FACT, UNREAD_DOCUMENT, UNLISTED_DOCUMENT = "fact", "document", "unlisted"


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


@dataclass(frozen=True, slots=True)
class Unread:
    """Something of a filing that is not among its facts, and why; never a zero, never nothing.

    Attributes:
        kind: ``fact``: one cell could not be read; ``document``: a whole attachment; ``unlisted``:
            a document that the filing's own manifest does not list, and that is left alone.
        document: file name of the document inside the archive, without its folder.
        part: ``summary`` or ``attachment``.
        line: of the fact in its document; None for a document.
        element: name of the fact as the filing spells it, with its prefix; None for a document.
        context_id: id of the context that the fact refers to, be it declared or not.
        text: what is printed, at most 1,000 characters of it; None for a document.
        reason: what was seen, and what to do.
    """

    kind: str
    document: str
    part: str
    line: int | None
    element: str | None
    context_id: str | None
    text: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class FilingFacts:
    """What an archive says, and what of it could not be read."""

    facts: tuple[Fact, ...]
    unread: tuple[Unread, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every cell of every listed document is a fact."""
        return all(one.kind == UNLISTED_DOCUMENT for one in self.unread)
