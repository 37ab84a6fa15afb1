"""The files of one day while they are fetched: what is expected, what became of it, what is left.

What belongs here: the order in which files are asked for, and the counts of a day in disclosures.
What does not: the table that says what became of them (``documents.py``), and how one file is
fetched (``resources/source/downloads.py``).
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, StoredTable
from tdnet_assets.resources.source.disclosure_source import DisclosureSource, ExpectedFile
from tdnet_assets.resources.source.downloads import Downloads, FileOutcome, outcome_from_row
from tdnet_assets.tables.documents import FAILED, GONE, STORED

SAY_EVERY_SECONDS = 5.0
"""How often a person who waits hears how far the files are."""

_Identity = tuple[str, str]


class DayFiles:
    """Archives before PDFs, each with the newest first; more may be expected at any time.

    As an iterator it gives the files that are to be asked for now.
    """

    def __init__(
        self,
        day: date,
        lake: LakeResource,
        source: DisclosureSource,
        progress: RunProgress,
        say: Callable[[str], None],
    ) -> None:
        """Expect nothing yet; counts go into ``progress``, and ``say`` tells a person."""
        self._day = day
        self._lake = lake
        self._source = source
        self._progress = progress
        self._say = say
        self._downloads = Downloads(source, lake, day)
        self.expected: dict[_Identity, ExpectedFile] = {}
        self.outcomes: dict[_Identity, FileOutcome] = {}
        self.fetched: dict[_Identity, FileOutcome] = {}
        """Those that this session has asked for."""
        self.listed: StoredTable | None = None
        """The day's rows, as of when files were last expected."""
        self.before: StoredTable | None = None
        """The documents as they were stored when files were first expected."""
        self._queue: list[tuple[int, float, _Identity]] = []
        self._queued: set[_Identity] = set()
        self._open: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._settled = 0
        self._said_at = 0.0

    @property
    def left(self) -> int:
        """How many files nothing has become of yet."""
        return sum(identity not in self.outcomes for identity in self.expected)

    @property
    def archives_left(self) -> bool:
        """Whether any of them is an archive."""
        return any(
            kind == "xbrl" and (number, kind) not in self.outcomes for number, kind in self.expected
        )

    @property
    def has_failures(self) -> bool:
        """Whether a file that was asked for has not been given, and nobody has counted it yet."""
        return bool(self._failed)

    def expect(
        self,
        listed: StoredTable,
        before: Callable[[], StoredTable | None],
        new_rows: frozenset[str] = frozenset(),
    ) -> None:
        """Take in the files that these rows link to; ``before`` reads the documents as stored.

        What is in the lake already is found there the first time, so that nothing is fetched twice.
        """
        earlier = self.expected
        self.expected = {file.identity: file for file in expected_files(listed)}
        # What was not to be had may be gone by right, as the list says by now.
        self._ask_again(
            identity
            for identity, file in self.expected.items()
            if file.withdrawn and identity in earlier and not earlier[identity].withdrawn
        )
        if self.listed is None:
            self.before = before()
            settled = self._settled_outcomes()
            self.outcomes = settled | {
                identity: outcome
                for identity, outcome in self.fetched.items()
                # Another process may have got what was not given to us.
                if outcome.status != FAILED or identity not in settled
            }
        self.listed = listed
        for identity, file in self.expected.items():
            if identity not in self.outcomes and identity not in self._queued:
                self._queued.add(identity)
                self._open[file.disclosure_id] += 1
                heapq.heappush(self._queue, (*_rank(file), identity))
        self._count_rows(listed.frame.height, new_rows)

    def forget(self) -> None:
        """Have the next expectation look at the lake again: another process has changed it."""
        self.listed = None

    def ask_again(self) -> None:
        """Put those that failed into the queue once more: the source answers again."""
        self._ask_again(list(self.fetched))

    def _ask_again(self, identities: Iterable[_Identity]) -> None:
        for identity in identities:
            outcome, file = self.fetched.get(identity), self.expected.get(identity)
            if file and outcome and outcome.status == FAILED:
                del self.fetched[identity], self.outcomes[identity]
                self._failed.discard(file.disclosure_id)
                self._open[file.disclosure_id] += 1
                heapq.heappush(self._queue, (*_rank(file), identity))

    def __iter__(self) -> Iterator[ExpectedFile]:
        return self

    def __next__(self) -> ExpectedFile:
        while self._queue:
            identity = heapq.heappop(self._queue)[-1]
            if identity in self.expected and identity not in self.outcomes:
                return self.expected[identity]
        raise StopIteration

    async def fetch(self, concurrency: int) -> None:
        """Fetch what is left, so many at once, those included that are expected meanwhile."""
        self._said_at = _now()
        await self._downloads.fetch(self, concurrency=concurrency, done=self._done)

    def count_failures(self) -> None:
        """Count the disclosures with a failed file: nothing more will become of them here."""
        self._progress.settled(failed=len(self._failed))
        self._settled += len(self._failed)
        self._failed.clear()

    def _done(self, outcome: FileOutcome) -> None:
        self.fetched[outcome.identity] = self.outcomes[outcome.identity] = outcome
        self._progress.documents_stored += outcome.status == STORED
        self._progress.documents_failed += outcome.status == FAILED
        number = outcome.disclosure_id
        if outcome.status == FAILED:
            self._failed.add(number)
        self._open[number] -= 1
        if not self._open[number]:
            del self._open[number]
            if number not in self._failed:
                self._settled += 1
                self._progress.settled(collected=1)
        if _now() - self._said_at >= SAY_EVERY_SECONDS:
            self._tell()

    def _tell(self) -> None:
        self._said_at = _now()
        done, failed = len(self.fetched), 0
        failed = sum(outcome.status == FAILED for outcome in self.fetched.values())
        self._say(f"{self._day} documents {done}/{done + self.left}, {failed} failed")

    def _count_rows(self, rows: int, new_rows: frozenset[str]) -> None:
        """Rows of which nothing is to be fetched have come to their end: new ones, and others."""
        complete = max(0, rows - self._settled - len({*self._open, *self._failed}))
        new = min(complete, len(new_rows.difference(self._open, self._failed)))
        self._settled += complete
        self._progress.settled(collected=new, skipped=complete - new)

    def _settled_outcomes(self) -> dict[_Identity, FileOutcome]:
        """Outcomes that need no request: of files in the lake, and of those called withdrawn.

        On a day that the source lists no more, that is every file.
        """
        rows = self.before.frame.iter_rows(named=True) if self.before else ()
        recorded = {outcome.identity: outcome for outcome in map(outcome_from_row, rows)}
        can_ask = self._source.lists(self._day)
        present = {
            self._lake.object_key(found.key): found.bytes
            for found in self._lake.list(layout.documents_prefix(self._day))
        }
        expected = self.expected.values()
        withdrawn = {file.identity for file in expected if file.withdrawn}
        settled = {
            outcome.identity: outcome
            for outcome in recorded.values()
            if (
                outcome.status == STORED
                and outcome.s3_key is not None
                and present.get(outcome.s3_key) == outcome.bytes
            )
            # Never asked for: it may be there when the window is wider.
            or (
                outcome.status == GONE
                and self._key(outcome.disclosure_id, outcome.kind) not in present
                and (outcome.attempts or not can_ask)
                and (outcome.identity in withdrawn or not can_ask)
            )
        }
        # A run that was killed left whole objects without rows.
        unrecorded = [
            file
            for file in expected
            if file.identity not in settled and self._key(*file.identity) in present
        ]
        settled |= {found.identity: found for found in self._downloads.stored_outcomes(unrecorded)}
        if not can_ask:
            settled |= {
                file.identity: self._downloads.not_asked(file, recorded.get(file.identity))
                for file in expected
                if file.identity not in settled
            }
        return settled

    def _key(self, disclosure_id: str, kind: str) -> str:
        return self._lake.object_key(layout.document_key(self._day, disclosure_id, kind))


def expected_files(listed: StoredTable) -> Iterable[ExpectedFile]:
    """The files that the rows link to; a deleted row's files are still wanted."""
    rows = listed.frame.select(
        "disclosure_id", "status", "disclosed_at", "pdf_url", "xbrl_url"
    ).iter_rows()
    for disclosure_id, status, disclosed_at, pdf_url, xbrl_url in rows:
        for kind, url in (("pdf", pdf_url), ("xbrl", xbrl_url)):
            if disclosure_id and url:
                name = url.rsplit("/", 1)[1]
                yield ExpectedFile(disclosure_id, kind, name, status == "deleted", disclosed_at)


def _rank(file: ExpectedFile) -> tuple[int, float]:
    age = -file.disclosed_at.timestamp() if file.disclosed_at else 0.0
    return int(file.kind == "pdf"), age


def _now() -> float:
    return asyncio.get_running_loop().time()
