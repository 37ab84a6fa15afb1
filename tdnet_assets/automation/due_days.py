"""When a day is due, and how far the archive is behind: pure functions, which need no Dagster.

What does not belong here: telling anybody (``freshness.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from tdnet_assets.automation.day_plan import DayFacts
from tdnet_assets.tables.wholeness import days_in_words
from tdnet_assets.tdnet.listing import TOKYO

DUE_TIME = time(7)
"""A day is due at this hour of the next morning in Japan, half an hour after its last close."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the archive is behind: the due days that are not whole, oldest first, with reasons.

    ``latest`` is the newest due day; ``behind_since`` (aware) is when the oldest of ``problems``
    was due, None without any.
    """

    latest: date
    problems: dict[date, str]

    @property
    def behind_since(self) -> datetime | None:
        """Since when the archive is behind; None when every due day is whole."""
        return due_at(min(self.problems)) if self.problems else None

    def lag(self, now: datetime) -> float:
        """Seconds since the archive is behind; 0 when it is not."""
        return (now - self.behind_since).total_seconds() if self.behind_since else 0.0

    def __str__(self) -> str:
        if not self.problems:
            return f"every due day up to {self.latest} is whole"
        return days_in_words(self.problems)


def due_at(day: date) -> datetime:
    """When the day has to be complete (aware, JST)."""
    return datetime.combine(day + timedelta(days=1), DUE_TIME, TOKYO)


def latest_due_day(now: datetime) -> date:
    """The newest day that has to be complete by now."""
    day = now.astimezone(TOKYO).date() - timedelta(days=1)
    return day if due_at(day) <= now else day - timedelta(days=1)


def freshness(days: Sequence[DayFacts], now: datetime) -> Freshness:
    """Which of the days that are due are not whole, or were last read before they were over."""
    latest = latest_due_day(now)
    problems = {
        facts.day: problem
        for facts in sorted(days, key=lambda facts: facts.day)
        if facts.day <= latest and (problem := _problem(facts))
    }
    return Freshness(latest, problems)


def _problem(facts: DayFacts) -> str:
    early = "" if facts.was_read_when_over else "its list was last read before the day was over"
    return facts.state.why() or early
