"""``document_texts``: the text of every stored PDF, and of the report in an XBRL archive.

What belongs here: the asset, and what is kept of an earlier making of it. What does not: its
columns (``tables/document_texts.py``), and how a file becomes text (``tdnet/document_text.py``).

Files are read in processes of their own. What becomes of each is a row: a file whose bytes have
been read by this reader is not read again, and one that stopped its process is tried each time. A
run that is killed reads its day again: 1,000 files take half a minute.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from time import monotonic
from typing import Any, Final

import dagster as dg
import polars as pl

from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.assets.steps import (
    CheckResult,
    DailyStep,
    Day,
    IncompleteDayError,
    Materialized,
)
from tdnet_assets.resources.file_workers import FileWorkerError, FileWorkers
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import StoredTable, sha256
from tdnet_assets.tables.document_texts import (
    ABSENT,
    DAMAGED,
    DOCUMENT_TEXTS_TABLE,
    READ,
    REFUSED,
    SCAN,
    STOPPED,
    TEXT_EXTRACTIONS_TABLE,
)
from tdnet_assets.tables.documents import STORED
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import READER
from tdnet_assets.tdnet.document_text import DocumentText, pdf_text, report_text
from tdnet_assets.tdnet.errors import TdnetError

NAME = "document_texts"
TEXTS_READ = "texts_read"

_PROCESSES: Final = min(os.cpu_count() or 1, 4)
_FILES_AT_ONCE: Final = 2 * _PROCESSES  # some are read, the others are on their way
SECONDS_A_FILE: Final = 20.0
"""Of processor time; a report of 300 pages takes one."""

_SAY_EVERY_SECONDS: Final = 5.0
_READERS: Final = {"pdf": pdf_text, "xbrl": report_text}
_UNKNOWN: Final = (REFUSED, STOPPED, DAMAGED)
_FILE_KEYS: Final = ("disclosure_id", "kind")

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="The text of every page of the day's PDFs, and of every section of the report in "
    "an XBRL archive, to be searched. A scan has none: it is counted. A file that cannot be read "
    "is a row of the text extractions with its reason, and has no effect on the rest.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet", "polars"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(DOCUMENT_TEXTS_TABLE),
)


@dataclass(frozen=True, slots=True)
class _File:
    """A stored file; the fields are columns of the text extractions."""

    disclosure_id: str
    code: str
    kind: str
    s3_key: str
    sha256: str

    @property
    def identity(self) -> tuple[str, str]:
        """What the file is found by."""
        return self.disclosure_id, self.kind


@dataclass(frozen=True, slots=True)
class _Extraction:
    """What became of a file's text: a row of the text extractions, and the pages."""

    row: Mapping[str, Any]
    pages: Sequence[str] = ()


async def materialize(day: Day) -> Materialized:
    """Read the files whose text the table does not hold yet."""
    files = _files(day)
    before = day.read_own(NAME)
    kept, kept_texts = _kept(day, before, files)
    known = {(row["disclosure_id"], row["kind"]) for row in kept}
    missing = [file for file in files if file.identity not in known]
    read = await _read(day, missing)
    rows = sorted((*kept, *(one.row for one in read)), key=itemgetter(*_FILE_KEYS))
    texts = pl.concat([kept_texts, _texts_frame(read)]).sort(DOCUMENT_TEXTS_TABLE.order)
    # Before the texts: what is said of a file counts only where its pages are stored too.
    day.put_beside(TEXT_EXTRACTIONS_TABLE, rows, {READER: RECIPES[NAME].reader})
    size = DOCUMENT_TEXTS_TABLE.rows_a_group
    made = day.put(NAME, texts, [_check(rows)], before=before, row_group_size=size)
    return replace(made, metadata=_metadata(day, rows, texts, read_now=len(missing)))


def _files(day: Day) -> list[_File]:
    documents, listed = day.read("documents"), day.read("disclosures")
    codes = listed.frame.select("disclosure_id", "code").unique("disclosure_id")
    rows = (
        documents.frame.filter(pl.col("status") == STORED)
        .join(codes, on="disclosure_id", how="left")
        .sort(_FILE_KEYS)
        .select("disclosure_id", "code", "kind", "s3_key", "sha256")
    )
    return [_File(*row) for row in rows.iter_rows()]


def _kept(
    day: Day, before: StoredTable | None, files: Iterable[_File]
) -> tuple[list[Mapping[str, Any]], pl.DataFrame]:
    """What this reader has made of the very bytes that are stored: extractions, and their pages."""
    stored = day.read_own(TEXT_EXTRACTIONS_TABLE.name)
    nothing = DOCUMENT_TEXTS_TABLE.frame(())
    if not (_is_of_this_reader(before) and _is_of_this_reader(stored)) or not (before and stored):
        return [], nothing
    digests = {file.identity: file.sha256 for file in files}
    counted = before.frame.group_by(_FILE_KEYS).len()
    pages = {(number, kind): rows for number, kind, rows in counted.iter_rows()}
    kept: list[Mapping[str, Any]] = [
        row
        for row in stored.frame.iter_rows(named=True)
        if (identity := (row["disclosure_id"], row["kind"])) in digests
        and digests[identity] == row["sha256"]
        and row["outcome"] != STOPPED
        and pages.get(identity, 0) == row["pages"]
    ]
    keys = TEXT_EXTRACTIONS_TABLE.frame(kept).select(_FILE_KEYS)
    return kept, before.frame.join(keys, on=_FILE_KEYS, how="semi")


