"""What the commands that ask the lake share: options, refusals, short codes, the answer's order.

What belongs here: whatever is the same whichever table is asked. What does not: the filters of one
command, which files answer a question (``catalog.py``), and how an answer is written
(``cli/output.py``).
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import click
import polars as pl
from polars.exceptions import ComputeError

from tdnet_assets import catalog
from tdnet_assets.cli.exit_codes import FAILED, REFUSED
from tdnet_assets.cli.output import write
from tdnet_assets.cli.platform import DAY, MOMENT, running_lake
from tdnet_assets.config import PlatformConfig
from tdnet_assets.lookups import near

Note = Callable[[pl.DataFrame], str | None]
"""Looks at an answer; says in a line what was asked for that is nowhere, and what is like it."""

FORMATS = ("table", "csv", "json", "parquet")


def options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every question has, in the order in which help lists them."""
    for option in reversed(
        (
            click.option(
                "--code",
                help="Securities code of 5 characters, e.g. 72030. 7203 is taken for 72030 unless "
                "the days hold another code that begins with it.",
            ),
            click.option(
                "--from", "first", type=DAY, help="First day of the list (JST), or today."
            ),
            click.option("--to", "last", type=DAY, help="Last day, included."),
            click.option(
                "--as-of",
                type=MOMENT,
                help="What was known at that moment; Tokyo time unless it names another zone.",
            ),
            click.option("--limit", type=click.IntRange(1), help="Only this many, the newest."),
            click.option(
                "--format",
                "format_",
                type=click.Choice(FORMATS),
                default="table",
                show_default=True,
                help="A table shows the main columns; the others have all.",
            ),
        )
    ):
        command = option(command)
    return command


@contextmanager
def answering(format_: str) -> Iterator[PlatformConfig]:
    """The configuration of a running lake; what cannot be answered becomes one line."""
    if format_ == "parquet" and sys.stdout.isatty():
        click.echo("tdnet: Parquet is not for a terminal: send it to a file or a pipe", err=True)
        sys.exit(REFUSED)
    with running_lake() as config:
        try:
            yield config
        except ComputeError as error:
            reason = " ".join(str(error).split())[:500]
            click.echo(f"tdnet: a file of {config.bucket} cannot be read: {reason}", err=True)
            sys.exit(FAILED)


def show(
    answer: pl.LazyFrame,
    order: Sequence[str],
    limit: int | None,
    format_: str,
    shown: Sequence[str],
    *,
    notes: Sequence[Note] = (),
) -> None:
    """Write an answer to standard output, sorted, and only its end when it is limited.

    What the notes say goes to standard error; then nothing found is no table at all.
    """
    if limit is not None:
        # The newest are those at the end; a sort with a limit keeps no more than these in memory.
        answer = answer.sort(order, descending=True, nulls_last=False).head(limit)
    found = answer.sort(order, nulls_last=True).collect()
    said = [line for note in notes if (line := note(found))]
    for line in said:
        click.echo(f"tdnet: {line}", err=True)
    if found.height or not said or format_ != "table":
        write(found, format_, shown)


def code_note(
    config: PlatformConfig, code: str | None, first: date | None, last: date | None
) -> Note:
    """Says of an empty answer that the days have no disclosure of the code, if that is why."""

    def note(found: pl.DataFrame) -> str | None:
        if code is None or found.height:
            return None
        listed = catalog.scan_disclosures(config=config, first=first, last=last)
        codes = listed.select("code").unique().collect()["code"].to_list()
        if code in codes or not codes:
            return None
        return f"no disclosure of {code} in these days{near(code, codes)}"

    return note
