"""Reading a day's list: page 1 upward, until the rows are as many as the page says.

What belongs here: the order of pages, when a reading is settled, when it may stop above known
ground, and when to read again. Rows are only ever added, so they move down while the pages are read
upward: an insertion shows a row twice and changes 全N件, which is why a reading counts only when
every page gave the same total.

What does not: HTTP (``session.py``) and what a row says (``tdnet/listing.py``).
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tdnet_assets.config import LIVE_WINDOW_DAYS
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import (
    Capture,
    CapturedPage,
    CaptureStore,
    CaptureWriter,
)
from tdnet_assets.resources.lake.readings import rows_below, rows_shown
from tdnet_assets.resources.lake.store import DamagedObjectError, sha256
from tdnet_assets.resources.source.answers import (
    Answer,
    DayNotListedError,
    IncompleteListError,
    NotAskedError,
    PageNotGivenError,
    SourceError,
)
from tdnet_assets.resources.source.disclosure_source import ListReading
from tdnet_assets.resources.source.request_slot import Urgency
from tdnet_assets.resources.source.session import TdnetSession
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.listing import (
    ListedDisclosure,
    ListPage,
    ListPageError,
    page_count,
    page_name,
    parse_list_page,
)

_LOGGER = logging.getLogger(__name__)

# Publications come at five-minute marks and a peak day is read in half a minute: a second reading
# is nearly always quiet.
MAX_READINGS = 6
_KEPT_HEADERS = ("date", "last-modified", "content-type", "content-length", "etag", "server")


@dataclass(frozen=True, slots=True)
class KnownGround:
    """What is known of a day's list for certain, in its order; ``base`` is a capture of all pages.

    A reading may stop above it when its pages show the known rows in their order, behind them as
    many new ones as 全N件 has grown by, and at least one that is known. Whatever else has happened,
    a row newly deleted included, is for a reading of all pages.
    """

    base: str
    rows: tuple[ListedDisclosure, ...]

    def is_reached(self, pages: Sequence[ListPage]) -> bool:
        """Whether the first pages of the list as it is now lead to what is known."""
        if _why_unsettled(pages) or any(page.rejects for page in pages):
            return False
        known = Counter(_identity(row) for row in self.rows)
        rows = [row for page in pages for row in page.rows]
        seen = [_identity(row) for row in rows if _identity(row) in known]
        new = [row for row in rows if _identity(row) not in known]
        return (
            bool(seen)
            and len(new) == pages[-1].total - len(self.rows)
            and all(row.disclosure_id for row in new)
            and seen == [_identity(row) for row in self.rows[: len(seen)]]
        )

    def below(self, pages: Sequence[ListPage]) -> "KnownGround":
        """The ground together with the pages that have reached it."""
        above = [row for page in pages for row in page.rows]
        return KnownGround(self.base, tuple(rows_below(above, self.rows, pages[-1].total)))


def known_ground(store: CaptureStore, capture: Capture | None) -> KnownGround | None:
    """The ground that the lake's newest capture is; None where it is not certain."""
    if capture is None or not capture.complete or not capture.total:
        return None
    try:
        rows = rows_shown(store, capture)
    except DamagedObjectError as damage:
        _LOGGER.warning("%s; all pages are read", damage)
        return None
    return KnownGround(capture.continues or capture.id, tuple(rows)) if rows else None


def _identity(row: ListedDisclosure) -> object:
    return row.disclosure_id or (row.time, row.code, row.company_name, row.title, row.history)


@dataclass(frozen=True, slots=True)
class FirstPage:
    """Page 1 as it has just been answered, its bytes and what they say."""

    answer: Answer
    content: bytes


@dataclass(frozen=True, slots=True)
class _Pass:
    pages: tuple[CapturedPage, ...]
    listed: tuple[ListPage, ...]
    error: TdnetError | None = None
    unsettled: str | None = None
    refused: int | None = None
    """Number of the page that ``error`` is about, when that page is in the capture."""
    reached: bool = False
    """Whether it stopped above known ground."""


