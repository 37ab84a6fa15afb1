"""``tdnet status``: one execution record, or the newest ones."""

import sys

import click

from tdnet_assets.cli.execution_display import as_lines, newest
from tdnet_assets.cli.exit_codes import FAILED
from tdnet_assets.cli.platform import running_platform
from tdnet_assets.resources.aws.executions import ExecutionsResource


@click.command()
@click.argument("execution_id", required=False)
@click.option("--limit", default=20, show_default=True, help="How many of the newest to list.")
def status(execution_id: str | None, limit: int) -> None:
    """Show one execution record, or the newest ones."""
    with running_platform() as config:
        executions = ExecutionsResource(config=config)
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
