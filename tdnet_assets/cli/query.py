"""``tdnet query``: disclosures of the lake on standard output."""

from datetime import date, datetime

import click
import polars as pl

from tdnet_assets import catalog
from tdnet_assets.cli import questions
from tdnet_assets.lookups import mentions, require_category, whole_code

STATUSES = ("active", "retitled", "deleted")

_SHOWN = (
    "disclosed_at",
    "code",
    "company_name",
    "title",
    "category",
    "status",
    "disclosure_id",
)
_ORDER = ("disclosed_at", "code", "disclosure_id", "title", "history")


@click.command()
@questions.options
@click.option(
    "--category", type=str.lower, help="Kind of disclosure, e.g. earnings or share_buyback."
)
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
    with questions.answering(format_) as config:
        require_category(category)
        whole = whole_code(config, code, first, last)
        disclosures = catalog.scan_disclosures(
            config=config, first=first, last=last, code=whole, as_of=as_of
        )
        answer = disclosures.filter(*_conditions(category, text, status))
        notes = (questions.code_note(config, whole, first, last),)
        questions.show(answer, _ORDER, limit, format_, _SHOWN, notes=notes)


def _conditions(category: str | None, text: str | None, status: str | None) -> list[pl.Expr]:
    conditions = []
    if category is not None:
        conditions.append(pl.col("category") == category)
    if status is not None:
        conditions.append(pl.col("status") == status)
    if text is not None:
        conditions.append(mentions(text))
    return conditions
