"""What a check says: one finding a line, and what makes a check.

What belongs here: the vocabulary that all checks share. What does not: the checks themselves, and
the order that they are made in (``runner.py``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tdnet_assets.doctor.examination import Examination

Status = Literal["ok", "warning", "failed"]
OK: Final = "ok"
WARNING: Final = "warning"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, what was seen, and what to do unless it is ok."""

    check: str
    status: Status
    seen: str
    advice: str = ""


Look = Callable[[Examination], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at, under the name of its line.

    ``needs`` names checks that must not have failed: without them this one could only say the same
    again.
    """

    name: str
    look: Look
    needs: tuple[str, ...] = ()


def ok(check: str, seen: str) -> Finding:
    """Just as it should be."""
    return Finding(check, OK, seen)


def warning(check: str, seen: str, advice: str) -> Finding:
    """Works, but somebody should know."""
    return Finding(check, WARNING, seen, advice)


def failed(check: str, seen: str, advice: str) -> Finding:
    """Does not work, or will cost data when something else happens."""
    return Finding(check, FAILED, seen, advice)


def agreement(check: str, found: object, wanted: object, advice: str) -> Finding:
    """Whether a setting is just what it should be."""
    if found == wanted:
        return ok(check, f"{found}")
    return failed(check, f"is {found}, should be {wanted}", advice)


def listed(problems: list[str], most: int = 3) -> str:
    """The first problems, and how many there are besides."""
    more = len(problems) - most
    return "; ".join(problems[:most]) + (f"; and {more} more" if more > 0 else "")