@dataclass(frozen=True, slots=True)
class DayReader:
    """Reads one day's list in a session; ``urgency`` is that of its pages."""

    session: TdnetSession
    store: CaptureStore
    day: date
    urgency: Urgency = Urgency.LIST

    async def read(
        self, ground: KnownGround | None = None, first: FirstPage | None = None
    ) -> tuple[ListReading, KnownGround | None]:
        """Read the list, down to known ground if there is any, and store it as a capture.

        A reading during which rows were added is stored too (it is history) and repeated, up to
        MAX_READINGS times, unless it has only found the same once more. The error, if any, is
        returned with the capture rather than raised, because the good rows of an incomplete list
        are worth keeping. A day behind the window is not asked for: what the lake holds of it is
        all that there will ever be.

        Args:
            ground: None to read all pages.
            first: page 1 where it is here already.

        Returns:
            The reading, and the ground that it is for the next one, if that is certain.

        Raises:
            DayNotListedError: TDnet has no list for the day, or would have none, and the lake
                neither.
            TdnetError: not even the first page could be read.
        """
        changed = False
        known = self.store.latest(self.day)
        if not self.session.lists(self.day):
            return _from_the_lake(known, self.day, self.session.oldest_day), None
        if first is None and self.urgency is Urgency.TODAYS_LIST:
            first = await self._page_of_the_last_look(known)
        number = 0
        while True:
            number += 1
            writer = CaptureWriter(
                self.store, self.day, self.session.base_url, self._new_capture_id(known), known
            )
            reading = await self._read_pass(writer, ground, first)
            error = reading.error
            if error and not reading.pages:
                raise error  # nothing was read, so there is nothing to keep
            if reading.unsettled:
                error = IncompleteListError(
                    f"the list of {self.day} is not complete after {number} readings: "
                    f"{reading.unsettled}; materialize the day again when TDnet is quieter"
                )
            capture, new = writer.finish(
                reading.pages,
                complete=error is None,
                problem=(reading.unsettled or str(error)) if error else None,
                continues=ground.base if ground and reading.reached else None,
            )
            page = capture.page(reading.refused) if reading.refused else None
            if error and page:  # only now is it certain where the page is
                error = type(error)(f"{error}; the raw page is at {self.store.lake.uri(page.key)}")
            changed = changed or new
            # What shows the same once more without adding up will not do so at the next try.
            is_vain = number == MAX_READINGS or (number > 1 and not new)
            if not reading.unsettled or is_vain:
                found = ListReading(
                    capture, changed, number, error, is_of_all_pages=not reading.reached
                )
                return found, None if error else _next_ground(ground, reading, capture)
            known, first = capture, None

    async def look(self, condition: str | None) -> FirstPage | None:
        """Page 1, asked for once; None if it is not modified since.

        Raises:
            SourceError: it was refused, or cannot be read.
        """
        answer = await self.session.list_page(
            page_name(self.day, 1),
            if_modified_since=condition,
            urgency=Urgency.LOOK,
            validate=lambda content: parse_list_page(content, day=self.day, page=1),
        )
        if answer.content is not None:
            return FirstPage(answer, answer.content)
        if condition is None:
            raise self._unasked_304(1)
        return None

    async def _page_of_the_last_look(self, known: Capture | None) -> FirstPage | None:
        """Page 1 by what the look has stored for which this session was begun, if one has."""
        seen = self.store.seen_since(self.day, known)
        if seen is None:
            return None
        try:
            answer = await self.session.list_page(
                page_name(self.day, 1), if_modified_since=seen.last_modified, urgency=self.urgency
            )
        except SourceError as missing:
            raise _refusal(missing, self.day, 1, 1) from missing
        return FirstPage(answer, seen.content if answer.content is None else answer.content)

    async def _read_pass(
        self, writer: CaptureWriter, ground: KnownGround | None, first: FirstPage | None
    ) -> _Pass:
        pages: list[CapturedPage] = []
        listed: list[ListPage] = []
        error: ListPageError | None = None
        refused: int | None = None
        number, last = 0, 1
        while number < last:
            number += 1
            known = writer.known.page(number) if writer.known else None
            try:
                if number == 1 and first:
                    answer, content = first.answer, first.content
                else:
                    answer, content = await self._page_bytes(writer, known, number)
            except SourceError as missing:
                return _Pass(tuple(pages), tuple(listed), _refusal(missing, self.day, number, last))
            key = writer.keep(number, content)
            try:
                page = parse_list_page(content, day=self.day, page=number)
            except ListPageError as unreadable:
                # The later pages are still read: one bad page must not cost the others' rows.
                error, refused = unreadable, number
                pages.append(_captured(key, number, answer, content, total=None))
                continue
            pages.append(
                _captured(
                    key,
                    number,
                    answer,
                    content,
                    total=page.total,
                    unread_rows=len(page.rejects) + page.missing,
                )
            )
            listed.append(page)
            last = page_count(page.total)
            if ground and number < last and not error:
                # What has moved meanwhile is read again at once: the ground is near.
                unsettled = _why_unsettled(listed)
                if unsettled or ground.is_reached(listed):
                    return _Pass(
                        tuple(pages), tuple(listed), unsettled=unsettled, reached=not unsettled
                    )
        unsettled = None if error else _why_unsettled(listed)
        return _Pass(tuple(pages), tuple(listed), error, unsettled, refused)

    def _new_capture_id(self, known: Capture | None) -> str:
        # A clock that stepped back must not file the new capture before one already folded.
        now = self.session.http.now()
        after = known.begun_at + timedelta(microseconds=1) if known else now
        return layout.capture_id(max(now, after))

    async def _page_bytes(
        self, writer: CaptureWriter, known: CapturedPage | None, number: int
    ) -> tuple[Answer, bytes]:
        name = page_name(self.day, number)
        # A page that was not whole is asked for anew: a 304 would give the same bytes for ever.
        whole = known if known and known.is_whole else None
        answer = await self.session.list_page(
            name,
            if_modified_since=whole.last_modified if whole else None,
            urgency=self.urgency,
        )
        if answer.content is not None:
            return answer, answer.content
        if whole is None:
            raise self._unasked_304(number)
        try:
            return answer, writer.store.read(whole)
        except DamagedObjectError as damage:
            _LOGGER.warning("%s; asked for again", damage)
            writer.is_new = True
        answer = await self.session.list_page(name, urgency=self.urgency)
        if answer.content is None:
            raise self._unasked_304(number)
        return answer, answer.content

    def _unasked_304(self, number: int) -> SourceError:
        return SourceError(f"page {number} of {self.day}: 304 without having been asked for it")


