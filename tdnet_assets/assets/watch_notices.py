"""``watch_notices``: what the watch-lists match of a day, to whom it is told, and how fast.

What belongs here: the asset and its check. What does not: what matches (``tdnet/watching``), the
notices while they are sent (``resources/notices``), and the columns (``tables/watch_notices.py``).

It puts what is due into the table of notices and stores what has become of it by now. What is sent
afterwards makes it once more (``automation/notice_sending.py``). Nothing is forgotten: rows that
have expired in DynamoDB stay, and so do those of a watch that is no more.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import median
from typing import Any

import dagster as dg

from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.assets.steps import CheckResult, DailyStep, Day, IncompleteDayError, Materialized
from tdnet_assets.resources.aws.notices_table import (
    SENT,
    TO_TELL,
    UNDELIVERABLE,
    NoticeItem,
    NoticesResource,
)
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import sha256
from tdnet_assets.resources.notices.due_notices import DueNotices, notices_in
from tdnet_assets.resources.notices.sender import GIVEN_UP_AFTER
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.resources.notices.watched_day import read_watched_day
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.watch_notices import WATCH_NOTICES_TABLE
from tdnet_assets.tdnet.watching.watch_list import WatchList

NAME = "watch_notices"
NOTICES_DELIVERED = "notices_delivered"
STANDING = "standing"
"""In the object's metadata: which notices it knows, and in which state (:func:`standing`)."""

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="One row per watch, disclosure of the day, event and destination: what the "
    "watch-lists (TDNET_WATCHES) match, when it was published, seen and sent, and what became of "
    "it. A notice that no destination took for a day fails the check.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet", "dynamodb"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(WATCH_NOTICES_TABLE),
)


async def materialize(day: Day) -> Materialized:
    """Put what is due of the day, and store what has become of its notices."""
    return await asyncio.to_thread(_make, day)


def _make(day: Day) -> Materialized:
    watches = read_watch_list(day.lake.config)
    texts = any(watch.needs_text for watch in watches.watches)
    watched = read_watched_day(day.lake, day.date, day.read, texts=texts)
    if watched is None:
        raise IncompleteDayError(f"no disclosures of {day.date} yet: materialize them first")
    before = day.read_own(NAME)
    known = {one.id: one for one in notices_in(before.frame, day.date)} if before else {}
    if watches.watches:
        table = NoticesResource(config=day.lake.config)
        due = DueNotices(table, day.lake, clock=day.now)
        found = due.add(day.date, watched.subjects(), watches)
        _give_up_the_homeless(table, table.of_day(day.date), watches, day.now())
        # The index of the table may trail by a moment.
        known |= {one.id: one for one in (*found, *table.of_day(day.date))}
    notices = list(known.values())
    frame = WATCH_NOTICES_TABLE.frame(map(_row, notices)).sort(
        WATCH_NOTICES_TABLE.order, nulls_last=True
    )
    check = _delivered(notices)
    said = {STANDING: standing(notices)}
    made = day.put(NAME, frame, [check], before=before, metadata=said)
    return replace(made, metadata=_metadata(day, notices))


def standing(notices: Iterable[NoticeItem]) -> str:
    """Which notices there are and in which state: another text whenever one of them is another."""
    states = sorted(f"{one.id} {one.state} {one.attempts}" for one in notices)
    return sha256("\n".join(states).encode())[:16]


def _give_up_the_homeless(
    table: NoticesResource, notices: Iterable[NoticeItem], watches: WatchList, now: datetime
) -> None:
    """What is due for a destination that is no more in the file is nobody's after a day."""
    for one in notices:
        is_old = one.state == TO_TELL and now - one.due_at >= GIVEN_UP_AFTER
        if is_old and watches.destination(one.destination) is None:
            claimed = table.claim(one, now)
            if claimed:
                reason = f"the watch file has no destination {one.destination} any more"
                table.give_up(claimed, error=reason, unconfirmed=False)


def _row(one: NoticeItem) -> dict[str, Any]:
    notice = one.notice
    sent_after = one.sent_at and (one.sent_at - notice.published_at).total_seconds()
    return {
        **{name: getattr(notice, name) for name in _OF_THE_NOTICE},
        **{name: getattr(one, name) for name in _OF_THE_ITEM},
        "seconds": sent_after,
        "notice": notice.to_text(),
    }


_OF_THE_NOTICE = (
    "watch",
    "disclosure_id",
    "event",
    "code",
    "company_name",
    "title",
    "published_at",
)
_OF_THE_ITEM = (
    "destination",
    "seen_at",
    "due_at",
    "sent_at",
    "state",
    "attempts",
    "repeated",
    "error",
    "first_tried_at",
    "titles",
)


def _delivered(notices: Sequence[NoticeItem]) -> CheckResult:
    failed = [one for one in notices if one.state == UNDELIVERABLE]
    description = "every notice has been taken, or is being tried"
    if failed:
        first = failed[0]
        description = (
            f"{len(failed)} notices were not taken within a day, first {first.id}: {first.error}"
        )
    return CheckResult(
        NOTICES_DELIVERED,
        passed=not failed,
        description=description,
        metadata={"failed": len(failed)},
    )


def _metadata(day: Day, notices: Sequence[NoticeItem]) -> dict[str, Any]:
    key = layout.table_key(NAME, day.date)
    sent = [(one, one.sent_at) for one in notices if one.state == SENT and one.sent_at]
    published = [(at - one.notice.published_at).total_seconds() for one, at in sent]
    states: Mapping[str, int] = Counter(one.state for one in notices)
    return {
        "dagster/partition_row_count": len(notices),
        "dagster/uri": day.lake.uri(key),
        **{f"{state}_notices": count for state, count in sorted(states.items())},
        **_seconds("published_to_sent", published),
        **_seconds("seen_to_sent", [(at - one.seen_at).total_seconds() for one, at in sent]),
        "slowest": preview(
            {
                "watch": one.notice.watch,
                "id": one.notice.disclosure_id,
                "event": one.notice.event,
                "seconds": f"{(at - one.notice.published_at).total_seconds():.0f}",
            }
            for one, at in sorted(
                sent, key=lambda pair: pair[1] - pair[0].notice.published_at, reverse=True
            )[:10]
        ),
        "object": dg.MetadataValue.url(day.lake.console_url(key)),
    }


def _seconds(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"{name}_median_s": round(median(values), 1), f"{name}_max_s": round(max(values), 1)}


def _still_holds(day: Day, shown: Mapping[str, Any]) -> bool:
    """Whether nothing has become of the day's notices since they were stored."""
    if not read_watch_list(day.lake.config).watches:
        return True
    head = day.lake.table_head(NAME, day.date)
    notices = NoticesResource(config=day.lake.config).of_day(day.date)
    return head is not None and head.metadata.get(STANDING) == standing(notices)


WATCH_NOTICES_STEP = DailyStep(
    spec=SPEC,
    checks={
        NOTICES_DELIVERED: "No notice was refused by its destination for a whole day.",
    },
    materialize=materialize,
    still_holds=_still_holds,
)
