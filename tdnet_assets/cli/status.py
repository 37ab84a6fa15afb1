"""``tdnet status``: one execution record, or the newest ones and the days that are not whole."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from tdnet_assets.cli.execution_display import as_lines, newest
from tdnet_assets.cli.exit_codes import FAILED
from tdnet_assets.cli.platform import running_platform
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import days_of_the_window, read_day_states
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import LakeResource


@click.command()
@click.argument("execution_id", required=False)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many of the newest to list.",
)
def status(execution_id: str | None, limit: int) -> None:
    """Show one execution record, or the newest ones and the days that are not whole."""
    with running_platform() as config:
        executions = ExecutionsResource(config=config)
        if execution_id is None:
            for line in (*newest(executions, limit), "", *_days(config)):
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
        for line in (*as_lines(record), *_dead_link(config, execution_id)):
            click.echo(line)


def _dead_link(config: PlatformConfig, run_id: str) -> Iterator[str]:
    """A line if the Dagster of this home, where there is one, has no such run any more."""
    if not (config.dagster_home_path / "dagster.yaml").exists():
        return
    from tdnet_assets.local import dagster_home  # noqa: PLC0415 - brings Dagster

    with dagster_home.instance(config) as instance:
        if instance.get_run_by_id(run_id) is None:
            yield (
                f"its page is gone: no run of this id in {config.dagster_home_path}; it was "
                "deleted there, or is one of another Dagster"
            )


def _days(config: PlatformConfig) -> Iterator[str]:
    """The days of the window that are not whole, newest first, each with the reason."""
    lake = LakeResource(config=config)
    if CaptureStore(lake).oldest_day() is None:
        yield "no day has been collected yet"
        return
    days = days_of_the_window(lake, config, datetime.now(UTC))
    states = read_day_states(lake, DisclosureIndexResource(config=config), days)
    not_whole = {day: why for day, state in states.items() if (why := state.why())}
    for day, why in not_whole.items():
        stored = any(states[day].origins.values())
        yield f"{day}  not whole: {why if stored else 'not collected'}"
    if not not_whole:
        yield f"every day from {days[-1]} to {days[0]} is whole"
