"""A day's filings as the assets behind ``financial_facts`` see them: listed rows with their facts.

What belongs here: which stored archives are of a kind, joining them with their facts, and the
rejects and check of those that could not be understood. What does not: what is understood of them
(``assets/earnings.py``, ``assets/forecast_revisions.py``), and reading XBRL
(``assets/financial_facts.py``).
"""

import threading
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import chain
from typing import Any, Generic, TypeVar

import polars as pl

from tdnet_assets.assets.financial_facts import disclosure_ids, facts_by_filing
from tdnet_assets.assets.steps import CheckResult, Day
from tdnet_assets.tables.documents import STORED
from tdnet_assets.tables.table import Table
from tdnet_assets.tables.wholeness import READER
from tdnet_assets.tdnet.errors import FilingError, TdnetError
from tdnet_assets.tdnet.identifiers import XbrlKind
from tdnet_assets.tdnet.xbrl.facts import SUMMARY, Fact

_Content = TypeVar("_Content")

_FACTS = "financial_facts"
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


class _Contents:
    """What this process has read last, by all that it depends on."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    def of(self, keys: Mapping[str, Hashable]) -> dict[str, Any]:
        """The known contents by the names of their keys."""
        with self._lock:
            return {name: self._known[key] for name, key in keys.items() if key in self._known}

    def keep(self, contents: Mapping[Hashable, Any]) -> None:
        """Know these, and forget what was known longest where there are too many."""
        with self._lock:
            self._known.update(contents)
            for key in list(self._known)[: -self._limit]:
                del self._known[key]


# What was made of archives: a day that grows is derived again and again, and each time only its new
# ones are read. An archive never changes, so what it says depends on its digest and its readers
# alone. A peak day has 770, each of one kind.
_CONTENTS = _Contents(limit=1000)
# Which filings a version of the facts is of.
_NUMBERS = _Contents(limit=8)


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
    filings, digests = _filings(day, kinds)
    # Two assets that ask for the same need not read it twice.
    contents = _remembered(day, filings.keys(), digests, read)
    if contents is None:
        contents = _read_facts(day, filings.keys(), digests, wanted, read)
    has_facts = contents.keys()
    understood: Understood[_Content] = Understood([], [], sorted(filings.keys() - has_facts))
    for number in sorted(has_facts):
        filing, content = filings[number], contents[number]
        if content is None:
            content = FilingError(
                f"the archive of this name is listed as {' or '.join(filter(None, kinds))}, "
                "but its summary states no figure of such a filing: look at it"
            )
        if isinstance(content, TdnetError):
            understood.not_understood.append(
                NotUnderstood(filing.disclosure_id, filing.code, filing.title, str(content))
            )
        else:
            understood.rows.append((filing, content))
    understood.rows.sort(key=lambda row: (row[0].disclosed_at, row[0].code, row[0].disclosure_id))
    return understood


def _remembered(
    day: Day, numbers: Collection[str], digests: Mapping[str, str], read: Hashable
) -> dict[str, Any] | None:
    """What was made of these filings, those without facts left out; None if that is to be read."""
    facts = day.state.origins.get(_FACTS)
    if facts is None or facts.damage:
        return None
    stated = _NUMBERS.of({_FACTS: facts.version}).get(_FACTS)
    if stated is None:
        return None
    known = {one: (read, facts.reader, digests[one]) for one in numbers if one in stated}
    contents = _CONTENTS.of(known)
    return contents if len(contents) == len(known) else None


def _read_facts(
    day: Day,
    numbers: Collection[str],
    digests: Mapping[str, str],
    wanted: pl.Expr,
    read: Callable[[Sequence[Fact]], _Content | None],
) -> dict[str, Any]:
    """The same from the facts, of which those of new filings alone are decoded."""
    facts = day.scan(_FACTS)
    stated = disclosure_ids(facts.rows)
    _NUMBERS.keep({day.versions[_FACTS]: stated})
    known = {one: (read, facts.metadata.get(READER), digests[one]) for one in stated & set(numbers)}
    contents = _CONTENTS.of(known)
    new = sorted(known.keys() - contents.keys())
    of_new = facts.rows.filter(pl.col("disclosure_id").is_in(new), wanted).collect()
    read_now = dict(_read(of_new, new, read))
    _CONTENTS.keep({known[number]: content for number, content in read_now.items()})
    return contents | read_now


def _read(
    facts: pl.DataFrame,
    numbers: Collection[str],
    read: Callable[[Sequence[Fact]], _Content | None],
) -> Iterator[tuple[str, _Content | TdnetError | None]]:
    """What is read of each filing's facts, or why it is not."""
    # One filing's facts at a time: a peak day has a quarter of a million.
    stated = facts_by_filing(facts)
    none_wanted = sorted(set(numbers).difference(facts["disclosure_id"].unique()))
    for number, of_filing in chain(stated, ((number, ()) for number in none_wanted)):
        try:
            yield number, read(of_filing)
        except TdnetError as error:
            yield number, error


def _filings(
    day: Day, kinds: Collection[XbrlKind | None]
) -> tuple[dict[str, Filing], dict[str, str]]:
    """The listed filings of a kind whose archive is stored, and its digest, by disclosure id."""
    documents, listed = day.read("documents"), day.read("disclosures")
    stored = documents.frame.filter(pl.col("kind") == "xbrl", pl.col("status") == STORED)
    of_kind = listed.frame.filter(
        pl.col("disclosure_id").is_in(stored["disclosure_id"].to_list()),
        pl.col("xbrl_kind").is_in(list(kinds), nulls_equal=True),
    )
    names = [field.name for field in fields(Filing)]
    filings = {row["disclosure_id"]: Filing(**row) for row in of_kind.select(names).to_dicts()}
    return filings, dict(stored.select("disclosure_id", "sha256").iter_rows())


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
