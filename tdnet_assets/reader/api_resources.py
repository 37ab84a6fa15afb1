"""What the API answers with rows: one entry a resource, from which its pages and OpenAPI are made.

What belongs here: which rows, in which order, by which parameters. What does not: HTTP
(``api.py``), and its description (``openapi.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, cast

import polars as pl

from tdnet_assets import catalog
from tdnet_assets.document_search import FOUND_SCHEMA, Within, search
from tdnet_assets.lookups import mentions, require_category, whole_code
from tdnet_assets.reader.library import Library
from tdnet_assets.reader.parameters import LONGEST_TEXT, Query
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.reader.window_days import Window
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.document_texts import COMPARABLE_TEXTS_VIEW
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.earnings import EARNINGS_VIEW
from tdnet_assets.tables.earnings_figures import EARNINGS_FIGURES_VIEW
from tdnet_assets.tables.earnings_summary import EARNINGS_SUMMARY_VIEW
from tdnet_assets.tables.financial_facts import FACTS_TABLE, VALUE
from tdnet_assets.tables.forecast_revisions import REVISIONS_TABLE
from tdnet_assets.tables.report_figures import REPORT_FIGURES_TABLE
from tdnet_assets.tables.table import Column, Table
from tdnet_assets.tdnet.identifiers import as_printed, is_disclosure_id
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.search_query import Query as Words

STATUSES: Final = ("active", "retitled", "deleted")
KINDS: Final = ("pdf", "xbrl")
DEFAULT_DAYS: Final = 31
COMPANY_DAYS: Final = 400
PLACES: Final = ("title", "text", "all")
SEARCH_ORDER: Final = ("disclosed_at", "code", "disclosure_id", "title")
SEARCHED: Final = ("disclosures", "document_texts")
MOST_FOUND: Final = 1_000
"""What a search gives at most, over all of its pages; who wants more asks for fewer days."""

_DATE: Final = Column("date", pl.Date, "JST day whose list shows it")


def _dated(table: Table) -> tuple[Column, ...]:
    """The columns of a daily table as the catalogue gives them: led by the day."""
    return (_DATE, *(column for column in table.columns if column.name != _DATE.name))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query string, for a person and for OpenAPI."""

    name: str
    description: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})


