"""Why somebody was told of a disclosure, or was not: for the commands and the reader.

What belongs here: putting together what is stored of a disclosure, what a watch says of it, and
what became of the notices. What does not: showing it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from tdnet_assets.resources.aws.notices_table import (
    SENT,
    UNDELIVERABLE,
    NoticeItem,
    NoticesResource,
)
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.due_notices import TOLD_LATE_BY, stored_notices
from tdnet_assets.resources.notices.watched_day import WatchedDay, read_watched_day
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.sightings import Disclosure
from tdnet_assets.tdnet.watching.watch_list import Verdict, WatchedDisclosure, WatchList

Outcome = Literal["matched", "no_such_watch", "against", "not_yet", "not_due"]

_LOOKED_AROUND = 40


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a watch and a disclosure.

    ``verdicts`` are empty where the file has no such watch (any more); ``notices`` are sentences,
    one for each that there is; ``conclusion`` says it in one, and ``outcome`` is its kind.
    """

    listed: Disclosure
    verdicts: Sequence[Verdict]
    notices: Sequence[str]
    outcome: Outcome
    conclusion: str


def explain(
    lake: LakeResource,
    watches: WatchList,
    name: str,
    disclosure_id: str,
    *,
    known: Callable[[LakeResource, date], Sequence[NoticeItem]] | None = None,
) -> Explanation | None:
    """Why a watch did or did not tell of a disclosure; None where the lake has no such one.

    Args:
        lake: where it is.
        watches: the watch file.
        name: of the watch.
        disclosure_id: 14 digits.
        known: the notices about a day's disclosures; :func:`known_notices` when None.

    Raises:
        LakeError: S3 refused or failed.
    """
    found = _find(lake, disclosure_id)
    if found is None:
        return None
    day, subject = found
    watch = watches.watch(name)
    notices = [
        one
        for one in (known or known_notices)(lake, day.date)
        if (one.notice.watch, one.notice.disclosure_id) == (name, disclosure_id)
    ]
    verdicts = tuple(watch.verdicts(subject)) if watch else ()
    outcome, conclusion = _conclusion(name, watch is not None, verdicts, notices)
    said = [_sentence(one) for one in notices]
    return Explanation(subject.listed, verdicts, said, outcome, conclusion)


def known_notices(lake: LakeResource, day: date) -> list[NoticeItem]:
    """The notices about a day's disclosures: as they are now, else as they are stored.

    Who may read the bucket alone gets what the last run has stored.
    """
    known = {one.id: one for one in stored_notices(lake, day)}
    with suppress(ClientError, BotoCoreError):
        known |= {one.id: one for one in NoticesResource(config=lake.config).of_day(day)}
    return sorted(known.values(), key=lambda one: (one.due_at, one.id))


def _find(lake: LakeResource, disclosure_id: str) -> tuple[WatchedDay, WatchedDisclosure] | None:
    """The day that lists a disclosure: near the day in its number, which is its registration's."""
    days = [
        day
        for found in lake.list(layout.table_prefix(DISCLOSURES_TABLE.name))
        if (day := layout.day_of_table_key(DISCLOSURES_TABLE.name, found.key))
    ]
    try:
        registered = date.fromisoformat(disclosure_id[:8])
    except ValueError:
        return None
    near = sorted(days, key=lambda day: (abs((day - registered).days), day < registered))
    for day in near[:_LOOKED_AROUND]:
        watched = read_watched_day(lake, day)
        if watched and (subject := watched.subject(disclosure_id)):
            return watched, subject
    return None


def _sentence(one: NoticeItem) -> str:
    event = f"{one.notice.event} to {one.destination}"
    due = f"due {one.due_at.astimezone(TOKYO):%m-%d %H:%M:%S}"
    if one.state == SENT and one.sent_at:
        repeated = ", as a possible repetition" if one.repeated else ""
        return f"{event}: {due}, sent {one.sent_at.astimezone(TOKYO):%m-%d %H:%M:%S}{repeated}"
    why = f": {one.error}" if one.error else ""
    if one.state == UNDELIVERABLE:
        return f"{event}: {due}, failed for good after {one.attempts} tries{why}"
    return f"{event}: {due}, {one.state}, {one.attempts} tries so far{why}"


def _conclusion(
    name: str, is_known: bool, verdicts: Sequence[Verdict], notices: Sequence[NoticeItem]
) -> tuple[Outcome, str]:
    if notices:
        states = ", ".join(sorted({one.state for one in notices}))
        return "matched", f"{name} matched: {states}"
    if not is_known:
        return "no_such_watch", f"the watch file has no watch {name}, and nothing was told by it"
    if against := [one.condition for one in verdicts if one.holds is False]:
        return "against", f"{name} does not match: {', '.join(against)}"
    if unknown := [one.condition for one in verdicts if one.holds is None]:
        return "not_yet", f"{name} cannot match yet: {', '.join(unknown)} not read"
    return "not_due", (
        f"{name} matches, but nothing was due: it began to watch later, the disclosure was deleted "
        f"before, or became known more than {TOLD_LATE_BY.days} days after its publication"
    )
