"""Whether every figure of a summary stands in the column that its context's id names.

What belongs here: an expectation made from the ids of contexts alone (as
``PriorYearDuration_ConsolidatedMember_ResultMember``), which the reader never looks at, beside the
rows that it makes; and what the accounting checks find. What does not: reading archives and
comparing their facts (``benchmarks/xbrl_season.py``).

``python -m benchmarks.xbrl_season FOLDER`` looks at a folder so, and prints what it found.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.reports.accounting_checks import (
    Finding,
    check_earnings,
    check_revisions,
)
from tdnet_assets.tdnet.reports.earnings_columns import earnings_columns, earnings_row
from tdnet_assets.tdnet.reports.earnings_items import (
    COMMEMORATIVE_DIVIDEND,
    DIVIDEND,
    EXTRA_DIVIDEND,
    ITEM_OF_ELEMENT,
    PARENT_ITEMS,
    PAYOUT,
    SHARES,
    changed_element,
)
from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.report_contents import Earnings
from tdnet_assets.tdnet.reports.revision_notice import (
    ForecastRevision,
    Range,
    read_revisions,
    unread_elements,
)
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.xbrl.facts import SUMMARY, Fact

_COLUMNS = frozenset(earnings_columns())
_FORECAST_PERIODS = {
    "CurrentAccumulatedQ2Duration": "this_half",
    "CurrentYearDuration": "this_year",
    "NextAccumulatedQ2Duration": "next_half",
    "NextYearDuration": "next_year",
    "Next2YearDuration": "year_after_next",
}
_DIVIDEND_YEARS = {"Prior": "prior_dividend", "Current": "dividend", "Next": "next_dividend"}
_SCHEDULES = {
    "FirstQuarterMember": "first_quarter",
    "SecondQuarterMember": "second_quarter",
    "ThirdQuarterMember": "third_quarter",
    "YearEndMember": "year_end",
    "AnnualMember": "annual",
}
_SPECIAL = {COMMEMORATIVE_DIVIDEND: "commemorative", EXTRA_DIVIDEND: "extra"}
_PAYOUT = {name: item for item in PAYOUT for name in (*item.jp, *item.ifrs, *item.us, *item.reit)}
_ENDINGS = {
    "ResultMember": "",
    "ForecastMember": "_forecast",
    "LowerMember": "_lower",
    "UpperMember": "_upper",
}
_CONSOLIDATED, _NON_CONSOLIDATED = "ConsolidatedMember", "NonConsolidatedMember"
_LONGEST_LIST = 10


# Forecasts without a column: element, kind and value.
_Aside = Counter[tuple[str, str, Decimal]]


class _Id(NamedTuple):
    """A context's id taken apart: its period and its members."""

    head: str
    members: frozenset[str]

    @property
    def kind(self) -> str | None:
        return next((member for member in _ENDINGS if member in self.members), None)