_TEXT = {"type": "string", "maxLength": LONGEST_TEXT}
PARAMETERS: Final = {
    one.name: one
    for one in (
        Parameter("from", "First day of the list (JST).", {"type": "string", "format": "date"}),
        Parameter("to", "Last day, included.", {"type": "string", "format": "date"}),
        Parameter(
            "as_of",
            "What was known at that moment; Tokyo time unless it names another zone.",
            {"type": "string", "format": "date-time"},
        ),
        Parameter(
            "code",
            "Securities code of 5 characters; 4 stand for one where they can mean no other.",
            {"type": "string", "maxLength": 10},
        ),
        Parameter("category", "Kind of disclosure, e.g. earnings.", _TEXT),
        Parameter("q", "Part of a title, earlier ones included, or of a company's name.", _TEXT),
        Parameter(
            "words",
            'Words, all of them; "exact phrases"; -without.',
            {**_TEXT, "minLength": 1},
        ),
        Parameter("in", "Where to look.", {"type": "string", "enum": [*PLACES]}),
        Parameter("status", "What became of the row.", {"type": "string", "enum": [*STATUSES]}),
        Parameter("kind", "Which files.", {"type": "string", "enum": [*KINDS]}),
        Parameter("element", "Element of the taxonomy, e.g. NetSales.", _TEXT),
        Parameter("item", "Item, e.g. operating_income.", _TEXT),
        Parameter(
            "disclosure_id",
            "Only of this disclosure: 14 digits.",
            {"type": "string", "pattern": "^[0-9]{14}$"},
        ),
        Parameter(
            "limit",
            "Rows of a page: 100 of at most 1,000, in CSV and Parquet 50,000.",
            {"type": "integer", "minimum": 1, "maximum": 50_000},
        ),
        Parameter("cursor", "Where the page before ended: its `next`.", {"type": "string"}),
    )
}
_PAGED: Final = ("limit", "cursor")
_SPAN: Final = ("from", "to", "as_of")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a resource, checked."""

    library: Library
    window: Window
    query: Query
    first: date | None
    last: date | None
    code: str | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Resource:
    """Rows that can be asked for.

    Attributes:
        name: in the address.
        summary: in a sentence.
        columns: of the answer.
        order: the rows come by these, the newest or largest first; together they tell all apart.
        tables: those whose files it is made of.
        rows: the rows, lazily.
        filters: parameters beside those of the span and of the page.
        longest_days: without a code or a disclosure, at most this many days at once.
    """

    name: str
    summary: str
    columns: Sequence[Column]
    order: Sequence[str]
    tables: Sequence[str]
    rows: Callable[[Asked], pl.LazyFrame]
    filters: Sequence[str] = ("code",)
    longest_days: int = 400

    @property
    def parameters(self) -> list[Parameter]:
        """All that may be asked."""
        return [PARAMETERS[name] for name in (*_SPAN, *self.filters, *_PAGED)]

    def asked(self, library: Library, window: Window, query: Query) -> Asked:
        """The question that a query is.

        Raises:
            ProblemError: a value is wrong, or it asks for too many days.
        """
        first, last, as_of = query.day("from"), query.day("to"), query.moment("as_of")
        if first and last and last < first:
            raise ProblemError(400, f"to, {last}, is before from, {first}")
        typed = query.text("code")
        # Only where it is short is anything asked: which codes begin so, of late.
        since = datetime.now(TOKYO).date() - timedelta(days=COMPANY_DAYS)
        code = whole_code(library.config, typed, first or since, last)
        number = query.text("disclosure_id")
        if number is not None:
            if not is_disclosure_id(as_printed(number)):
                raise ProblemError(400, f"disclosure_id is {number!r}: it has 14 digits")
            first, last = first or _about(number, -DEFAULT_DAYS), last or _about(number, 400)
        elif code is None:
            first, last = self._span(first, last, as_of)
        return Asked(library, window, query, first, last, code, as_of)

    def _span(
        self, first: date | None, last: date | None, as_of: datetime | None
    ) -> tuple[date, date]:
        newest = (as_of or datetime.now(TOKYO)).astimezone(TOKYO).date()
        usual = timedelta(days=min(DEFAULT_DAYS, self.longest_days) - 1)
        end = last or (max(newest, first) if first else newest)
        begin = first or end - usual
        if (end - begin).days >= self.longest_days:
            raise ProblemError(
                400,
                f"{begin} to {end} are {(end - begin).days + 1:,} days: of all companies ask for "
                f"at most {self.longest_days} days at once, or name a code",
            )
        return begin, end


def _about(number: str, days: int) -> date | None:
    try:
        return date.fromisoformat(as_printed(number)[:8]) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None


def _catalog(scan: Callable[..., pl.LazyFrame], asked: Asked) -> pl.LazyFrame:
    rows = scan(
        config=asked.library.config,
        first=asked.first,
        last=asked.last,
        code=asked.code,
        as_of=asked.as_of,
    )
    number = asked.query.text("disclosure_id")
    if number is not None:
        rows = rows.filter(pl.col("disclosure_id") == as_printed(number))
    return rows


def _disclosures(asked: Asked) -> pl.LazyFrame:
    rows, query = _catalog(catalog.scan_disclosures, asked), asked.query
    require_category(query.text("category"))
    query.choice("status", STATUSES)
    for name in ("category", "status"):
        if (wanted := query.text(name)) is not None:
            rows = rows.filter(pl.col(name) == wanted)
    words = query.text("q")
    return rows.filter(mentions(words)) if words else rows


def _documents(asked: Asked) -> pl.LazyFrame:
    rows = catalog.scan_documents(
        config=asked.library.config, first=asked.first, last=asked.last, as_of=asked.as_of
    )
    kind, number = asked.query.choice("kind", KINDS), asked.query.text("disclosure_id")
    if kind is not None:
        rows = rows.filter(pl.col("kind") == kind)
    return rows.filter(pl.col("disclosure_id") == as_printed(number)) if number else rows


def _with_values(scan: Callable[..., pl.LazyFrame], *names: str) -> Callable[[Asked], pl.LazyFrame]:
    """The rows of a question to the catalogue, filtered by columns that are parameters too."""

    def rows(asked: Asked) -> pl.LazyFrame:
        found = _catalog(scan, asked)
        for name in names:
            if (wanted := asked.query.text(name)) is not None:
                found = found.filter(pl.col(name) == wanted)
        return found

    return rows


def _found_columns() -> tuple[Column, ...]:
    """The columns of a search's answer."""
    listed = {column.name: column.description for column in _dated(DISCLOSURES_TABLE)}
    meanings = {**listed, **_FOUND_MEANINGS}
    return tuple(Column(name, type_, meanings[name]) for name, type_ in FOUND_SCHEMA.items())


