"""What is known of a day, and what to start for it: pure functions, which need no Dagster.

What belongs here: the plan, from stored state and execution records alone. What does not: the
judgement of what is stored (``tables/wholeness.py``), finding out what is known (``day_facts.py``),
and starting anything (``reconciler.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from tdnet_assets.automation.pauses import asked_again_at, tries_of
from tdnet_assets.resources.aws.executions import COMPLETED, ExecutionRecord
from tdnet_assets.resources.lake.store import DamagedObjectError
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES
from tdnet_assets.tables.recipes import names as table_names
from tdnet_assets.tables.wholeness import MAKEABLE, DayState, Lack
from tdnet_assets.tdnet.listing import TOKYO

REREAD_AFTER = timedelta(hours=26)
"""A list is read again each night as long as TDnet shows it; then it is two hours late."""
DERIVATIONS_A_TICK = 4
_LISTING = "listing_pages"


@dataclass(frozen=True, slots=True)
class DayFacts:
    """All that is known of a day: what is stored, what was tried, and what is going on.

    ``tries`` are newest first; ``listed_at`` (aware) is when its list was last read whole, and
    ``in_progress`` the kinds of work that a run is doing or queued for.
    """

    state: DayState
    tries: Sequence[ExecutionRecord] = ()
    listed_at: datetime | None = None
    in_progress: frozenset[str] = frozenset()
    can_be_had: bool = True

    @property
    def day(self) -> date:
        """The day."""
        return self.state.day

    @property
    def was_read_when_over(self) -> bool:
        """Whether its list was read after its last minute, so that nothing came after."""
        return self.listed_at is not None and self.listed_at >= over_at(self.day)


def over_at(day: date) -> datetime:
    """The end of a day (aware, JST): nothing is published on it any more."""
    return datetime.combine(day + timedelta(days=1), time(), TOKYO)


NOT_OVER, LONG_AGO, ENDED_EARLY, DAMAGE_MET = (
    "not over",
    "long ago",
    "ended early",
    "damage met",
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a day whose tables are there has to be looked at again.

    ``kind`` is one of the constants above; with ``details`` it says the same as ``reason``.
    """

    kind: str
    reason: str
    details: tuple[str, ...] = ()


