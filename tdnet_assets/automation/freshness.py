"""Freshness: is every day that is due whole, and if not, since when is the archive behind?

What belongs here: the sensor that reports how far the archive is behind, and the freshness policy
of the daily assets. What does not: when a day is due (``due_days.py``), what makes it whole
(``tables/wholeness.py``), and the alarm (``infrastructure/``).

A freshness policy looks at an asset's last materialization, whatever partition that was: a backfill
of 2019 makes it pass today. It is kept for what the UI shows of an asset, and the sensor asks what
counts: the days themselves, all of the window.
"""

from datetime import datetime, timedelta

import dagster as dg

from tdnet_assets.automation.day_facts import facts_of_days
from tdnet_assets.automation.due_days import DUE_TIME, Freshness, due_at, freshness, latest_due_day
from tdnet_assets.partitions import TIMEZONE
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import FRESHNESS_LAG, MetricsResource
from tdnet_assets.resources.day_states import days_of_the_window
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tdnet.listing import TOKYO

POLICY = dg.FreshnessPolicy.cron(
    deadline_cron=f"{DUE_TIME.minute} {DUE_TIME.hour} * * *",
    lower_bound_delta=timedelta(hours=DUE_TIME.hour),
    timezone=TIMEZONE,
)
LOOK_EVERY_SECONDS = 60 * 60
"""A look at every day of the window costs what S3 asks for 250 requests."""
_OBSERVED = dg.AssetKey("disclosures")


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
