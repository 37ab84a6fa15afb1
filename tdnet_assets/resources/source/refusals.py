"""How often the host has said no in a row, and what follows from it: a rest, then a closed door.

What belongs here: counting refusals, by what was asked for. What does not: who keeps the rest
(``request_slot.py``), and how the counts outlast a process (``admission.py``).
"""

from dataclasses import dataclass, field

# One refusal may be a file's own; so many in a row are the host's, and everybody waits.
REFUSALS_BEFORE_A_PAUSE = 3
PAUSES_SECONDS = (5.0, 15.0, 45.0, 120.0, 300.0)
REFUSALS_BEFORE_THE_DOOR_IS_CLOSED = 10
"""In a row, of list pages or of files: that kind is not asked for any more in the session.

The next session begins where this one ended: one more refusal closes it.
"""
LIST, FILE = "list pages", "files"
"""The kinds of requests, by which refusals are counted."""


@dataclass(slots=True)
class Refusals:
    """Refused requests in a row, for list pages and for files: the one may be open, not the other.

    A refusal is every answer that is none: 403, 408, 429, 5xx, a broken connection, a body that is
    not what its name says.
    """

    in_a_row: dict[str, int] = field(default_factory=dict)
    _pauses: int = 0
    _pause_ends: float = 0.0

    def answered(self, kind: str) -> None:
        """The host has given what was asked for, or has said that there is none."""
        self.in_a_row.pop(kind, None)
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

    def close_the_door(self, kind: str) -> bool:
        """Whether nothing more of the kind is to be asked for."""
        return self.in_a_row.get(kind, 0) >= REFUSALS_BEFORE_THE_DOOR_IS_CLOSED
