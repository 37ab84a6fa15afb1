"""Readings: what a run of captures says of a day, page by page and folded into one.

What belongs here: the way from stored captures to what was known, for the day's table and for
questions about an earlier moment alike. What does not: storing and finding captures
(``captures.py``), and how one sighting changes what is known (``tdnet/sightings.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tdnet_assets.resources.lake.captures import Capture, CaptureStore
from tdnet_assets.resources.lake.store import DamagedObjectError
from tdnet_assets.tdnet.listing import ListPage, ListPageError, RejectedRow, parse_list_page
from tdnet_assets.tdnet.sightings import Disclosure, Sighting, fold


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of a day after its captures, and the latest capture's own pages.

    ``damaged`` says of each capture that could not be read from the lake what is wrong with it.
    """

    known: list[Disclosure]
    latest: Capture
    pages: list[ListPage]
    damaged: tuple[str, ...] = ()

    @property
    def rejects(self) -> list[RejectedRow]:
        """The rows of the latest capture that could not be read."""
        return [reject for page in self.pages for reject in page.rejects]

    @property
    def listed(self) -> int:
        """How many rows the latest capture shows."""
        return sum(len(page.rows) for page in self.pages)

    @property
    def vanished(self) -> list[Disclosure]:
        """Rows seen earlier that the latest capture does not show."""
        return [seen for seen in self.known if seen.capture != self.latest.id]


def fold_captures(
    store: CaptureStore, day: date, ids: Iterable[str], known: Sequence[Disclosure] = ()
) -> Reading | None:
    """Fold captures of one day into what was known before them; None without a readable one.

    Args:
        store: where their pages are.
        day: whose captures they are.
        ids: of finished captures, in their order.
        known: what was known of the day before the first of them.
    """
    reading = None
    damaged: list[str] = []
    for capture_id in ids:
        try:
            capture = store.get(day, capture_id)
            pages = readable_pages(store, capture) if capture else []
        except DamagedObjectError as damage:
            damaged.append(str(damage))
            continue
        if capture is None:
            continue
        sighting = Sighting(
            capture.day, capture.id, capture.begun_at, capture.base_url, capture.complete
        )
        before = reading.known if reading else known
        rows = (row for page in pages for row in page.rows)
        reading = Reading(fold(before, rows, sighting), capture, pages)
    return reading and replace(reading, damaged=tuple(damaged))


def readable_pages(store: CaptureStore, capture: Capture) -> list[ListPage]:
    """The pages of a capture that can be parsed; the others are named by its manifest's problem.

    Raises:
        DamagedObjectError: a page is not in the lake as it was stored.
    """
    pages = []
    for page in capture.pages:
        try:
            pages.append(parse_list_page(store.read(page), day=capture.day, page=page.number))
        except ListPageError:
            continue
    return pages