GOES_ON, STARTS, AGAIN, LATER, TO_BE_PUBLISHED, OTHER_CONTENT = (
    "goes on",
    "starts",
    "again",
    "later",
    "to be published",
    "other content",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a day's work, or what it waits for.

    ``kind`` is one of the constants above; ``at`` (aware) is when it is tried again.
    """

    kind: str
    work: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        if self.kind == AGAIN and self.at is not None:
            return f"{self.work} again at {self.at.astimezone(TOKYO):%H:%M}"
        return {
            LATER: f"{self.work} has its turn later",
            TO_BE_PUBLISHED: "waits to be published",
            OTHER_CONTENT: "waits for other content or another reader",
        }.get(self.kind, f"{self.work} {self.kind}")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a day lacks, or why it is looked at again, and what comes next; as text in one line."""

    lacks: Sequence[Lack]
    causes: Sequence[Cause]
    steps: Sequence[Step]

    def __str__(self) -> str:
        told = [f"{lack.table}: {lack.reason}" for lack in self.lacks]
        told += [cause.reason for cause in self.causes]
        return f"{'; '.join(told)} ({', '.join(map(str, self.steps))})"


@dataclass(frozen=True, slots=True)
class Want:
    """Work that a day needs, and from when on (aware) it may be asked for.

    ``cause`` is why, where it is not what the day's tables lack.
    """

    day: date
    work: str
    tables: tuple[str, ...]
    reason: str
    not_before: datetime
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start now, which days have to wait until when, and what is to be told of which."""

    start: list[Want] = field(default_factory=list)
    waiting: dict[date, datetime] = field(default_factory=dict)
    outlooks: dict[date, Outlook] = field(default_factory=dict)

    @property
    def reasons(self) -> dict[date, str]:
        """The outlooks in words."""
        return {day: str(outlook) for day, outlook in self.outlooks.items()}


def plan(days: Iterable[DayFacts], now: datetime, *, collection_queued: bool = False) -> Plan:
    """What to start for these days, today's work and newer days first.

    Args:
        days: in any order.
        now: the present, aware.
        collection_queued: a collection waits for TDnet's one slot already, so no other is queued.
    """
    result = Plan()
    free = {COLLECTION: 0 if collection_queued else 1, DERIVATION: DERIVATIONS_A_TICK}
    for facts in sorted(days, key=lambda one: one.day, reverse=True):
        lacks = facts.state.roots()
        causes, steps = [], []
        for want in wants(facts, now):
            if want.cause and not lacks:
                causes.append(want.cause)
            if want.work in facts.in_progress:
                steps.append(Step(GOES_ON, want.work))
            elif want.not_before <= now and free[want.work]:
                free[want.work] -= 1
                result.start.append(want)
                steps.append(Step(STARTS, want.work))
            else:
                moment = max(now, want.not_before)
                result.waiting[facts.day] = min(moment, result.waiting.get(facts.day, moment))
                steps.append(Step(AGAIN if moment > now else LATER, want.work, moment))
        if lacks or causes:
            result.outlooks[facts.day] = Outlook(lacks, causes, steps or [_awaited(facts)])
    return result


def _awaited(facts: DayFacts) -> Step:
    """What has to come before anything can be done for a day that is not whole."""
    is_unknown = facts.can_be_had and facts.state.origins.get(_LISTING) is None
    return Step(TO_BE_PUBLISHED if is_unknown else OTHER_CONTENT)


def wants(facts: DayFacts, now: datetime) -> list[Want]:
    """The work that a day needs: of either kind at most one."""
    found = [_collection(facts, now), _derivation(facts)]
    return [want for want in found if want is not None]


def _collection(facts: DayFacts, now: datetime) -> Want | None:
    state = facts.state
    lacking = {
        name: lacks
        for name, recipe in RECIPES.items()
        if recipe.work == COLLECTION and (lacks := state.own_lacks(name))
    }
    reason = "; ".join(f"{name}: {lacks[0].reason}" for name, lacks in lacking.items())
    tries = tries_of(facts.tries, COLLECTION)
    never_begun = state.origins.get(_LISTING) is None and not tries
    is_today = facts.day == now.astimezone(TOKYO).date()
    cause = None
    if facts.can_be_had:
        if is_today and never_begun:
            return None  # what is not published yet is not missing: the looks find it
        if not lacking:
            cause = _reading_due(facts, tries, now) or _damage_met(facts)
        names: tuple[str, ...] = ()
    else:
        # TDnet has it no more: only what the lake itself can give is worth a run.
        names = tuple(
            name
            for name, lacks in lacking.items()
            if any(lack.kind in MAKEABLE for lack in lacks) and state.origins.get(_LISTING)
        )
        reason = reason if names else ""
        if not names and (cause := _damage_met(facts)):
            names = tuple(name for name in table_names(COLLECTION) if name != _LISTING)
    reason = cause.reason if cause else reason
    if not reason:
        return None
    not_before = asked_again_at(facts.tries, COLLECTION, None)
    return Want(facts.day, COLLECTION, names, reason, not_before, cause)


def _reading_due(facts: DayFacts, tries: Sequence[ExecutionRecord], now: datetime) -> Cause | None:
    """Why a list that is whole has to be read again; None when it need not be."""
    if now >= over_at(facts.day) and not facts.was_read_when_over:
        return Cause(NOT_OVER, "its list was last read before the day was over")
    if facts.listed_at is not None and now - facts.listed_at >= REREAD_AFTER:
        at = f"{facts.listed_at.astimezone(TOKYO):%Y-%m-%d %H:%M}"
        return Cause(LONG_AGO, f"its list was last read at {at}", (at,))
    newest = tries[0] if tries else None
    if (
        newest is not None
        and newest.is_final
        and newest.status != COMPLETED
        and (facts.listed_at is None or facts.listed_at < newest.started_at)
    ):
        return Cause(
            ENDED_EARLY,
            f"the run {newest.execution_id} {newest.status} before it had read the list",
            (newest.execution_id, newest.status),
        )
    return None


def _damage_met(facts: DayFacts) -> Cause | None:
    """What the newest derivation found damaged of its inputs, if nobody has collected since.

    A HEAD shows a table that was cut, and only who reads it one whose bytes turned over.
    """
    newest = next(iter(tries_of(facts.tries, DERIVATION)), None)
    if newest is None or newest.error_type != DamagedObjectError.__name__:
        return None
    collected = tries_of(facts.tries, COLLECTION)
    if any(one.status == COMPLETED and one.started_at > newest.started_at for one in collected):
        return None
    return Cause(
        DAMAGE_MET,
        f"the run {newest.execution_id} met damage: {newest.error_message}",
        (newest.execution_id, newest.error_message or ""),
    )


def _derivation(facts: DayFacts) -> Want | None:
    state = facts.state
    makeable = {
        name: lacks[0]
        for name, recipe in RECIPES.items()
        if recipe.work == DERIVATION
        and (lacks := [one for one in state.own_lacks(name) if one.kind in MAKEABLE])
        and all(_will_be_there(state, source) for source in recipe.inputs)
    }
    if not makeable:
        return None
    # What is made from them follows in the same run.
    names = tuple(
        name
        for name, recipe in RECIPES.items()
        if recipe.work == DERIVATION
        and (name in makeable or not makeable.keys().isdisjoint(_all_inputs(name)))
    )
    inputs = {source for name in names for source in RECIPES[name].inputs} - set(names)
    times = [origin.stored_at for source in inputs if (origin := state.origins.get(source))]
    newest = max((moment for moment in times if moment is not None), default=None)
    reason = "; ".join(f"{name}: {lack.reason}" for name, lack in makeable.items())
    not_before = asked_again_at(facts.tries, DERIVATION, newest)
    return Want(facts.day, DERIVATION, names, reason, not_before)


def _will_be_there(state: DayState, table: str) -> bool:
    """Whether a table is stored, or is derived and so can be made in the same run."""
    if state.origins.get(table) is not None:
        return True
    recipe = RECIPES[table]
    return recipe.work == DERIVATION and all(_will_be_there(state, one) for one in recipe.inputs)


def _all_inputs(table: str) -> set[str]:
    inputs = set(RECIPES[table].inputs)
    return inputs.union(*(_all_inputs(name) for name in inputs))