def _is_of_this_reader(stored: StoredTable | None) -> bool:
    return stored is not None and stored.metadata.get(READER) == RECIPES[NAME].reader


async def _read(day: Day, files: Sequence[_File]) -> list[_Extraction]:
    """The texts of files, in no particular order."""
    read: list[_Extraction] = []
    waiting = iter(files)
    said_at = monotonic()

    async def work(workers: FileWorkers) -> None:
        nonlocal said_at
        for file in waiting:
            read.append(await _extraction(day, workers, file))
            if monotonic() - said_at >= _SAY_EVERY_SECONDS:
                said_at = monotonic()
                day.say(f"{day.date} {NAME} {len(read)}/{len(files)}")

    async with FileWorkers(processes=_PROCESSES, seconds=SECONDS_A_FILE) as workers:
        tasks = [asyncio.create_task(work(workers)) for _ in range(_FILES_AT_ONCE)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return read


async def _extraction(day: Day, workers: FileWorkers, file: _File) -> _Extraction:
    key = layout.document_key(day.date, file.disclosure_id, file.kind)
    content = await asyncio.to_thread(day.lake.read, key)
    if content is None:
        raise IncompleteDayError(f"{day.lake.uri(key)} is gone: materialize documents again")
    if (digest := sha256(content)) != file.sha256:
        reason = (
            f"{day.lake.uri(key)} is not what was stored (its sha256 is {digest[:12]}…, not "
            f"{file.sha256[:12]}…): bring back its earlier version, or `tdnet verify --repair`"
        )
        return _Extraction({**_row(file, DAMAGED, (), reason), "sha256": digest})
    try:
        text: DocumentText | None = await workers.run(_READERS[file.kind], content)
    except FileWorkerError as error:
        return _Extraction(_row(file, STOPPED, (), str(error)))
    except TdnetError as error:
        return _Extraction(_row(file, REFUSED, (), str(error)))
    if text is None:
        return _Extraction(_row(file, ABSENT, (), None))
    outcome = READ if any(text.pages) else SCAN
    return _Extraction(_row(file, outcome, text.pages, text.problem), text.pages)


def _row(file: _File, outcome: str, pages: Sequence[str], reason: str | None) -> dict[str, Any]:
    return {
        **asdict(file),
        "outcome": outcome,
        "pages": len(pages),
        "pages_without_text": sum(not page for page in pages),
        "reason": reason,
    }


def _texts_frame(extractions: Iterable[_Extraction]) -> pl.DataFrame:
    rows = (
        {
            **{name: one.row[name] for name in ("disclosure_id", "code", "kind")},
            "page": page,
            "text": text,
            "chars": len("".join(text.split())),
            "has_text": bool(text),
        }
        for one in extractions
        for page, text in enumerate(one.pages, start=1)
    )
    return DOCUMENT_TEXTS_TABLE.frame(rows)


def _check(rows: Sequence[Mapping[str, Any]]) -> CheckResult:
    """What was filed unreadable is told; what the lake has damaged makes the day red."""
    outcomes = Counter(row["outcome"] for row in rows)
    unknown = [row for row in rows if row["outcome"] in _UNKNOWN or row["reason"]]
    pages, without = (sum(row[name] for row in rows) for name in ("pages", "pages_without_text"))
    found = [
        f"{len(rows)} files read: {pages} pages or sections, {without} of them without text",
        f"{outcomes[SCAN]} scans",
    ]
    if unknown:
        # What the lake has lost is said first.
        first = min(unknown, key=lambda row: row["outcome"] != DAMAGED)
        found.append(
            f"the text of {len(unknown)} files is not known or not whole, first "
            f"{first['disclosure_id']} {first['kind']} ({first['outcome']}): {first['reason']}"
        )
    return CheckResult(
        TEXTS_READ,
        passed=not unknown,
        only_warns=not outcomes[DAMAGED],
        description="; ".join(found),
        metadata={
            "files": len(rows),
            "pages": pages,
            "pages_without_text": without,
            **{
                outcome: outcomes[outcome]
                for outcome in (READ, SCAN, ABSENT, REFUSED, STOPPED, DAMAGED)
            },
        },
    )


def _metadata(
    day: Day, rows: Sequence[Mapping[str, Any]], texts: pl.DataFrame, *, read_now: int
) -> dict[str, Any]:
    key = layout.table_key(NAME, day.date)
    shown = [row for row in rows if row["outcome"] in (SCAN, *_UNKNOWN) or row["reason"]]
    return {
        "dagster/partition_row_count": texts.height,
        "dagster/uri": day.lake.uri(key),
        **column_metadata(DOCUMENT_TEXTS_TABLE),
        "files": len(rows),
        "read_now": read_now,
        "scans": sum(row["outcome"] == SCAN for row in rows),
        "characters": int(texts["chars"].sum()),
        "without_text": preview(
            {
                "disclosure": row["disclosure_id"],
                "kind": row["kind"],
                "outcome": row["outcome"],
                "reason": row["reason"],
            }
            for row in shown[:10]
        ),
        "object": dg.MetadataValue.url(day.lake.console_url(key)),
    }


DOCUMENT_TEXTS_STEP = DailyStep(
    spec=SPEC,
    checks={
        TEXTS_READ: "The text of every stored file is known. Warns of a file that cannot be read; "
        "fails where the lake's bytes are not those that were stored."
    },
    materialize=materialize,
    counts_of_a_run=("read_now",),
)