def _next_ground(
    ground: KnownGround | None, reading: _Pass, capture: Capture
) -> KnownGround | None:
    if ground and reading.reached:
        return ground.below(reading.listed)
    rows = tuple(row for page in reading.listed for row in page.rows)
    whole = rows and len(rows) == capture.total
    return KnownGround(capture.id, rows) if whole else None


def _from_the_lake(known: Capture | None, day: date, oldest: date | None) -> ListReading:
    if known is None:
        raise DayNotListedError(
            f"TDnet has no list for {day} any more, only from {oldest} on, so it was not asked, "
            "and the lake has no capture of the day to rebuild it from: choose a newer day"
        )
    problem = None
    if not known.complete:
        problem = IncompleteListError(
            f"the last capture of {day}, {known.id}, is not complete ({known.problem}), and TDnet "
            "lists the day no more"
        )
    return ListReading(known, changed=False, readings=0, error=problem)


def _why_unsettled(listed: Sequence[ListPage]) -> str | None:
    """Why a reading cannot be trusted as a snapshot of the day; None when it can."""
    totals = [page.total for page in listed]
    if len(set(totals)) > 1:
        return f"全N件 went from {totals[0]} to {totals[-1]} while the pages were read"
    for page in listed:
        if page.missing:
            return (
                f"page {page.number} of 全{page.total}件 announces rows {page.first} to "
                f"{page.last}, {page.missing} more than it holds"
            )
    ids = [row.disclosure_id for page in listed for row in page.rows if row.disclosure_id]
    if repeated := len(ids) - len(set(ids)):
        return f"{repeated} of the {len(ids)} disclosure numbers are on the pages twice"
    return None


def _refusal(error: SourceError, day: date, number: int, last: int) -> TdnetError:
    was_asked = not isinstance(error, NotAskedError)
    if number == 1 and was_asked and error.status in (403, 404, 410):
        return DayNotListedError(
            f"TDnet has no list for {day} ({error}): it keeps {LIVE_WINDOW_DAYS} days, today "
            "included. Choose a newer day, or rebuild this one from the lake by selecting "
            "disclosures and what follows"
        )
    return PageNotGivenError(
        f"page {number} of {last} of {day} could not be read: {error}; the pages before it are "
        "kept, materialize the day again"
    )


def _captured(
    key: str,
    number: int,
    answer: Answer,
    content: bytes,
    *,
    total: int | None,
    unread_rows: int = 0,
) -> CapturedPage:
    return CapturedPage(
        number=number,
        key=key,
        status=answer.status,
        sha256=sha256(content),
        bytes=len(content),
        total=total,
        unread_rows=unread_rows,
        last_modified=answer.last_modified,
        received_at=answer.received_at.isoformat(timespec="milliseconds"),
        headers={name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers},
    )
