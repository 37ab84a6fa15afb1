"""Fetching a day's files: many in flight, one request slot, one outcome a file.

What belongs here: which of a day's files still have to be fetched, and what became of each. A file
is whole in the lake or not there at all, so a killed run costs only the files in flight; and what
goes wrong with one file, at TDnet or in the lake, is that file's outcome and no other's.

What does not: HTTP and retries (``polite_http.py``), what a good file is (``tdnet/files.py``).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from tdnet_assets.resources.file_workers import FileWorkerError, FileWorkers
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import TDNET
from tdnet_assets.resources.lake.store import LakeError, LakeResource, ObjectHead, sha256
from tdnet_assets.resources.source.answers import NotAskedError, SourceError
from tdnet_assets.resources.source.disclosure_source import DisclosureSource, ExpectedFile
from tdnet_assets.tables.documents import FAILED, GONE, STORED
from tdnet_assets.tdnet.files import check_archive, check_pdf, refuse_other_than_pdf

_LOGGER = logging.getLogger(__name__)

_CONTENT_TYPES = {"pdf": "application/pdf", "xbrl": "application/zip"}
# 403 is how TDnet answers for files that it no longer shows.
_ABSENT_STATUSES = (403, 404, 410)
# A lake that has taken none of so many files in a row takes the next one no better: TDnet is not
# asked for what cannot be kept.
_REFUSALS_IN_A_ROW = 20
# How soon a file that has come meanwhile is begun, where all others wait for something.
_MORE_FILES_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file; ``pages`` for PDFs that PDFium can open, times in UTC.

    ``source`` is where it was asked for.
    """

    disclosure_id: str
    kind: str
    status: str
    s3_key: str | None
    bytes: int | None
    sha256: str | None
    pages: int | None
    attempts: int
    error: str | None
    fetched_at: datetime
    source: str = TDNET

    @property
    def identity(self) -> tuple[str, str]:
        """What the file is found by."""
        return self.disclosure_id, self.kind


@dataclass(slots=True)
class _Puts:
    """How many files the lake has refused in a row."""

    refused: int = 0


