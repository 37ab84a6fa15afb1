"""A day's filings as the assets behind ``financial_facts`` see them: listed rows with their facts.

What belongs here: which stored archives are of a kind, joining them with their facts, and the
rejects and check of those that could not be understood. What does not: what is understood of them
(``assets/earnings.py``, ``assets/forecast_revisions.py``), and reading XBRL
(``assets/financial_facts.py``).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import chain
from typing import Any, Generic, TypeVar

import polars as pl

from tdnet_assets.assets.financial_facts import facts_by_filing
from tdnet_assets.assets.steps import CheckResult, Day
from tdnet_assets.resources.source.downloads import STORED
from tdnet_assets.tables.table import Table
from tdnet_assets.tdnet.errors import FilingError, TdnetError
from tdnet_assets.tdnet.identifiers import XbrlKind
from tdnet_assets.tdnet.xbrl.facts import SUMMARY, Fact

_Content = TypeVar("_Content")

IN_SUMMARY = pl.col("part") == SUMMARY
# An archive under a name of no known kind must not disappear: it is a report, or a reject.
REPORT_KINDS: tuple[XbrlKind | None, ...] = ("earnings", None)


@dataclass(frozen=True, slots=True)
class Filing:
    """A listed disclosure with an archive that was read; ``disclosed_at`` is in Asia/Tokyo."""

    disclosure_id: str
    code: str
    company_name: str
    title: str
    disclosed_at: datetime
    is_correction: bool


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A filing whose facts contradict each other or lack what makes a row, and why."""

    disclosure_id: str
    code: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Understood(Generic[_Content]):
    """What was made of a day's stored archives of a kind: each is in one of the lists.

    Attributes:
        rows: filings that were understood, in the list's order.
        not_understood: those that were read and refused.
        unread: disclosure ids of those without facts: ``unread_filings`` says why.
    """

    rows: list[tuple[Filing, _Content]]
    not_understood: list[NotUnderstood]
    unread: list[str]


def understand(
    day: Day,
    kinds: Collection[XbrlKind | None],
    wanted: pl.Expr,
    read: Callable[[Sequence[Fact]], _Content | None],
) -> Understood[_Content]:
    """Read every stored archive of a kind; one that is refused does not hurt the others.

    Args:
        day: the day, whose facts are in the lake.
        kinds: by the names of the archives as listed; None for a name of no known kind.
        wanted: selects the rows of ``financial_facts`` that ``read`` needs.
        read: gives None for a filing that is of another kind whatever its name says.
    """
    facts = day.read("financial_facts")
    filings = _filings(day, kinds)
    of_kind = facts.frame.filter(pl.col("disclosure_id").is_in(list(filings)))
    read_before = set(of_kind["disclosure_id"].unique())
    understood: Understood[_Content] = Understood([], [], sorted(filings.keys() - read_before))
    # One filing's facts at a time: a peak day has a quarter of a million.
    stated = facts_by_filing(of_kind.filter(wanted))
    for number, of_filing in chain(stated, _without(read_before)):
        filing = filings[number]
        read_before.discard(number)
        try:
            content = read(of_filing)
            if content is None:
                raise FilingError(
                    f"the archive of this name is listed as {' or '.join(filter(None, kinds))}, "
                    "but its summary states no figure of such a filing: look at it"
                )
        except TdnetError as error:
            understood.not_understood.append(
                NotUnderstood(filing.disclosure_id, filing.code, filing.title, str(error))
            )
        else:
            understood.rows.append((filing, content))
    understood.rows.sort(key=lambda row: (row[0].disclosed_at, row[0].code, row[0].disclosure_id))
    return understood


def _without(rest: set[str]) -> Iterator[tuple[str, Sequence[Fact]]]:
    """Those that are left when all others were read: they have no wanted fact."""
    yield from ((number, ()) for number in sorted(rest))


def _filings(day: Day, kinds: Collection[XbrlKind | None]) -> dict[str, Filing]:
    """The listed filings of a kind whose archive is stored, by disclosure id."""
    documents, listed = day.read("documents"), day.read("disclosures")
    stored = documents.frame.filter(pl.col("kind") == "xbrl", pl.col("status") == STORED)
    of_kind = listed.frame.filter(
        pl.col("disclosure_id").is_in(stored["disclosure_id"].to_list()),
        pl.col("xbrl_kind").is_in(list(kinds), nulls_equal=True),
    )
    names = [field.name for field in fields(Filing)]
    return {row["disclosure_id"]: Filing(**row) for row in of_kind.select(names).to_dicts()}


def put_rejects(day: Day, table: Table, rejects: Sequence[NotUnderstood]) -> None:
    """Store the filings of the day that could not be understood."""
    day.put_beside(
        table, [{name: getattr(one, name) for name in table.schema} for one in rejects], {}
    )


def check_understood(name: str, found: Understood[Any]) -> CheckResult:
    """Whether every stored archive of the asset's kind became rows."""
    rejects, unread = found.not_understood, found.unread
    count = len(found.rows) + len(rejects) + len(unread)
    faults = []
    if rejects:
        faults.append(
            f"{len(rejects)} of {count} filings could not be understood, first "
            f"{rejects[0].disclosure_id}: {rejects[0].reason}"
        )
    if unread:
        faults.append(
            f"{len(unread)} of {count} archives have no facts, first {unread[0]}: see "
            "unread_filings, or materialize financial_facts again"
        )
    return CheckResult(
        name,
        passed=not faults,
        description="; ".join(faults) or f"{count} filings read",
        metadata={"filings": count, "not_understood": len(rejects), "unread": len(unread)},
    )
