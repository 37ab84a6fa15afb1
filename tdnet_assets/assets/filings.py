"""A day's filings as the assets behind ``financial_facts`` see them: listed rows with their facts.

What belongs here: joining facts with the list, and the rejects and check of filings that could not
be understood. What does not: what is understood of them (``assets/earnings.py``,
``assets/forecast_revisions.py``), and reading XBRL (``assets/financial_facts.py``).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

import polars as pl

from tdnet_assets.assets.financial_facts import facts_by_filing
from tdnet_assets.assets.steps import CheckResult, Day
from tdnet_assets.tables.table import Table
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.xbrl.facts import SUMMARY, Fact

_Content = TypeVar("_Content")

IN_SUMMARY = pl.col("part") == SUMMARY
# Figures of an edition, before or after, are a revision's own: a 決算短信 has none.
IN_REVISION = pl.col("previous_current").is_not_null().any().over("disclosure_id")


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
    """What was made of a day's filings, in the list's order; other kinds are in neither list."""

    rows: list[tuple[Filing, _Content]]
    not_understood: list[NotUnderstood]


def understand(
    day: Day, facts: pl.Expr, read: Callable[[Sequence[Fact]], _Content | None]
) -> Understood[_Content]:
    """Read every filing of one kind; one that is refused does not hurt the others.

    Args:
        day: the day, whose facts are in the lake.
        facts: selects the rows of ``financial_facts`` that are looked at; a filing that has none is
            of another kind.
        read: gives None for a filing of another kind too.
    """
    understood: Understood[_Content] = Understood([], [])
    for filing, of_filing in _filings(day, facts):
        try:
            content = read(of_filing)
        except TdnetError as error:
            understood.not_understood.append(
                NotUnderstood(filing.disclosure_id, filing.code, filing.title, str(error))
            )
        else:
            if content is not None:
                understood.rows.append((filing, content))
    understood.rows.sort(key=lambda row: (row[0].disclosed_at, row[0].code, row[0].disclosure_id))
    return understood


def _filings(day: Day, wanted: pl.Expr) -> Iterator[tuple[Filing, Sequence[Fact]]]:
    """The filings that have wanted facts, each with those, by disclosure id."""
    facts, listed = day.read("financial_facts"), day.read("disclosures")
    names = [field.name for field in fields(Filing)]
    rows = {row["disclosure_id"]: row for row in listed.frame.select(names).iter_rows(named=True)}
    for number, of_filing in facts_by_filing(facts.frame.filter(wanted)):
        yield Filing(**rows[number]), of_filing


def put_rejects(day: Day, table: Table, rejects: Sequence[NotUnderstood]) -> None:
    """Store the filings of the day that could not be understood."""
    day.put_beside(
        table, [{name: getattr(one, name) for name in table.schema} for one in rejects], {}
    )


def check_understood(name: str, found: Understood[Any]) -> CheckResult:
    """Whether every filing of the asset's kind became a row."""
    rejects = found.not_understood
    description = f"{len(found.rows)} filings read"
    if rejects:
        description = (
            f"{len(rejects)} of {len(found.rows) + len(rejects)} filings could not be understood, "
            f"first {rejects[0].disclosure_id}: {rejects[0].reason}"
        )
    return CheckResult(
        name,
        passed=not rejects,
        description=description,
        metadata={"filings": len(found.rows), "not_understood": len(rejects)},
    )
