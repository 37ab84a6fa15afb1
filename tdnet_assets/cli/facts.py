"""``tdnet facts``: XBRL facts of the lake on standard output."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import click
import polars as pl

from tdnet_assets import catalog
from tdnet_assets.catalog import QueryError
from tdnet_assets.cli import questions
from tdnet_assets.config import PlatformConfig
from tdnet_assets.tdnet.identifiers import as_printed, is_disclosure_id

_SHOWN = (
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
_ORDER = ("date", "disclosure_id", "order")


@click.command()
@questions.options
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
    with questions.answering(format_) as config:
        whole = questions.whole_code(config, code, first, last)
        if disclosure_id:
            disclosure_id = as_printed(disclosure_id)
            first, last, whole = _place_of(config, disclosure_id, first, last, whole)
        answer = catalog.scan_facts(config=config, first=first, last=last, code=whole, as_of=as_of)
        if disclosure_id:
            answer = answer.filter(pl.col("disclosure_id") == disclosure_id)
        notes = [questions.code_note(config, whole, first, last), _element_note(answer, elements)]
        if elements:
            answer = answer.filter(pl.col("element").is_in(list(elements)))
        questions.show(answer, _ORDER, limit, format_, _SHOWN, notes=notes)


def _element_note(asked: pl.LazyFrame, elements: Sequence[str]) -> questions.Note:
    """Says which elements none of the facts has that were asked for but for their elements."""

    def note(found: pl.DataFrame) -> str | None:
        if not set(elements) - set(found["element"]):
            return None
        names = asked.select("element").unique().collect()["element"].to_list()
        missing = [name for name in elements if name not in names]
        said = [
            f"no element {name} in these facts{questions.near(name, names)}" for name in missing
        ]
        return "; ".join(said) if names else None

    return note


def _place_of(
    config: PlatformConfig,
    disclosure_id: str,
    first: date | None,
    last: date | None,
    code: str | None,
) -> tuple[Any, Any, str | None]:
    """The one day of a disclosure, so that no other day's facts are opened."""
    if not is_disclosure_id(disclosure_id):
        raise QueryError(f"{disclosure_id!r} is not a disclosure number: it has 14 digits")
    listed = catalog.scan_disclosures(config=config, first=first, last=last, code=code)
    days = listed.filter(pl.col("disclosure_id") == disclosure_id).select("date").collect()["date"]
    return (days.min(), days.max(), code) if len(days) else (first, last, code)
