"""Conditions on figures, as a watch file writes them: ``surprise.operating_income >= 0.2``.

What belongs here: reading such a condition, and whether a figure meets it. What does not: where
figures come from, and the watch file (``watch_file.py``).

A condition is three words at most and nothing else: a subject, and for a rate an operator and a
number. Nothing of it is ever evaluated as code or as an expression.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, get_args

from tdnet_assets.tdnet.errors import TdnetAssetsError, shown
from tdnet_assets.tdnet.reports.earnings_items import FORECAST_ITEMS
from tdnet_assets.tdnet.reports.revision_notice import ForecastRevision
from tdnet_assets.tdnet.reports.surprises import Difference, Turn, revision_difference

REVISION: Final = "forecast_revision"
SURPRISE: Final = "surprise"
DIVIDEND: Final = "dividend"
CHANGE: Final = "change"
CHANGED: Final = "changed"
ITEM_NAMES: Final = tuple(item.name for item in FORECAST_ITEMS)

_TURNS: Final[tuple[str, ...]] = get_args(Turn)
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_LONGEST = 120
_LONGEST_NUMBER = 20
_FORMS: Final = (
    "write e.g. forecast_revision.net_income.change <= -0.3, surprise.operating_income >= 0.2, "
    "forecast_revision.net_income.to_loss or dividend.changed"
)


class FigureConditionError(TdnetAssetsError):
    """A condition cannot be read; the message says what was seen and what to write."""


@dataclass(frozen=True, slots=True)
class WatchedFigure:
    """A figure that a filing changes or brings, against what was known before.

    Attributes:
        subject: ``forecast_revision.ITEM``, ``surprise.ITEM`` or ``dividend``.
        before: the earlier figure; None where there was none.
        after: the new one; None where it was taken back.
        rate: the change as a fraction of ``before``; None where that is not positive.
        turn: how both lie about zero, as of ``surprises.Difference``.
        period_end: last day of the figure's period, where it is known.
    """

    subject: str
    before: Decimal | None
    after: Decimal | None
    rate: Decimal | None
    turn: str | None
    period_end: date | None = None


@dataclass(frozen=True, slots=True)
class FigureCondition:
    """One condition: a rate against a bound, a turn, or that a figure has changed at all.

    ``measure`` is ``change``, ``changed`` or a turn; ``text`` is the condition as it is shown.
    """

    text: str
    subject: str
    measure: str
    relation: str = ""
    bound: Decimal = Decimal(0)

    @classmethod
    def parse(cls, text: str) -> "FigureCondition":
        """The condition that a text states.

        Raises:
            FigureConditionError: it is none.
        """
        words = text.split() if len(text) <= _LONGEST else []
        subject, measure = _subject(words[0]) if words else ("", "")
        if not subject:
            raise FigureConditionError(f"{shown(text)} is not a condition on a figure: {_FORMS}")
        if measure != CHANGE:
            if len(words) > 1:
                raise FigureConditionError(
                    f"{shown(text)}: {measure} is true or not, and is compared with nothing"
                )
            return cls(words[0], subject, measure)
        if len(words) != len(("subject", "operator", "number")) or words[1] not in _OPERATORS:
            raise FigureConditionError(
                f"{shown(text)}: a rate is compared by one of {' '.join(_OPERATORS)}, with blanks "
                f"around it: {_FORMS}"
            )
        return cls(" ".join(words), subject, measure, words[1], _number(words[2], text))

    def met_by(self, figure: WatchedFigure) -> bool:
        """Whether the figure is of the condition's subject and as it says."""
        if figure.subject != self.subject:
            return False
        if self.measure == CHANGED:
            return figure.before != figure.after
        if self.measure == CHANGE:
            holds = _OPERATORS[self.relation]
            return figure.rate is not None and holds(figure.rate, self.bound)
        return figure.turn == self.measure


def revised_figures(revision: ForecastRevision) -> tuple[WatchedFigure, ...]:
    """What a row of a notice of a revision is to a watch; nothing where it revises nothing."""
    found = revision_difference(revision)
    before, after = revision.previous.middle, revision.current.middle
    if revision.kind == DIVIDEND:
        subject = DIVIDEND
    elif revision.item in ITEM_NAMES:
        subject = f"{REVISION}.{revision.item}"
    else:
        return ()
    if found is None and before == after:
        return ()
    return (_figure(subject, found, before, after, revision.period_end),)


def surprising_figure(
    item: str, expected: Decimal, value: Decimal, found: Difference, period_end: date | None
) -> WatchedFigure:
    """What a result against the company's own forecast is to a watch."""
    return _figure(f"{SURPRISE}.{item}", found, expected, value, period_end)


def _figure(
    subject: str,
    found: Difference | None,
    before: Decimal | None,
    after: Decimal | None,
    period_end: date | None,
) -> WatchedFigure:
    if found is None:
        return WatchedFigure(subject, before, after, None, None, period_end)
    return WatchedFigure(subject, found.before, found.now, found.rate, found.turn, period_end)


def _subject(name: str) -> tuple[str, str]:
    """The subject and the measure that a name means; empty where it means nothing."""
    parts = name.split(".")
    match parts:
        case ["dividend", "changed"]:
            return DIVIDEND, CHANGED
        case ["forecast_revision", item, measure] if item in ITEM_NAMES:
            known = measure == CHANGE or measure in _TURNS
            return (f"{REVISION}.{item}", measure) if known else ("", "")
        case ["surprise", item] if item in ITEM_NAMES:
            return f"{SURPRISE}.{item}", CHANGE
        case ["surprise", item, turn] if item in ITEM_NAMES and turn in _TURNS:
            return f"{SURPRISE}.{item}", turn
    return "", ""


def _number(text: str, condition: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= _LONGEST_NUMBER else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise FigureConditionError(
            f"{shown(condition)}: {shown(text)} is not a number: -0.3 is minus 30 %"
        )
    return number
