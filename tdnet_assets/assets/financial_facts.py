"""``financial_facts``: every XBRL fact of a day's filings, one row each.

What belongs here: the asset, and which archives still have to be read. What does not: its columns
(``tables/financial_facts.py``), reading XBRL (``tdnet/xbrl/``) and what facts mean
(``assets/earnings.py``, ``assets/forecast_revisions.py``).
"""

import asyncio
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

import dagster as dg
import polars as pl

from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.assets.steps import CheckResult, DailyStep, Day, IncompleteDayError, Materialized
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, ScannedTable, sha256
from tdnet_assets.tables.documents import STORED
from tdnet_assets.tables.financial_facts import (
    FACTS_TABLE,
    MEMBER,
    UNREAD_FACTS_TABLE,
    UNREAD_FILINGS_TABLE,
)
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.table import Table
from tdnet_assets.tables.wholeness import READER
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.xbrl.archive import read_archive
from tdnet_assets.tdnet.xbrl.facts import UNLISTED_DOCUMENT, Fact, FilingFacts, Member

NAME = "financial_facts"
FILINGS_READ = "filings_read"

_ARCHIVES_AT_ONCE = 4  # two to read and two on their way; the work itself is one core's
_ARCHIVES_PER_FRAME = 50
# A peak day took 1.0 GB to write at once, and 0.4 in such groups; the file is a third larger.
_ROWS_A_GROUP = 16_384

_MEMBERS = 1 + Fact._fields.index("members")  # behind the disclosure id
SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="Every fact of the day's XBRL archives: element, context, unit and exact value. "
    "What cannot be read fails the check and has no effect on the rest: an archive is a row of the "
    "unread filings, one cell or attachment of an archive a row of the unread facts.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet", "polars"},
    code_version=RECIPES[NAME].reader,
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
    """Facts of archives, and rows of what could not be read of them.

    ``kept`` are those that were read before, ``done`` their disclosure ids. ``batches`` are those
    that are read now, as Parquet files: a day's facts take thirty times as much as frames.
    """

    kept: pl.LazyFrame
    done: set[str]
    batches: list[bytes]
    unread_facts: list[dict[str, Any]]
    unread_filings: list[dict[str, Any]]


class DamagedArchiveError(TdnetError):
    """An archive in the lake is not what was stored; ``digest`` is the sha256 that it has now."""

    def __init__(self, message: str, digest: str) -> None:
        super().__init__(message)
        self.digest = digest


async def materialize(day: Day) -> Materialized:
    """Read the archives that the table does not hold yet; those it holds never change."""
    archives = _archives(day)
    before = day.scan_own(NAME)
    reading = _read_before(day, before, archives)
    done = reading.done.union(row["disclosure_id"] for row in reading.unread_filings)
    missing = [archive for archive in archives if archive.disclosure_id not in done]
    for batch in _batches(missing):
        await _read(day.lake, day, batch, reading)
    reading.unread_facts.sort(key=itemgetter("disclosure_id", "order"))
    reading.unread_filings.sort(key=itemgetter("disclosure_id"))
    facts = _in_order(reading, missing)
    # Before the facts: an archive whose facts are stored counts as read, and is not read again.
    reader = {READER: RECIPES[NAME].reader}
    day.put_beside(UNREAD_FACTS_TABLE, reading.unread_facts, reader)
    day.put_beside(UNREAD_FILINGS_TABLE, reading.unread_filings, reader)
    check = _check(archives, reading)
    made = day.put(NAME, facts, [check], before=before, row_group_size=_ROWS_A_GROUP)
    return replace(made, metadata=_metadata(day, archives, missing, facts, reading))


def _archives(day: Day) -> list[_Archive]:
    documents, listed = day.read("documents"), day.read("disclosures")
    rows = (
        documents.frame.filter(pl.col("kind") == "xbrl", pl.col("status") == STORED)
        .join(listed.frame.select("disclosure_id", "code"), on="disclosure_id", how="left")
        .sort("disclosure_id")
        .select("disclosure_id", "code", "s3_key", "sha256")
    )
    return [_Archive(*row) for row in rows.iter_rows()]