@dataclass(frozen=True, slots=True)
class Downloads:
    """Fetches files of one day into the lake."""

    source: DisclosureSource
    lake: LakeResource
    day: date

    def stored_outcomes(self, expected: Iterable[ExpectedFile]) -> Iterator[FileOutcome]:
        """Outcomes of files that are in the lake, from the objects' own metadata."""
        for file in expected:
            key = layout.document_key(self.day, file.disclosure_id, file.kind)
            there = self.lake.head(key)
            if there is not None:
                yield self._of_stored(file, key, there)

    def not_asked(self, file: ExpectedFile, earlier: FileOutcome | None) -> FileOutcome:
        """The outcome of a file that is not in the lake, on a day that TDnet lists no more.

        Gone, with what is known of earlier attempts; but a file that was stored once has been lost
        from the lake, which is a failure and stays one.
        """
        lost = earlier is not None and earlier.sha256 is not None
        if earlier and (earlier.status == GONE or (lost and earlier.status == FAILED)):
            return earlier
        reason = "stored once, but not in the lake any more" if lost else "not in the lake"
        before = f"; asked earlier: {earlier.error}" if earlier and earlier.error else ""
        return FileOutcome(
            disclosure_id=file.disclosure_id,
            kind=file.kind,
            status=FAILED if lost else GONE,
            s3_key=earlier.s3_key if earlier else None,
            bytes=earlier.bytes if earlier else None,
            sha256=earlier.sha256 if earlier else None,
            pages=earlier.pages if earlier else None,
            attempts=earlier.attempts if earlier else 0,
            error=f"{reason}, and not asked for: TDnet lists {self.day} no more{before}"[:500],
            fetched_at=earlier.fetched_at if earlier else self.source.now(),
            source=earlier.source if earlier else self.source.name,
        )

    async def fetch(
        self,
        files: Iterable[ExpectedFile],
        *,
        concurrency: int,
        done: Callable[[FileOutcome], None],
    ) -> None:
        """Fetch the files, ``concurrency`` at once; ``done`` hears of each as it ends.

        An iterator may be given that gets more files while others are fetched: it is asked again
        as long as anything is under way.
        """
        waiting = iter(files)
        under_way: set[asyncio.Task[None]] = set()
        puts = _Puts()
        async with FileWorkers() as readers:
            try:
                while True:
                    while len(under_way) < concurrency and (file := next(waiting, None)):
                        work = self._work(file, readers, puts, done)
                        under_way.add(asyncio.create_task(work))
                    if not under_way:
                        return
                    ended, under_way = await asyncio.wait(
                        under_way,
                        timeout=_MORE_FILES_SECONDS,
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    for task in ended:
                        task.result()
            finally:
                for task in under_way:
                    task.cancel()
                # Their requests must have ended before anybody closes the session.
                await asyncio.gather(*under_way, return_exceptions=True)

    async def _work(
        self,
        file: ExpectedFile,
        readers: FileWorkers,
        puts: "_Puts",
        done: Callable[[FileOutcome], None],
    ) -> None:
        if puts.refused >= _REFUSALS_IN_A_ROW:
            reason = f"not asked for: the lake has taken none of {puts.refused} files in a row"
            done(self._failed(file, reason))
            return
        try:
            outcome = await self._fetch_one(file, readers)
        except LakeError as error:
            puts.refused += 1
            outcome = self._failed(file, str(error))
        if outcome.status == STORED:
            puts.refused = 0
        done(outcome)

    async def _fetch_one(self, file: ExpectedFile, readers: FileWorkers) -> FileOutcome:
        pages: int | None = None
        length = 0

        async def validate(content: bytes) -> None:
            nonlocal pages, length
            if file.kind == "pdf":
                pages = await _pages(readers, file, content)
            else:
                length = (await readers.run(check_archive, content)).expanded_bytes

        try:
            of_today = self.day == self.source.today
            answer = await self.source.file(file, validate, of_today=of_today)
        except SourceError as error:
            return self._not_given(file, error)
        content = answer.content
        if content is None:
            return self._not_given(file, SourceError(f"{file.name}: 304 without being asked"))
        key = layout.document_key(self.day, file.disclosure_id, file.kind)
        metadata = {
            "sha256": sha256(content),
            "bytes": str(len(content)),
            "attempts": str(answer.attempts),
            "fetched-at": answer.received_at.isoformat(timespec="milliseconds"),
            "source": self.source.name,
            **({"pages": str(pages)} if pages is not None else {}),
            **({"expanded-bytes": str(length)} if file.kind == "xbrl" else {}),
        }
        new = await self.lake.put_new_async(
            key, content, content_type=_CONTENT_TYPES[file.kind], metadata=metadata
        )
        if new:
            return self._from_metadata(file, key, metadata)
        # Another run stored it meanwhile: what is there is the truth.
        there = await asyncio.to_thread(self.lake.head, key)
        if there is None:
            raise LakeError(f"{self.lake.uri(key)} was there when it was put, and is gone since")
        return self._of_stored(file, key, there)

    def _of_stored(self, file: ExpectedFile, key: str, there: ObjectHead) -> FileOutcome:
        """The outcome that an object's metadata tells; a failure where they are not its own."""
        try:
            outcome = self._from_metadata(file, key, there.metadata)
        except (KeyError, ValueError) as error:
            return self._failed(
                file,
                f"{self.lake.uri(key)} was not stored by this code, by its metadata "
                f"({type(error).__name__}: {error}): move it away and materialize the day again",
            )
        if outcome.bytes != there.bytes:
            return self._failed(
                file,
                f"{self.lake.uri(key)} is damaged, {there.bytes} of {outcome.bytes} bytes: bring "
                "back its earlier version, or `tdnet verify --repair`",
            )
        return outcome

    def _from_metadata(
        self, file: ExpectedFile, key: str, metadata: Mapping[str, str]
    ) -> FileOutcome:
        pages = metadata.get("pages")
        return FileOutcome(
            disclosure_id=file.disclosure_id,
            kind=file.kind,
            status=STORED,
            s3_key=self.lake.object_key(key),
            bytes=int(metadata["bytes"]),
            sha256=metadata["sha256"],
            pages=None if pages is None else int(pages),
            attempts=int(metadata["attempts"]),
            error=None,
            fetched_at=datetime.fromisoformat(metadata["fetched-at"]),
            source=metadata.get("source", TDNET),
        )

    def _not_given(self, file: ExpectedFile, error: SourceError) -> FileOutcome:
        # Absent is not gone: new files answer 404 for seconds, and so do all in an outage. Only the
        # list can say that a file is not to be had, by calling its row deleted.
        was_asked = not isinstance(error, NotAskedError)
        gone = file.withdrawn and was_asked and error.status in _ABSENT_STATUSES
        failed = self._failed(file, str(error), attempts=error.attempts)
        return replace(failed, status=GONE) if gone else failed

    def _failed(self, file: ExpectedFile, reason: str, *, attempts: int = 0) -> FileOutcome:
        return FileOutcome(
            disclosure_id=file.disclosure_id,
            kind=file.kind,
            status=FAILED,
            s3_key=None,
            bytes=None,
            sha256=None,
            pages=None,
            attempts=attempts,
            error=reason[:500],
            fetched_at=self.source.now(),
            source=self.source.name,
        )


async def _pages(readers: FileWorkers, file: ExpectedFile, content: bytes) -> int | None:
    try:
        return (await readers.run(check_pdf, content)).pages
    except FileWorkerError as error:
        # What was filed is kept, as any PDF that cannot be opened.
        refuse_other_than_pdf(content)
        _LOGGER.warning("%s: its pages are not counted: %s", file.name, error)
        return None


def outcome_from_row(row: dict[str, Any]) -> FileOutcome:
    """An outcome from a row of the documents table, of an earlier version too."""
    known = FileOutcome.__dataclass_fields__.keys() & row.keys()
    return FileOutcome(**{name: row[name] for name in known})
