"""``tdnet index``: look into the disclosure index, and make it anew from the lake."""

import sys
from dataclasses import asdict
from datetime import date

import click

from tdnet_assets.cli.exit_codes import FAILED, REFUSED
from tdnet_assets.cli.output import printable
from tdnet_assets.cli.platform import DAY, running_platform
from tdnet_assets.lookups import completed
from tdnet_assets.resources import index_feed
from tdnet_assets.resources.aws.index_table import (
    DisclosureIndexResource,
    IndexedDisclosure,
    IndexThrottledError,
)
from tdnet_assets.tdnet.identifiers import as_printed

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
        try:
            rebuilt = index_feed.rebuild(config, first, last, click.echo)
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
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many of a code's newest to list.",
)
@click.option("--before", help="Only those before this day, or before a position shown.")
def show(name: str, limit: int, before: str | None) -> None:
    """Show one disclosure by its 14-digit id, or the newest ones of a code (7203 or 72030)."""
    with running_platform() as config:
        disclosures = DisclosureIndexResource(config=config)
        try:
            lines = _lines(disclosures, as_printed(name), limit, before)
        except ValueError as error:
            click.echo(f"tdnet: {error}", err=True)
            sys.exit(REFUSED)
        if not lines:
            click.echo(f"tdnet: nothing of {name} in {config.disclosures_table}", err=True)
            sys.exit(FAILED)
        for line in lines:
            click.echo(line)


def _lines(
    disclosures: DisclosureIndexResource, name: str, limit: int, before: str | None
) -> list[str]:
    if len(name) == _ID_CHARACTERS:
        return _one(disclosures, name)

    def beginning_so(written: str) -> list[str]:
        codes = (f"{written}{last}" for last in range(10))
        return [code for code in codes if disclosures.by_code(code, limit=1)]

    code = completed(name, beginning_so)
    return [_line(one) for one in disclosures.by_code(code, limit=limit, before=before)]


def _one(disclosures: DisclosureIndexResource, disclosure_id: str) -> list[str]:
    disclosure = disclosures.get(disclosure_id)
    values = asdict(disclosure) if disclosure else {}
    return [f"{name:<17}{_text(value)}" for name, value in values.items()]


def _line(disclosure: IndexedDisclosure) -> str:
    status = "" if disclosure.status == "active" else f" [{disclosure.status}]"
    said = f"{disclosure.company_name}  {disclosure.title}{status}"
    return printable(f"{disclosure.position}  {disclosure.category:<18} {said}")


def _text(value: object) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
    return printable(text)