def _in_order(reading: _Reading, new: Sequence[_Archive]) -> pl.LazyFrame:
    """All facts by filing, whose facts stay as they are; only what has to move is sorted."""
    facts = pl.concat([reading.kept, *map(pl.scan_parquet, reading.batches)])
    if not reading.done or not new or max(reading.done) < new[0].disclosure_id:
        return facts
    return facts.sort("disclosure_id", maintain_order=True)


def disclosure_ids(facts: pl.LazyFrame) -> set[str]:
    """The filings that there are facts of."""
    return set(facts.select(pl.col("disclosure_id").unique()).collect()["disclosure_id"])


def _read_before(day: Day, before: ScannedTable | None, archives: Sequence[_Archive]) -> _Reading:
    """What an earlier materialization read of the archives, where it was this reader's.

    A refusal counts for the very bytes that were refused: an archive that was damaged in the lake
    is looked at again.
    """
    wanted = {archive.disclosure_id: archive.sha256 for archive in archives}

    def stored(table: Table, found: ScannedTable | None) -> pl.LazyFrame:
        current = found is not None and found.metadata.get(READER) == RECIPES[NAME].reader
        rows = found.rows if found and current else table.frame(()).lazy()
        return rows.filter(pl.col("disclosure_id").is_in(list(wanted)))

    facts = stored(FACTS_TABLE, before)
    done = disclosure_ids(facts)
    unread_facts = stored(UNREAD_FACTS_TABLE, day.scan_own(UNREAD_FACTS_TABLE.name))
    unread_filings = stored(UNREAD_FILINGS_TABLE, day.scan_own(UNREAD_FILINGS_TABLE.name))
    # Of archives whose facts were not stored any more, all is read again.
    has_facts = pl.col("disclosure_id").is_in(list(done))
    return _Reading(
        kept=facts,
        done=done,
        batches=[],
        unread_facts=unread_facts.filter(has_facts).collect().to_dicts(),
        unread_filings=[
            row
            for row in unread_filings.collect().to_dicts()
            if wanted[row["disclosure_id"]] == row["sha256"]
        ],
    )


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
            digest = filing.digest if isinstance(filing, DamagedArchiveError) else archive.sha256
            refusal = {**_named(archive), "sha256": digest, "reason": str(filing)}
            reading.unread_filings.append(refusal)
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
    batch = io.BytesIO()
    facts_frame(filings).write_parquet(batch, compression="lz4")
    reading.batches.append(batch.getvalue())


def _named(archive: _Archive) -> dict[str, Any]:
    return {field.name: getattr(archive, field.name) for field in fields(archive)}


def _facts(lake: LakeResource, day: Day, archive: _Archive) -> FilingFacts | TdnetError:
    key = layout.document_key(day.date, archive.disclosure_id, "xbrl")
    content = lake.read(key)
    if content is None:
        raise IncompleteDayError(f"{lake.uri(key)} is gone: materialize documents again")
    if (digest := sha256(content)) != archive.sha256:
        return DamagedArchiveError(
            f"{lake.uri(key)} is not what was stored (its sha256 is {digest[:12]}…, not "
            f"{archive.sha256[:12]}…): bring back its earlier version, or `tdnet verify --repair`",
            digest,
        )
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
    facts: pl.LazyFrame,
    reading: _Reading,
) -> dict[str, Any]:
    key = layout.table_key(FACTS_TABLE.name, day.date)
    count, numbers, nil = (
        facts.select(pl.len().alias("facts"), pl.col("value").count(), pl.col("is_nil").sum())
        .collect()
        .row(0)
    )
    elements = (
        facts.group_by("element")
        .agg(pl.col("disclosure_id").n_unique().alias("filings"), pl.len().alias("facts"))
        .sort("filings", "facts", "element", descending=[True, True, False])
        .head(10)
        .collect()
    )
    return {
        "dagster/partition_row_count": count,
        "dagster/uri": day.lake.uri(key),
        "filings": len(archives),
        "read_now": len(missing),
        "unread": len(reading.unread_filings),
        "unread_facts": len(reading.unread_facts),
        "numbers": numbers,
        "nil": nil,
        "commonest_elements": preview(elements.to_dicts()),
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
    counts_of_a_run=("read_now",),
)
