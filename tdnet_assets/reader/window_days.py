"""The days of TDnet's window as they are stored: whole, not whole and why, or not there yet.

What belongs here: looking at all of them often without asking for all of them often. The listings
say which day has changed; only those, and those that are not whole, are looked at again. What does
not: the judgement (``tables/wholeness.py``).
"""

import hashlib
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, Literal

import polars as pl

from tdnet_assets import catalog
from tdnet_assets.reader.library import LISTED_EVERY_SECONDS, Library
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import days_of_the_window, read_day_states
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import DayState, Lack

Mark = Literal["whole", "not_whole", "not_yet", "unknown"]

_WITHOUT_FILES: Final = ("listing_pages", "disclosure_index")
_READS_AT_ONCE: Final = 16
_OLD_SECONDS: Final = 60.0
_OLD_WAIT_SECONDS: Final = 2.0
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WindowDay:
    """One day: its mark, why it is not whole, and how many disclosures are stored."""

    day: date
    mark: Mark
    lacks: Sequence[Lack] = ()
    disclosures: int | None = None

    @property
    def reason(self) -> str:
        """Why it is not whole, in English; empty when it is."""
        return "; ".join(f"{lack.table}: {lack.reason}" for lack in self.lacks)


@dataclass(frozen=True, slots=True)
class Window:
    """The days, newest first, with their stored states, as of ``looked_at`` (aware)."""

    days: Sequence[WindowDay] = ()
    states: Mapping[date, DayState] = field(default_factory=dict)
    looked_at: datetime | None = None

    @property
    def version(self) -> str:
        """Another one whenever anything that is shown of the days has changed."""
        said = "\n".join(
            f"{one.day} {one.mark} {one.reason} {one.disclosures}" for one in self.days
        )
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def newest_with_any(self) -> WindowDay | None:
        """The newest day of which disclosures are stored."""
        return next((one for one in self.days if one.disclosures), None)

    @property
    def is_empty(self) -> bool:
        """Whether the days were looked at, and nothing is stored of any."""
        return bool(self.days) and all(one.mark == "not_yet" for one in self.days)

    def of(self, day: date) -> WindowDay | None:
        """One day of the window."""
        return next((one for one in self.days if one.day == day), None)


@dataclass(frozen=True, slots=True)
class _Seen:
    etags: str
    state: DayState
    disclosures: int | None


class WindowDays:
    """The window, looked at in the background; safe to share between threads."""

    def __init__(self, library: Library) -> None:
        """Look at nothing yet."""
        self._library = library
        self._index = DisclosureIndexResource(config=library.config)
        self._seen: dict[date, _Seen] = {}
        self._window = Window()
        self._looked = -float("inf")
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="window")
        self._look: Future[None] | None = None

    def now(self, *, wait_seconds: float = 0.1) -> Window:
        """The window as it was a moment ago.

        A look that is due is begun, and waited for a little: a page does not wait for S3 to tell of
        250 objects. Before the first look has ended there are no days.
        """
        with self._lock:
            age = time.monotonic() - self._looked
            is_due = age > LISTED_EVERY_SECONDS
            if is_due and (self._look is None or self._look.done()):
                self._look = self._pool.submit(self._look_again)
            look = self._look if is_due else None
        if look is not None:
            # Of days that nobody has asked for since long ago the rows would tell another story.
            is_old = bool(self._window.days) and age > _OLD_SECONDS
            try:
                look.result(timeout=max(wait_seconds, _OLD_WAIT_SECONDS if is_old else 0))
            except NotYetError:
                pass
            except Exception:  # whatever it is: the page shows when was looked last
                _LOGGER.exception("the days of the window cannot be looked at")
        return self._window

    def close(self) -> None:
        """End the background's thread; a look that has begun ends first."""
        self._pool.shutdown(cancel_futures=True)

    def _look_again(self) -> None:
        library, now = self._library, datetime.now(UTC)
        days = days_of_the_window(library.lake, library.config, now)
        etags = self._etags(days)
        changed = [
            day
            for day in days
            if (seen := self._seen.get(day)) is None
            or seen.etags != etags[day]
            or (seen.state.not_whole() and any(seen.state.origins.values()))
        ]
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            states = dict(zip(changed, pool.map(self._state, changed), strict=True))
        counts = self._counts([day for day in changed if states[day].etags.get("disclosures")])
        for day, state in states.items():
            self._seen[day] = _Seen(etags[day], state, counts.get(day))
        self._seen = {day: self._seen[day] for day in days}
        self._window = Window(
            [_shown(day, seen) for day, seen in self._seen.items()],
            {day: seen.state for day, seen in self._seen.items()},
            now,
        )
        self._looked = time.monotonic()

    def _etags(self, days: Sequence[date]) -> dict[date, str]:
        """What the listings say of each day: other words whenever anything of it is put."""
        first, last = min(days), max(days)
        said: dict[date, list[str]] = {day: [] for day in days}
        for table in RECIPES:
            if table not in _WITHOUT_FILES:
                for day, found in self._library.files(table, first, last).items():
                    said[day].append(f"{table}={found.etag}")
        for day, captures in CaptureStore(self._library.lake).ids_between(first, last).items():
            said[day].extend(captures)
        return {day: " ".join(words) for day, words in said.items()}

    def _state(self, day: date) -> DayState:
        return read_day_states(self._library.lake, self._index, [day])[day]

    def _counts(self, days: Sequence[date]) -> dict[date, int]:
        if not days:
            return {}
        rows = catalog.scan_disclosures(
            config=self._library.config, first=min(days), last=max(days)
        ).filter(pl.col("date").is_in(list(days)))
        return dict(rows.group_by("date").len().collect().iter_rows())


def _shown(day: date, seen: _Seen) -> WindowDay:
    state = seen.state
    if not any(state.origins.values()):
        return WindowDay(day, "not_yet")
    lacks = state.roots()
    return WindowDay(day, "not_whole" if lacks else "whole", lacks, seen.disclosures)