def _days(asked: Asked) -> pl.LazyFrame:
    counted = (
        catalog.scan_disclosures(
            config=asked.library.config, first=asked.first, last=asked.last, as_of=asked.as_of
        )
        .group_by("date")
        .agg(pl.len().cast(pl.Int64).alias("disclosures"))
        .collect()
    )
    of_window = asked.window.days if asked.as_of is None else ()
    marks = {
        one.day: one
        for one in of_window
        if (asked.first or one.day) <= one.day <= (asked.last or one.day)
    }
    counts = dict(counted.iter_rows())
    rows = [
        {
            "date": day,
            "disclosures": counts.get(day, 0),
            "state": marks[day].mark if day in marks else "unknown",
            "reason": marks[day].reason if day in marks else "",
        }
        for day in sorted({*counts, *marks})
    ]
    return pl.LazyFrame(rows, schema={column.name: column.type for column in _DAY_COLUMNS})


def companies(library: Library, first: date | None, as_of: datetime | None) -> pl.LazyFrame:
    """The companies that disclosed anything since a day, each with its newest name."""
    listed = catalog.scan_disclosures(config=library.config, first=first, as_of=as_of)
    return (
        listed.filter(pl.col("code").is_not_null())
        .group_by("code")
        .agg(
            pl.col("company_name").sort_by("disclosed_at").last(),
            pl.col("exchanges").sort_by("disclosed_at").last(),
            pl.len().cast(pl.Int64).alias("disclosures"),
            pl.col("disclosed_at").max().alias("newest_at"),
        )
    )


def _companies(asked: Asked) -> pl.LazyFrame:
    since = asked.first
    if asked.code is not None and since is None:
        since = datetime.now(TOKYO).date() - timedelta(days=COMPANY_DAYS)
    rows = companies(asked.library, since, asked.as_of)
    if asked.code is not None:
        rows = rows.filter(pl.col("code") == asked.code)
    words = asked.query.text("q")
    if words:
        titled = rows.with_columns(
            pl.lit("").alias("title"), pl.lit([], dtype=pl.List(pl.String)).alias("previous_titles")
        )
        rows = titled.filter(mentions(words)).drop("title", "previous_titles")
    return rows


def _search(asked: Asked) -> pl.LazyFrame:
    words = asked.query.text("words")
    if words is None:
        raise ProblemError(400, "words is missing: say what to look for")
    category = asked.query.text("category")
    require_category(category)
    return search(
        Words.parse(words),
        within=cast("Within", asked.query.choice("in", PLACES) or "all"),
        config=asked.library.config,
        first=asked.first,
        last=asked.last,
        code=asked.code,
        category=category,
        as_of=asked.as_of,
        limit=MOST_FOUND,
    ).lazy()


