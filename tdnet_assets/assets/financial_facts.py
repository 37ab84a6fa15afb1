"""``financial_facts``: every XBRL fact of a day's filings, one row each.

What belongs here: the asset, and which archives still have to be read. What does not: its columns
(``tables/financial_facts.py``), reading XBRL (``tdnet/xbrl/``) and what facts mean
(``assets/earnings.py``, ``assets/forecast_revisions.py``).
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from operator import itemgetter
from typing import Any

import dagster as dg
import polars as pl

from tdnet_assets.assets.daily import CheckResult, DailyStep, Day, IncompleteDayError, Materialized
from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, StoredTable
from tdnet_assets.resources.source.downloads import STORED
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.financial_facts import (
    FACTS_TABLE,
    MEMBER,
    UNREAD_FACTS_TABLE,
    UNREAD_FILINGS_TABLE,
)
from tdnet_assets.tables.table import Table
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.xbrl.archive import read_archive
from tdnet_assets.tdnet.xbrl.facts import UNLISTED_DOCUMENT, Fact, FilingFacts, Member

# Raise it when the reading of archives changes: every archive of a day is then read anew.
READER_VERSION = "2"
FILINGS_READ = "filings_read"

_ARCHIVES_AT_ONCE = 4  # two to read and two on their way; the work itself is one core's
_ARCHIVES_PER_FRAME = 50

_MEMBERS = 1 + Fact._fields.index("members")  # behind the disclosure id
SPEC = dg.AssetSpec(
    "financial_facts",
    deps=["documents"],
    description="Every fact of the day's XBRL archives: element, context, unit and exact value. "
    "What cannot be read fails the check and has no effect on the rest: an archive is a row of the "
    "unread filings, one cell or attachment of an archive a row of the unread facts.",
    group_name="tdnet",
    kinds={"s3", "parquet", "polars"},
    code_version=READER_VERSION,
    metadata=column_metadata(FACTS_TABLE),
)


@dataclass(frozen=True, slots=True)
class _Archive:
    """An XBRL archive in the lake; the fields are columns of the unread filings."""

    disclosure_id: str
    code: str
    s3_key: str
    sha256: str


@dataclass(slots=True)
class _Reading:
    """Facts of archives, and rows of what could not be read of them."""

    facts: list[pl.DataFrame]
    unread_facts: list[dict[str, Any]]
    unread_filings: list[dict[str, Any]]


async def materialize(day: Day) -> Materialized:
    """Read the archives that the table does not hold yet; those it holds never change."""
    archives = _archives(day)
    reading = _read_before(day, {archive.disclosure_id for archive in archives})
    (kept,) = reading.facts
    done = kept["disclosure_id"].unique().to_list()
    done += [row["disclosure_id"] for row in reading.unread_filings]
    missing = [archive for archive in archives if archive.disclosure_id not in set(done)]
    for batch in _batches(missing):
        await _read(day.lake, day, batch, reading)
    reading.unread_facts.sort(key=itemgetter("disclosure_id", "order"))
    reading.unread_filings.sort(key=itemgetter("disclosure_id"))
    facts = _in_order(pl.concat(reading.facts))
    # Before the facts: an archive whose facts are stored counts as read, and is not read again.
    _write_unread(day, UNREAD_FACTS_TABLE, reading.unread_facts)
    _write_unread(day, UNREAD_FILINGS_TABLE, reading.unread_filings)
    write = day.lake.write_table(FACTS_TABLE.name, day.date, facts, {"reader": READER_VERSION})
    return Materialized(
        write.sha256,
        _metadata(day, archives, missing, facts, reading),
        [_check(archives, reading)],
    )


def _write_unread(day: Day, table: Table, rows: list[dict[str, Any]]) -> None:
    """Write what could not be read; a day that never had any has no file."""
    if rows or day.lake.metadata(layout.table_key(table.name, day.date)):
        day.lake.write_table(table.name, day.date, table.frame(rows), {"reader": READER_VERSION})


def _archives(day: Day) -> list[_Archive]:
    documents = day.lake.read_table(DOCUMENTS_TABLE.name, day.date)
    listed = day.lake.read_table(DISCLOSURES_TABLE.name, day.date)
    if documents is None or listed is None:
        raise IncompleteDayError(f"no documents of {day.date} yet: materialize them first")
    rows = (
        documents.frame.filter(pl.col("kind") == "xbrl", pl.col("status") == STORED)
        .join(listed.frame.select("disclosure_id", "code"), on="disclosure_id", how="left")
        .sort("disclosure_id")
        .select("disclosure_id", "code", "s3_key", "sha256")
    )
    return [_Archive(*row) for row in rows.iter_rows()]


def _in_order(facts: pl.DataFrame) -> pl.DataFrame:
    """By filing, whose facts stay as they are; without a copy where nothing has to move."""
    if facts["disclosure_id"].is_sorted():
        return facts
    return facts.sort("disclosure_id", maintain_order=True)


def _read_before(day: Day, wanted: set[str]) -> _Reading:
    """What an earlier materialization read of the wanted archives, where it was this reader's."""

    def stored(table: Table) -> pl.DataFrame:
        found = _made_by_this_reader(day.lake.read_table(table.name, day.date))
        rows = table.frame(()) if found is None else found
        return rows.filter(pl.col("disclosure_id").is_in(list(wanted)))

    facts = stored(FACTS_TABLE)
    # Of archives whose facts were not stored any more, all is read again.
    has_facts = pl.col("disclosure_id").is_in(facts["disclosure_id"].unique().to_list())
    return _Reading(
        facts=[facts],
        unread_facts=stored(UNREAD_FACTS_TABLE).filter(has_facts).to_dicts(),
        unread_filings=stored(UNREAD_FILINGS_TABLE).to_dicts(),
    )


