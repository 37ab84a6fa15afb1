"""Readings: what a run of captures says of a day, page by page and folded into one.

What belongs here: the way from stored captures to what was known, for the day's table and for
questions about an earlier moment alike. What does not: storing and finding captures
(``captures.py``), and how one sighting changes what is known (``tdnet/sightings.py``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tdnet_assets.resources.lake.captures import TDNET, Capture, CaptureStore
from tdnet_assets.resources.lake.store import DamagedObjectError
from tdnet_assets.tdnet.listing import (
    ListedDisclosure,
    ListPage,
    ListPageError,
    RejectedRow,
    parse_list_page,
)
from tdnet_assets.tdnet.sightings import Disclosure, Sighting, fold

_READERS: Mapping[str, Callable[..., ListPage]] = {TDNET: parse_list_page}
"""How a page is read, by the source of its capture and not by today's configuration."""


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
        """How many rows the latest capture shows, with those of what it continues."""
        if self.latest.continues:
            return len(self.known) - len(self.vanished)
        return sum(len(page.rows) for page in self.pages)

    @property
    def vanished(self) -> list[Disclosure]:
        """Rows seen earlier that the latest capture does not show.

        One that continues another shows what was seen since that one.
        """
        if base := self.latest.continues:
            return [seen for seen in self.known if seen.capture < base]
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
            capture.day,
            capture.id,
            capture.begun_at,
            capture.base_url,
            complete=capture.complete and not capture.continues,
            source=capture.source,
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
    read_page = _READERS[capture.source]
    pages = []
    for page in capture.pages:
        try:
            pages.append(read_page(store.read(page), day=capture.day, page=page.number))
        except ListPageError:
            continue
    return pages


def rows_shown(store: CaptureStore, capture: Capture) -> list[ListedDisclosure] | None:
    """Every row of the day in the list's order, as a complete capture and what it continues show.

    None where they do not make a whole list any more.

    Raises:
        DamagedObjectError: a manifest or a page is not in the lake as it was stored.
    """
    captures = [capture]
    if base := capture.continues:
        ids = [one for one in store.ids(capture.day) if base <= one < capture.id]
        earlier = [found for one in ids if (found := store.get(capture.day, one))]
        captures = [one for one in earlier if base in (one.id, one.continues)] + captures
    rows: list[ListedDisclosure] = []
    for one in captures:
        above = [row for page in readable_pages(store, one) for row in page.rows]
        rows = rows_below(above, rows, one.total or 0)
    whole = captures[0].continues is None and all(one.complete for one in captures)
    return rows if whole and len(rows) == capture.total else None


def rows_below(
    above: Sequence[ListedDisclosure], known: Sequence[ListedDisclosure], total: int
) -> list[ListedDisclosure]:
    """The rows of the first pages, and below them what is left of those known before."""
    below = total - len(above)
    return [*above, *(known[-below:] if below > 0 else ())]