_FOUND_MEANINGS: Final = {
    "kind": "where the words are: title, pdf or xbrl",
    "page": "the page or section that has them, from 1; null in a title",
    "line": "the line that shows the first of the words",
    "match": "the part of it that is the word",
    "pages": "how many pages have any of the words",
}
_DAY_COLUMNS: Final = (
    Column("date", pl.Date, "the day (JST)"),
    Column("disclosures", pl.Int64, "rows of the table disclosures"),
    Column("state", pl.String, "whole, not_whole, not_yet, or unknown outside the window"),
    Column("reason", pl.String, "why it is not whole"),
)
_SURPRISE_COLUMNS: Final = (
    *(
        column
        for column in REPORT_FIGURES_TABLE.columns
        if column.name not in ("is_correction", "kind", "reported_to")
    ),
    Column("forecast", VALUE, "the company's last own forecast of it, as one figure"),
    Column("forecast_lower", VALUE, "the lower end of one that is a range"),
    Column("forecast_upper", VALUE, "the upper end"),
    Column("forecast_id", pl.String, "the disclosure that states it"),
    Column("forecast_at", pl.Datetime("ms", "Asia/Tokyo"), "when that was published"),
    Column("expected", VALUE, "the forecast, or the nearer end of a range that is missed"),
    Column("surprise", VALUE, "the result less what was expected"),
    Column("surprise_rate", pl.Float64, "the same as a fraction; null without a positive base"),
    Column("surprise_turn", pl.String, "to_profit, to_loss, larger_loss or smaller_loss"),
    Column("prior", VALUE, "the result of the year before, as the same report states it"),
    Column("prior_change", VALUE, "the change against it"),
    Column("prior_rate", pl.Float64, "the same as a fraction; null without a positive base"),
    Column("prior_turn", pl.String, "to_profit, to_loss, larger_loss or smaller_loss"),
)
_COMPANY_COLUMNS: Final = (
    Column("code", pl.String, "5-character securities code"),
    Column("company_name", pl.String, "name as listed last"),
    Column("exchanges", pl.List(pl.String), "東 名 札 福, GR, PH"),
    Column("disclosures", pl.Int64, "how many in these days"),
    Column("newest_at", pl.Datetime("ms", "Asia/Tokyo"), "time of the newest"),
)

