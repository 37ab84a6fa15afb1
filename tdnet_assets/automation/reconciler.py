"""The sensor ``reconcile``: what is stored against what should be, and runs for the difference.

What belongs here: which days are looked at when, what is missing of them, and when it is asked for
again. What does not: the judgement of a day (``tables/wholeness.py``), and new publications of
today (``new_disclosures.py``). TDnet is never asked from here.

It goes by level, not by edge: the plan is a pure function of stored state and execution records.
Nothing depends on having seen a change, on a cursor, or on a run that ended well; a cursor only
spares a look at days that were looked at a moment ago.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import dagster as dg

from tdnet_assets.automation.day_facts import DayFacts, days_of_the_window, facts_of_days
from tdnet_assets.automation.day_runs import location_of, runs_in_progress
from tdnet_assets.automation.jobs import Job
from tdnet_assets.resources.aws.executions import (
    COMPLETED,
    FINAL_STATUSES,
    ExecutionRecord,
    ExecutionsResource,
)
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES
from tdnet_assets.tables.wholeness import MAKEABLE, DayState
from tdnet_assets.tdnet.listing import TOKYO

NAME = "reconcile"
LOOK_EVERY_SECONDS = 60
OTHER_DAYS_EVERY = timedelta(minutes=15)
DERIVATIONS_A_TICK = 4
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 2, 5, 15, 60))
"""How long to wait after the last try, by the number of tries that failed one after the other."""
_LISTING = "listing_pages"
# Before a backfill's next chunk of days, which can wait.
_TODAY_FIRST = {"dagster/priority": "1"}


@dataclass(frozen=True, slots=True)
class Want:
    """Work that a day needs, and from when on it may be asked for."""

    day: date
    work: str
    tables: tuple[str, ...]
    reason: str
    not_before: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start now, and in words what is not whole."""

    start: list[Want] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def plan(days: Iterable[DayFacts], now: datetime, *, collection_queued: bool = False) -> Plan:
    """What to start for these days, today's work and newer days first.

    Args:
        days: in any order.
        now: the present, aware.
        collection_queued: a collection waits for TDnet's one slot already, so no other is queued.
    """
    result = Plan()
    derivations = 0
    for facts in sorted(days, key=lambda one: one.day, reverse=True):
        told = facts.state.why()
        for want in wants(facts, now):
            told = told or want.reason
            if want.work in facts.in_progress or want.not_before > now:
                continue
            if want.work == COLLECTION and not collection_queued:
                collection_queued = True
                result.start.append(want)
            elif want.work == DERIVATION and derivations < DERIVATIONS_A_TICK:
                derivations += 1
                result.start.append(want)
        if told:
            result.reasons.append(f"{facts.day}: {told}")
    return result


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
    tries = _tries(facts, COLLECTION)
    never_begun = state.origins.get(_LISTING) is None and not tries
    is_today = facts.day == now.astimezone(TOKYO).date()
    if facts.can_be_had:
        if is_today and never_begun:
            return None  # what is not published yet is not missing: the looks find it
        if not lacking:
            reason = _reading_due(facts, tries, now)
        names: tuple[str, ...] = ()
    else:
        # TDnet has it no more: only what the lake itself can give is worth a run.
        names = tuple(
            name
            for name, lacks in lacking.items()
            if any(lack.kind in MAKEABLE for lack in lacks) and state.origins.get(_LISTING)
        )
        reason = reason if names else ""
    return _want(facts, COLLECTION, names, reason, None) if reason else None


def _reading_due(facts: DayFacts, tries: Sequence[ExecutionRecord], now: datetime) -> str:
    """Why a list that is whole has to be read again; empty when it need not be."""
    over = datetime.combine(facts.day + timedelta(days=1), time(), TOKYO)
    if now >= over and (facts.listed_at is None or facts.listed_at < over):
        return "its list was last read before the day was over"
    newest = tries[0] if tries else None
    if (
        newest is not None
        and newest.status in FINAL_STATUSES
        and newest.status != COMPLETED
        and (facts.listed_at is None or facts.listed_at < newest.started_at)
    ):
        return f"the run {newest.execution_id} {newest.status} before it had read the list"
    return ""


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
    return _want(facts, DERIVATION, names, reason, newest)


