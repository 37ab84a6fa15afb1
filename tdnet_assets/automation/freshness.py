"""Freshness: is every day that is due whole, and if not, since when is the archive behind?

What belongs here: when a day is due, the sensor that reports how far the archive is behind, and the
freshness policy of the daily assets. What does not: what makes a day whole
(``tables/wholeness.py``), and the alarm (``infrastructure/``).

A freshness policy looks at an asset's last materialization, whatever partition that was: a backfill
of 2019 makes it pass today. It is kept for what the UI shows of an asset, and the sensor asks what
counts: the days themselves, all of the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import dagster as dg

from tdnet_assets.automation.day_facts import DayFacts, facts_of_days
from tdnet_assets.partitions import TIMEZONE
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import FRESHNESS_LAG, MetricsResource
from tdnet_assets.resources.day_states import days_of_the_window
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.wholeness import days_in_words
from tdnet_assets.tdnet.listing import TOKYO

DUE = time(7)
"""A day is due at this hour of the next morning in Japan, half an hour after its last close."""
POLICY = dg.FreshnessPolicy.cron(
    deadline_cron=f"{DUE.minute} {DUE.hour} * * *",
    lower_bound_delta=timedelta(hours=DUE.hour),
    timezone=TIMEZONE,
)
LOOK_EVERY_SECONDS = 60 * 60
"""A look at every day of the window costs what S3 asks for 250 requests."""
_OBSERVED = dg.AssetKey("disclosures")


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the archive is behind: the due days that are not whole, oldest first, with reasons.

    ``latest`` is the newest due day; ``behind_since`` (aware) is when the oldest of ``problems``
    was due, None without any.
    """

    latest: date
    problems: dict[date, str]

    @property
    def behind_since(self) -> datetime | None:
        """Since when the archive is behind; None when every due day is whole."""
        return due_at(min(self.problems)) if self.problems else None

    def lag(self, now: datetime) -> float:
        """Seconds since the archive is behind; 0 when it is not."""
        return (now - self.behind_since).total_seconds() if self.behind_since else 0.0

    def __str__(self) -> str:
        if not self.problems:
            return f"every due day up to {self.latest} is whole"
        return days_in_words(self.problems)


def due_at(day: date) -> datetime:
    """When the day has to be complete (aware, JST)."""
    return datetime.combine(day + timedelta(days=1), DUE, TOKYO)


def latest_due_day(now: datetime) -> date:
    """The newest day that has to be complete by now."""
    day = now.astimezone(TOKYO).date() - timedelta(days=1)
    return day if due_at(day) <= now else day - timedelta(days=1)


def freshness(days: Sequence[DayFacts], now: datetime) -> Freshness:
    """Which of the days that are due are not whole, or were last read before they were over."""
    latest = latest_due_day(now)
    problems = {
        facts.day: problem
        for facts in sorted(days, key=lambda facts: facts.day)
        if facts.day <= latest and (problem := _problem(facts))
    }
    return Freshness(latest, problems)


def _problem(facts: DayFacts) -> str:
    early = "" if facts.was_read_when_over else "its list was last read before the day was over"
    return facts.state.why() or early


def with_freshness_policy(daily: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The daily assets, each expected to be materialized between midnight and 07:00 in Japan."""
    return daily.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, POLICY))


@dg.sensor(
    name="freshness",
    description="Whether every day of the window that is due (by 07:00 the next morning in Japan) "
    "is whole: as an observation of disclosures whenever that changes, and as the metric "
    "FreshnessLag, which is 0 while it is.",
    minimum_interval_seconds=LOOK_EVERY_SECONDS,
)
def freshness_sensor(
    context: dg.SensorEvaluationContext,
    lake: dg.ResourceParam[LakeResource],
    index: dg.ResourceParam[DisclosureIndexResource],
    metrics: dg.ResourceParam[MetricsResource],
) -> dg.SensorResult:
    """Off until somebody turns it on, like the schedules that it watches over."""
    now = datetime.now(TOKYO)
    # The latest due day counts in an empty lake too: nobody has collected anything.
    days = {*days_of_the_window(lake, lake.config, now), latest_due_day(now)}
    facts = facts_of_days(
        days,
        instance=context.instance,
        lake=lake,
        index=index,
        now=now,
    )
    return report(context, freshness(facts, now), metrics, now)


def report(
    context: dg.SensorEvaluationContext, found: Freshness, metrics: MetricsResource, now: datetime
) -> dg.SensorResult:
    """Send the lag; log an observation when what is to be said is not what was said before."""
    lag = found.lag(now)
    delivery = metrics.in_a_hurry().publish({FRESHNESS_LAG: lag})
    said = str(found)
    if delivery.error:
        context.log.error(delivery.error)
    reasons = [said, f"behind for {timedelta(seconds=round(lag))}" if lag else "", delivery.error]
    observation = dg.AssetObservation(
        _OBSERVED,
        partition=str(found.latest),
        description=said,
        metadata={
            "latest_due_day": str(found.latest),
            "complete": not found.problems,
            "days_not_whole": len(found.problems),
            "due_at": due_at(found.latest).isoformat(),
            "lag_seconds": lag,
            "lag_metric": FRESHNESS_LAG,
        },
    )
    return dg.SensorResult(
        skip_reason="; ".join(filter(None, reasons))[:1000],
        cursor=said,
        asset_events=[] if context.cursor == said else [observation],
    )
