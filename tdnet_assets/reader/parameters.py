"""What a request asks for, checked: days, moments, codes, words, how much, and from where on.

What belongs here: reading a query string. A value that is wrong is a problem that says what to
write instead. What does not: what is answered.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.tdnet.errors import shown
from tdnet_assets.tdnet.listing import TOKYO

LONGEST_TEXT: Final = 200
LARGEST_JSON_PAGE: Final = 1_000
LARGEST_FILE_PAGE: Final = 50_000
DEFAULT_PAGE: Final = 100
_YEARS: Final = range(1990, 2101)
_FAR_AWAY: Final = f"use a year from {_YEARS[0]} to {_YEARS[-1]}"


@dataclass(frozen=True, slots=True)
class Query:
    """The values of a query string by name, each at most once."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]], known: Sequence[str]) -> "Query":
        """The query of a request.

        Raises:
            ProblemError: a name is not known, or given twice; a value is too long or no text.
        """
        values: dict[str, str] = {}
        for name, value in pairs:
            if name not in known:
                what = f"use {', '.join(known)}" if known else "there is none here"
                raise ProblemError(400, f"no parameter {shown(name)}: {what}")
            if name in values:
                raise ProblemError(400, f"{name} is given twice: give it once")
            if len(value) > LONGEST_TEXT and name != "cursor":
                raise ProblemError(
                    400, f"{name} has {len(value)} characters: use at most {LONGEST_TEXT}"
                )
            if not value.isprintable() and name != "q":
                raise ProblemError(400, f"{name} is {shown(value)}: it has control characters")
            values[name] = value
        return cls(values)

    def text(self, name: str) -> str | None:
        """A value without blanks around it; None when it is empty or not given."""
        return self.values.get(name, "").strip() or None

    def day(self, name: str) -> date | None:
        """A day, ``YYYY-MM-DD`` or ``today`` in Japan."""
        text = self.text(name)
        if text is None:
            return None
        if text == "today":
            return datetime.now(TOKYO).date()
        return day_of(text, name)

    def moment(self, name: str) -> datetime | None:
        """A moment (aware); in Tokyo's time unless it names another zone."""
        text = self.text(name)
        if text is None:
            return None
        # In a query string a plus sign that nobody encoded is a blank.
        text = text.replace(" ", "+") if "T" in text else text
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or "T" not in text:
            raise ProblemError(
                400, f"{name} is {shown(text)}: write a moment, e.g. 2026-06-10T15:30+09:00"
            )
        if moment.year not in _YEARS:
            raise ProblemError(400, f"{name} is {shown(text)}: {_FAR_AWAY}")
        return moment.astimezone(TOKYO) if moment.tzinfo else moment.replace(tzinfo=TOKYO)

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """One of some words."""
        text = self.text(name)
        if text is not None and text not in allowed:
            raise ProblemError(400, f"{name} is {shown(text)}: use one of {', '.join(allowed)}")
        return text

    def number(self, name: str, default: int, largest: int) -> int:
        """A whole number from 1."""
        text = self.text(name)
        if text is None:
            return default
        if not (
            text.isascii()
            and text.isdecimal()
            and len(text) <= len(str(largest))
            and 1 <= int(text) <= largest
        ):
            raise ProblemError(
                400, f"{name} is {shown(text)}: write a number from 1 to {largest:,}"
            )
        return int(text)

    def cursor(self, length: int) -> tuple[str, ...] | None:
        """Where the page before ended, as :func:`cursor_of` wrote it."""
        text = self.text("cursor")
        if text is None:
            return None
        try:
            place = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"==="))
        except (ValueError, RecursionError):
            place = None
        if (
            not isinstance(place, list)
            or len(place) != length
            or not all(isinstance(part, str) for part in place)
        ):
            raise ProblemError(
                400, "the cursor is not one of these answers: take it from `next` of the last one"
            )
        return tuple(place)


def cursor_of(place: Sequence[str]) -> str:
    """A row's place in the order of an answer as a word for a query string."""
    text = json.dumps(list(place), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def day_of(text: str, name: str) -> date:
    """The day that a text is.

    Raises:
        ProblemError: it is none.
    """
    try:
        if len(text) != len("2026-06-10"):
            raise ValueError(text)  # noqa: TRY301 - other forms of ISO 8601 are one day under many names
        day = date.fromisoformat(text)
    except ValueError:
        raise ProblemError(
            400, f"{name} is {shown(text)}: write a day as 2026-06-10, or today"
        ) from None
    if day.year not in _YEARS:
        raise ProblemError(400, f"{name} is {shown(text)}: {_FAR_AWAY}")
    return day
