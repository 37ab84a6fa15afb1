"""``tdnet demo``: the main job on one sample day, and what can be read back of it.

What belongs here: which day, and showing the results. The work is the same run as any other's.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl

from tdnet_assets.cli.execution_display import as_lines
from tdnet_assets.cli.in_process import RunOutcome, materialize
from tdnet_assets.cli.progress_display import counts
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.metrics import CATALOGUE, MetricsResource
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.sample_site.business_days import is_business_day
from tdnet_assets.tdnet.listing import TOKYO

Show = Callable[[str], object]


def run_demo(config: PlatformConfig, show: Show) -> bool:
    """Collect the latest whole business day twice; whether both runs succeeded.

    The second run shows the promise: an unchanged day costs no document and no write.
    """
    day = latest_whole_business_day(datetime.now(TOKYO).date())
    lake = LakeResource(config=config)
    show(f"TDnet        {config.tdnet_base_url}")
    show(f"lake         {lake.uri('')}  at {config.aws_endpoint_url or 'AWS'}")
    show(f"sample day   {day}\n")
    started = datetime.now(UTC)
    first = materialize(config, day, day)
    if not first.success:
        show(f"failed: {first.reason}")
        return False
    _show_stored(config, lake, day, show)
    _show_record(first, show)
    _show_metrics(config, started, show)
    writes = _objects(lake, day)
    again = materialize(config, day, day)
    show("\nThe same day again")
    show(f"  {counts(again.record) if again.record else again.reason}")
    show(f"  objects changed: {len(_objects(lake, day) - writes)}")
    show("\nNow try `make up` and look at the day in the Dagster UI.")
    return again.success


def latest_whole_business_day(today: date) -> date:
    """The last day before today on which the sample exchange was open."""
    day = today - timedelta(days=1)
    while not is_business_day(day):
        day -= timedelta(days=1)
    return day


def _show_stored(config: PlatformConfig, lake: LakeResource, day: date, show: Show) -> None:
    disclosures = lake.read_table("disclosures", day)
    documents = lake.read_table("documents", day)
    assert disclosures is not None  # noqa: S101 - the run succeeded
    assert documents is not None  # noqa: S101 - as above
    kinds = documents.frame.group_by("kind").agg(pl.len(), pl.col("bytes").sum()).sort("kind")
    show("\nStored")
    show(f"  {lake.uri(layout.table_key('disclosures', day))}: {disclosures.frame.height} rows")
    for kind, files, size in kinds.iter_rows():
        prefix = lake.uri(layout.documents_prefix(day))
        show(f"  {prefix}: {files} {kind} files, {size / 1e6:.1f} MB")
    for name in ("financial_facts", "forecast_revisions", "earnings"):
        stored = lake.read_table(name, day)
        rows = stored.frame.height if stored else 0
        show(f"  {lake.uri(layout.table_key(name, day))}: {rows:,} rows")
    with pl.Config(
        tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, fmt_str_lengths=28
    ):
        columns = ("disclosed_at", "code", "company_name", "title", "category", "status")
        table = disclosures.frame.tail(6).select(
            pl.col("disclosed_at").dt.strftime("%H:%M").alias("time"), *columns[1:]
        )
        show(str(table))


def _show_record(outcome: RunOutcome, show: Show) -> None:
    assert outcome.record is not None  # noqa: S101 - the run succeeded
    show("\nExecution record, read back from DynamoDB")
    for line in as_lines(outcome.record):
        show(f"  {line}")


def _show_metrics(config: PlatformConfig, started: datetime, show: Show) -> None:
    metrics = MetricsResource(config=config)
    show(f"\nMetrics, read back from CloudWatch namespace {config.metrics_namespace}")
    for metric in CATALOGUE:
        data = metrics.statistics(
            metric.name,
            start=started - timedelta(minutes=1),
            end=datetime.now(UTC) + timedelta(minutes=1),
        )
        if data:
            show(f"  {metric.name:<24} {data[-1][1]:>10,.1f} {metric.unit}")


def _objects(lake: LakeResource, day: date) -> set[tuple[str, int, datetime]]:
    return {
        (found.key, found.bytes, found.last_modified)
        for found in lake.list("")
        if f"date={day}" in found.key
    }
