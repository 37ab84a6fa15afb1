"""``tdnet query`` and ``tdnet facts``: questions to the lake, answered on standard output.

What belongs here: options, the filters they stand for, and exit codes. What does not: which files
answer a question (``catalog.py``) and how an answer is written (``cli/output.py``). Modules are
imported inside the commands, so that ``tdnet --help`` answers at once.
"""

# ruff: noqa: PLC0415 - see above

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from tdnet_assets.cli.platform import DAY, FAILED, MOMENT, REFUSED, running_lake

if TYPE_CHECKING:
    import polars as pl

    from tdnet_assets.config import PlatformConfig

FORMATS = ("table", "csv", "json", "parquet")
STATUSES = ("active", "retitled", "deleted")

_DISCLOSURES_SHOWN = (
    "disclosed_at",
    "code",
    "company_name",
    "title",
    "category",
    "status",
    "disclosure_id",
)
_FACTS_SHOWN = (
    "date",
    "code",
    "element",
    "period_start",
    "period_end",
    "consolidation",
    "result_forecast",
    "value",
    "unit",
    "text",
    "disclosure_id",
)
_DISCLOSURES_ORDER = ("disclosed_at", "code", "disclosure_id", "title", "history")
_FACTS_ORDER = ("date", "disclosure_id", "order")


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """The options that both commands have, in the order in which help lists them."""
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


@click.command()
@_common
@click.option("--category", help="Kind of disclosure, e.g. earnings or share_buyback.")
@click.option("--text", help="Part of a title, earlier titles included, or of a company's name.")
@click.option("--status", type=click.Choice(STATUSES), help="What became of the row.")
def query(
    *,
    code: str | None,
    first: date | None,
    last: date | None,
    as_of: datetime | None,
    limit: int | None,
    format_: str,
    category: str | None,
    text: str | None,
    status: str | None,
) -> None:
    """Disclosures of the lake, oldest first, on standard output.

    Text is compared without regard to case and width. No match is an empty answer, not an error.
    """
    with _answering(format_) as config:
        from tdnet_assets import catalog

        _require_category(category)
        whole = _whole_code(config, code, first, last)
        found = catalog.scan_disclosures(
            config=config, first=first, last=last, code=whole, as_of=as_of
        )
        found = found.filter(*_conditions(category, text, status))
        _show(found, _DISCLOSURES_ORDER, limit, format_, _DISCLOSURES_SHOWN)


@click.command()
@_common
@click.option("--element", "elements", multiple=True, help="Local name, e.g. NetSales; repeatable.")
@click.option("--id", "disclosure_id", help="14-digit number of one disclosure.")
def facts(
    *,
    code: str | None,
    first: date | None,
    last: date | None,
    as_of: datetime | None,
    limit: int | None,
    format_: str,
    elements: tuple[str, ...],
    disclosure_id: str | None,
) -> None:
    """XBRL facts of the lake, oldest filing first, on standard output.

    No match is an empty answer, not an error.
    """
    with _answering(format_) as config:
        import polars as pl

        from tdnet_assets import catalog

        whole = _whole_code(config, code, first, last)
        if disclosure_id:
            first, last, whole = _place_of(config, disclosure_id, first, last, whole)
        found = catalog.scan_facts(config=config, first=first, last=last, code=whole, as_of=as_of)
        if disclosure_id:
            found = found.filter(pl.col("disclosure_id") == disclosure_id)
        if elements:
            found = found.filter(pl.col("element").is_in(list(elements)))
        _show(found, _FACTS_ORDER, limit, format_, _FACTS_SHOWN)


