"""The disclosures of one day of the sample TDnet site.

What belongs here: which rows a day has, their order, ids, titles, and what happens to some of them
later; a pure function of the date, the size and the seed. What does not: pages
(``page.py``), files (``linked_files.py``) and what a clock shows (``site.py``).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from tdnet_assets.sample_site.business_days import (
    TIME_WEIGHTS,
    TIMES_OF_DAY,
    business_day_on_or_before,
    is_business_day,
)
from tdnet_assets.sample_site.companies import chance, company_of
from tdnet_assets.sample_site.titles import draw_announcement
from tdnet_assets.tdnet.listing import TOKYO

State = Literal["active", "retitled", "deleted"]

LARGEST_DAY = 6_000
LONGEST_REGISTRATION_DAYS = 30
"""A disclosure is registered at most this many days before it is shown."""

# Serial numbers run through 4xxxxx and 5xxxxx; a day takes the next stretch of them. Days that
# could share a registration date are at most 31, so their stretches never overlap.
_FIRST_SERIAL, _SERIALS, _SERIALS_PER_DAY = 400_000, 200_000, 6_400

_RETITLED_SHARE, _DELETED_SHARE = 0.008, 0.004
# Of a living day, where all of it happens between its morning and its midnight.
_LATE_SHARE, _SAME_DAY_SHARE, _FEWEST = 0.01, 0.008, 2
_MORNING, _EVENING, _NIGHT = "07:00", "20:00", "23:30"
_ODD_MINUTE_SHARE = 0.007


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One disclosure as the list knows it, whatever the list still shows of it."""

    disclosure_id: str
    """14 digits: registration date, then a serial number."""
    time: str
    """HH:MM in Japan."""
    code: str
    company_name: str
    """As shown: cut at ten characters, not padded."""
    title: str
    """As shown, before HTML escaping; trailing spaces belong to it."""
    previous_title: str | None
    state: State
    pdf_name: str
    """Also of a deleted row, whose list row no longer links it."""
    xbrl_name: str | None
    place: str
    history: str
    """``YYYY/MM/DD HH:MM word``, or empty."""
    first_title: str
    """The title that it was registered under, which its files keep."""


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row as it appears, and the row that a later change, if any, makes of it."""

    row: SampleRow
    changed_at: dt.datetime | None = None
    changed: SampleRow | None = None
    appears_at: dt.datetime | None = None
    """When it comes later than its own minute says."""
    touched_at: dt.datetime | None = None
    """When it was changed by an order, whatever moment the order was about."""

    def at(self, now: dt.datetime) -> SampleRow:
        """The row as it is at that moment."""
        if self.changed is not None and self.changed_at is not None and now >= self.changed_at:
            return self.changed
        return self.row


def list_order(row: SampleRow) -> tuple[int, str]:
    """Sort key of the list: latest first, then by code."""
    return -int(row.time[:2]) * 60 - int(row.time[3:]), row.code


@lru_cache(maxsize=64)
def planned_day(day: dt.date, size: int, seed: int, *, changes: bool) -> Mapping[str, PlannedRow]:
    """The day's rows by id, in list order; the same arguments give the same rows anywhere.

    Args:
        day: the day whose list shows them.
        size: how many, at most :data:`LARGEST_DAY`.
        seed: another seed gives another day.
        changes: whether a natural number of rows is retitled or deleted later.

    Raises:
        ValueError: more rows than the serial numbers of a day allow.
    """
    if not 0 <= size <= LARGEST_DAY:
        raise ValueError(f"a sample day has 0 to {LARGEST_DAY} disclosures, not {size}")
    rows = draw_rows(day, size, seed, position=0)
    draw = chance("changes", seed, day, size)
    plans = [
        _planned(row, day, draw.random(), seed) if changes else PlannedRow(row)
        for row in sorted(rows, key=list_order)
    ]
    return MappingProxyType({plan.row.disclosure_id: plan for plan in plans})


@lru_cache(maxsize=8)
def living_day(day: dt.date, size: int, seed: int) -> Mapping[str, PlannedRow]:
    """The day's rows by id, in list order, as an operating day brings them.

    41 % come at 15:30, 15 % at 16:00, nearly all others from 07:00 to 20:00, some after 23:30.
    Before the day ends at least two are retitled, two deleted, and two come later than the minute
    that they carry, so that they are inserted further down.

    Raises:
        ValueError: more rows than the serial numbers of a day allow.
    """
    drawn = draw_rows(day, size, seed, position=0)
    rows = sorted((replace(row, time=_office_time(row.time)) for row in drawn), key=list_order)
    plans = {row.disclosure_id: PlannedRow(row) for row in rows}
    draw = chance("living", seed, day, size)
    early = [row for row in rows if row.time < _EVENING]
    draw.shuffle(early)
    late, changes = (max(_FEWEST, round(size * share)) for share in (_LATE_SHARE, _SAME_DAY_SHARE))
    for number, row in enumerate(early[: late + 2 * changes]):
        shown_at = dt.datetime.combine(day, dt.time.fromisoformat(row.time), tzinfo=TOKYO)
        if number < late:
            at = shown_at + dt.timedelta(seconds=draw.randint(200, 2400))
            plans[row.disclosure_id] = PlannedRow(row, appears_at=at)
            continue
        night = dt.datetime.combine(day, dt.time(23, 45), tzinfo=TOKYO)
        at = min(shown_at + dt.timedelta(seconds=draw.randint(600, 6 * 3600)), night)
        is_deletion = (number - late) % 2
        changed = deleted(row, at) if is_deletion else retitled(row, mended(row.title), at)
        plans[row.disclosure_id] = PlannedRow(row, at, changed)
    return MappingProxyType(plans)


def draw_rows(
    day: dt.date,
    count: int,
    seed: int,
    *,
    position: int,
    time: str | None = None,
    code: str | None = None,
) -> list[SampleRow]:
    """New rows of the day, in no order.

    Args:
        day: the day whose list shows them.
        count: how many.
        seed: the site's seed.
        position: how many rows the day already had, so that ids and titles are new.
        time: HH:MM of every row; drawn like the real day's when None.
        code: issuer of every row; drawn when None.

    Raises:
        ValueError: the day's serial numbers are used up.
    """
    if position + count > _SERIALS_PER_DAY:
        raise ValueError(f"{day} has no serial numbers left for {count} more disclosures")
    rows: list[SampleRow] = []
    while len(rows) < count:
        draw = chance("row", seed, day, position, len(rows))
        announcement = draw_announcement(draw, day, None if code is None else company_of(code))
        first_serial = day.toordinal() * _SERIALS_PER_DAY + position
        registered = _registered(draw.random(), draw.random(), day)
        shown_at = time or _time_of_day(draw.random(), draw.choices(TIMES_OF_DAY, TIME_WEIGHTS)[0])
        for title, archive_prefix in announcement.titles[: count - len(rows)]:
            serial = _FIRST_SERIAL + (first_serial + len(rows)) % _SERIALS
            disclosure_id = f"{registered:%Y%m%d}{serial}"
            rows.append(
                SampleRow(
                    disclosure_id=disclosure_id,
                    time=shown_at,
                    code=announcement.company.code,
                    company_name=announcement.company.short_name,
                    title=title,
                    previous_title=None,
                    state="active",
                    pdf_name=f"1401{disclosure_id}.pdf",
                    xbrl_name=f"{archive_prefix}{disclosure_id}.zip" if archive_prefix else None,
                    place=announcement.company.place,
                    history="",
                    first_title=title,
                )
            )
    return rows


def deleted(row: SampleRow, at: dt.datetime) -> SampleRow:
    """The row after its deletion at that moment."""
    return replace(row, state="deleted", history=_history(at, "削除"))


def retitled(row: SampleRow, title: str, at: dt.datetime) -> SampleRow:
    """The row after its title was changed at that moment."""
    return replace(
        row,
        title=title,
        previous_title=row.title,
        state="retitled",
        history=_history(at, "表題変更"),
    )


def days_that_may_show(disclosure_id: str) -> Sequence[dt.date]:
    """The days in whose lists a disclosure with this id can be, nearest first.

    Raises:
        ValueError: the id does not begin with a date.
    """
    registered = dt.datetime.strptime(disclosure_id[:8], "%Y%m%d").replace(tzinfo=TOKYO).date()
    return [registered + dt.timedelta(days=days) for days in range(LONGEST_REGISTRATION_DAYS + 1)]


def _history(at: dt.datetime, word: str) -> str:
    return f"{at.astimezone(TOKYO):%Y/%m/%d %H:%M} {word}"


def _registered(is_early: float, how_early: float, day: dt.date) -> dt.date:
    # 42 % are registered before the day they are shown, 5 % more than a week before.
    if is_early > 0.42:  # noqa: PLR2004 - the share in the comment above
        return day
    early = 1 + int(6 * how_early) if is_early > 0.05 else 8 + int(22 * how_early)  # noqa: PLR2004
    return max(
        business_day_on_or_before(day - dt.timedelta(days=early)),
        day - dt.timedelta(days=LONGEST_REGISTRATION_DAYS),
    )


def _time_of_day(is_odd: float, mark: str) -> str:
    if is_odd > _ODD_MINUTE_SHARE:
        return mark
    return f"{mark[:3]}{(int(mark[3:]) + 1 + int(is_odd / _ODD_MINUTE_SHARE * 4)) % 60:02d}"


def _office_time(mark: str) -> str:
    """A minute of the day at which somebody works; the others come after half past eleven."""
    if _MORNING <= mark <= _EVENING or mark >= _NIGHT:
        return mark
    return f"23:{30 + int(mark[3:]) // 2:02d}"


def _planned(row: SampleRow, day: dt.date, fate: float, seed: int) -> PlannedRow:
    if fate >= _RETITLED_SHARE + _DELETED_SHARE:
        return PlannedRow(row)
    draw = chance("change", seed, row.disclosure_id)
    if fate < _DELETED_SHARE:
        later = day + dt.timedelta(days=draw.randint(1, 4))
        while not is_business_day(later):
            later += dt.timedelta(days=1)
        at = dt.datetime(later.year, later.month, later.day, 9, draw.randrange(60), tzinfo=TOKYO)
        at += dt.timedelta(hours=draw.randrange(9))
        return PlannedRow(row, at, deleted(row, at))
    shown = dt.datetime(
        day.year, day.month, day.day, int(row.time[:2]), int(row.time[3:]), tzinfo=TOKYO
    )
    at = shown + dt.timedelta(minutes=draw.randint(20, 60 * 40))
    return PlannedRow(row, at, retitled(row, mended(row.title), at))


def mended(title: str) -> str:
    """A plausible correction of the title."""
    if "決算短信" in title:
        return title.replace("決算短信", "決算短信（訂正版）", 1)
    return f"（開示事項の変更）{title}"
