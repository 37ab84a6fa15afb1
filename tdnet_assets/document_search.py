"""Disclosures by what they say: titles and the pages of the documents, newest first.

    from tdnet_assets.document_search import search

    search(Query.parse("自己株式 消却 -訂正"), code="72030")

What belongs here: where a query is looked for, and what is shown of what it found; the same for the
command and the reader. What does not: what a query is (``tdnet/search_query.py``), and which files
hold the texts (``catalog.py``).

A disclosure is found if its title, or an earlier one, and its pages together have every word and no
unwanted one. Months are read one after the other, the newest first, so that few results are there
at once and any number of years fits into memory.
"""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from typing import Final, Literal

import polars as pl

from tdnet_assets import catalog
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.services import connect
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import daily_files
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tdnet.comparable_text import comparable_expression
from tdnet_assets.tdnet.search_query import SNIPPET_LENGTH, Query

Within = Literal["title", "text", "all"]
"""Where a query is looked for: titles, the pages of the documents, or both."""

TITLE: Final = "title"
"""What ``kind`` says of a match in a title, which has no page."""

_DAYS_AT_ONCE: Final = 23  # a month of business days
_PAGES_AT_ONCE: Final = 8192  # some 50 MB as they are written and as they are compared
_PAGES_A_PART: Final = 2048
_LISTED = {
    "date": pl.Date,
    **{
        name: DISCLOSURES_TABLE.schema[name]
        for name in (
            "disclosed_at",
            "code",
            "company_name",
            "title",
            "category",
            "status",
            "disclosure_id",
        )
    },
}
_PAGE = {"kind": pl.String, "page": pl.Int32}
FOUND_SCHEMA: Final = pl.Schema(
    {**_LISTED, **_PAGE, "line": pl.String, "match": pl.String, "pages": pl.UInt32}
)
"""The columns of an answer; see :func:`search`."""


def search(
    query: Query,
    *,
    within: Within = "all",
    config: PlatformConfig | None = None,
    first: date | None = None,
    last: date | None = None,
    code: str | None = None,
    category: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    snippet_length: int = SNIPPET_LENGTH,
) -> pl.DataFrame:
    """The disclosures that a query finds, one row each, newest first.

    Besides columns of ``disclosures`` each row says where it was found: ``kind`` (title, pdf or
    xbrl), ``page`` (from 1; null in a title), ``line`` (the line as it is written), ``match`` (the
    part of it that is the word), and ``pages``, the number of pages with any of the words.

    Args:
        query: what is looked for.
        within: where.
        config: as of :func:`tdnet_assets.catalog.scan_disclosures`, as are the next three.
        first: first day.
        last: last day, included.
        code: 5-character securities code.
        category: kind of disclosure.
        as_of: aware moment; what was known then.
        limit: at most so many.
        snippet_length: characters of a line that are shown at most.

    Raises:
        QueryError: an argument is wrong.
        LakeError: S3 refused or failed.
        polars.exceptions.ComputeError: a table's file is damaged.
    """
    config = connect(config or PlatformConfig.from_environment())
    answer = FOUND_SCHEMA.to_frame()
    for since, until in _spans(config, first, last, code):
        listed = catalog.scan_disclosures(
            config=config, first=since, last=until, code=code, as_of=as_of
        )
        if category is not None:
            listed = listed.filter(pl.col("category") == category)
        rows = listed.collect().with_row_index("row")
        pages = [] if within == "text" else [_titles(rows)]
        if within != TITLE:
            texts = catalog.scan_texts(
                config=config, first=since, last=until, code=code, as_of=as_of
            )
            if category is not None:
                texts = texts.filter(pl.col("disclosure_id").is_in(rows["disclosure_id"].implode()))
            pages.append(_pages(texts, rows))
        found = _found(query, rows, [_hits(query, one) for one in pages])
        wanted = found if limit is None else found.head(limit - answer.height)
        answer.vstack(_shown(query, wanted, snippet_length), in_place=True)
        if limit is not None and answer.height >= limit:
            break
    return answer


