"""What a source of disclosures answers, whoever it is: a day's list, a look at it, and files.

What belongs here: the interface that the assets work with. What does not: TDnet's own way
(``tdnet_source.py``, ``paging.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tdnet_assets.resources.lake.captures import Capture, CaptureStore
from tdnet_assets.resources.source.answers import Answer, RequestCounts
from tdnet_assets.tdnet.errors import TdnetError


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file that the list links to; ``name`` is its bare name, ``kind`` pdf or xbrl.

    ``withdrawn`` says that the list calls the row deleted, so that the source need not have it any
    more. ``disclosed_at`` (aware) is the row's own time.
    """

    disclosure_id: str
    kind: str
    name: str
    withdrawn: bool
    disclosed_at: datetime | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """What a file's outcome is found by."""
        return self.disclosure_id, self.kind


@dataclass(frozen=True, slots=True)
class ListReading:
    """The outcome of reading a day: the capture it ended with, and what was wrong, if anything.

    ``readings`` is 0 for a day that the source lists no more: the capture is the lake's latest one.
    ``is_of_all_pages`` says that the whole list was asked for, and not what is new alone; the
    capture does not tell, since pages that are those of the latest one make no other.
    """

    capture: Capture
    changed: bool
    readings: int
    error: TdnetError | None
    is_of_all_pages: bool = True


class DisclosureSource(Protocol):
    """Where disclosures come from; one open session of it."""

    @property
    def name(self) -> str:
        """What rows, captures and files call it."""

    @property
    def counts(self) -> RequestCounts:
        """What has been asked for so far."""

    @property
    def today(self) -> date:
        """The present day in Japan."""

    @property
    def is_open(self) -> bool:
        """Whether something may be published at this time of the day."""

    def now(self) -> datetime:
        """The present (aware, UTC), by the clock that the session was given."""

    def lists(self, day: date) -> bool:
        """Whether the source lists the day, by its window and the clock; nothing is asked."""

    async def read_day(self, store: CaptureStore, day: date) -> ListReading:
        """Read a day's list whole and store it as a capture.

        Raises:
            DayNotListedError: neither the source nor the lake has a list for the day.
            TdnetError: nothing of it could be read.
        """

    async def read_news(self, store: CaptureStore, day: date) -> ListReading:
        """The same, no further than to what the lake knows already, where that is certain."""

    async def look(self, store: CaptureStore, day: date) -> ListReading | None:
        """One request, before all others; what is new is read and stored. None if nothing is.

        Raises:
            TdnetError: the list could not be looked at.
        """

    async def file(
        self, file: ExpectedFile, validate: Callable[[bytes], object], *, of_today: bool
    ) -> Answer:
        """A file's bytes, accepted by ``validate``, which refuses by raising TdnetError.

        Raises:
            SourceError: it was refused, or every attempt failed.
        """
