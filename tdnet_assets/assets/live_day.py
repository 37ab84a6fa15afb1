"""A day that goes on: its news taken in as they are seen, its files fetched, until it is quiet.

What belongs here: what one look at the list leads to, and when a day may be closed. What does not:
when looks are made and of which day (``collection_session.py``), and what is asked for first
(``resources/source/request_slot.py``).
"""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from tdnet_assets.assets.day_run import TRIES_AGAINST_ANOTHER_WRITER, make
from tdnet_assets.assets.disclosures import DISCLOSURES_STEP
from tdnet_assets.assets.documents import expect_files, put_documents
from tdnet_assets.assets.steps import CollectionDay
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import ConflictError, LakeError
from tdnet_assets.resources.source.answers import NotAskedError, PageNotGivenError
from tdnet_assets.resources.source.disclosure_source import ListReading
from tdnet_assets.tdnet.errors import TdnetAssetsError, TdnetError
from tdnet_assets.tdnet.listing import TOKYO

_LOOK_FOR_A_BATCH_SECONDS = 1.0
# The list as it was so long ago is the list as it is: no look is made for less.
_SEEN_JUST_NOW_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the list is looked at, and after how much the documents table is put.

    A host that does not answer is waited for so long with closing the day. All pages are read once
    more if they were last read so long ago, even where news are enough.
    """

    look_seconds: float = 60.0
    put_files: int = 50
    put_seconds: float = 30.0
    patience_seconds: float = 1800.0
    all_pages_seconds: float = 3600.0

    def next_look(self, reading_seconds: float) -> float:
        """Seconds from one look to the next, where reading the list takes so many.

        A row of a long list waits for the look and for the pages above it: looks come so much
        sooner as these take, down to half the time.
        """
        return max(self.look_seconds - reading_seconds, self.look_seconds / 2)


class LiveDay:
    """One day that is still published; within one event loop."""

    def __init__(
        self,
        day: CollectionDay,
        pace: Pace,
        changed: Callable[[], None] = lambda: None,
        *,
        news_suffice: bool = False,
    ) -> None:
        """Take a day up.

        Args:
            day: its tables are put, but no event is logged.
            pace: of looks and puts.
            changed: called when a table has been put.
            news_suffice: whether the day may be closed without a reading of all its pages, if the
                news stand above known ground.
        """
        self.day = day
        self.is_closed = False
        self.reading_seconds = 0.0
        """What reading the list has taken at most so far, from the look to the last page."""
        self._pace = pace
        self._changed = changed
        self._news_suffice = news_suffice
        self._store = CaptureStore(day.lake)
        self._has_begun = asyncio.Event()
        self._one_look = asyncio.Lock()
        self._fetching: asyncio.Task[None] | None = None
        self._reading: ListReading | None = None
        self._read_at = 0.0
        self._seen_at = 0.0
        self._recorded = 0
        self._recorded_at = 0.0
        self._had_archives_left = False
        self._refused_since: float | None = None
        self._is_sent_away = False
        self._unread: Exception | None = None
        self._is_behind = False

    async def begin(self) -> bool:
        """Read what is new, as a run that is for this day must, and begin with the files.

        A list that cannot be read closes the day when its assets are made, and says why, unless a
        look is answered before.

        Returns:
            Whether the list could be looked at.
        """
        try:
            self._unread = await self._read(whole=False)
        except Exception as unexpected:  # noqa: BLE001 - met again by who makes the day's assets
            self.day.say("".join(traceback.format_exception(unexpected)))
            self._unread = unexpected
        finally:
            self._has_begun.set()
        return self._unread is None

    async def look(self) -> None:
        """One request for page 1 before all others; what is new is taken in.

        Raises:
            TdnetAssetsError: the list could not be looked at, or its rows could not be stored.
        """
        async with self._one_look:
            try:
                await self._look()
            finally:
                self._has_begun.set()

    async def _look(self) -> None:
        day, began = self.day, _now()
        try:
            reading = await day.source.look(self._store, day.date)
        except TdnetError as error:
            # Who is asked to stay away asks no more in this session: there is nothing to wait for.
            self._is_sent_away = isinstance(error, NotAskedError)
            self._refused()
            raise
        self._seen_at = _now()
        if self._refused_since is not None:
            self._refused_since = None
            day.files.ask_again()
        if reading is not None:
            await self._take_in(reading, began)
        elif self._is_behind or (
            day.files.listed is None and day.state.origins.get("listing_pages")
        ):
            # What an earlier look could not store, or another session has left, is worked off.
            await self._expect()
            self._changed()
        self._unread = None
        self._fetch()

    async def close(self) -> None:
        """Wait until nothing is left to fetch, and the list was read and is quiet since.

        A host that does not answer for a while is waited for: the looks go on meanwhile.
        """
        await self._has_begun.wait()
        if self._unread is not None and not isinstance(self._unread, LakeError):
            self._close(self._unread)
        refused_since: float | None = None
        while not self.is_closed:
            await self.fetched()
            if self._waits_for_an_answer():
                await asyncio.sleep(self._pace.look_seconds)
                continue
            if self._knows_the_list():
                await self._look_once_more()
                if self._is_quiet():
                    self._close(None)
                continue
            error = await self._read(whole=True)
            if isinstance(error, PageNotGivenError) and self._is_patient(refused_since):
                refused_since = refused_since or _now()
                self._refused()
            elif error is not None or not self._is_fetching:
                self._close(error)

    async def fetched(self) -> None:
        """Wait until nothing is left to fetch."""
        while self._fetching is not None and not self._fetching.done():
            await asyncio.wait((self._fetching,))

    @property
    def _is_fetching(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    async def stop(self) -> None:
        """Leave what is under way; what is in the lake is found there by the next session."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _look_once_more(self) -> None:
        """See what has come while files were fetched, for which a run would have to be started."""
        day, quiet = self.day, _now() - self._seen_at
        if quiet < _SEEN_JUST_NOW_SECONDS or day.source.today != day.date:
            return
        try:
            await self.look()
        except TdnetAssetsError as error:
            day.say(f"the last look at {day.date} failed: {error}")

    def _is_quiet(self) -> bool:
        """Whether the day may be closed with what is known of it.

        A host that refuses is waited for if it has refused files; the list was read a moment ago.
        """
        waits = self._waits_for_an_answer() and self.day.files.has_failures
        return self._knows_the_list() and not self._is_fetching and not waits

    def _knows_the_list(self) -> bool:
        """Whether all pages were read a moment ago, or what is new where that is enough."""
        reading = self._reading
        if reading is None:
            return False
        if reading.is_of_all_pages and _now() - self._read_at < self._pace.look_seconds:
            return True
        age = self.day.source.now() - reading.capture.whole_at
        is_near = age.total_seconds() < self._pace.all_pages_seconds
        return self._news_suffice and reading.error is None and is_near

    def _refused(self) -> None:
        if self._refused_since is None:
            self._refused_since = _now()

    def _waits_for_an_answer(self) -> bool:
        """Whether the last look failed: those to come are the probe, for a while."""
        since = self._refused_since
        return since is not None and self._is_patient(since)

    def _is_patient(self, since: float | None) -> bool:
        is_early = since is None or _now() - since < self._pace.patience_seconds
        return is_early and not self._is_sent_away

    def _close(self, error: Exception | None) -> None:
        """Leave the rest, and what went wrong, to who makes the day's assets."""
        self.day.reading = error if isinstance(error, TdnetError) else self._reading
        self.is_closed = True

    async def _read(self, *, whole: bool) -> TdnetAssetsError | None:
        """Read all pages, or what is new; gives what kept it from being read or stored."""
        source = self.day.source
        read, began = source.read_day if whole else source.read_news, _now()
        try:
            await self._take_in(await read(self._store, self.day.date), began)
        except TdnetAssetsError as error:
            return error
        return None

    async def _take_in(self, reading: ListReading, began: float) -> None:
        """Fold what has been read into the day's rows, and expect their files."""
        day = self.day
        self._reading = reading
        self._read_at = self._seen_at = _now()
        if reading.error is None:  # what was waited for in vain says nothing of the list
            self.reading_seconds = max(self.reading_seconds, self._read_at - began)
        day.capture = reading.capture.id
        before = day.files.listed.frame.height if day.files.listed else None
        await self._expect()
        self._fetch()
        self._changed()
        rows = day.files.listed.frame.height if day.files.listed else 0
        more = f"{rows - before:+,}" if before is not None else f"{rows:,}"
        at = day.source.now().astimezone(TOKYO)
        left = day.files.left
        day.say(f"{at:%H:%M} {day.date}: {more} rows of {rows:,}, {left:,} files to go")

    async def _expect(self) -> None:
        self.day.versions.clear()
        is_done = False
        try:
            await make(DISCLOSURES_STEP, self.day)
            expect_files(self.day)
            is_done = True
        finally:
            self._is_behind = not is_done

    def _fetch(self) -> None:
        if self.day.files.left and not self._is_fetching:
            self._fetching = asyncio.create_task(self._fetch_in_batches())

    async def _fetch_in_batches(self) -> None:
        files = self.day.files
        self._recorded, self._recorded_at = len(files.fetched), _now()
        fetching = asyncio.create_task(files.fetch(self.day.concurrency))
        try:
            while not fetching.done():
                await asyncio.wait((fetching,), timeout=_LOOK_FOR_A_BATCH_SECONDS)
                if self._is_batch() or fetching.done():
                    self._put()
            await fetching
        except Exception as error:  # noqa: BLE001 - who makes the day's assets asks for the rest
            told = "".join(traceback.format_exception(error))
            self.day.say(f"{self.day.date}: the files could not be fetched: {told}")
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    def _is_batch(self) -> bool:
        """Whether so much has come that it is worth a put: a burst's archives, or a number."""
        files = self.day.files
        more = len(files.fetched) - self._recorded
        archives_came = self._had_archives_left and not files.archives_left
        self._had_archives_left = files.archives_left
        return (
            more >= self._pace.put_files
            or archives_came
            or (more > 0 and _now() - self._recorded_at >= self._pace.put_seconds)
        )

    def _put(self) -> None:
        """Put the documents as far as they are; what fails is tried again with the next batch."""
        day = self.day
        for _ in range(TRIES_AGAINST_ANOTHER_WRITER):
            try:
                put_documents(day)
            except ConflictError:
                day.refresh()
                expect_files(day)
            except LakeError as error:
                day.say(f"{day.date} documents: {error}")
                return
            else:
                break
        else:
            day.say(f"{day.date} documents: another writer was faster each time; tried again")
            return
        self._recorded, self._recorded_at = len(day.files.fetched), _now()
        self._changed()


def _now() -> float:
    return asyncio.get_running_loop().time()
