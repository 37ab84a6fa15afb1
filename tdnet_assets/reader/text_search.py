"""What is found by words: in titles and names, in the texts of documents, or in both.

What belongs here: which rows hold the words, one a disclosure, and the line that shows them. What
does not: what words mean (``tdnet/search_query.py``), and which files are opened (``catalog.py``).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import polars as pl

from tdnet_assets import catalog
from tdnet_assets.config import PlatformConfig
from tdnet_assets.tables.table import Column
from tdnet_assets.tdnet.search_query import Query, Snippet

PLACES: Final = ("title", "text", "all")
ORDER: Final = ("disclosed_at", "code", "disclosure_id")

_LINE: Final = 120
_SHOWN: Final = (
    "date",
    "disclosed_at",
    "code",
    "company_name",
    "title",
    "category",
    "is_correction",
    "status",
    "pdf_url",
    "xbrl_url",
    "disclosure_id",
)
COLUMNS: Final = (
    Column("date", pl.Date, "JST day whose list shows it"),
    Column("disclosed_at", pl.Datetime("ms", "Asia/Tokyo"), "time, as in the list"),
    Column("code", pl.String, "5-character securities code"),
    Column("company_name", pl.String, "name as listed"),
    Column("title", pl.String, "title, as in the list"),
    Column("category", pl.String, "kind of disclosure, from the title"),
    Column("disclosure_id", pl.String, "14-digit 開示番号"),
    Column("kind", pl.String, "pdf or xbrl where the text has the words, null where the title has"),
    Column("page", pl.Int32, "the first page (or section) that has them"),
    Column("pages", pl.Int64, "how many pages have them"),
    Column("line", pl.String, "the line that shows the first of the words"),
)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: words, in which place, of which days, company and category."""

    words: Query
    place: str
    first: date
    last: date
    code: str | None = None
    category: str | None = None
    as_of: datetime | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """Those whose files answer."""
        return ("disclosures",) if self.place == "title" else ("disclosures", "document_texts")

    def rows(self, config: PlatformConfig) -> pl.LazyFrame:
        """One row a disclosure, in no order; ``text`` is the page that has the words."""
        asked: dict[str, Any] = {
            "config": config,
            "first": self.first,
            "last": self.last,
            "code": self.code,
            "as_of": self.as_of,
        }
        listed = catalog.scan_disclosures(**asked).filter(pl.col("disclosure_id").is_not_null())
        if self.category is not None:
            listed = listed.filter(pl.col("category") == self.category)
        if self.place == "title":
            return _without_page(self._titled(listed))
        pages = self._pages(catalog.scan_texts(**asked))
        of_texts = listed.select(_SHOWN).join(pages, on="disclosure_id")
        if self.place == "text":
            return of_texts
        titled = _without_page(self._titled(listed))
        only_titled = titled.join(pages.select("disclosure_id"), on="disclosure_id", how="anti")
        return pl.concat([of_texts, only_titled.select(of_texts.collect_schema().names())])

    def _titled(self, listed: pl.LazyFrame) -> pl.LazyFrame:
        said = pl.concat_str(
            "title", "company_name", pl.col("previous_titles").list.join(" / "), separator=" / "
        )
        return listed.filter(self.words.expression(said))

    def _pages(self, texts: pl.LazyFrame) -> pl.LazyFrame:
        """Of each disclosure the first page that has all of the words."""
        text = pl.col("text")
        return (
            texts.select("disclosure_id", "kind", "page", "text")
            .filter(self.words.may_be_in(text))
            .filter(self.words.expression(text))
            .sort("disclosure_id", "kind", "page")
            .group_by("disclosure_id", maintain_order=True)
            .agg(pl.col("kind", "page", "text").first(), pl.len().cast(pl.Int64).alias("pages"))
        )

    def snippet(self, row: dict[str, Any]) -> Snippet | None:
        """The line of a found row that shows the words."""
        return self.words.snippet(row["text"] or row["title"], _LINE)


class Found(NamedTuple):
    """A row that was found, with the line that shows why."""

    row: dict[str, Any]
    line: Snippet | None


def found_rows(search: Search, page: pl.DataFrame) -> list[Found]:
    """The rows of a page of :meth:`Search.rows`, each with its line."""
    return [Found(row, search.snippet(row)) for row in page.iter_rows(named=True)]


def with_lines(search: Search, page: pl.DataFrame) -> pl.DataFrame:
    """The same as a frame with the columns :data:`COLUMNS`."""
    lines = [str(found.line or "") for found in found_rows(search, page)]
    return page.with_columns(pl.Series("line", lines, pl.String))


def _without_page(titled: pl.LazyFrame) -> pl.LazyFrame:
    return titled.select(
        *_SHOWN,
        pl.lit(None, pl.String).alias("kind"),
        pl.lit(None, pl.Int32).alias("page"),
        pl.lit(None, pl.String).alias("text"),
        pl.lit(0, pl.Int64).alias("pages"),
    )
