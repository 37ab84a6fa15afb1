"""The ``tdnet`` command: convenience around the code location, never a second way of working.

What belongs here: arguments, exit codes and what a person reads. What does not: the work itself.
Modules are imported inside the commands, so that ``tdnet --help`` answers at once.
"""

# ruff: noqa: PLC0415 - see above

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tdnet_assets.config import PlatformConfig

FAILED = 1
REFUSED = 2


class _Day(click.ParamType[date]):
    name = "YYYY-MM-DD"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        if isinstance(value, date):
            return value
        if value == "today":
            from tdnet_assets.tdnet.listing import TOKYO

            return datetime.now(TOKYO).date()
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day: write YYYY-MM-DD, or today", param, ctx)


DAY = _Day()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tdnet-assets")
def main() -> None:
    """Every timely disclosure of the Tokyo Stock Exchange's TDnet, as Dagster assets in S3."""


@main.command()
def demo() -> None:
    """Collect a sample day end to end and show what was stored, recorded and measured."""
    with _running_platform() as config:
        from tdnet_assets.local.demo import run_demo

        sys.exit(0 if run_demo(config, click.echo) else FAILED)


@main.command()
@click.option("--port", type=int, default=None, help="Port of the UI; 3000 if free, by default.")
def up(port: int | None) -> None:
    """Start the Dagster UI and daemon, with all that they need; Ctrl-C stops everything."""
    with _refusals():
        from tdnet_assets.config import PlatformConfig
        from tdnet_assets.local.up import run_up

        sys.exit(run_up(PlatformConfig.from_environment(), port, click.echo))


@main.command()
@click.argument("first", metavar="DATE", type=DAY)
@click.option("--until", "last", type=DAY, help="Last day of a range, included.")
@click.option("--select", default="", help="Asset keys, separated by commas; all by default.")
def collect(first: date, last: date | None, select: str) -> None:
    """Materialize a day (JST), or the days from DATE until another, in this process."""
    names = [name.strip() for name in select.split(",") if name.strip()]
    with _running_platform() as config:
        from tdnet_assets.in_process import materialize
        from tdnet_assets.progress_display import counts

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
    with _running_platform() as config:
        from tdnet_assets.execution_display import as_lines, newest
        from tdnet_assets.resources.executions import ExecutionsResource

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


@contextmanager
def _running_platform() -> Iterator["PlatformConfig"]:
    """The configuration, with the embedded services running where they are wanted."""
    with _refusals():
        from tdnet_assets.config import PlatformConfig
        from tdnet_assets.local.services import running_services

        with running_services(PlatformConfig.from_environment()) as config:
            _require_bucket_and_table(config)
            yield config


def _require_bucket_and_table(config: "PlatformConfig") -> None:
    """Say what is missing before anything is begun; the embedded AWS has it since its start."""
    from botocore.exceptions import ClientError

    from tdnet_assets.config import ConfigurationError
    from tdnet_assets.resources.executions import ExecutionsResource
    from tdnet_assets.resources.lake import LakeError, LakeResource

    if config.embedded_aws:
        return
    where = config.aws_endpoint_url or f"AWS in {config.aws_region}"
    advice = "`tdnet infra deploy` creates it, or name another one in"
    try:
        ExecutionsResource(config=config).get("none")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise ConfigurationError(
            f"there is no table {config.executions_table} at {where}: "
            f"{advice} TDNET_EXECUTIONS_TABLE"
        ) from error
    try:
        next(LakeResource(config=config).list("tables/"), None)
    except LakeError as error:
        if "NoSuchBucket" not in str(error):
            raise
        raise ConfigurationError(
            f"there is no bucket {config.bucket} at {where}: {advice} TDNET_BUCKET"
        ) from error


@contextmanager
def _refusals() -> Iterator[None]:
    """Errors that a person can mend become one line and exit code 2; all others stay loud."""
    from botocore.exceptions import BotoCoreError, ClientError

    from tdnet_assets.config import ConfigurationError
    from tdnet_assets.in_process import RequestError
    from tdnet_assets.local.services import ServicesError
    from tdnet_assets.resources.lake import LakeError

    expected = (
        ConfigurationError,
        RequestError,
        ServicesError,
        LakeError,
        BotoCoreError,
        ClientError,
    )
    try:
        yield
    except expected as error:
        click.echo(f"tdnet: {error}", err=True)
        sys.exit(REFUSED)
