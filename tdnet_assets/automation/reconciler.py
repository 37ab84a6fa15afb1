"""The sensor ``reconcile``: what is stored against what should be, and runs for the difference.

What belongs here: which days are looked at when, what is missing of them, and when it is asked for
again. What does not: the judgement of a day (``tables/wholeness.py``), and new publications of
today (``new_disclosures.py``). TDnet is never asked from here.

It goes by level, not by edge: the plan is a pure function of stored state and execution records.
Nothing depends on having seen a change, on a cursor, or on a run that ended well; a cursor only
spares a look at days that were looked at a moment ago.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from tdnet_assets.automation.day_facts import (
    DayFacts,
    facts_of_days,
    over_at,
)
from tdnet_assets.automation.day_runs import (
    RunOverDays,
    collection_waits,
    location_of,
    runs_ended_since,
    runs_in_progress,
)
from tdnet_assets.automation.jobs import Job
from tdnet_assets.automation.pauses import asked_again_at, tries_of
from tdnet_assets.resources.aws.executions import COMPLETED, ExecutionRecord, ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import days_of_the_window
from tdnet_assets.resources.lake.store import DamagedObjectError, LakeResource
from tdnet_assets.resources.source.tdnet_source import OPENS
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES
from tdnet_assets.tables.recipes import names as table_names
from tdnet_assets.tables.wholeness import MAKEABLE, DayState, days_in_words
from tdnet_assets.tdnet.listing import TOKYO

NAME = "reconcile"
LOOK_EVERY_SECONDS = 60
OTHER_DAYS_EVERY = timedelta(minutes=15)
WHOLE_DAYS_EVERY = timedelta(hours=1)
"""A day that is whole changes by a run, after which it is looked at anyway, or by damage."""
READERS = " ".join(f"{name}={recipe.reader}" for name, recipe in RECIPES.items())
REREAD_AFTER = timedelta(hours=26)
"""A list is read again each night as long as TDnet shows it; then it is two hours late."""
DERIVATIONS_A_TICK = 4
_LISTING = "listing_pages"
# Before a backfill's next chunk of days, which can wait.
_TODAY_FIRST = {"dagster/priority": "1"}


@dataclass(frozen=True, slots=True)
class Want:
    """Work that a day needs, and from when on (aware) it may be asked for."""

    day: date
    work: str
    tables: tuple[str, ...]
    reason: str
    not_before: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start now, which days have to wait until when, and in words what is not whole."""

    start: list[Want] = field(default_factory=list)
    waiting: dict[date, datetime] = field(default_factory=dict)
    reasons: dict[date, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Looked:
    """The cursor: when was looked, when the window was listed, and when each day has its next turn.

    ``readers`` are those of today's tables: with other ones nothing is known of any day.
    """

    at: datetime
    listed_at: datetime
    turns: Mapping[date, datetime] = field(default_factory=dict)
    readers: str = READERS

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Looked | None":
        """What the cursor says; None for one that cannot be read or is of another version."""
        try:
            said = json.loads(cursor or "")
            turns = {
                date.fromisoformat(day): _aware(moment) for day, moment in said["turns"].items()
            }
            looked = cls(_aware(said["at"]), _aware(said["listed_at"]), turns, said["readers"])
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        return looked if looked.readers == READERS else None

    def to_cursor(self) -> str:
        """The cursor's text."""
        turns = {str(day): moment.isoformat() for day, moment in self.turns.items()}
        said = {"at": self.at.isoformat(), "listed_at": self.listed_at.isoformat()}
        return json.dumps({**said, "readers": self.readers, "turns": turns})


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
        reasons = [facts.state.why()]
        outlook = []
        for want in wants(facts, now):
            reasons.append("" if reasons[0] else want.reason)
            if want.work in facts.in_progress:
                outlook.append(f"{want.work} goes on")
            elif want.not_before <= now and free[want.work]:
                free[want.work] -= 1
                result.start.append(want)
                outlook.append(f"{want.work} starts")
            else:
                moment = max(now, want.not_before)
                result.waiting[facts.day] = min(moment, result.waiting.get(facts.day, moment))
                again = f"again at {moment.astimezone(TOKYO):%H:%M}"
                outlook.append(f"{want.work} {again if moment > now else 'has its turn later'}")
        told = "; ".join(filter(None, reasons))
        if told:
            result.reasons[facts.day] = f"{told} ({', '.join(outlook) or _outlook(facts)})"
    return result


def _outlook(facts: DayFacts) -> str:
    """What has to come before anything can be done for a day that is not whole."""
    is_unknown = facts.can_be_had and facts.state.origins.get(_LISTING) is None
    return "waits to be published" if is_unknown else "waits for other content or another reader"


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
    if facts.can_be_had:
        if is_today and never_begun:
            return None  # what is not published yet is not missing: the looks find it
        if not lacking:
            reason = _reading_due(facts, tries, now) or _damage_met(facts)
        names: tuple[str, ...] = ()
    else:
        # TDnet has it no more: only what the lake itself can give is worth a run.
        names = tuple(
            name
            for name, lacks in lacking.items()
            if any(lack.kind in MAKEABLE for lack in lacks) and state.origins.get(_LISTING)
        )
        reason = reason if names else ""
        if not names and (reason := _damage_met(facts)):
            names = tuple(name for name in table_names(COLLECTION) if name != _LISTING)
    if not reason:
        return None
    not_before = asked_again_at(facts.tries, COLLECTION, None)
    return Want(facts.day, COLLECTION, names, reason, not_before)


def _reading_due(facts: DayFacts, tries: Sequence[ExecutionRecord], now: datetime) -> str:
    """Why a list that is whole has to be read again; empty when it need not be."""
    if now >= over_at(facts.day) and not facts.was_read_when_over:
        return "its list was last read before the day was over"
    if facts.listed_at is not None and now - facts.listed_at >= REREAD_AFTER:
        return f"its list was last read at {facts.listed_at.astimezone(TOKYO):%Y-%m-%d %H:%M}"
    newest = tries[0] if tries else None
    if (
        newest is not None
        and newest.is_final
        and newest.status != COMPLETED
        and (facts.listed_at is None or facts.listed_at < newest.started_at)
    ):
        return f"the run {newest.execution_id} {newest.status} before it had read the list"
    return ""


def _damage_met(facts: DayFacts) -> str:
    """What the newest derivation found damaged of its inputs, if nobody has collected since.

    A HEAD shows a table that was cut, and only who reads it one whose bytes turned over.
    """
    newest = next(iter(tries_of(facts.tries, DERIVATION)), None)
    if newest is None or newest.error_type != DamagedObjectError.__name__:
        return ""
    collected = tries_of(facts.tries, COLLECTION)
    if any(one.status == COMPLETED and one.started_at > newest.started_at for one in collected):
        return ""
    return f"the run {newest.execution_id} met damage: {newest.error_message}"


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


def build_reconciler(collection: Job, derivation: Job) -> dg.SensorDefinition:
    """The sensor over the two jobs; off until somebody turns it on, like all that starts runs."""

    @dg.sensor(
        name=NAME,
        description="Compares what is stored with what should be: each minute of today, each "
        "quarter of an hour of every other day of the window (each hour of one that was whole), "
        "and of any day when a run of it has ended. Starts a run for just what is missing, again "
        "and again with growing pauses. Never asks TDnet itself.",
        jobs=[collection, derivation],
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
    )
    def reconcile(
        context: dg.SensorEvaluationContext,
        lake: dg.ResourceParam[LakeResource],
        index: dg.ResourceParam[DisclosureIndexResource],
        executions: dg.ResourceParam[ExecutionsResource],
    ) -> dg.SensorResult:
        now = datetime.now(UTC)
        location = location_of(context)
        looked = Looked.from_cursor(context.cursor)
        ended: list[RunOverDays] = []
        if looked is not None:
            # With a margin for the clock of Dagster's database; a second look does no harm.
            since = looked.at - timedelta(minutes=1)
            ended = runs_ended_since(context.instance, since, location)
        if looked is None or not timedelta(0) <= now - looked.listed_at < OTHER_DAYS_EVERY:
            known = looked.turns if looked else {}
            listed = days_of_the_window(lake, lake.config, now)
            looked = Looked(now, now, {day: known.get(day, now) for day in listed})
        days = [
            day
            for day, turn in looked.turns.items()
            if turn <= now or any(run.covers(day) for run in ended)
        ]
        runs = runs_in_progress(context.instance, location)
        facts = facts_of_days(
            days,
            instance=context.instance,
            lake=lake,
            index=index,
            now=now,
            executions=executions,
            runs=runs,
        )
        result = plan(facts, now, collection_queued=collection_waits(runs))
        turns = {**looked.turns, **{day: next_turn(day, result, now) for day in days}}
        said = days_in_words(result.reasons) or f"nothing is missing of {len(facts)} days looked at"
        context.log.info(said)
        requests = [request(want, now.astimezone(TOKYO).date()) for want in result.start]
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else said[:1000],
            cursor=Looked(now, looked.listed_at, turns).to_cursor(),
        )

    return reconcile


def next_turn(day: date, found: Plan, now: datetime) -> datetime:
    """When a day is looked at again, unless a run of it ends before.

    Today is looked at with each tick while TDnet publishes.
    """
    at = now.astimezone(TOKYO)
    if day == at.date() and at.time() >= OPENS:
        return now
    if day in found.waiting:
        return found.waiting[day]
    return now + (OTHER_DAYS_EVERY if day in found.reasons else WHOLE_DAYS_EVERY)


def request(want: Want, today: date) -> dg.RunRequest:
    """The run that does the wanted work; without a key, since a key would block a second try."""
    return dg.RunRequest(
        job_name=want.work,
        partition_key=str(want.day),
        asset_selection=[dg.AssetKey(name) for name in want.tables] or None,
        tags={"tdnet/reason": want.reason[:200], **(_TODAY_FIRST if want.day == today else {})},
    )


def _aware(text: str) -> datetime:
    """The moment in a cursor.

    Raises:
        ValueError: it is none, or has no time zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment
