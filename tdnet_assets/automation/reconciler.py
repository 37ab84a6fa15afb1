"""The sensor ``reconcile``: what is stored against what should be, and runs for the difference.

What belongs here: which days are looked at when. What does not: what is missing of a day and when
it is asked for again (``day_plan.py``), the judgement of a day (``tables/wholeness.py``), and new
publications of today (``new_disclosures.py``). TDnet is never asked from here.

It goes by level, not by edge: the plan is a pure function of stored state and execution records.
Nothing depends on having seen a change, on a cursor, or on a run that ended well; a cursor only
spares a look at days that were looked at a moment ago.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from tdnet_assets.automation.day_facts import facts_of_days
from tdnet_assets.automation.day_plan import Plan, Want, plan
from tdnet_assets.automation.day_runs import (
    RunOverDays,
    collection_waits,
    location_of,
    runs_ended_since,
    runs_in_progress,
)
from tdnet_assets.automation.jobs import Job
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import days_of_the_window
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.tdnet_source import OPENS
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import days_in_words
from tdnet_assets.tdnet.listing import TOKYO

NAME = "reconcile"
LOOK_EVERY_SECONDS = 60
OTHER_DAYS_EVERY = timedelta(minutes=15)
WHOLE_DAYS_EVERY = timedelta(hours=1)
"""A day that is whole changes by a run, after which it is looked at anyway, or by damage."""
READERS = " ".join(f"{name}={recipe.reader}" for name, recipe in RECIPES.items())
# Before a backfill's next chunk of days, which can wait.
_TODAY_FIRST = {"dagster/priority": "1"}


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
