"""``tdnet infra``: the template, the policies, and deploying them."""

import json
import sys

import click

from tdnet_assets.cli.exit_codes import FAILED
from tdnet_assets.cli.platform import refusals
from tdnet_assets.config import PlatformConfig
from tdnet_assets.infrastructure import deploy as deployment
from tdnet_assets.infrastructure.policy import (
    account_of,
    operator_policy,
    reader_policy,
    run_policy,
)
from tdnet_assets.infrastructure.template import as_json, as_yaml

_POLICIES = {"run": run_policy, "operator": operator_policy, "reader": reader_policy}


@click.group()
def infra() -> None:
    """What the AWS account must have: template, policies, deployment."""


@infra.command()
@click.option(
    "--format", "text", type=click.Choice(("json", "yaml")), default="json", show_default=True
)
def template(text: str) -> None:
    """Write the CloudFormation template of the configured environment."""
    with refusals():
        config = PlatformConfig.from_environment()
        click.echo((as_yaml if text == "yaml" else as_json)(config).rstrip("\n"))


@infra.command()
@click.option(
    "--for",
    "who",
    type=click.Choice(tuple(_POLICIES)),
    default="run",
    show_default=True,
    help="The role that runs Dagster, or a person who looks.",
)
@click.option(
    "--account", metavar="NUMBER", default="*", help="AWS account of the tables; any by default."
)
def policy(who: str, account: str) -> None:
    """Write the least IAM policy that works."""
    if account != "*" and not (account.isdecimal() and len(account) == 12):  # noqa: PLR2004
        raise click.BadParameter(f"{account!r} is not an account number: it has 12 digits")
    with refusals():
        config = PlatformConfig.from_environment()
        document = _POLICIES[who](config, account_of(config, account))
        click.echo(json.dumps(document, indent=2))


@infra.command()
def deploy() -> None:
    """Create the stack, or bring it up to date; does nothing when it is."""
    with refusals():
        try:
            done = deployment.deploy(PlatformConfig.from_environment(), click.echo)
        except deployment.DeploymentError as error:
            click.echo(f"tdnet: {error}", err=True)
            sys.exit(FAILED)
        for name, value in done.outputs.items():
            click.echo(f"{name:<18} {value}")
