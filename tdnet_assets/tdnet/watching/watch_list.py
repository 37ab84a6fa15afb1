"""What is watched, and whether a disclosure is that: pure values, level not edge.

What belongs here: the watches and destinations of a watch file, and the judgement of a disclosure
as far as it is known: its row, then its text, then its figures. What does not: reading the file
(``watch_file.py``), the messages (``notice_text.py``), and what has been told already
(``resources/aws/notices_table.py``).

Conditions of several kinds must all hold; within one kind one suffices. Words are searched for by
the function that ``tdnet search`` uses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Final, Literal, NamedTuple, Protocol

from tdnet_assets.tdnet.categories import categorize
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.search_query import Query
from tdnet_assets.tdnet.sightings import Disclosure
from tdnet_assets.tdnet.watching.figure_conditions import FigureCondition, WatchedFigure

PUBLISHED: Final = "published"
RETITLED: Final = "retitled"
"""Beginning of the event's name: a second retitling is another event."""
DELETED: Final = "deleted"

Language = Literal["ja", "en"]
Form = Literal["json", "plain", "slack", "discord"]


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of each day (JST) in which nothing is sent; it may go over midnight."""

    begins: time
    ends: time

    def end_of(self, moment: datetime) -> datetime:
        """When something may be sent that could be sent at a moment (aware): then, or later."""
        at = moment.astimezone(TOKYO)
        clock = at.time()
        if self.begins <= self.ends:
            is_quiet = self.begins <= clock < self.ends
        else:
            is_quiet = clock >= self.begins or clock < self.ends
        if not is_quiet:
            return moment
        day = at.date() if clock < self.ends else at.date() + timedelta(days=1)
        return datetime.combine(day, self.ends, TOKYO)


class Words(NamedTuple):
    """What is searched for: as it was typed, and as it is compared."""

    typed: str
    query: Query


class Pages(Protocol):
    """The pages of a disclosure's documents."""

    def __len__(self) -> int:
        """How many there are."""

    def find(self, query: Query) -> int | None:
        """The first page, by its number, that a search finds; None where none is found."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where messages go: an SNS topic, or a webhook.

    ``address`` and ``secret`` may be references (``env:``, ``secretsmanager:``, ``ssm:``); then
    ``host`` is the one host that the address may have. ``body`` is a template, empty for the form's
    own. ``messages_a_minute`` bounds how often it is disturbed.
    """

    name: str
    topic: str = ""
    address: str = ""
    host: str = ""
    secret: str = ""
    form: Form = "json"
    body: str = ""
    language: Language = "en"
    messages_a_minute: int = 1

    @property
    def references(self) -> tuple[str, ...]:
        """The references to secrets that it needs."""
        return tuple(one for one in (self.address, self.secret) if is_reference(one))


@dataclass(frozen=True, slots=True)
class Watch:
    """One watch; an empty condition asks for nothing.

    ``codes`` have 5 characters; ``xbrl`` is True or False for any archive or none, or its kind.
    """

    name: str
    to: tuple[str, ...]
    codes: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    exchanges: frozenset[str] = frozenset()
    xbrl: bool | str | None = None
    title: Words | None = None
    text: Words | None = None
    figures: tuple[FigureCondition, ...] = ()
    quiet: QuietHours | None = None
    digest: str = ""
    """Of what it watches: another one is another watch, which begins anew."""

    def verdicts(self, subject: "WatchedDisclosure") -> Iterator["Verdict"]:
        """Each of its conditions with what was seen, in the order in which it can be known."""
        listed = subject.listed
        if self.codes:
            yield Verdict("codes", _words(self.codes), listed.code, listed.code in self.codes)
        if self.categories:
            seen = subject.category
            yield Verdict("categories", _words(self.categories), seen, seen in self.categories)
        if self.exchanges:
            shared = not self.exchanges.isdisjoint(listed.exchanges)
            yield Verdict("exchanges", _words(self.exchanges), " ".join(listed.exchanges), shared)
        if self.xbrl is not None:
            wanted = self.xbrl if isinstance(self.xbrl, str) else ("any" if self.xbrl else "none")
            yield Verdict("xbrl", wanted, subject.archive, self._archive_fits(subject))
        if self.title is not None:
            holds = self.title.query.matches(listed.title)
            yield Verdict("title", self.title.typed, listed.title, holds)
        if self.text is not None:
            yield self._text_verdict(self.text, subject)
        if self.figures:
            yield self._figures_verdict(subject)

    def fits(self, subject: "WatchedDisclosure") -> bool:
        """Whether all of its conditions hold by what is known by now."""
        return all(verdict.holds for verdict in self.verdicts(subject))

    @property
    def needs_text(self) -> bool:
        """Whether a document must be read before it can match."""
        return self.text is not None

    def matched_figures(self, subject: "WatchedDisclosure") -> tuple[WatchedFigure, ...]:
        """The figures that meet one of its conditions."""
        return tuple(
            figure
            for figure in subject.figures or ()
            if any(condition.met_by(figure) for condition in self.figures)
        )

    def _archive_fits(self, subject: "WatchedDisclosure") -> bool:
        if isinstance(self.xbrl, str):
            return subject.listed.xbrl_kind == self.xbrl
        return (subject.listed.xbrl_url is not None) == self.xbrl

    def _text_verdict(self, words: Words, subject: "WatchedDisclosure") -> "Verdict":
        if not subject.pages:  # of the day's texts, or of its own
            return Verdict("text", words.typed, "not read yet", None)
        found = subject.pages.find(words.query)
        seen = f"{len(subject.pages)} pages without them" if found is None else f"page {found}"
        return Verdict("text", words.typed, seen, found is not None)

    def _figures_verdict(self, subject: "WatchedDisclosure") -> "Verdict":
        wanted = ", or ".join(condition.text for condition in self.figures)
        if subject.figures is None:
            return Verdict("figures", wanted, "not read yet", None)
        found = self.matched_figures(subject) or subject.figures
        seen = "; ".join(map(_in_words, found[:_FIGURES_SHOWN])) or "none stated"
        return Verdict("figures", wanted, seen, bool(self.matched_figures(subject)))


