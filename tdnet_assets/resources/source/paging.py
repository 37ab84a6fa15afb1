"""Reading a whole day's list: page 1 upward, until the rows are as many as the page says.

What belongs here: the order of pages, when a reading is settled, and when to read again. Rows are
only ever added, so they move down while the pages are read upward: an insertion shows a row twice
and changes 全N件, which is why a reading counts only when every page gave the same total.

What does not: HTTP (``resources/source/session.py``) and what a row says (``tdnet/listing.py``).
"""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tdnet_assets.config import LIVE_WINDOW_DAYS
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import (
    Capture,
    CapturedPage,
    CaptureStore,
    CaptureWriter,
)
from tdnet_assets.resources.lake.store import DamagedObjectError, sha256
from tdnet_assets.resources.source.session import Answer, SourceError, TdnetSession
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.listing import (
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


class IncompleteListError(TdnetError):
    """The list could not be read as a whole; what was read of it is in the lake."""


class DayNotListedError(TdnetError):
    """TDnet has no list for the day, nor has the lake: asking again will not help."""


@dataclass(frozen=True, slots=True)
class ListReading:
    """The outcome of reading a day: the capture it ended with, and what was wrong, if anything.

    ``readings`` is 0 for a day that TDnet lists no more: the capture is the lake's latest one.
    """

    capture: Capture
    changed: bool
    readings: int
    error: TdnetError | None


@dataclass(frozen=True, slots=True)
class _Pass:
    pages: tuple[CapturedPage, ...]
    listed: tuple[ListPage, ...]
    error: TdnetError | None = None
    unsettled: str | None = None
    refused: int | None = None
    """Number of the page that ``error`` is about, when that page is in the capture."""


async def read_day(session: TdnetSession, store: CaptureStore, day: date) -> ListReading:
    """Read a day's list whole and store it as a capture.

    A reading during which rows were added is stored too (it is history) and repeated, up to
    MAX_READINGS times. The error, if any, is returned with the capture rather than raised, because
    the good rows of an incomplete list are worth keeping. A day behind the window is not asked for:
    what the lake holds of it is all that there will ever be.

    Raises:
        DayNotListedError: TDnet has no list for the day, or would have none, and the lake neither.
        TdnetError: not even the first page could be read.
    """
    changed = False
    known = store.latest(day)
    if not session.lists(day):
        return _from_the_lake(known, day, session.oldest_day)
    number = 0
    while True:
        number += 1
        writer = CaptureWriter(store, day, session.base_url, _new_capture_id(known), known)
        reading = await _read_pass(session, store, writer, day)
        error = reading.error
        if error and not reading.pages:
            raise error  # nothing was read, so there is nothing to keep
        if reading.unsettled:
            error = IncompleteListError(
                f"the list of {day} is not complete after {number} readings: {reading.unsettled}; "
                "materialize the day again when TDnet is quieter"
            )
        capture, new = writer.finish(
            reading.pages,
            complete=error is None,
            problem=(reading.unsettled or str(error)) if error else None,
        )
        page = capture.page(reading.refused) if reading.refused else None
        if error and page:  # only now is it certain where the page is
            error = type(error)(f"{error}; the raw page is at {store.lake.uri(page.key)}")
        changed = changed or new
        if not reading.unsettled or number == MAX_READINGS:
            return ListReading(capture, changed, number, error)
        known = capture


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


async def _read_pass(
    session: TdnetSession, store: CaptureStore, writer: CaptureWriter, day: date
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
            answer, content = await _page_bytes(session, writer, known, day, number)
        except SourceError as missing:
            return _Pass(tuple(pages), tuple(listed), _refusal(missing, day, number, last))
        key = writer.keep(number, content)
        try:
            page = parse_list_page(content, day=day, page=number)
        except ListPageError as unreadable:
            # The later pages are still read: one bad page must not cost the rows of the others.
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
    unsettled = None if error else _why_unsettled(listed)
    return _Pass(tuple(pages), tuple(listed), error, unsettled, refused)


def _new_capture_id(known: Capture | None) -> str:
    # A clock that stepped back must not file the new capture before one that is already folded.
    now = datetime.now(UTC)
    return layout.capture_id(max(now, known.begun_at + timedelta(microseconds=1)) if known else now)


async def _page_bytes(
    session: TdnetSession,
    writer: CaptureWriter,
    known: CapturedPage | None,
    day: date,
    number: int,
) -> tuple[Answer, bytes]:
    name = page_name(day, number)
    # A page that was not whole is asked for anew: a 304 would give the same bytes for ever.
    whole = known if known and known.is_whole else None
    answer = await session.list_page(name, if_modified_since=whole.last_modified if whole else None)
    if answer.content is not None:
        return answer, answer.content
    if whole is None:
        raise SourceError(f"page {number} of {day}: 304 without having been asked for it")
    try:
        return answer, writer.store.read(whole)
    except DamagedObjectError as damage:
        _LOGGER.warning("%s; asked for again", damage)
        writer.is_new = True
    answer = await session.list_page(name)
    if answer.content is None:
        raise SourceError(f"page {number} of {day}: 304 without having been asked for it")
    return answer, answer.content


def _why_unsettled(listed: list[ListPage]) -> str | None:
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
    if number == 1 and error.status in (403, 404, 410):
        return DayNotListedError(
            f"TDnet has no list for {day} ({error}): it keeps {LIVE_WINDOW_DAYS} days, today "
            "included. Choose a newer day, or rebuild this one from the lake by selecting "
            "disclosures and what follows"
        )
    return IncompleteListError(
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
