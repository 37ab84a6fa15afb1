"""The cells of a filing's summary: one number per element and context, one text per element.

What belongs here: finding a cell, and refusing a filing whose facts contradict each other about
one, or is in a taxonomy that is not known. What does not: which cells make a figure
(``earnings_report.py``, ``revision_notice.py``), and the attached statements.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

from tdnet_assets.tdnet.errors import TdnetError, shown
from tdnet_assets.tdnet.xbrl.facts import SUMMARY, Fact, Member

Family = Literal["ed", "re", "ef"]
"""Whose form it is: a company's (ed), a real estate trust's (re) or an exchange-traded fund's."""

RESULT, FORECAST, LOWER, UPPER = "Result", "Forecast", "Lower", "Upper"
PREDICTED = (FORECAST, LOWER, UPPER)
CONSOLIDATED, NON_CONSOLIDATED = "Consolidated", "NonConsolidated"
PREVIOUS, CURRENT = "Previous", "Current"

# Matches any edition: .../taxonomy/jp/tse/tdnet/ed/t/2014-01-12 and the older .../t/ed/2007-06-30.
_SUMMARY_NAMESPACE = re.compile(r"tdnet.{0,100}[/-](ed|re|ef)(?:[/-]|$)")
# The exchange's own, of any form; a filer's extensions are elsewhere.
_TAXONOMY = re.compile(r"tdnet.{0,100}/taxonomy/")
_DAYS_PER_MONTH = 30.44


class EarningsError(TdnetError):
    """A filing contradicts itself, or lacks what every filing of its kind states."""


class Span(NamedTuple):
    """The days that a figure covers; an instant has no start."""

    start: date | None
    end: date

    @property
    def months(self) -> int:
        """Its length in whole months, rounded; 0 for an instant."""
        return 0 if self.start is None else round((self.end - self.start).days / _DAYS_PER_MONTH)


class Cell(NamedTuple):
    """Where a number stands: its element and all that its context says."""

    element: str
    span: Span
    consolidation: str | None
    result_forecast: str | None
    previous_current: str | None = None
    dividend_schedule: str | None = None
    members: tuple[Member, ...] = ()

    def under(self, element: str) -> "Cell":
        """The cell of another element in the same context."""
        return Cell(element, *self[1:])

    @property
    def anywhen(self) -> tuple[object, ...]:
        """What the cell has in common with those of other spans."""
        return self.element, *self[2:]


class SummaryCells:
    """The numbers and texts of a summary, each under its own place.

    Args:
        facts: all facts of one archive; those of attached statements are passed over.

    Raises:
        EarningsError: two facts of one cell disagree beyond their stated accuracy.
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.family: Family | None = None
        self._unknown: dict[str, None] = {}
        self.numbers: dict[Cell, Fact] = {}
        self._texts: dict[str, dict[str, str]] = defaultdict(dict)
        cells: dict[Cell, list[Fact]] = defaultdict(list)
        for fact in facts:
            family = summary_family(fact)
            if family is None:
                if fact.part == SUMMARY:
                    self._unknown[fact.namespace] = None
                continue
            self.family = self.family or family
            if is_number(fact):
                cells[_cell(fact)].append(fact)
            elif fact.text is not None and fact.text.strip():
                # Software breaks long titles at will: white space makes no other text.
                text = fact.text.strip()
                self._texts[fact.element].setdefault("".join(text.split()), text)
        self.numbers = {cell: agreed(cell, stated) for cell, stated in cells.items()}
        self._spans: dict[tuple[object, ...], list[Span]] = defaultdict(list)
        for cell in self.numbers:
            self._spans[cell.anywhen].append(cell.span)

    def form(self) -> Family:
        """Whose form the summary is.

        Raises:
            EarningsError: there is no summary, or it uses a taxonomy of the exchange that is not
                known: what its elements mean would be a guess.
        """
        new = [name for name in self._unknown if self.family is None or _TAXONOMY.search(name)]
        if new:
            raise EarningsError(
                f"the taxonomy {' and '.join(map(shown, sorted(new)))} is not known: look at what "
                "the exchange has changed, and teach summary_cells its namespace"
            )
        if self.family is None:
            raise EarningsError(
                "the archive has no summary, only attached statements: look at which documents it "
                "holds and under which names"
            )
        return self.family

    def text(self, element: str) -> str | None:
        """The text of an element, without white space around it; None where none is stated.

        Raises:
            EarningsError: the summary states different texts under that element.
        """
        texts = list(self._texts.get(element, {}).values())
        if len(texts) > 1:
            raise EarningsError(
                f"the summary states {element} as {' and as '.join(map(shown, sorted(texts)))}: "
                "look at the filing, and wait for the company's correction"
            )
        return texts[0] if texts else None

    def day(self, *elements: str) -> date | None:
        """The first date that is stated under one of the elements.

        Raises:
            EarningsError: the text is no ISO date.
        """
        for element in elements:
            text = self.text(element)
            if text is not None:
                try:
                    return date.fromisoformat(text)
                except ValueError:
                    raise EarningsError(
                        f"{element} is {shown(text)}, which is no date like 2026-03-31: look at "
                        "the filing, and whether the reader knows its date format"
                    ) from None
        return None

    def flag(self, *elements: str) -> bool | None:
        """Whether any of the elements says true; None where none of them says anything.

        Raises:
            EarningsError: the text is neither true nor false.
        """
        texts = {text for element in elements for text in self._texts.get(element, {}).values()}
        if not texts <= {"true", "false"}:
            raise EarningsError(
                f"{' or '.join(elements)} is {' and '.join(map(shown, sorted(texts)))}, which is "
                "neither true nor false: look at the filing"
            )
        return "true" in texts if texts else None

    def value(self, cell: Cell) -> Decimal | None:
        """The number of a cell; None where it is nil or not there."""
        fact = self.numbers.get(cell)
        return None if fact is None else fact.value

    def spans(self, cell: Cell) -> Sequence[Span]:
        """Every span for which the summary has the cell's number; the cell's own is no matter."""
        return self._spans.get(cell.anywhen, ())


def summary_family(fact: Fact) -> Family | None:
    """Which form's element the fact uses; None for facts of attachments and of other taxonomies."""
    return _family(fact.namespace) if fact.part == SUMMARY else None


