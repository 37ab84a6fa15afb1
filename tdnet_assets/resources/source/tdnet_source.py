"""TDnet as a source of disclosures: today's list looked at, days read, files given.

What belongs here: what is remembered of today's list between looks, and when TDnet is open. What
does not: how a list is read (``paging.py``) and asked for (``session.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from tdnet_assets.resources.lake.captures import TDNET, CapturedPage, CaptureStore
from tdnet_assets.resources.lake.store import DamagedObjectError, sha256
from tdnet_assets.resources.source.answers import Answer, PageNotGivenError, RequestCounts
from tdnet_assets.resources.source.disclosure_source import ExpectedFile, ListReading
from tdnet_assets.resources.source.paging import DayReader, FirstPage, KnownGround, known_ground
from tdnet_assets.resources.source.request_slot import Urgency
from tdnet_assets.resources.source.session import TdnetSession
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.listing import TOKYO, parse_list_page

OPENS = time(7)
"""Looks begin at this hour in Japan and end at midnight."""


# A list that does not add up is read again after so many times what reading it took, and after each
# try in vain after twice as long, unless there are new rows: its files are fetched meanwhile.
_SOON, _LONGEST_PAUSE = 2, timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _InVain:
    """Readings of a list in a row that had all its pages and did not add up."""

    readings: int
    took: timedelta
    ended_at: datetime

    def again_at(self, *, is_known: bool) -> datetime:
        factor = _SOON**self.readings if is_known else _SOON
        return self.ended_at + min(factor * self.took, max(_LONGEST_PAUSE, _SOON * self.took))


@dataclass(slots=True)
class TdnetSource:
    """One session with TDnet, and what it knows of the list that it reads again and again."""

    session: TdnetSession
    _grounds: dict[date, KnownGround | None] = field(default_factory=dict)
    _empty: dict[date, str | None] = field(default_factory=dict)
    """The validator of a list that shows nothing yet."""
    _in_vain: dict[date, _InVain] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What rows, captures and files call it."""
        return TDNET

    @property
    def counts(self) -> RequestCounts:
        """What has been asked for so far."""
        return self.session.counts

    @property
    def today(self) -> date:
        """The present day in Japan."""
        return self.session.today

    @property
    def is_open(self) -> bool:
        """Whether it is a time of the day at which disclosures are published."""
        return self.now().astimezone(TOKYO).time() >= OPENS

    def now(self) -> datetime:
        """The present (aware, UTC), by the clock that the session was given."""
        return self.session.http.now().astimezone(UTC)

    def lists(self, day: date) -> bool:
        """Whether TDnet still lists the day, by its window and the clock; nothing is asked."""
        return self.session.lists(day)

    async def read_day(self, store: CaptureStore, day: date) -> ListReading:
        """Read all pages; see :meth:`DayReader.read`."""
        return await self._read(store, day, None)

    async def read_news(self, store: CaptureStore, day: date) -> ListReading:
        """Read down to what the lake knows already; see :class:`KnownGround`."""
        return await self._read(store, day, self._ground(store, day))

    async def look(self, store: CaptureStore, day: date) -> ListReading | None:
        """Page 1, before all other requests, with a condition; what is new is read and stored."""
        stored = store.latest(day)
        page = stored.page(1) if stored else None
        is_whole = stored is not None and stored.complete
        reader = DayReader(self.session, store, day, Urgency.TODAYS_LIST)
        if page is not None:
            condition = page.last_modified if is_whole and page.is_whole else None
        else:
            condition = self._empty.get(day)
        first = await reader.look(condition)
        if first is None:
            return None
        if page is None and not parse_list_page(first.content, day=day, page=1).total:
            # Of a day on which nothing is published yet nothing is kept.
            self._empty = {day: first.answer.last_modified}
            return None
        is_known = page is not None and shows_the_same(store, page, first.content, day)
        if is_known and is_whole:
            return None
        in_vain = self._in_vain.get(day)
        if in_vain and self.now() < in_vain.again_at(is_known=is_known):
            return None
        return await self._read(store, day, self._ground(store, day), first)

    async def file(
        self, file: ExpectedFile, validate: Callable[[bytes], object], *, of_today: bool
    ) -> Answer:
        """A file's bytes, accepted by ``validate``; archives go before PDFs."""
        is_pdf = file.kind == "pdf"
        if of_today:
            urgency = Urgency.TODAYS_PDF if is_pdf else Urgency.TODAYS_ARCHIVE
        else:
            urgency = Urgency.PDF if is_pdf else Urgency.ARCHIVE
        return await self.session.document(file.name, validate, urgency=urgency)

    def _ground(self, store: CaptureStore, day: date) -> KnownGround | None:
        """The ground of this session's last reading, or what the lake's newest capture is."""
        if day not in self._grounds:
            self._grounds[day] = known_ground(store, store.latest(day))
        return self._grounds[day]

    async def _read(
        self,
        store: CaptureStore,
        day: date,
        ground: KnownGround | None,
        first: FirstPage | None = None,
    ) -> ListReading:
        urgency = Urgency.TODAYS_LIST if day == self.today else Urgency.LIST
        self._grounds.pop(day, None)
        earlier, begun_at = self._in_vain.pop(day, None), self.now()
        reading, ground = await DayReader(self.session, store, day, urgency).read(ground, first)
        self._grounds[day] = ground
        if reading.error and not isinstance(reading.error, PageNotGivenError):
            readings, ended_at = 1 + (earlier.readings if earlier else 0), self.now()
            self._in_vain[day] = _InVain(readings, ended_at - begun_at, ended_at)
        return reading


def shows_the_same(store: CaptureStore, page: CapturedPage, content: bytes, day: date) -> bool:
    """Whether the lake holds what was seen: the rows and the total count, not what is around.

    Raises:
        ListPageError: what was seen cannot be read.
    """
    if page.sha256 == sha256(content):
        return True
    seen = parse_list_page(content, day=day, page=1)
    try:
        return parse_list_page(store.read(page), day=day, page=1) == seen
    except (DamagedObjectError, TdnetError):
        return False
