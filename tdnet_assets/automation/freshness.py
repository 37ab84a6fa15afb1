"""Freshness: is the latest day that is due complete, and if not, since when is the archive behind?

What belongs here: when a day is due, what makes it complete, the sensor that reports it, and the
freshness policy of the daily assets. What does not: the alarm (``infrastructure/``).

A freshness policy looks at an asset's last materialization, whatever partition that was: a backfill
of 2019 makes it pass today. It is kept for what the UI shows of an asset, and the sensor asks what
counts: the days themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import dagster as dg

from tdnet_assets.automation.day_runs import data_version, latest_materialization, made_from
from tdnet_assets.config import LIVE_WINDOW_DAYS
from tdnet_assets.partitions import TIMEZONE
from tdnet_assets.resources.aws.metrics import FRESHNESS_LAG, MetricsResource
from tdnet_assets.tdnet.listing import TOKYO

DUE = time(7)
"""A day is due at this hour of the next morning in Japan, half an hour after its last close."""
POLICY = dg.FreshnessPolicy.cron(
    deadline_cron=f"{DUE.minute} {DUE.hour} * * *",
    lower_bound_delta=timedelta(hours=DUE.hour),
    timezone=TIMEZONE,
)
LOOK_EVERY_SECONDS = 15 * 60
_OBSERVED = dg.AssetKey("disclosures")


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the archive is behind; ``problem`` is None when the latest due day is complete.

    ``behind_since`` is when the first day that is not complete was due (aware), looking back from
    the latest due day over the window.
    """

    day: date
    due_at: datetime
    problem: str | None
    behind_since: datetime | None

    def lag(self, now: datetime) -> float:
        """Seconds since the archive is behind; 0 when it is not."""
        return (now - self.behind_since).total_seconds() if self.behind_since else 0.0


def due_at(day: date) -> datetime:
    """When the day has to be complete (aware, JST)."""
    return datetime.combine(day + timedelta(days=1), DUE, TOKYO)


def latest_due_day(now: datetime) -> date:
    """The newest day that has to be complete by now."""
    day = now.astimezone(TOKYO).date() - timedelta(days=1)
    return day if due_at(day) <= now else day - timedelta(days=1)


def freshness(
    instance: dg.DagsterInstance, specs: Iterable[dg.AssetSpec], now: datetime
) -> Freshness:
    """Whether the latest due day is complete, and since when the archive is behind if it is not."""
    specs = list(specs)
    latest = latest_due_day(now)
    problem = what_is_missing(instance, specs, latest)
    behind = None
    if problem:
        behind = latest
        for back in range(1, LIVE_WINDOW_DAYS):
            day = latest - timedelta(days=back)
            if what_is_missing(instance, specs, day) is None:
                break
            behind = day
    return Freshness(latest, due_at(latest), problem, due_at(behind) if behind else None)


def what_is_missing(
    instance: dg.DagsterInstance, specs: Iterable[dg.AssetSpec], day: date
) -> str | None:
    """What the day lacks; None when its list was read after it was over and all follows from that.

    An asset is materialized only when its checks pass, so what is materialized is whole.
    """
    made = {spec.key: latest_materialization(instance, spec.key, day) for spec in specs}
    for key, record in made.items():
        if record is None:
            return f"{key.to_user_string()} of {day} was never materialized"
    over = datetime.combine(day + timedelta(days=1), time(), TOKYO)
    for spec in specs:
        record = made[spec.key]
        if record is None:
            continue
        name = spec.key.to_user_string()
        upstream = [dep.asset_key for dep in spec.deps if dep.asset_key in made]
        if not upstream and record.timestamp < over.timestamp():
            return f"{name} of {day} was last read before the day was over"
        for key in upstream:
            source = made[key]
            if source and made_from(record, key) != data_version(source):
                return f"{name} of {day} was not made from the latest {key.to_user_string()}"
    return None


def with_freshness_policy(daily: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The daily assets, each expected to be materialized between midnight and 07:00 in Japan."""
    return daily.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, POLICY))


def build_freshness_sensor(daily: dg.AssetsDefinition) -> dg.SensorDefinition:
    """The sensor; off until somebody turns it on, like the schedules that it watches over."""
    specs = list(daily.specs)

    @dg.sensor(
        name="freshness",
        description="Whether the latest day that is due (by 07:00 the next morning in Japan) is "
        "complete: as an observation of disclosures whenever that changes, and as the metric "
        "FreshnessLag, which is 0 while it is.",
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
    )
    def freshness_sensor(
        context: dg.SensorEvaluationContext, metrics: MetricsResource
    ) -> dg.SensorResult:
        now = datetime.now(TOKYO)
        return report(context, freshness(context.instance, specs, now), metrics, now)

    return freshness_sensor


def report(
    context: dg.SensorEvaluationContext, found: Freshness, metrics: MetricsResource, now: datetime
) -> dg.SensorResult:
    """Send the lag; log an observation when what is to be said is not what was said before."""
    lag = found.lag(now)
    delivery = metrics.in_a_hurry().publish({FRESHNESS_LAG: lag})
    said = found.problem or f"{found.day} is complete"
    if delivery.error:
        context.log.error(delivery.error)
    reasons = [said, f"behind for {timedelta(seconds=round(lag))}" if lag else "", delivery.error]
    observation = dg.AssetObservation(
        _OBSERVED,
        partition=str(found.day),
        description=said,
        metadata={
            "latest_due_day": str(found.day),
            "complete": found.problem is None,
            "due_at": found.due_at.isoformat(),
            "lag_seconds": lag,
            "lag_metric": FRESHNESS_LAG,
        },
    )
    return dg.SensorResult(
        skip_reason="; ".join(filter(None, reasons)),
        cursor=f"{found.day} {said}",
        asset_events=[] if context.cursor == f"{found.day} {said}" else [observation],
    )