@lru_cache(maxsize=100)
def _family(namespace: str) -> Family | None:
    match = _SUMMARY_NAMESPACE.search(namespace)
    return None if match is None else match[1]  # type: ignore[return-value]  # the pattern's words


def is_number(fact: Fact) -> bool:
    """Whether the fact is numeric; a nil fact is one when it has a unit."""
    return fact.value is not None or fact.unit is not None


def unit_of(fact: Fact) -> Decimal:
    """One unit of the last stated digit, e.g. 1,000,000 for decimals -6; 0 where it is exact."""
    return Decimal(0) if fact.decimals is None else Decimal(1).scaleb(-fact.decimals)


def agreed(cell: Cell, facts: Sequence[Fact]) -> Fact:
    """The one fact that all facts of a cell amount to: the most accurate.

    Facts agree where they differ by less than one unit of the coarser one's last digit, since
    Japanese reports cut figures off as often as they round them. Nil agrees with nil only.

    Raises:
        EarningsError: they do not agree.
    """
    if len(facts) == 1:  # as nearly all are
        return facts[0]
    best = min(facts, key=unit_of)
    for fact in facts:
        if not _agree(best, fact):
            raise EarningsError(
                f"{cell.element} for {_described(cell)} is stated as {_stated(best)} (fact "
                f"{best.order} of {best.document}) and as {_stated(fact)} (fact {fact.order}): "
                "look at the filing, and wait for the company's correction"
            )
    return best


def comparative(span: Span, candidates: Iterable[Span]) -> Span | None:
    """The earlier period that a period is compared with: of its length, and the latest of those."""
    if span.start is None:
        return max((c for c in candidates if c.end < span.end), key=lambda c: c.end, default=None)
    earlier = [c for c in candidates if c.start is not None and c.end < span.start]
    return min(
        earlier,
        key=lambda c: (abs(c.months - span.months), -c.end.toordinal()),
        default=None,
    )


def _cell(fact: Fact) -> Cell:
    if fact.period_end is None:
        raise EarningsError(
            f"{fact.element} (fact {fact.order} of {fact.document}) has no period: look at its "
            f"context {shown(fact.context_id)}"
        )
    return Cell(
        element=fact.element,
        span=Span(fact.period_start, fact.period_end),
        consolidation=fact.consolidation,
        result_forecast=fact.result_forecast,
        previous_current=fact.previous_current,
        dividend_schedule=fact.dividend_schedule,
        members=fact.members,
    )


def _agree(best: Fact, other: Fact) -> bool:
    if best.value is None or other.value is None:
        return best.value is other.value
    return best.value == other.value or abs(best.value - other.value) < unit_of(other)


def _stated(fact: Fact) -> str:
    return "nil" if fact.value is None else f"{fact.value:f}"


def _described(cell: Cell) -> str:
    axes = (
        cell.consolidation,
        cell.result_forecast,
        cell.previous_current,
        cell.dividend_schedule,
        *(f"{member.axis}={member.member}" for member in cell.members),
    )
    days = f"{cell.span.start}..{cell.span.end}" if cell.span.start else str(cell.span.end)
    return ", ".join([days, *(axis for axis in axes if axis)])
