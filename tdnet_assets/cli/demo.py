"""``tdnet demo``: the main job on one sample day, and what can be read back of it.

What belongs here: showing the results. The work is the same run as any other's.
"""

import sys
from datetime import UTC, date, datetime, timedelta

import click
import polars as pl

from tdnet_assets.cli.execution_display import as_lines
from tdnet_assets.cli.in_process import RunOutcome, materialize
from tdnet_assets.cli.platform import running_platform
from tdnet_assets.cli.progress_display import ProgressDisplay, counts
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.sample_day import latest_whole_business_day
from tdnet_assets.resources.aws.metrics import CATALOGUE, MetricsResource
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tdnet.listing import TOKYO


@click.command()
def demo() -> None:
    """Collect a sample day end to end and show what was stored, recorded and measured."""
    with running_platform() as config:
        sys.exit(_demonstrate(config))


def _demonstrate(config: PlatformConfig) -> int:
    """Collect the latest whole business day twice; the exit code of the run that did not succeed.

    The second run shows the promise: an unchanged day costs no document and no write.
    """
    day = latest_whole_business_day(datetime.now(TOKYO).date())
    lake = LakeResource(config=config)
    click.echo(f"TDnet        {config.tdnet_base_url}")
    click.echo(f"lake         {lake.uri('')}  at {config.endpoint_url('s3') or 'AWS'}")
    click.echo(f"sample day   {day}\n")
    started = datetime.now(UTC)
    first = materialize(config, day, day, display=ProgressDisplay)
    if not first.success:
        click.echo(f"failed: {first.reason}")
        return first.exit_code
    _show_stored(lake, day)
    _show_record(first)
    _show_metrics(config, started)
    writes = _objects(lake, day)
    again = materialize(config, day, day, display=ProgressDisplay)
    click.echo("\nThe same day again")
    click.echo(f"  {counts(again.record) if again.record else again.reason}")
    click.echo(f"  objects changed: {len(_objects(lake, day) - writes)}")
    click.echo("\nNow try `make up` and look at the day in the Dagster UI.")
    return again.exit_code


def _show_stored(lake: LakeResource, day: date) -> None:
    disclosures = lake.read_table("disclosures", day)
    documents = lake.read_table("documents", day)
    assert disclosures is not None  # noqa: S101 - the run succeeded
    assert documents is not None  # noqa: S101 - as above
    kinds = documents.frame.group_by("kind").agg(pl.len(), pl.col("bytes").sum()).sort("kind")
    click.echo("\nStored")
    click.echo(
        f"  {lake.uri(layout.table_key('disclosures', day))}: {disclosures.frame.height} rows"
    )
    for kind, files, size in kinds.iter_rows():
        prefix = lake.uri(layout.documents_prefix(day))
        click.echo(f"  {prefix}: {files} {kind} files, {size / 1e6:.1f} MB")
    for name in ("financial_facts", "forecast_revisions", "earnings"):
        stored = lake.read_table(name, day)
        rows = stored.frame.height if stored else 0
        click.echo(f"  {lake.uri(layout.table_key(name, day))}: {rows:,} rows")
    with pl.Config(
        tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, fmt_str_lengths=28
    ):
        columns = ("disclosed_at", "code", "company_name", "title", "category", "status")
        table = disclosures.frame.tail(6).select(
            pl.col("disclosed_at").dt.strftime("%H:%M").alias("time"), *columns[1:]
        )
        click.echo(str(table))


def _show_record(outcome: RunOutcome) -> None:
    assert outcome.record is not None  # noqa: S101 - the run succeeded
    click.echo("\nExecution record, read back from DynamoDB")
    for line in as_lines(outcome.record):
        click.echo(f"  {line}")


def _show_metrics(config: PlatformConfig, started: datetime) -> None:
    metrics = MetricsResource(config=config)
    click.echo(f"\nMetrics, read back from CloudWatch namespace {config.metrics_namespace}")
    for metric in CATALOGUE:
        data = metrics.statistics(
            metric.name,
            start=started - timedelta(minutes=1),
            end=datetime.now(UTC) + timedelta(minutes=1),
        )
        if data:
            click.echo(f"  {metric.name:<24} {data[-1][1]:>10,.1f} {metric.unit}")


def _objects(lake: LakeResource, day: date) -> set[tuple[str, int, datetime]]:
    return {
        (stored.key, stored.bytes, stored.last_modified)
        for stored in lake.list("")
        if f"date={day}" in stored.key
    }
