"""What each table of a day is made from, and by which reader: the one graph of a day's work.

What belongs here: names, inputs and reader versions. What does not: how a table is made
(``assets/``) and what it contains (the other modules of this package).
"""

from collections.abc import Mapping
from dataclasses import dataclass

COLLECTION, DERIVATION = "collection", "derivation"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One table of a day.

    ``inputs`` are the tables that it is made from; ``work`` says whether TDnet may be asked for it.
    Raise ``reader`` when the way from the inputs to the table changes: every day is then made anew.
    """

    name: str
    inputs: tuple[str, ...]
    work: str
    reader: str = "1"


_FILINGS = ("disclosures", "documents", "financial_facts")
_ALL = (
    Recipe("listing_pages", (), COLLECTION),
    Recipe("disclosures", ("listing_pages",), COLLECTION, reader="4"),
    Recipe("documents", ("disclosures",), COLLECTION, reader="3"),
    Recipe("disclosure_index", ("disclosures", "documents"), DERIVATION),
    Recipe("financial_facts", ("disclosures", "documents"), DERIVATION, reader="2"),
    Recipe("forecast_revisions", _FILINGS, DERIVATION, reader="2"),
    Recipe("earnings", (*_FILINGS, "forecast_revisions"), DERIVATION, reader="3"),
    Recipe("report_figures", (*_FILINGS, "forecast_revisions", "earnings"), DERIVATION),
    Recipe("report_links", ("report_figures",), DERIVATION),
    Recipe("document_texts", ("disclosures", "documents"), DERIVATION),
    Recipe(
        "watch_notices",
        ("disclosures", "forecast_revisions", "report_figures", "document_texts"),
        DERIVATION,
    ),
)
RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _ALL}
"""In the order in which a day is made."""


def names(work: str) -> tuple[str, ...]:
    """The tables of one kind of work, in their order."""
    return tuple(recipe.name for recipe in _ALL if recipe.work == work)
