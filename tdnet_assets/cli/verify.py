"""``tdnet verify``: everything that is stored of some days, read again and held against digests."""

import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tdnet_assets.cli.exit_codes import FAILED, REFUSED
from tdnet_assets.cli.in_process import materialize
from tdnet_assets.cli.platform import DAY, running_platform
from tdnet_assets.cli.progress_display import ProgressDisplay
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.verification import BRING_BACK, Damage, Verification
from tdnet_assets.tdnet.listing import TOKYO


@click.command()
@click.option("--from", "first", type=DAY, help="First day (JST); the lake's first by default.")
@click.option("--until", "last", type=DAY, help="Last day, included; today by default.")
@click.option(
    "--repair", is_flag=True, help="Mend what can be mended: needs the operator's policy."
)
def verify(first: date | None, last: date | None, repair: bool) -> None:
    """Read everything that is stored of the days again, and compare it with its digests."""
    with running_platform() as config:
        lake = LakeResource(config=config)
        today = datetime.now(TOKYO).date()
        first, last = first or CaptureStore(lake).oldest_day() or today, last or today
        if last < first:
            click.echo(f"tdnet: --until {last} is before --from {first}", err=True)
            sys.exit(REFUSED)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        verification = Verification(lake, config.oldest_listed_day(today))
        damages, objects = _damages(verification, days)
        for one in damages:
            click.echo(f"{one.day}  {lake.object_key(one.key)}: {one.problem} ({one.mend})")
        if repair and damages:
            damages = _repair(config, lake, verification, damages)
        not_whole = _not_whole(config, lake, days)
        for day, why in not_whole.items():
            click.echo(f"{day}  not whole: {why}")
        click.echo(
            f"{objects} objects of {len(days)} days read: {len(damages)} damaged, "
            f"{len(not_whole)} days not whole"
        )
        if damages and not repair:
            click.echo("`tdnet verify --repair` makes again, or asks again for, what can be had")
        if damages or not_whole:
            sys.exit(FAILED)


def _damages(verification: Verification, days: Sequence[date]) -> tuple[list[Damage], int]:
    things = verification.things(days)
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=len(things))
        damages = []
        for damage in verification.damages(things):
            progress.advance(task)
            if damage is not None:
                damages.append(damage)
    return damages, len(things)


def _repair(
    config: PlatformConfig,
    lake: LakeResource,
    verification: Verification,
    damages: Sequence[Damage],
) -> list[Damage]:
    """Take away what can be had again, and have its days made anew; gives what is damaged still."""
    mendable = [one for one in damages if one.mend != BRING_BACK]
    for key in sorted({layout.given_up_for(one.key) for one in mendable}):
        lake.delete(key)
        click.echo(f"{lake.object_key(key)}: taken away")
    days = sorted({one.day for one in mendable})
    for day in days:
        outcome = materialize(config, day, day, display=ProgressDisplay)
        if outcome.reason:
            click.echo(f"{day}  {outcome.reason}", err=True)
    left = [one for one in damages if one.mend == BRING_BACK]
    return left + _damages(verification, days)[0]


def _not_whole(config: PlatformConfig, lake: LakeResource, days: Sequence[date]) -> dict[date, str]:
    """The days of which something is stored that is not whole, and why."""
    index = DisclosureIndexResource(config=config)
    states = (read_day_state(lake, index, day) for day in days)
    return {
        state.day: why for state in states if any(state.origins.values()) and (why := state.why())
    }
