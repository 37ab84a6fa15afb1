"""The ``tdnet`` command: convenience around the code location, never a second way of working.

What belongs here: arguments, exit codes and what a person reads. What does not: the work itself.
Modules are imported inside the commands, so that ``tdnet --help`` answers at once.
"""

# ruff: noqa: PLC0415 - see above

import sys
from datetime import date

import click

from tdnet_assets.cli.doctor import doctor
from tdnet_assets.cli.index import index
from tdnet_assets.cli.infra import infra
from tdnet_assets.cli.platform import DAY, FAILED, refusals, running_platform
from tdnet_assets.cli.query import facts, query


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tdnet-assets")
def main() -> None:
    """Every timely disclosure of the Tokyo Stock Exchange's TDnet, as Dagster assets in S3."""


@main.command()
def demo() -> None:
    """Collect a sample day end to end and show what was stored, recorded and measured."""
    with running_platform() as config:
        from tdnet_assets.local.demo import run_demo

        sys.exit(0 if run_demo(config, click.echo) else FAILED)


@main.command()
@click.option("--port", type=int, default=None, help="Port of the UI; 3000 if free, by default.")
def up(port: int | None) -> None:
    """Start the Dagster UI and daemon, with all that they need; Ctrl-C stops everything."""
    with refusals():
        from tdnet_assets.config import PlatformConfig
        from tdnet_assets.local.up import run_up

        sys.exit(run_up(PlatformConfig.from_environment(), port, click.echo))


@main.command()
@click.argument("first", metavar="DATE", type=DAY)
@click.option("--until", "last", type=DAY, help="Last day of a range, included.")
@click.option("--select", default="", help="Daily assets, separated by commas; all by default.")
def collect(first: date, last: date | None, select: str) -> None:
    """Materialize a day (JST), or the days from DATE until another, in this process."""
    names = [name.strip() for name in select.split(",") if name.strip()]
    with running_platform() as config:
        from tdnet_assets.cli.in_process import materialize
        from tdnet_assets.cli.progress_display import counts

        outcome = materialize(config, first, last or first, names)
        record = outcome.record
        if record is not None:
            click.echo(f"{record.status}: {counts(record)} ({outcome.run_id})")
            if record.metrics_error:
                click.echo(f"tdnet: metrics not delivered: {record.metrics_error}", err=True)
        if not outcome.success:
            click.echo(f"tdnet: {outcome.reason}", err=True)
            sys.exit(FAILED)


@main.command()
@click.argument("execution_id", required=False)
@click.option("--limit", default=20, show_default=True, help="How many of the newest to list.")
def status(execution_id: str | None, limit: int) -> None:
    """Show one execution record, or the newest ones."""
    with running_platform() as config:
        from tdnet_assets.cli.execution_display import as_lines, newest
        from tdnet_assets.resources.aws.executions import ExecutionsResource

        executions = ExecutionsResource(config=config)
        executions.expire_stale()
        if execution_id is None:
            for line in newest(executions, limit):
                click.echo(line)
            return
        record = executions.get(execution_id)
        if record is None:
            click.echo(
                f"tdnet: no record {execution_id} in {config.executions_table}; "
                "`tdnet status` lists the newest",
                err=True,
            )
            sys.exit(FAILED)
        for line in as_lines(record):
            click.echo(line)


for command in (query, facts, index, infra, doctor):
    main.add_command(command)
