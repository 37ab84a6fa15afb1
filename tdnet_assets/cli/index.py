"""``tdnet index``: look into the disclosure index, and make it anew from the lake.

What belongs here: arguments, exit codes and what a person reads. What does not: the work itself.
Modules are imported inside the commands, so that ``tdnet --help`` answers at once.
"""

# ruff: noqa: PLC0415 - see above

import sys
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click

from tdnet_assets.cli.platform import DAY, FAILED, REFUSED, running_platform

if TYPE_CHECKING:
    from tdnet_assets.resources.aws.index_table import DisclosureIndexResource, IndexedDisclosure

_ID_CHARACTERS = 14


@click.group()
def index() -> None:
    """The lookup index of disclosures in DynamoDB."""


@index.command()
@click.option("--from", "first", type=DAY, help="First day; the lake's first by default.")
@click.option("--to", "last", type=DAY, help="Last day, included; the lake's last by default.")
def rebuild(first: date | None, last: date | None) -> None:
    """Feed the index anew from the lake; TDnet is asked for nothing."""
    if first and last and last < first:
        click.echo(f"tdnet: --to {last} is before --from {first}", err=True)
        sys.exit(REFUSED)
    with running_platform() as config:
        from tdnet_assets.resources.aws.index_table import IndexThrottledError
        from tdnet_assets.resources.index_feed import rebuild as rebuild_index

        try:
            rebuilt = rebuild_index(config, first, last, click.echo)
        except IndexThrottledError as error:
            click.echo(f"tdnet: {error}", err=True)
            sys.exit(FAILED)
        if not rebuilt.days:
            click.echo("tdnet: the lake has no disclosures of these days", err=True)
            sys.exit(FAILED)
        write = rebuilt.write
        click.echo(
            f"{config.disclosures_table}: {rebuilt.days} days, {write.put} items put, "
            f"{write.deleted} deleted, {write.unchanged} unchanged"
        )


@index.command()
@click.argument("name", metavar="ID|CODE")
@click.option("--limit", default=20, show_default=True, help="How many of a code's newest to list.")
@click.option("--before", help="Only those before this day, or before a position shown.")
def show(name: str, limit: int, before: str | None) -> None:
    """Show one disclosure by its 14-digit id, or the newest ones of a 5-character code."""
    with running_platform() as config:
        from tdnet_assets.resources.aws.index_table import DisclosureIndexResource

        disclosures = DisclosureIndexResource(config=config)
        try:
            lines = (
                _one(disclosures, name)
                if len(name) == _ID_CHARACTERS
                else [_line(one) for one in disclosures.by_code(name, limit=limit, before=before)]
            )
        except ValueError as error:
            click.echo(f"tdnet: {error}", err=True)
            sys.exit(REFUSED)
        if not lines:
            click.echo(f"tdnet: nothing of {name} in {config.disclosures_table}", err=True)
            sys.exit(FAILED)
        for line in lines:
            click.echo(line)


def _one(disclosures: "DisclosureIndexResource", disclosure_id: str) -> list[str]:
    found = disclosures.get(disclosure_id)
    values = asdict(found) if found else {}
    return [f"{name:<17}{_text(value)}" for name, value in values.items()]


def _line(found: "IndexedDisclosure") -> str:
    status = "" if found.status == "active" else f" [{found.status}]"
    return f"{found.position}  {found.category:<18} {found.title}{status}"


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
