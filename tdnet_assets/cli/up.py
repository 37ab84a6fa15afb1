"""``tdnet up``: the Dagster UI and daemon with everything they need, until Ctrl-C.

What belongs here: what a person reads meanwhile. What does not: the processes (``local/up.py``).
"""

import sys
from collections.abc import Collection
from pathlib import Path

import click

from tdnet_assets.cli.exit_codes import FAILED
from tdnet_assets.cli.platform import refusals
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home
from tdnet_assets.local.finished_runs import FinishedRun, FinishedRuns
from tdnet_assets.local.reader_process import running_reader
from tdnet_assets.local.services import running_services, wait_until_stopped
from tdnet_assets.local.up import (
    STOP_SECONDS,
    AlreadyUpError,
    Dagster,
    DagsterError,
    only_one,
    running_dagster,
    stop_signals,
)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=None,
    help="Port of the UI; 3000 if free, by default.",
)
def up(port: int | None) -> None:
    """Start the Dagster UI and daemon, with all that they need; Ctrl-C stops everything."""
    with refusals():
        sys.exit(_up_once(PlatformConfig.from_environment(), port))


def _up_once(config: PlatformConfig, port: int | None) -> int:
    try:
        with only_one(config) as place:
            return _up(config, port, place)
    except AlreadyUpError as error:
        click.echo(error)  # what was wanted is there: no failure
        return 0


def _up(config: PlatformConfig, port: int | None, place: Path) -> int:
    stopping = stop_signals()
    with running_services(config) as running:
        click.echo(f"TDnet   {running.tdnet_base_url}")
        click.echo(f"AWS     {running.aws_endpoint_url or 'the configured account'}")
        click.echo(f"state   {config.home_path}")
        with (
            running_dagster(config, port, place) as dagster,
            running_reader(config, place.parent) as reader,
        ):
            click.echo(f"log     {dagster.log}\nDagster is starting …")
            with dagster_home.instance(config) as instance:
                exit_code = _watch(dagster, stopping, FinishedRuns(instance), reader)
    # The embedded services stop after Dagster and its runs, and save their state.
    if running is not config and not wait_until_stopped(config, STOP_SECONDS):
        click.echo("the embedded services are still in use by another process; they stop with it")
    click.echo("stopped")
    return exit_code


def _watch(
    dagster: Dagster, stopping: Collection[int], runs: FinishedRuns, reader: str | None
) -> int:
    def tell() -> None:
        for run in runs.new():
            click.echo(_line(run, dagster.address))

    try:
        if dagster.wait_until_ready(stopping):
            click.echo(f"\nDagster UI   {dagster.address}")
            click.echo(f"reader       {reader or 'install tdnet-assets[reader] for it'}")
            click.echo("Ctrl-C stops everything; the data stays.")
        dagster.wait(stopping, tell)
    except DagsterError as error:
        click.echo(f"tdnet: {error}", err=True)
        return FAILED
    click.echo("\nstopping …")
    return 0


def _line(run: FinishedRun, address: str) -> str:
    """One run for a person; of one that did not succeed, where to look."""
    first, last = run.days or (run.job, run.job)
    days = first if first == last else f"{first} to {last}"
    where = "" if run.status == "completed" else f"  {address}/runs/{run.id}"
    return f"{days}  {run.status}  {run.seconds:.0f} s{where}"