def _will_be_there(state: DayState, table: str) -> bool:
    """Whether a table is stored, or is derived and so can be made in the same run."""
    if state.origins.get(table) is not None:
        return True
    recipe = RECIPES[table]
    return recipe.work == DERIVATION and all(_will_be_there(state, one) for one in recipe.inputs)


def _all_inputs(table: str) -> set[str]:
    inputs = set(RECIPES[table].inputs)
    return inputs.union(*(_all_inputs(name) for name in inputs))


def _want(
    facts: DayFacts,
    work: str,
    tables: tuple[str, ...],
    reason: str,
    newest_input: datetime | None,
) -> Want:
    """The want, not before the pause behind the tries that failed since its inputs changed."""
    failed: list[ExecutionRecord] = []
    for record in _tries(facts, work):
        is_older = newest_input is not None and record.started_at < newest_input
        if record.status == COMPLETED or is_older:
            break
        failed.append(record)
    not_before = datetime.min.replace(tzinfo=UTC)
    if failed:
        ended = failed[0].completed_at or failed[0].updated_at
        not_before = ended + PAUSES[min(len(failed), len(PAUSES) - 1)]
    return Want(facts.day, work, tables, reason, not_before)


def _tries(facts: DayFacts, work: str) -> list[ExecutionRecord]:
    """The runs that have tried this kind of work, newest first."""
    return [record for record in facts.tries if record.job_name not in _WITHOUT[work]]


_WITHOUT = {COLLECTION: (DERIVATION,), DERIVATION: (COLLECTION,)}
"""Jobs that do not do the work; every other one, a person's selection included, may have."""


def build_reconciler(collection: Job, derivation: Job) -> dg.SensorDefinition:
    """The sensor over the two jobs; off until somebody turns it on, like all that starts runs."""

    @dg.sensor(
        name=NAME,
        description="Compares what is stored with what should be: each minute of today, each "
        "quarter of an hour of every other day of the window. Starts a run for just what is "
        "missing, again and again with growing pauses. Never asks TDnet itself.",
        jobs=[collection, derivation],
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
    )
    def reconcile(
        context: dg.SensorEvaluationContext,
        lake: LakeResource,
        index: DisclosureIndexResource,
        executions: ExecutionsResource,
    ) -> dg.SensorResult:
        now = datetime.now(UTC)
        looked_at = _moment(context.cursor)
        days = days_of_the_window(lake, lake.config, now)
        runs = runs_in_progress(context.instance, location_of(context))
        today = now.astimezone(TOKYO).date()
        all_days = looked_at is None or not timedelta(0) <= now - looked_at < OTHER_DAYS_EVERY
        facts = facts_of_days(
            days if all_days else [today],
            instance=context.instance,
            lake=lake,
            index=index,
            executions=executions,
            runs=runs,
            now=now,
        )
        result = plan(facts, now, collection_queued=any(run.waits_to_collect for run in runs))
        said = "; ".join(result.reasons) or f"{len(facts)} days are whole"
        requests = [request(want, today) for want in result.start]
        # The other days are looked at again at once while something of them is to be started.
        keep = looked_at if not all_days else now
        cursor = keep.isoformat() if keep else None
        context.log.info(said)
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else said[:1000],
            cursor=cursor,
        )

    return reconcile


def request(want: Want, today: date) -> dg.RunRequest:
    """The run that does the wanted work; without a key, since a key would block a second try."""
    return dg.RunRequest(
        job_name=want.work,
        partition_key=str(want.day),
        asset_selection=[dg.AssetKey(name) for name in want.tables] or None,
        tags={"tdnet/reason": want.reason[:200], **(_TODAY_FIRST if want.day == today else {})},
    )


def _moment(cursor: str | None) -> datetime | None:
    """The moment in a cursor; a cursor that cannot be read is none."""
    try:
        moment = datetime.fromisoformat(cursor or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