@contextmanager
def _answering(format_: str) -> Iterator["PlatformConfig"]:
    """The configuration of a running lake; what cannot be answered becomes one line."""
    if format_ == "parquet" and sys.stdout.isatty():
        click.echo("tdnet: Parquet is not for a terminal: send it to a file or a pipe", err=True)
        sys.exit(REFUSED)
    with running_lake() as config:
        from polars.exceptions import ComputeError

        from tdnet_assets.catalog import QueryError

        try:
            yield config
        except QueryError as error:
            click.echo(f"tdnet: {error}", err=True)
            sys.exit(REFUSED)
        except ComputeError as error:
            reason = " ".join(str(error).split())[:500]
            click.echo(f"tdnet: a file of {config.bucket} cannot be read: {reason}", err=True)
            sys.exit(FAILED)


def _show(
    found: "pl.LazyFrame",
    order: Sequence[str],
    limit: int | None,
    format_: str,
    shown: Sequence[str],
) -> None:
    from tdnet_assets.cli.output import write

    if limit is not None:
        # The newest are those at the end; a sort with a limit keeps no more than these in memory.
        found = found.sort(order, descending=True, nulls_last=False).head(limit)
    frame = found.sort(order, nulls_last=True).collect()
    write(frame, format_, shown)


def _require_category(category: str | None) -> None:
    from tdnet_assets.catalog import QueryError
    from tdnet_assets.tdnet.categories import CATEGORIES

    if category is not None and category not in CATEGORIES:
        raise QueryError(f"no category {category!r}: use one of {', '.join(CATEGORIES)}")


def _conditions(category: str | None, text: str | None, status: str | None) -> list["pl.Expr"]:
    import polars as pl

    conditions = []
    if category is not None:
        conditions.append(pl.col("category") == category)
    if status is not None:
        conditions.append(pl.col("status") == status)
    if text is not None:
        conditions.append(_mentions(text))
    return conditions


def _mentions(text: str) -> "pl.Expr":
    """Rows with this in the title, an earlier title or the company's name, as all are compared."""
    import polars as pl

    from tdnet_assets.tdnet.listing import normalize_title

    wanted = pl.lit(normalize_title(text).lower())

    def comparable(written: pl.Expr) -> pl.Expr:
        folded = written.str.normalize("NFKC").str.replace_all(r"\s+", " ")
        return folded.str.strip_chars().str.to_lowercase()

    def holds(written: pl.Expr) -> pl.Expr:
        return comparable(written).str.contains(wanted, literal=True)

    return (
        holds(pl.col("title"))
        | holds(pl.col("company_name"))
        | pl.col("previous_titles").list.eval(holds(pl.element())).list.any()
    )


def _whole_code(
    config: "PlatformConfig", code: str | None, first: date | None, last: date | None
) -> str | None:
    """All 5 characters of a code; 4 stand for an issuer only where they can mean no other."""
    import polars as pl

    from tdnet_assets import catalog
    from tdnet_assets.tdnet.identifiers import is_code

    if code is None or not is_code(f"{code}0"):
        return code
    meant = f"{code}0"
    listed = catalog.scan_disclosures(config=config, first=first, last=last)
    begins_so = pl.col("code").is_between(pl.lit(meant), pl.lit(f"{code}9"))
    codes = listed.filter(begins_so).select("code").unique().collect()["code"].to_list()
    if set(codes) - {meant}:
        raise catalog.QueryError(
            f"{code} can mean {' or '.join(sorted({meant, *codes}))}: write all 5 characters"
        )
    return meant


def _place_of(
    config: "PlatformConfig",
    disclosure_id: str,
    first: date | None,
    last: date | None,
    code: str | None,
) -> tuple[Any, Any, str | None]:
    """The one day of a disclosure, so that no other day's facts are opened."""
    import polars as pl

    from tdnet_assets import catalog
    from tdnet_assets.tdnet.identifiers import is_disclosure_id

    if not is_disclosure_id(disclosure_id):
        raise catalog.QueryError(f"{disclosure_id!r} is no disclosure number: it has 14 digits")
    listed = catalog.scan_disclosures(config=config, first=first, last=last, code=code)
    days = listed.filter(pl.col("disclosure_id") == disclosure_id).select("date").collect()["date"]
    return (days.min(), days.max(), code) if len(days) else (first, last, code)
