"""``tdnet facts``: XBRL facts of the lake on standard output."""

from collections.abc import Sequence
from datetime import date, datetime

import click
import polars as pl

from tdnet_assets import catalog
from tdnet_assets.catalog import QueryError
from tdnet_assets.cli import questions
from tdnet_assets.config import PlatformConfig
from tdnet_assets.lookups import disclosure_of, near, whole_code
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tdnet.identifiers import as_printed, is_disclosure_id
from tdnet_assets.tdnet.xbrl.elements import known_elements
from tdnet_assets.tdnet.xbrl.labels import labels

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
_LABELS = ("label_ja", "label_en")
_ORDER = ("date", "disclosure_id", "order")


@click.command()
@questions.options
@click.option("--element", "elements", multiple=True, help="Local name, e.g. NetSales; repeatable.")
@click.option("--id", "disclosure_id", help="14-digit number of one disclosure.")
@click.option("--label", is_flag=True, help="Add each element's Japanese and English label.")
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
    label: bool,
) -> None:
    """XBRL facts of the lake, oldest filing first, on standard output.

    No match is an empty answer, not an error.
    """
    with questions.answering(format_) as config:
        whole = whole_code(config, code, first, last)
        if disclosure_id:
            disclosure_id = as_printed(disclosure_id)
            first, last = _days_of(config, disclosure_id, first, last)
        answer = catalog.scan_facts(config=config, first=first, last=last, code=whole, as_of=as_of)
        if disclosure_id:
            answer = answer.filter(pl.col("disclosure_id") == disclosure_id)
        notes = [questions.code_note(config, whole, first, last), _element_note(answer, elements)]
        if elements:
            answer = answer.filter(pl.col("element").is_in(list(elements)))
        shown: tuple[str, ...] = _SHOWN
        if label:
            day = first if disclosure_id else None
            answer = answer.join(_labels(config, day, disclosure_id), on="element", how="left")
            shown = (*_SHOWN[:3], *_LABELS, *_SHOWN[3:])
        questions.show(answer, _ORDER, limit, format_, shown, notes=notes)


def _labels(config: PlatformConfig, day: date | None, disclosure_id: str | None) -> pl.LazyFrame:
    """Labels by element: TDnet's own, and those that the one disclosure's archive brings."""
    found: dict[str, tuple[str | None, str | None]] = {}
    if day and disclosure_id:
        content = LakeResource(config=config).read(layout.document_key(day, disclosure_id, "xbrl"))
        found |= labels(content) if content else {}
    found |= {name: (known.ja, known.en) for name, known in known_elements().items()}
    rows = [(element, *both) for element, both in found.items()]
    schema = dict.fromkeys(("element", *_LABELS), pl.String)
    return pl.LazyFrame(rows, schema=schema, orient="row")


def _element_note(asked: pl.LazyFrame, elements: Sequence[str]) -> questions.Note:
    """Says which elements none of the facts has that were asked for but for their elements."""

    def note(found: pl.DataFrame) -> str | None:
        if not set(elements) - set(found["element"]):
            return None
        names = asked.select("element").unique().collect()["element"].to_list()
        missing = [name for name in elements if name not in names]
        said = [f"no element {name} in these facts{near(name, names)}" for name in missing]
        return "; ".join(said) if names else None

    return note


def _days_of(
    config: PlatformConfig, disclosure_id: str, first: date | None, last: date | None
) -> tuple[date, date]:
    """The one day of a disclosure, so that no other day's facts are opened."""
    if not is_disclosure_id(disclosure_id):
        raise QueryError(f"{disclosure_id!r} is not a disclosure number: it has 14 digits")
    days: list[date] = disclosure_of(config, disclosure_id)["date"].to_list()
    asked_for = [day for day in days if (first or day) <= day <= (last or day)]
    # On the first of all days there is nothing, as of what is not listed in these.
    return (min(asked_for), max(asked_for)) if asked_for else (date.min, date.min)
