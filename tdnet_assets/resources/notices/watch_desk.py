"""The desk of a running session: it is handed the rows that were stored, and tells who waits.

What belongs here: one thread beside collection. What does not: what is due (``due_notices.py``) and
sending (``sender.py``).

Nothing here can slow or fail whoever hands over rows: handing over is an assignment, and whatever
goes wrong behind it is logged and tried again.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Self

from tdnet_assets.resources.aws.notices_table import NoticesResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.delivery import Delivery
from tdnet_assets.resources.notices.due_notices import TOLD_LATE_BY, DueNotices
from tdnet_assets.resources.notices.sender import NoticeSender
from tdnet_assets.resources.notices.watch_source import WatchSource
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.sightings import Disclosure
from tdnet_assets.tdnet.watching.watch_list import WatchedDisclosure, WatchList

_LOGGER = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 5
"""How often it looks for what others have found due: matches of texts and figures."""
BEAT_EVERY_SECONDS = 15.0
END_SECONDS = 1.0
_Mark = tuple[str | None, str, int, str]


class WatchDesk:
    """Tells of rows as they are stored, in a thread of its own; a context manager.

    ``with WatchDesk(lake) as desk: desk.rows_stored(day, rows)``. Without a watch file it does
    nothing.

    Args:
        lake: names the watch file, and has what a lost table is brought back from.
        every_seconds: how long it waits between two looks, unless rows are handed over.
        clock: the present, aware.
        monotonic: seconds that never go back.
        awake: what it waits for between two looks; set when there is something to do.
    """

    def __init__(
        self,
        lake: LakeResource,
        *,
        every_seconds: float = LOOK_EVERY_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        awake: threading.Event | None = None,
    ) -> None:
        config = lake.config
        self._is_wanted = bool(config.watches)
        self._source = WatchSource(config)
        self._table = NoticesResource(config=config)
        self._due = DueNotices(self._table, lake, clock=clock)
        self._sender = NoticeSender(self._table, Delivery(config), clock=clock, monotonic=monotonic)
        self._clock, self._monotonic = clock, monotonic
        self._every = every_seconds
        self._lock = threading.Lock()
        self._pending: dict[date, Sequence[Disclosure]] = {}
        self._looked_at: tuple[WatchList, set[_Mark]] = (WatchList(), set())
        self._beaten_at = float("-inf")
        self._awake = awake or threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch desk", daemon=True)

    def rows_stored(self, day: date, rows: Sequence[Disclosure]) -> None:
        """Say that these are the rows of a day now; returns at once, and never raises."""
        if not self._is_wanted or self._clock().astimezone(TOKYO).date() - day > TOLD_LATE_BY:
            return
        with self._lock:
            self._pending[day] = rows
        self._awake.set()

    def __enter__(self) -> Self:
        if self._is_wanted:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End: what is due stays in the table, and the sensor goes on with it."""
        self._stopping.set()
        self._sender.stop()
        self._awake.set()
        if self._is_wanted:
            self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            has_sent = False
            try:
                has_sent = self._look()
            except Exception:
                _LOGGER.exception("notices are behind; tried again in a moment")
            if not has_sent:  # otherwise more may be waiting
                self._awake.wait(self._every)
            self._awake.clear()
        try:
            if self._beaten_at > float("-inf"):
                self._table.end_beat()
        except Exception:
            _LOGGER.exception("the sensor takes over a minute later than it could")

    def _look(self) -> bool:
        """Match what was handed over, and send one message to whoever waits; whether any went."""
        watches = self._source.current()
        if not watches.watches:
            return False
        if self._monotonic() - self._beaten_at >= BEAT_EVERY_SECONDS:
            self._table.beat()
            self._beaten_at = self._monotonic()
        with self._lock:
            pending, self._pending = self._pending, {}
        try:
            self._due.remember(watches)
            for day in list(pending):
                self._match(day, pending[day], watches)
                del pending[day]
        finally:
            with self._lock:  # what was not looked at, unless newer rows have come
                self._pending = {**pending, **self._pending}
        return self._sender.send_due(watches, seconds=self._every).messages > 0

    def _match(self, day: date, rows: Sequence[Disclosure], watches: WatchList) -> None:
        """Match the rows that are new or another since the last look."""
        known = self._looked_at[1] if self._looked_at[0] is watches else set()
        marks = {_mark(row): row for row in rows if row.disclosure_id}
        changed = [row for mark, row in marks.items() if mark not in known]
        if changed:
            self._due.add(day, map(WatchedDisclosure, changed), watches)
        self._looked_at = (watches, known | marks.keys())


def _mark(row: Disclosure) -> _Mark:
    return row.disclosure_id, row.title, len(row.previous_titles), row.status