_FIGURES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one condition says of a disclosure; ``holds`` is None while that cannot be known."""

    condition: str
    wanted: str
    seen: str
    holds: bool | None


@dataclass(frozen=True)
class WatchedDisclosure:
    """A disclosure as far as it is known.

    ``pages`` are those of its documents, ``figures`` what changed; None: not read yet.
    """

    listed: Disclosure
    pages: Pages | None = None
    figures: Sequence[WatchedFigure] | None = None

    @cached_property
    def category(self) -> str:
        """Its kind, by its title."""
        return categorize(self.listed.title)

    @property
    def archive(self) -> str:
        """The kind of its XBRL archive, for a person."""
        if self.listed.xbrl_url is None:
            return "none"
        return self.listed.xbrl_kind or "of an unknown kind"


@dataclass(frozen=True, slots=True)
class WatchList:
    """A validated watch file; ``reader`` is the address of the reader for links, or empty."""

    watches: tuple[Watch, ...] = ()
    destinations: Mapping[str, Destination] | None = None
    reader: str = ""

    def destination(self, name: str) -> Destination | None:
        """A destination by its name."""
        return (self.destinations or {}).get(name)

    def watch(self, name: str) -> Watch | None:
        """A watch by its name."""
        return next((watch for watch in self.watches if watch.name == name), None)

    @property
    def topics(self) -> tuple[str, ...]:
        """The ARNs of all topics, sorted."""
        found = (self.destinations or {}).values()
        return tuple(sorted({one.topic for one in found if one.topic}))

    @property
    def references(self) -> tuple[str, ...]:
        """All references to secrets, sorted."""
        found = (self.destinations or {}).values()
        return tuple(sorted({reference for one in found for reference in one.references}))


def due_events(watch: Watch, subject: WatchedDisclosure, told: Mapping[str, int]) -> list[str]:
    """What a destination is to be told of a disclosure now.

    Args:
        watch: one that names the destination.
        subject: the disclosure as it is known.
        told: the events that it was told of, or is to be, each with the number of earlier titles
            that the disclosure had then.

    Returns:
        ``published`` for a new match; of something that was told a retitling or a deletion since.
    """
    listed = subject.listed
    if PUBLISHED not in told:
        return [PUBLISHED] if listed.status != "deleted" and watch.fits(subject) else []
    events = []
    titles = len(listed.previous_titles)
    if titles > max(told.values()):
        events.append(f"{RETITLED}-{titles}")
    if listed.status == "deleted" and DELETED not in told:
        events.append(DELETED)
    return events


_REFERENCES = ("env:", "secretsmanager:", "ssm:")


def is_reference(text: str) -> bool:
    """Whether a text names a secret instead of being one."""
    return text.startswith(_REFERENCES)


def _words(found: frozenset[str]) -> str:
    return ", ".join(sorted(found))


def _in_words(figure: WatchedFigure) -> str:
    rate = "" if figure.rate is None else f" ({figure.rate:+.1%})"
    return f"{figure.subject} {figure.before} to {figure.after}{rate}"