def _made_by_this_reader(stored: StoredTable | None) -> pl.DataFrame | None:
    current = stored is not None and stored.metadata.get("reader") == READER_VERSION
    return stored.frame if stored and current else None


def _batches(archives: Sequence[_Archive]) -> Iterator[Sequence[_Archive]]:
    for start in range(0, len(archives), _ARCHIVES_PER_FRAME):
        yield archives[start : start + _ARCHIVES_PER_FRAME]


async def _read(
    lake: LakeResource, day: Day, archives: Sequence[_Archive], reading: _Reading
) -> None:
    """Add the facts of some archives as one frame, and a row for all that was refused."""
    slots = asyncio.Semaphore(_ARCHIVES_AT_ONCE)

    async def one(archive: _Archive) -> FilingFacts | TdnetError:
        async with slots:
            return await asyncio.to_thread(_facts, lake, day, archive)

    read = await asyncio.gather(*map(one, archives))
    filings = []
    for archive, filing in zip(archives, read, strict=True):
        if isinstance(filing, TdnetError):
            reading.unread_filings.append({**_named(archive), "reason": str(filing)})
            continue
        filings.append((archive.disclosure_id, archive.code, filing.facts))
        reading.unread_facts += [
            {
                "disclosure_id": archive.disclosure_id,
                "code": archive.code,
                **asdict(unread),
                "order": order,
            }
            for order, unread in enumerate(filing.unread, start=1)
        ]
    reading.facts.append(facts_frame(filings))


def _named(archive: _Archive) -> dict[str, Any]:
    return {field.name: getattr(archive, field.name) for field in fields(archive)}


def _facts(lake: LakeResource, day: Day, archive: _Archive) -> FilingFacts | TdnetError:
    key = layout.document_key(day.date, archive.disclosure_id, "xbrl")
    content = lake.read(key)
    if content is None:
        raise IncompleteDayError(f"{lake.uri(key)} is gone: materialize documents again")
    try:
        return read_archive(content)
    except TdnetError as error:
        return error


def facts_frame(filings: Iterable[tuple[str, str, Sequence[Fact]]]) -> pl.DataFrame:
    """The table of filings, each given by its disclosure id, its code and its facts."""
    columns: dict[str, Any] = {column.name: [] for column in FACTS_TABLE.columns}
    for disclosure_id, code, facts in filings:
        columns["disclosure_id"] += [disclosure_id] * len(facts)
        columns["code"] += [code] * len(facts)
        for name, values in zip(Fact._fields, zip(*facts, strict=True), strict=False):
            columns[name] += values
    columns["members"] = _members(columns["members"])
    return pl.DataFrame(columns, schema=FACTS_TABLE.schema)


