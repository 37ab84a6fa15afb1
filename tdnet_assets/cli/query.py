"""``tdnet query``: disclosures of the lake on standard output."""

from datetime import date, datetime

import click
import polars as pl

from tdnet_assets import catalog
from tdnet_assets.catalog import QueryError
from tdnet_assets.cli import questions
from tdnet_assets.tdnet.categories import CATEGORIES
from tdnet_assets.tdnet.listing import normalize_title

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
        _require_category(category)
        whole = questions.whole_code(config, code, first, last)
        disclosures = catalog.scan_disclosures(
            config=config, first=first, last=last, code=whole, as_of=as_of
        )
        answer = disclosures.filter(*_conditions(category, text, status))
        notes = (questions.code_note(config, whole, first, last),)
        questions.show(answer, _ORDER, limit, format_, _SHOWN, notes=notes)


def _require_category(category: str | None) -> None:
    if category is not None and category not in CATEGORIES:
        alike = questions.near(category, CATEGORIES)
        raise QueryError(f"no category {category!r}{alike}: use one of {', '.join(CATEGORIES)}")


def _conditions(category: str | None, text: str | None, status: str | None) -> list[pl.Expr]:
    conditions = []
    if category is not None:
        conditions.append(pl.col("category") == category)
    if status is not None:
        conditions.append(pl.col("status") == status)
    if text is not None:
        conditions.append(_mentions(text))
    return conditions


def _mentions(text: str) -> pl.Expr:
    """Rows with this in the title, an earlier title or the company's name, as all are compared."""
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