def _spans(
    config: PlatformConfig, first: date | None, last: date | None, code: str | None
) -> Iterator[tuple[date | None, date | None]]:
    """The days in parts that are read one after the other, the newest first."""
    days: list[date] = []
    if code is None and (first is None or last is None or first <= last):
        lake = LakeResource(config=config)
        days = list(daily_files(lake, DISCLOSURES_TABLE.name, first, last))
    if len(days) <= _DAYS_AT_ONCE:
        yield first, last
        return
    for end in range(len(days), 0, -_DAYS_AT_ONCE):
        part = days[max(end - _DAYS_AT_ONCE, 0) : end]
        yield part[0], part[-1]


def _titles(rows: pl.DataFrame) -> pl.LazyFrame:
    """A row for each title that a disclosure has or had, in the shape of pages."""
    titles = pl.concat_list("title", "previous_titles")
    return (
        rows.lazy()
        .select("row", *_typed(kind=TITLE, page=None), titles.alias("text"))
        .explode("text")
        .drop_nulls("text")
    )


def _pages(texts: pl.LazyFrame, rows: pl.DataFrame) -> pl.LazyFrame:
    listed = rows.lazy().select("row", "disclosure_id").drop_nulls()
    return (
        texts.select("disclosure_id", *_PAGE, "text")
        .join(listed, on="disclosure_id")
        .select("row", *_PAGE, "text")
    )


def _typed(**values: object) -> list[pl.Expr]:
    return [pl.lit(value, dtype=_PAGE[name]).alias(name) for name, value in values.items()]


def _hits(query: Query, pages: pl.LazyFrame) -> pl.DataFrame:
    """The pages with any of the words, and for each word whether they have it."""
    candidates = pages.filter(query.may_be_in(pl.col("text")))
    # In few batches: each makes a table of all characters, which takes as long as 500 pages.
    batches = candidates.collect_batches(chunk_size=_PAGES_AT_ONCE, maintain_order=False)
    # A column of its own: polars would compare the text anew for each word.
    compared = comparable_expression(pl.col("text")).alias("compared")
    words = pl.concat_list(query.found_in(pl.col("compared"))).alias("words")
    hits = []
    for batch in chain((candidates.clear().collect(),), batches):
        # On all processors: one column alone would be compared by one.
        parts = [
            part.lazy()
            .with_columns(compared)
            .with_columns(words)
            .filter(pl.col("words").list.any())
            .drop("compared")
            for part in (batch.rechunk().iter_slices(_PAGES_A_PART) if batch.height else [batch])
        ]
        hits += pl.collect_all(parts)
    return pl.concat(hits)


def _found(query: Query, rows: pl.DataFrame, hits: list[pl.DataFrame]) -> pl.DataFrame:
    """The rows that have all that is wanted and nothing else, each with its best page."""
    places = range(len(query.words))
    has = [pl.col("words").list.get(place) for place in places]
    wanted = pl.sum_horizontal(has[: len(query.wanted)])
    # A title is shown anyway: a page tells more.
    best_first = (-wanted.cast(pl.Int32), pl.col("kind") == TITLE, pl.col("kind"), pl.col("page"))
    by_row = (
        pl.concat(hits)
        .group_by("row")
        .agg(
            *(one.any().alias(str(place)) for place, one in zip(places, has, strict=True)),
            pl.col(*_PAGE, "text").sort_by(best_first).first(),
            ((wanted > 0) & (pl.col("kind") != TITLE)).sum().alias("pages"),
        )
    )
    is_found = [
        pl.col(str(place)) if place < len(query.wanted) else ~pl.col(str(place)) for place in places
    ]
    order = ["disclosed_at", "code", "disclosure_id", "row"]
    return (
        by_row.filter(is_found)
        .join(rows.select("row", *_LISTED), on="row")
        .sort(order, descending=True, nulls_last=True)
    )


def _shown(query: Query, found: pl.DataFrame, length: int) -> pl.DataFrame:
    """Found rows with the line that shows them, in the shape of an answer."""
    snippets = [query.snippet(text, length) for text in found["text"]]
    lines = pl.Series("line", [str(one) if one else None for one in snippets], pl.String)
    matches = pl.Series("match", [one.match if one else None for one in snippets], pl.String)
    return found.with_columns(lines, matches).select(FOUND_SCHEMA.names()).cast(FOUND_SCHEMA)