@dataclass
class SeasonFigures:
    """What became of the figures of many archives; all counts but ``findings`` are of figures.

    Attributes:
        archives: how many archives were looked at.
        rows: how many became a row of a report or rows of a notice.
        rejects: why the others did not, by archive; none is lost where they are all.
        right: figures in the column that their context names.
        wrong: those that are in another or in none, as a sentence each.
        stray: values of a column that no context names, likewise.
        choices: figures of an item that another element states in the same column.
        kept_aside: forecasts among ``other_forecasts``.
        without_column: figures of elements that have no column, by element.
        findings: of the accounting checks that failed, by check, as a sentence each.
    """

    archives: int = 0
    rows: int = 0
    rejects: dict[str, str] = field(default_factory=dict)
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    kept_aside: int = 0
    without_column: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[str]] = field(default_factory=dict)

    def look_at(self, name: str, facts: Sequence[Fact]) -> None:
        """Take one archive in.

        Args:
            name: of its file.
            facts: all that the archive holds.
        """
        self.archives += 1
        try:
            summary = SummaryCells(facts)
            earnings = read_earnings(summary)
            if earnings is None:
                self._notice(name, summary, facts)
            else:
                self._report(name, summary, facts, earnings)
        except TdnetError as error:
            self.rejects[name] = str(error)

    def _report(
        self, name: str, summary: SummaryCells, facts: Sequence[Fact], earnings: Earnings
    ) -> None:
        self.rows += 1
        self._find(name, check_earnings(summary, facts, earnings))
        row = earnings_row(earnings)
        expected: dict[str, list[Fact]] = defaultdict(list)
        is_group = _is_group(facts)
        others = earnings.other_forecasts
        aside: _Aside = Counter((one.element, one.statistic, one.value) for one in others)
        for fact in _numbers(facts):
            column = _column(fact, is_group=is_group)
            kind = fact.result_forecast or ""
            if column in _COLUMNS:
                expected[column].append(fact)
            elif aside[fact.element, kind, fact.value or Decimal(0)]:
                self.kept_aside += 1
            else:
                self.without_column[fact.element] += 1
        for column, stated in expected.items():
            self._compare(name, column, row[column], stated, aside)
        numbers = (column for column, value in row.items() if isinstance(value, Decimal))
        self.stray += [
            f"{name}: {column} is {row[column]}" for column in numbers if column not in expected
        ]

    def _compare(
        self, name: str, column: str, value: object, stated: Sequence[Fact], aside: _Aside
    ) -> None:
        for fact in stated:
            if fact.value == value:
                self.right += 1
            elif any(other.value == value and other.element != fact.element for other in stated):
                # Another element of the item stands in the column, and the row says which.
                self.choices.append(f"{name}: {column} is {value}, not {fact.element} {fact.value}")
                self.kept_aside += bool(
                    aside[fact.element, fact.result_forecast or "", fact.value or Decimal(0)]
                )
            else:
                where = f"{fact.element} {fact.context_id} is {fact.value}"
                self.wrong.append(f"{name}: {column} is {value}, where {where}")

    def _notice(self, name: str, summary: SummaryCells, facts: Sequence[Fact]) -> None:
        revisions = read_revisions(summary)
        if not revisions:
            self.rejects[name] = "no revised figure"
            return
        self.rows += 1
        self._find(name, check_revisions(summary))
        for element in unread_elements(summary):
            self.wrong.append(f"{name}: {element} is in no row")
        for fact in _numbers(facts):
            if any(_states(revision, fact) for revision in revisions):
                self.right += 1
            else:
                self.wrong.append(
                    f"{name}: {fact.element} {fact.context_id} is {fact.value}, in no row"
                )

    def _find(self, name: str, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if not finding.passed:
                self.findings.setdefault(finding.name, []).append(
                    f"{name}: {finding.compared}: {finding.left} and {finding.right}"
                )

    def lines(self) -> Iterator[str]:
        """The counts and the first of each list, for a person."""
        counts = {
            "archives": self.archives,
            "read": self.rows,
            "rejected": len(self.rejects),
            "figures in the column that their context names": self.right,
            "in another": len(self.wrong),
            "from nowhere": len(self.stray),
            "under another element of their item": len(self.choices),
            "kept aside": self.kept_aside,
            "without a column": self.without_column.total(),
        }
        yield from (f"{count:7,} {what}" for what, count in counts.items())
        lists = {"wrong": self.wrong, "stray": self.stray, **self.findings}
        lists |= {"rejects": [f"{name}: {why}" for name, why in self.rejects.items()]}
        lists |= {"choices": self.choices}
        for title, found in lists.items():
            yield f"{title}: {len(found)}"
            yield from (f"  {line}" for line in found[:_LONGEST_LIST])


def _numbers(facts: Iterable[Fact]) -> Iterator[Fact]:
    return (fact for fact in facts if fact.part == SUMMARY and fact.value is not None)


def _is_group(facts: Iterable[Fact]) -> bool:
    """Whether any result of the current period is a group's."""
    return any(
        {_CONSOLIDATED, "ResultMember"} <= _taken_apart(fact).members
        and fact.context_id.startswith("Current")
        and "AnnualMember" not in fact.context_id
        for fact in _numbers(facts)
    )


def _taken_apart(fact: Fact) -> _Id:
    head, *members = fact.context_id.split("_")
    return _Id(head, frozenset(members))


def _column(fact: Fact, *, is_group: bool) -> str | None:
    """The column that a figure belongs in, by its context's id; None where it has none."""
    place = _taken_apart(fact)
    element, statistic = changed_element(fact.element)
    if place.kind is None:
        return None
    if element in _PAYOUT or element == DIVIDEND or element in _SPECIAL:
        return _dividend_column(element, place)
    item = ITEM_OF_ELEMENT.get(element)
    if item is None:
        return None
    is_own = _NON_CONSOLIDATED in place.members
    whose = ""
    if is_group and is_own and item not in SHARES:
        if item not in PARENT_ITEMS:
            return None
        whose = "parent_"
    change = "_change" if statistic == "rate" else ""
    if place.kind == "ResultMember":
        prior = "_prior" if place.head.startswith("Prior") else ""
        return f"{whose}{_name(element)}{prior}{change}"
    period = _FORECAST_PERIODS.get(place.head)
    ending = _ENDINGS[place.kind]
    return None if period is None else f"{whose}{period}_{_name(element)}{ending}{change}"


def _name(element: str) -> str:
    return ITEM_OF_ELEMENT[element].name


def _dividend_column(element: str, place: _Id) -> str | None:
    which = next((name for name in _DIVIDEND_YEARS if place.head.startswith(name)), None)
    if which is None or place.kind is None:
        return None
    if element == DIVIDEND:
        schedule = next((member for member in _SCHEDULES if member in place.members), None)
        line = None if schedule is None else _SCHEDULES[schedule]
    else:
        line = _SPECIAL.get(element) or _PAYOUT[element].name
    return None if line is None else f"{_DIVIDEND_YEARS[which]}_{line}{_ENDINGS[place.kind]}"


def _states(revision: ForecastRevision, fact: Fact) -> bool:
    """Whether a row of a notice has the figure where its context's id says."""
    place = _taken_apart(fact)
    element, statistic = changed_element(fact.element)
    schedule = next((member for member in _SCHEDULES if member in place.members), None)
    same = (element, None if schedule is None else schedule.removesuffix("Member"))
    if same != (revision.element, revision.dividend_schedule):
        return False
    if place.head.startswith("Prior"):
        return revision.prior_result == fact.value
    if fact.period_end != revision.period_end:
        return revision.prior_result == fact.value
    if statistic != "amount":
        stated = revision.change if statistic == "change" else revision.change_rate
        return _has(stated, place.kind, fact.value)
    if place.kind == "ResultMember":
        return fact.value in (revision.result, revision.current.value)
    edition = revision.previous if "PreviousMember" in place.members else revision.current
    return _has(edition, place.kind, fact.value)


def _has(stated: Range, kind: str | None, value: Decimal | None) -> bool:
    ends = {"LowerMember": stated.lower, "UpperMember": stated.upper}
    return ends.get(kind or "", stated.value) == value


def season_figures(archives: Iterable[tuple[str, Sequence[Fact]]]) -> SeasonFigures:
    """Look at many archives, each given by the name of its file and its facts."""
    season = SeasonFigures()
    for name, facts in archives:
        season.look_at(name, facts)
    return season