def _members(values: Sequence[tuple[Member, ...]]) -> pl.Series:
    """The column of other dimensions.

    A day has many facts and few different dimensions, and each list costs polars a frame.
    """
    positions = {members: number for number, members in enumerate(dict.fromkeys(values))}
    different = [[asdict(member) for member in members] for members in positions]
    lists = pl.Series("members", different, pl.List(MEMBER))
    return lists.gather([positions[members] for members in values])


def facts_by_filing(table: pl.DataFrame) -> Iterator[tuple[str, list[Fact]]]:
    """The facts of each filing among rows of ``financial_facts``, in the filing's own order."""
    rows = table.select("disclosure_id", *Fact._fields).iter_rows()
    for number, of_filing in groupby(rows, key=itemgetter(0)):
        yield number, [_fact(row) for row in of_filing]


def _fact(row: tuple[Any, ...]) -> Fact:
    """By position: a day has hundreds of thousands."""
    members = tuple(Member(**one) for one in row[_MEMBERS])
    return Fact._make((*row[1:_MEMBERS], members, *row[_MEMBERS + 1 :]))


def _check(archives: Sequence[_Archive], reading: _Reading) -> CheckResult:
    filings = reading.unread_filings
    cells = [row for row in reading.unread_facts if row["kind"] != UNLISTED_DOCUMENT]
    found = [] if filings else [f"{len(archives)} archives read"]
    if filings:
        found.append(
            f"{len(filings)} of {len(archives)} archives could not be read, first "
            f"{filings[0]['disclosure_id']}: {filings[0]['reason']}"
        )
    if cells:
        first = cells[0]
        place = [first[name] for name in ("disclosure_id", "document", "line", "element")]
        found.append(
            f"{len(cells)} cells or attachments of {len({row['disclosure_id'] for row in cells})} "
            f"filings could not be read, first {', '.join(str(one) for one in place if one)}: "
            f"{first['reason']}"
        )
    if filings or cells:
        found.append("look at the archive, mend the reader and materialize the day again")
    return CheckResult(
        FILINGS_READ,
        passed=not filings and not cells,
        description="; ".join(found),
        metadata={
            "archives": len(archives),
            "unread": len(filings),
            "unread_facts": len(cells),
            "unlisted_documents": len(reading.unread_facts) - len(cells),
        },
    )


def _metadata(
    day: Day,
    archives: Sequence[_Archive],
    missing: Sequence[_Archive],
    facts: pl.DataFrame,
    reading: _Reading,
) -> dict[str, Any]:
    key = layout.table_key(FACTS_TABLE.name, day.date)
    elements = (
        facts.group_by("element")
        .agg(pl.col("disclosure_id").n_unique().alias("filings"), pl.len().alias("facts"))
        .sort("filings", "facts", "element", descending=[True, True, False])
    )
    return {
        "dagster/partition_row_count": facts.height,
        "dagster/uri": day.lake.uri(key),
        **column_metadata(FACTS_TABLE),
        "filings": len(archives),
        "read_now": len(missing),
        "unread": len(reading.unread_filings),
        "unread_facts": len(reading.unread_facts),
        "numbers": facts["value"].count(),
        "nil": int(facts["is_nil"].sum()),
        "commonest_elements": preview(elements.head(10).to_dicts()),
        "not_read": preview(
            {"disclosure": row["disclosure_id"], "code": row["code"], "reason": row["reason"]}
            for row in reading.unread_filings[:10]
        ),
        "not_read_of_filings": preview(
            {"disclosure": row["disclosure_id"], "document": row["document"]}
            | {name: row[name] for name in ("kind", "line", "element", "text", "reason")}
            for row in reading.unread_facts[:10]
        ),
        "object": dg.MetadataValue.url(day.lake.console_url(key)),
    }


FINANCIAL_FACTS_STEP = DailyStep(
    spec=SPEC,
    checks={FILINGS_READ: "Every stored XBRL archive of the day was read, every cell of it."},
    materialize=materialize,
)
