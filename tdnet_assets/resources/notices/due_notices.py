"""What is due of a day: what the watches match, less what is told or due already.

What belongs here: putting due notices into the table, and bringing the table back from the lake
when it was lost. What does not: the judgement (``tdnet/watching``), and sending (``sender.py``).

It goes by level: whoever calls it again, after whatever has happened, puts what is missing and
nothing twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import polars as pl

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.notices_table import (
    CLAIMED,
    TO_TELL,
    NoticeItem,
    NoticesResource,
    TableMarker,
    told_events,
)
from tdnet_assets.resources.lake.store import DamagedObjectError, LakeResource
from tdnet_assets.tables.watch_notices import WATCH_NOTICES_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.sightings import Disclosure
from tdnet_assets.tdnet.watching.notice_text import Notice, notice_about
from tdnet_assets.tdnet.watching.watch_list import (
    Watch,
    WatchedDisclosure,
    WatchList,
    due_events,
)

TOLD_LATE_BY = timedelta(days=7)
"""What was published longer ago is not told any more, however late it came to be known."""
_RESTORED_DAYS = 8


class Match(NamedTuple):
    """A watch, what it matches, and the event that a destination is to be told of."""

    watch: Watch
    subject: WatchedDisclosure
    event: str
    destination: str


class DueNotices:
    """Puts what is due into the table; made once for a while, since it remembers the watches."""

    def __init__(
        self,
        table: NoticesResource,
        lake: LakeResource,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table = table
        self._lake = lake
        self._clock = clock
        self._marker: TableMarker | None = None
        self._since: dict[tuple[str, str], datetime] = {}

    def add(
        self, day: date, subjects: Iterable[WatchedDisclosure], watches: WatchList
    ) -> list[NoticeItem]:
        """Put what the watches match of some disclosures of a day; what was missing.

        Raises:
            botocore.exceptions.ClientError: the table refuses, or ``BotoCoreError``.
            LakeError: the table was lost, and the lake does not answer either.
        """
        if not watches.watches:
            return []
        self.remember(watches)
        told = told_events(self._table.of_day(day))
        found = [
            self._item(day, Match(watch, subject, event, to), watches)
            for subject in subjects
            for watch in watches.watches
            for event, to in self._missing(watch, subject, told)
        ]
        self._table.add(found)
        return found

    def remember(self, watches: WatchList) -> None:
        """Bring back a table that was lost, and note since when each watch watches.

        To be called before anything is sent.
        """
        if self._marker is None:
            self._marker = self._table.marker() or self._bring_back()
        for watch in watches.watches:
            if (watch.name, watch.digest) not in self._since:
                # Of a table that was lost it is not known: what may have been told is told again.
                begins = self._clock()
                if self._marker.restored and begins - self._marker.made_at < timedelta(hours=1):
                    begins = self._marker.made_at - timedelta(days=1)
                since = self._table.watched_since(watch.name, watch.digest, begins)
                self._since[watch.name, watch.digest] = since

    def _missing(
        self,
        watch: Watch,
        subject: WatchedDisclosure,
        told: Mapping[tuple[str, str, str], Mapping[str, int]],
    ) -> Iterator[tuple[str, str]]:
        """Events, each with the destination that is to be told of it."""
        listed = subject.listed
        known = {to: told.get((watch.name, listed.disclosure_id or "", to), {}) for to in watch.to}
        is_news = self._is_news(watch, listed)
        for to, events in known.items():
            # Of what was told everything is told; anything else only if it is news to this watch.
            if events or is_news:
                yield from ((event, to) for event in due_events(watch, subject, events))

    def _is_news(self, watch: Watch, listed: Disclosure) -> bool:
        # The list tells the minute: what was published in the minute in which the watch began is
        # news.
        begins = self._since[watch.name, watch.digest].replace(second=0, microsecond=0)
        return listed.disclosed_at >= max(begins, self._clock() - TOLD_LATE_BY)

    def _item(self, day: date, match: Match, watches: WatchList) -> NoticeItem:
        now = self._clock()
        watch, listed, marker = match.watch, match.subject.listed, self._marker
        links = links_of(self._lake.config, watches, day, listed.disclosure_id or "")
        return NoticeItem(
            destination=match.destination,
            notice=notice_about(watch, match.event, match.subject, links),
            date=day,
            state=TO_TELL,
            titles=len(listed.previous_titles),
            seen_at=listed.first_seen_at,
            due_at=now,
            not_before=watch.quiet.end_of(now) if watch.quiet else now,
            # The memory of what was sent before was lost.
            repeated=bool(marker and marker.restored and listed.first_seen_at < marker.made_at),
        )

    def _bring_back(self) -> TableMarker:
        """Put what ``watch_notices`` of the last days know into a table without memory."""
        now = self._clock()
        today = now.astimezone(TOKYO).date()
        days = [today - timedelta(days=back) for back in range(_RESTORED_DAYS)]
        notices = [one for day in days for one in stored_notices(self._lake, day)]
        self._table.add(notices)
        self._table.set_marker(now, restored=bool(notices))
        return self._table.marker() or TableMarker(now, restored=bool(notices))


def links_of(
    config: PlatformConfig, watches: WatchList, day: date, disclosure_id: str
) -> dict[str, str]:
    """Where a disclosure can be looked at: in the reader, where there is one, and in the list."""
    links = {}
    if watches.reader:
        links["reader"] = f"{watches.reader}/disclosures/{disclosure_id}"
    if config.tdnet_base_url:
        links["list"] = f"{config.tdnet_base_url}/I_list_001_{day:%Y%m%d}.html"
    return links


def stored_notices(lake: LakeResource, day: date) -> list[NoticeItem]:
    """The notices that ``watch_notices`` of a day knows; none where it is damaged."""
    try:
        stored = lake.read_table(WATCH_NOTICES_TABLE.name, day)
    except DamagedObjectError:
        return []
    return notices_in(stored.frame, day) if stored else []


def notices_in(rows: pl.DataFrame, day: date) -> list[NoticeItem]:
    """The notices in rows of ``watch_notices``, as items.

    One that was being sent then, or has been since, may have been taken.
    """
    return [
        NoticeItem(
            destination=row["destination"],
            notice=Notice.from_text(row["notice"]),
            date=day,
            state=TO_TELL if row["state"] == CLAIMED else row["state"],
            titles=row["titles"],
            seen_at=row["seen_at"],
            due_at=row["due_at"],
            not_before=row["due_at"],
            first_tried_at=row["first_tried_at"],
            sent_at=row["sent_at"],
            attempts=row["attempts"],
            repeated=row["repeated"] or row["state"] in (CLAIMED, TO_TELL),
            error=row["error"],
        )
        for row in rows.iter_rows(named=True)
    ]
