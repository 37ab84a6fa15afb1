"""``tdnet watch``: check the watch file, see what it would have told, and why it did not."""

import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import click

from tdnet_assets.cli.exit_codes import FAILED, REFUSED
from tdnet_assets.cli.output import printable
from tdnet_assets.cli.platform import DAY, refusals, running_lake
from tdnet_assets.config import ConfigurationError, PlatformConfig
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.delivery import Delivery
from tdnet_assets.resources.notices.due_notices import links_of
from tdnet_assets.resources.notices.explanation import explain as explained
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.resources.notices.watched_day import read_watched_day
from tdnet_assets.resources.notices.webhooks import DeliveryError
from tdnet_assets.tdnet.identifiers import as_printed, is_disclosure_id
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.watching.notice_text import MOST_NOTICES, Notice, message_of, notice_about
from tdnet_assets.tdnet.watching.watch_list import PUBLISHED, Watch, WatchList

_HOLDS = {True: "yes", False: "NO", None: "not yet"}


@click.group()
def watch() -> None:
    """What the watch-lists (TDNET_WATCHES) tell: check them, try one, explain a silence."""


@watch.command()
def check() -> None:
    """Say whether the watch file is valid, and what it watches; every problem with its line."""
    with refusals():
        watches = _watch_list(PlatformConfig.from_environment())
        for one in watches.watches:
            conditions = ", ".join(_conditions(one))
            quiet = f", quiet {one.quiet.begins:%H:%M}-{one.quiet.ends:%H:%M}" if one.quiet else ""
            click.echo(printable(f"{one.name}: {conditions} -> {', '.join(one.to)}{quiet}"))
        for to in (watches.destinations or {}).values():
            click.echo(printable(f"{to.name}: {to.topic or f'webhook ({to.form})'}"))


@watch.command()
@click.argument("name")
@click.option(
    "--since", type=DAY, help="First day of the list (JST) that is looked at; yesterday by default."
)
@click.option("--send", is_flag=True, help="Send the newest of them, marked as a test.")
def test(name: str, since: date | None, send: bool) -> None:
    """What a watch would have told of the days that are stored; with --send a test of it."""
    with running_lake() as config:
        watches = _watch_list(config)
        one = _watch(watches, name)
        found = list(_matches(config, watches, one, since))
        for notice in found:
            at = notice.published_at.astimezone(TOKYO)
            click.echo(
                printable(
                    f"{at:%Y-%m-%d %H:%M} {notice.code} {notice.disclosure_id} "
                    f"{notice.company_name} {notice.title}"
                )
            )
        click.echo(f"{len(found)} disclosures match {name}", err=True)
        if send and not _sent(config, watches, one, found):
            sys.exit(FAILED)


@watch.command()
@click.argument("name", metavar="WATCH")
@click.argument("number", metavar="ID")
def explain(name: str, number: str) -> None:
    """Why a watch did or did not tell of a disclosure: each condition, and what became of it."""
    with running_lake() as config:
        disclosure_id = as_printed(number)
        if not is_disclosure_id(disclosure_id):
            raise ConfigurationError(f"{number!r} is not a disclosure id: use its 14 digits")
        found = explained(LakeResource(config=config), _watch_list(config), name, disclosure_id)
        if found is None:
            click.echo(f"tdnet: the lake has no disclosure {disclosure_id}", err=True)
            sys.exit(FAILED)
        listed = found.listed
        at = listed.disclosed_at.astimezone(TOKYO)
        click.echo(printable(f"{at:%Y-%m-%d %H:%M} {listed.code} {listed.company_name}"))
        click.echo(printable(listed.title))
        for one in found.verdicts:
            line = f"  {one.condition}: {_HOLDS[one.holds]}; wanted {one.wanted}; seen {one.seen}"
            click.echo(printable(line))
        for notice in found.notices:
            click.echo(printable(f"  {notice}"))
        click.echo(printable(found.conclusion))


def _watch_list(config: PlatformConfig) -> WatchList:
    if not config.watches:
        raise ConfigurationError("no watch file is configured: name one in TDNET_WATCHES")
    return read_watch_list(config)


def _watch(watches: WatchList, name: str) -> Watch:
    found = watches.watch(name)
    if found is None:
        known = ", ".join(one.name for one in watches.watches)
        raise ConfigurationError(f"the watch file has no watch {name!r}; there are: {known}")
    return found


def _conditions(one: Watch) -> Iterator[str]:
    for name in ("codes", "categories", "exchanges"):
        if found := getattr(one, name):
            yield f"{name} {' '.join(sorted(found))}"
    if one.xbrl is not None:
        yield f"xbrl {one.xbrl}".lower()
    for name, words in (("title", one.title), ("text", one.text)):
        if words:
            yield f"{name} {words.typed}"
    if one.figures:
        yield f"figures {' or '.join(condition.text for condition in one.figures)}"


def _matches(
    config: PlatformConfig, watches: WatchList, one: Watch, since: date | None
) -> Iterator[Notice]:
    """What the watch matches of the stored days, oldest first."""
    lake, today = LakeResource(config=config), datetime.now(TOKYO).date()
    day = since or today - timedelta(days=1)
    while day <= today:
        found = read_watched_day(lake, day)
        for subject in found.subjects() if found else ():
            if one.fits(subject):
                links = links_of(config, watches, day, subject.listed.disclosure_id or "")
                yield notice_about(one, PUBLISHED, subject, links)
        day += timedelta(days=1)


def _sent(config: PlatformConfig, watches: WatchList, one: Watch, found: list[Notice]) -> bool:
    """Send the newest matches to every destination of the watch; whether all have taken it."""
    if not found:
        click.echo("tdnet: nothing matches, so nothing is sent: look further back", err=True)
        sys.exit(REFUSED)
    delivery, taken = Delivery(config), True
    for name in one.to:
        to = watches.destination(name)
        if to is None:
            continue
        try:
            delivery.send(to, message_of(found[-MOST_NOTICES:], to, test=True))
            click.echo(f"{name}: taken")
        except DeliveryError as error:
            taken = False
            click.echo(printable(f"{name}: {error}"))
    return taken