_RESULT_KEYS: Final = (
    "code",
    "disclosure_id",
    "consolidation",
    "period_end",
    "period_start",
    "item",
)
_LINKED: Final = ("earnings", "report_links", "disclosures")
_OF_DISCLOSURE: Final = ("code", "disclosure_id")
RESOURCES: Final = {
    one.name: one
    for one in (
        Resource(
            "days",
            "The days, whether each is whole, and how many disclosures are stored of it.",
            _DAY_COLUMNS,
            ("date",),
            ("disclosures",),
            _days,
            (),
        ),
        Resource(
            "disclosures",
            "What was disclosed: one row per disclosure.",
            _dated(DISCLOSURES_TABLE),
            ("disclosed_at", "code", "disclosure_id", "title", "history"),
            ("disclosures",),
            _disclosures,
            ("code", "category", "q", "status", "disclosure_id"),
        ),
        Resource(
            "documents",
            "The files that belong to disclosures, and what became of each.",
            _dated(DOCUMENTS_TABLE),
            ("date", "disclosure_id", "kind"),
            ("documents", "disclosures"),
            _documents,
            ("kind", "disclosure_id"),
        ),
        Resource(
            "facts",
            "Facts of the XBRL archives, one row each.",
            _dated(FACTS_TABLE),
            ("date", "disclosure_id", "order"),
            ("financial_facts", "disclosures"),
            _with_values(catalog.scan_facts, "element"),
            (*_OF_DISCLOSURE, "element"),
            31,
        ),
        Resource(
            "earnings",
            "Reports of results (決算短信) in some forty columns.",
            _dated(EARNINGS_SUMMARY_VIEW),
            ("disclosed_at", "code", "disclosure_id"),
            _LINKED,
            _with_values(catalog.scan_earnings_summary),
            _OF_DISCLOSURE,
        ),
        Resource(
            "earnings_all",
            "The same with every column, some 500.",
            _dated(EARNINGS_VIEW),
            ("disclosed_at", "code", "disclosure_id"),
            _LINKED,
            _with_values(catalog.scan_earnings),
            _OF_DISCLOSURE,
        ),
        Resource(
            "earnings_figures",
            "The numbers of the reports, one row each.",
            EARNINGS_FIGURES_VIEW.columns,
            ("disclosure_id", "period", "item", "kind"),
            ("earnings", "disclosures"),
            _with_values(catalog.scan_earnings_figures, "item"),
            (*_OF_DISCLOSURE, "item"),
            31,
        ),
        Resource(
            "figures",
            "Main figures and own forecasts of reports and revisions, one row each.",
            _dated(REPORT_FIGURES_TABLE),
            ("published_at", *REPORT_FIGURES_TABLE.keys),
            ("report_figures", "disclosures"),
            _with_values(catalog.scan_report_figures, "item"),
            (*_OF_DISCLOSURE, "item"),
        ),
        Resource(
            "surprises",
            "Results against the company's last own forecasts, and against the year before.",
            _SURPRISE_COLUMNS,
            ("published_at", *_RESULT_KEYS),
            ("report_figures", "disclosures"),
            _with_values(catalog.scan_surprises, "item"),
            (*_OF_DISCLOSURE, "item"),
        ),
        Resource(
            "revisions",
            "Revised forecasts, one row a figure: before, after, change.",
            _dated(REVISIONS_TABLE),
            ("disclosed_at", *REVISIONS_TABLE.keys),
            ("forecast_revisions", "disclosures"),
            _with_values(catalog.scan_forecast_revisions, "item"),
            (*_OF_DISCLOSURE, "item"),
        ),
        Resource(
            "texts",
            "The texts of documents, one row a page.",
            (_DATE, *COMPARABLE_TEXTS_VIEW.columns),
            ("date", "disclosure_id", "kind", "page"),
            ("document_texts", "disclosures"),
            _with_values(catalog.scan_texts, "kind"),
            (*_OF_DISCLOSURE, "kind"),
            7,
        ),
        Resource(
            "search",
            "Disclosures whose title, company or text holds words, one row each.",
            _found_columns(),
            SEARCH_ORDER,
            SEARCHED,
            _search,
            ("code", "words", "in", "category"),
        ),
        Resource(
            "companies",
            "The companies that disclosed anything in these days (400 of them unless said).",
            _COMPANY_COLUMNS,
            ("newest_at", "code"),
            ("disclosures",),
            _companies,
            ("code", "q"),
            800,
        ),
    )
}


def page_of_rows(
    rows: pl.LazyFrame, order: Sequence[str], cursor: tuple[str, ...] | None, limit: int
) -> tuple[pl.DataFrame, tuple[str, ...] | None]:
    """A page of rows, the first in the order first, and where it ends; None at the end of all.

    Args:
        rows: all of them.
        order: columns that together tell every two apart; the largest value is first.
        cursor: where the page before ended.
        limit: at most that many.
    """
    types = rows.collect_schema()
    keys = [f"_place{number}" for number in range(len(order))]
    placed = rows.with_columns(
        _sortable(name, types[name]).alias(key) for name, key in zip(order, keys, strict=True)
    )
    if cursor is not None:
        placed = placed.filter(_behind(keys, cursor))
    found = placed.sort(keys, descending=True).head(limit + 1).collect()
    has_more = found.height > limit
    shown = found.head(limit)
    end = shown.select(keys).row(-1) if has_more else None
    return shown.drop(keys), end


def _sortable(name: str, type_: pl.DataType) -> pl.Expr:
    """A column as text that sorts as its values do, with nulls before all."""
    column = pl.col(name)
    if isinstance(type_, pl.Datetime):
        column = column.dt.epoch("ms").cast(pl.String).str.zfill(16)
    elif type_.is_integer():
        column = column.cast(pl.String).str.zfill(20)
    return column.cast(pl.String).fill_null("")


def _behind(keys: Sequence[str], place: Sequence[str]) -> pl.Expr:
    """Whether a row comes after a place, where the largest come first."""
    is_behind = pl.lit(value=False)
    is_same = pl.lit(value=True)
    for key, value in zip(keys, place, strict=True):
        is_behind |= is_same & (pl.col(key) < value)
        is_same &= pl.col(key) == value
    return is_behind
