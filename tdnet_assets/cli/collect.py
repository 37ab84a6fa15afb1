"""``tdnet collect``: a day, or some days, materialized in this process."""

import sys
from datetime import date, datetime

import click

from tdnet_assets.cli.exit_codes import INTERRUPTED
from tdnet_assets.cli.in_process import RunOutcome, materialize, runs_of
from tdnet_assets.cli.platform import DAY, running_platform
from tdnet_assets.cli.progress_display import ProgressDisplay, counts
from tdnet_assets.resources.lake.first_day import with_first_day
from tdnet_assets.tdnet.listing import TOKYO


@click.command()
@click.argument("first", metavar="DATE", type=DAY)
@click.option("--until", "last", type=DAY, help="Last day of a range, included.")
@click.option("--select", default="", help="Daily assets, separated by commas; all by default.")
def collect(first: date, last: date | None, select: str) -> None:
    """Materialize a day (JST), or the days from DATE until another, in this process."""
    names = [name.strip() for name in select.split(",") if name.strip()]
    with running_platform() as platform:
        config = with_first_day(platform, datetime.now(TOKYO).date())
        codes = []
        for begin, end in runs_of(config, first, last or first):
            outcome = materialize(config, begin, end, names, display=ProgressDisplay)
            _show(outcome)
            codes.append(outcome.exit_code)
            if outcome.exit_code == INTERRUPTED:
                break
        if code := max(codes):
            sys.exit(code)


def _show(outcome: RunOutcome) -> None:
    record = outcome.record
    if record is not None:
        click.echo(f"{record.status}: {counts(record)} ({outcome.run_id})")
        if record.metrics_error:
            click.echo(f"tdnet: metrics not delivered: {record.metrics_error}", err=True)
    if not outcome.success:
        click.echo(f"tdnet: {outcome.reason}", err=True)
