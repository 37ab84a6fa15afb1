"""``tdnet prune``: old runs out of Dagster's store, with what is known by them kept."""

from datetime import UTC, datetime, timedelta

import click

from tdnet_assets.automation.old_runs import prune as prune_runs
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home

# The sweep writes lost execution records again from Dagster's runs of so many days.
_FEWEST_DAYS = 31


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=_FEWEST_DAYS),
    default=90,
    show_default=True,
    help="Age of the runs in days.",
)
def prune(days: int) -> None:
    """Delete old runs from Dagster's store; which partitions are made stays known."""
    config = PlatformConfig.from_environment()
    before = datetime.now(UTC) - timedelta(days=days)
    with dagster_home.instance(config) as instance:
        deleted, kept = prune_runs(instance, before)
    click.echo(f"{deleted} runs deleted; {kept} of that age are kept: partitions are known by them")
