"""Whether a day's tables are whole, judged from what is stored of them and from nothing else.

What belongs here: the judgement, as a pure function of what the stored objects say of themselves.
What does not: reading that (``resources/day_states.py``), and what to do about it
(``automation/reconciler.py``).

A table is *current* when its reader is today's and it was made from the inputs that are stored now.
It is *whole* when it is current, its own checks passed, and every input is whole. So a table that
was made from an input that is not whole is not whole either, whoever made it, and whenever.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tdnet_assets.tables.recipes import RECIPES, Recipe

READER, RESULT, MADE_FROM = "reader", "result", "made-from"
"""Names in an object's metadata: ASCII, together far below the 2 KB that S3 holds."""
PASSED = "passed"
_DIGEST = "sha256"
_VERSION_LENGTH = 16
_DAYS_TOLD_ONE_BY_ONE = 3

ABSENT, DAMAGED, OLD_READER, OUTDATED, CHECK_FAILED, INPUT_NOT_WHOLE = (
    "absent",
    "damaged",
    "old reader",
    "outdated",
    "check failed",
    "input not whole",
)
MAKEABLE = frozenset((ABSENT, DAMAGED, OLD_READER, OUTDATED))
"""Lacks that making the table again mends; the others wait for other content or another reader."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a stored table says of itself.

    ``version`` is another one whenever the content or the result of its own checks is;
    ``result`` names the checks that failed; ``made_from`` has the version of each input;
    ``stored_at`` (aware) is when the object was put, where that is known; ``damage`` says what is
    wrong with an object that is not what was put.
    """

    version: str
    reader: str
    result: tuple[str, ...]
    made_from: Mapping[str, str]
    stored_at: datetime | None = None
    damage: str = ""

    @classmethod
    def from_metadata(
        cls, metadata: Mapping[str, str], stored_at: datetime | None = None, damage: str = ""
    ) -> "Origin":
        """The origin in an object's metadata; one of an earlier version is of no known reader."""
        result = metadata.get(RESULT, PASSED)
        pairs = (pair.partition("=") for pair in metadata.get(MADE_FROM, "").split(",") if pair)
        return cls(
            version=version_of(metadata.get(_DIGEST, ""), result),
            reader=metadata.get(READER, "") if MADE_FROM in metadata else "",
            result=() if result == PASSED else tuple(result.split(",")),
            made_from={name: version for name, _, version in pairs},
            stored_at=stored_at,
            damage=damage,
        )


def version_of(digest: str, result: str) -> str:
    """The version of some content with this result: bytes that become right are a new version."""
    return hashlib.sha256(f"{digest} {result}".encode()).hexdigest()[:_VERSION_LENGTH]


def origin_metadata(
    recipe: Recipe, made_from: Mapping[str, str], failed_checks: Sequence[str]
) -> dict[str, str]:
    """The metadata to store a table with."""
    return {
        READER: recipe.reader,
        RESULT: ",".join(sorted(failed_checks)) or PASSED,
        MADE_FROM: ",".join(f"{name}={made_from[name]}" for name in recipe.inputs),
    }


@dataclass(frozen=True, slots=True)
class Lack:
    """One reason why a table is not whole; ``kind`` is one of this module's constants.

    ``details`` are what the reason names (tables, checks, readers, damage): together with the kind
    they say the same as ``reason``, for whoever says it in another language.
    """

    table: str
    kind: str
    reason: str
    details: tuple[str, ...] = ()


@dataclass(slots=True)
class DayState:
    """The tables of one day as they are stored; ``origins`` has None for what is not there.

    ``etags`` are S3's own marks of the objects, for a put that must not overwrite another writer's.
    """

    day: date
    origins: dict[str, Origin | None] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    recipes: Mapping[str, Recipe] = field(default_factory=lambda: RECIPES)

    def version(self, table: str) -> str | None:
        """The version of a stored table."""
        origin = self.origins.get(table)
        return origin.version if origin else None

    def mark(self, table: str) -> str | None:
        """What the stored object is recognised by: another one whenever anybody has put it."""
        return self.etags.get(table) or self.version(table)

    def lacks(self, table: str) -> list[Lack]:
        """Why the table is not whole, its own reasons first; empty when it is."""
        own = self.own_lacks(table)
        inputs = [name for name in self.recipes[table].inputs if not self.is_whole(name)]
        if inputs and not own:
            names = ", ".join(inputs)
            verb = "is" if len(inputs) == 1 else "are"
            reason = f"made from {names}, which {verb} not complete"
            return [Lack(table, INPUT_NOT_WHOLE, reason, tuple(inputs))]
        return own

    def own_lacks(self, table: str) -> list[Lack]:
        """What the table itself lacks, whatever its inputs are like."""
        origin, recipe = self.origins.get(table), self.recipes[table]
        if origin is None:
            return [Lack(table, ABSENT, "not there")]
        if origin.damage:
            return [Lack(table, DAMAGED, origin.damage, (origin.damage,))]
        if origin.reader != recipe.reader:
            by = f"reader {origin.reader}" if origin.reader else "an earlier version"
            reason = f"made by {by}, now it is {recipe.reader}"
            return [Lack(table, OLD_READER, reason, (origin.reader, recipe.reader))]
        outdated = [
            name for name in recipe.inputs if origin.made_from.get(name) != self.version(name)
        ]
        lacks = [
            Lack(table, CHECK_FAILED, f"check {code} failed", (code,)) for code in origin.result
        ]
        if outdated:
            reason = f"not made from the {' and '.join(outdated)} stored now"
            lacks.insert(0, Lack(table, OUTDATED, reason, tuple(outdated)))
        return lacks

    def is_current(self, table: str) -> bool:
        """Whether making the table again would make the same."""
        return not any(lack.kind in MAKEABLE for lack in self.own_lacks(table))

    def is_whole(self, table: str) -> bool:
        """Whether the table and all that it is made from are whole."""
        return not self.lacks(table)

    def not_whole(self) -> dict[str, list[Lack]]:
        """The tables of the day that are not whole, in the day's order, each with its reasons."""
        return {name: lacks for name in self.recipes if (lacks := self.lacks(name))}

    def roots(self) -> list[Lack]:
        """Why the day is not whole, without what merely follows from another table's lack."""
        return [
            lack
            for lacks in self.not_whole().values()
            for lack in lacks
            if lack.kind != INPUT_NOT_WHOLE and not self._follows(lack)
        ]

    def why(self) -> str:
        """In one line what is not whole, the roots alone; empty when everything is."""
        return "; ".join(f"{lack.table}: {lack.reason}" for lack in self.roots())

    def _follows(self, lack: Lack) -> bool:
        """Whether something that the table is made from is not there, which says it all."""
        inputs = self.recipes[lack.table].inputs
        of_inputs = lack.kind in (ABSENT, OUTDATED)
        return of_inputs and any(self.origins.get(name) is None for name in inputs)


def days_in_words(said: Mapping[date, str]) -> str:
    """In one line what is said of days, newest first; of many days the same is said once."""
    days_of: dict[str, list[date]] = {}
    for day, text in sorted(said.items(), reverse=True):
        days_of.setdefault(text, []).append(day)
    return "; ".join(f"{_in_words(days)}: {text}" for text, days in days_of.items())


def _in_words(days: Sequence[date]) -> str:
    """Days, newest first: the first and the last of them when they are more than three."""
    if len(days) <= _DAYS_TOLD_ONE_BY_ONE:
        return ", ".join(map(str, days))
    return f"{len(days)} days from {days[-1]} to {days[0]}"
