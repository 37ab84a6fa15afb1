"""How often the host has said no in a row, and what follows from it: a rest, then a closed door.

What belongs here: counting refusals, by what was asked for. What does not: who keeps the rest
(``request_slot.py``), and how the counts outlast a session (``refusal_memory.py``).
"""

import json
from dataclasses import dataclass, field
from datetime import datetime

# One refusal may be a file's own; so many in a row are the host's, and everybody waits.
REFUSALS_BEFORE_A_PAUSE = 3
PAUSES_SECONDS = (5.0, 15.0, 45.0, 120.0, 300.0)
REFUSALS_BEFORE_THE_DOOR_IS_CLOSED = 10
"""In a row, of list pages or of files: that kind is not asked for any more in the session.

The next session begins where this one ended: one more refusal closes it.
"""
CLOSED_SECONDS = (0.0, 0.0, 0.0, 300.0, 600.0, 1200.0, 2400.0, 6000.0)
"""For how long other sessions find it closed as well, by the refusals since it was closed first.

So a day of refusals from morning to night sees at most 30, in however many sessions.
"""
LONGEST_AWAY_SECONDS = 86_400.0
"""Whoever asks to be left alone for longer is asked once a day whether that still holds."""
LIST, FILE = "list pages", "files"
"""The kinds of requests, by which refusals are counted."""


@dataclass(slots=True)
class Refusals:
    """Refused requests in a row, for list pages and for files: the one may be open, not the other.

    A refusal is every answer that is none: 403, 408, 429, 5xx, a broken connection, a body that is
    not what its name says.
    """

    in_a_row: dict[str, int] = field(default_factory=dict)
    closed_until: dict[str, float] = field(default_factory=dict)
    """Seconds since 1970, by the kind, that outlast the session."""
    away_until: float = 0.0
    """Seconds since 1970 until when the host has asked to be left alone, by looks as well."""
    _pauses: int = 0
    _pause_ends: float = 0.0

    def answered(self, kind: str) -> None:
        """The host has given what was asked for, or has said that there is none."""
        self.in_a_row.pop(kind, None)
        self.closed_until.pop(kind, None)
        self._pauses = 0

    def refused(self, kind: str, scale: float, now: float) -> float:
        """Count one more; gives the seconds to leave the host in peace for.

        Those that were under way when a pause began ask for no longer one. ``now`` is the running
        loop's time.
        """
        count = self.in_a_row[kind] = self.in_a_row.get(kind, 0) + 1
        if count < REFUSALS_BEFORE_A_PAUSE or now < self._pause_ends:
            return 0.0
        pause = scale * PAUSES_SECONDS[min(self._pauses, len(PAUSES_SECONDS) - 1)]
        self._pauses += 1
        self._pause_ends = now + pause
        return pause

    def close_the_door(self, kind: str, scale: float, now: datetime) -> bool:
        """Whether nothing more of the kind is to be asked for, after one more refusal."""
        since = self.in_a_row.get(kind, 0) - REFUSALS_BEFORE_THE_DOOR_IS_CLOSED
        if since < 0:
            return False
        closed = CLOSED_SECONDS[min(since, len(CLOSED_SECONDS) - 1)]
        self.closed_until[kind] = now.timestamp() + min(scale, 1.0) * closed
        return True

    def why_closed(self, kind: str, now: datetime) -> str | None:
        """Why nothing of the kind is to be asked for yet, as an earlier session has left it."""
        until = self.closed_until.get(kind, 0.0)
        # A clock that was set back must not shut us out for longer than any door stays closed.
        if not now.timestamp() < until <= now.timestamp() + CLOSED_SECONDS[-1]:
            return None
        again = datetime.fromtimestamp(until, now.tzinfo)
        return (
            f"{kind} were refused {self.in_a_row.get(kind, 0)} times in a row, and are asked for "
            f"again from {again:%H:%M %Z}"
        )

    def sent_away(self, seconds: float, now: datetime) -> None:
        """The host has asked to be left alone for so long."""
        self.away_until = now.timestamp() + min(seconds, LONGEST_AWAY_SECONDS)

    def why_away(self, now: datetime) -> str | None:
        """Why nothing at all is to be asked for yet, as an earlier session was told."""
        if not now.timestamp() < self.away_until <= now.timestamp() + LONGEST_AWAY_SECONDS:
            return None
        again = datetime.fromtimestamp(self.away_until, now.tzinfo)
        return f"the host has asked not to be asked before {again:%Y-%m-%d %H:%M %Z}"

    def open_doors(self) -> None:
        """The host is back: everything may be asked for."""
        self.closed_until.clear()

    def to_json(self) -> str:
        """What the next session has to know."""
        return json.dumps(
            {
                "in_a_row": self.in_a_row,
                "closed_until": self.closed_until,
                "away_until": self.away_until,
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, content: bytes) -> "Refusals":
        """What a session has left.

        Raises:
            ValueError: it is something else, perhaps of another version.
        """
        try:
            left = json.loads(content)
            return cls(
                in_a_row={kind: int(count) for kind, count in left["in_a_row"].items()},
                closed_until={kind: float(end) for kind, end in left["closed_until"].items()},
                away_until=float(left["away_until"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ValueError(f"{content[:40]!r} does not say what was refused") from error

    def take_up(self, left: "Refusals") -> None:
        """Go on from what another session has left: the longer of two times holds."""
        for kind, count in left.in_a_row.items():
            self.in_a_row[kind] = max(count, self.in_a_row.get(kind, 0))
        for kind, until in left.closed_until.items():
            self.closed_until[kind] = max(until, self.closed_until.get(kind, 0.0))
        self.away_until = max(self.away_until, left.away_until)
