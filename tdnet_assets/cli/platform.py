"""What the commands of ``tdnet`` share: running services, days and moments, refusals.

What belongs here: getting a command to a platform that it can use, and turning what a person can
mend into one line. What does not: the commands, each of which has a module of its own.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

import click
from botocore.exceptions import BotoCoreError, ClientError

from tdnet_assets.cli.exit_codes import REFUSED
from tdnet_assets.config import ConfigurationError, PlatformConfig
from tdnet_assets.local.services import running_services
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.lake.store import LakeError, LakeResource
from tdnet_assets.tdnet.errors import TdnetAssetsError
from tdnet_assets.tdnet.listing import TOKYO


class _Day(click.ParamType[date]):
    name = "YYYY-MM-DD"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        if isinstance(value, date):
            return value
        if value == "today":
            return datetime.now(TOKYO).date()
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a day: write YYYY-MM-DD, or today", param, ctx)


class _Moment(click.ParamType[datetime]):
    name = "YYYY-MM-DDTHH:MM"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        text = str(value)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is not a moment: write e.g. 2026-06-10T15:30", param, ctx)
        # A bare day would mean its first instant, of which hardly anybody thinks.
        if ":" not in text and "T" not in text:
            self.fail(f"{text!r} has no time: write e.g. {text}T15:30", param, ctx)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=TOKYO)


DAY = _Day()
MOMENT = _Moment()


@contextmanager
def running_platform() -> Iterator[PlatformConfig]:
    """The configuration, with the embedded services running where they are wanted."""
    with refusals(), running_services(PlatformConfig.from_environment()) as config:
        _require_table(config)
        _require_bucket(config)
        yield config


@contextmanager
def running_lake() -> Iterator[PlatformConfig]:
    """As :func:`running_platform`, for those who may read the bucket and nothing else."""
    with refusals(), running_services(PlatformConfig.from_environment()) as config:
        _require_bucket(config)
        yield config


@contextmanager
def refusals() -> Iterator[None]:
    """Errors that a person can mend become one line and exit code 2; all others stay loud."""
    try:
        yield
    except (TdnetAssetsError, BotoCoreError, ClientError) as error:
        click.echo(f"tdnet: {error}", err=True)
        sys.exit(REFUSED)


# Say what is missing before anything is begun; the embedded AWS has it since its start.
_ADVICE = "`tdnet infra deploy` creates it, or name another one in"


def _require_table(config: PlatformConfig) -> None:
    if config.embedded_aws:
        return
    try:
        ExecutionsResource(config=config).get("none")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise ConfigurationError(
            f"there is no table {config.executions_table} at {_where(config, 'dynamodb')}: "
            f"{_ADVICE} TDNET_EXECUTIONS_TABLE"
        ) from error


def _require_bucket(config: PlatformConfig) -> None:
    if config.embedded_aws:
        return
    try:
        next(LakeResource(config=config).list("tables/"), None)
    except LakeError as error:
        if "NoSuchBucket" not in str(error):
            raise
        raise ConfigurationError(
            f"there is no bucket {config.bucket} at {_where(config, 's3')}: {_ADVICE} TDNET_BUCKET"
        ) from error


def _where(config: PlatformConfig, service: str) -> str:
    return config.endpoint_url(service) or f"AWS in {config.aws_region}"
