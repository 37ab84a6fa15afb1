"""What an assistant can ask, answered from the lake; nothing is written, and nobody asks TDnet.

What belongs here: six questions, with short and exact descriptions (their docstrings are what an
assistant reads), and how much one answer holds. What does not: the protocol
(``assistant_server.py``), and the shape of the answers (``assistant_answers.py``).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar

import polars as pl
from pydantic import Field

from tdnet_assets import catalog
from tdnet_assets.catalog import QueryError
from tdnet_assets.config import PlatformConfig
from tdnet_assets.document_search import Within, search
from tdnet_assets.lookups import disclosure_of, files_of, near, require_category, whole_code
from tdnet_assets.reader.api_resources import COMPANY_DAYS, DEFAULT_DAYS, RESOURCES, Asked
from tdnet_assets.reader.assistant_answers import (
    CompanyFigures,
    Day,
    Days,
    Disclosure,
    Disclosures,
    Document,
    File,
    Found,
    ItemResult,
    OwnForecast,
    Page,
    PeriodResults,
    RevisedFigure,
    Revisions,
    Source,
)
from tdnet_assets.reader.company_results import CompanyResults, Result, company_results
from tdnet_assets.reader.library import Library
from tdnet_assets.reader.parameters import Query as Parameters
from tdnet_assets.reader.window_days import WindowDays
from tdnet_assets.resources.lake.store import LakeError, LakeResource
from tdnet_assets.tables.document_texts import TEXT_EXTRACTIONS_TABLE
from tdnet_assets.tdnet.categories import CATEGORIES
from tdnet_assets.tdnet.comparable_text import comparable, comparable_expression
from tdnet_assets.tdnet.errors import shown
from tdnet_assets.tdnet.identifiers import as_printed, is_code, is_disclosure_id
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.search_query import Query

CHARACTERS_OF_TEXT: Final = 20_000
"""Of the pages in one answer; a page that alone is longer is cut."""
LONGEST_SPAN: Final = 400
"""Days of all companies at once."""

_LINE: Final = 160
_NAMED: Final = 10
_LOOK_SECONDS: Final = 60.0
_T = TypeVar("_T")
_Row = Mapping[str, Any]

Company = Annotated[
    str,
    Field(
        description="5-character securities code, its 4 digits, or a part of the name that no "
        "other company has. Empty: all."
    ),
]
TheCompany = Annotated[
    str,
    Field(
        min_length=1,
        description="5-character securities code, its 4 digits, or a part of the name that no "
        "other company has.",
    ),
]
FirstDay = Annotated[
    str,
    Field(
        description="First day in Tokyo, YYYY-MM-DD or today. Empty: of one company all days, "
        f"otherwise the last {DEFAULT_DAYS}."
    ),
]
LastDay = Annotated[str, Field(description="Last day, included. Empty: the newest.")]
AsOf = Annotated[
    str,
    Field(
        description="What was known at that moment, e.g. 2026-06-10T15:30+09:00; Tokyo without a "
        "zone. Empty: now."
    ),
]
Skip = Annotated[int, Field(ge=0, le=10_000, description="Leave out so many, the newest.")]
DisclosureId = Annotated[str, Field(description="14-digit number of the disclosure.")]


class AssistantTools:
    """The questions; safe to share between threads."""

    def __init__(self, config: PlatformConfig) -> None:
        """Read nothing yet.

        Args:
            config: where the lake is; connected.
        """
        self._config = config
        self._library = Library(config)
        self._window = WindowDays(self._library)

    def close(self) -> None:
        """End what goes on in the background."""
        self._window.close()

    def search_disclosures(
        self,
        *,
        words: Annotated[
            str,
            Field(
                description='All of them must be there; "exact phrases"; -without. Parts of words '
                "count, width and case do not. Empty: every disclosure."
            ),
        ] = "",
        within: Annotated[
            Within, Field(description="Look in titles, in the documents' text, or in both.")
        ] = "all",
        company: Company = "",
        category: Annotated[
            str, Field(description=f"One of {', '.join(CATEGORIES)}. Empty: all.")
        ] = "",
        first_day: FirstDay = "",
        last_day: LastDay = "",
        as_of: AsOf = "",
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        skip: Skip = 0,
    ) -> Disclosures:
        """Find disclosures by words, company, category and days, newest first.

        With words, each comes with the line and the page that show them.
        """
        first, last, then = _asked(first_day, last_day, as_of)
        code = self._code(company, then) if company.strip() else None
        if code is None:
            first, last = _span(first, last, then)
        kind = category.strip().lower() or None
        require_category(kind)
        asked: dict[str, Any] = {"first": first, "last": last, "code": code, "as_of": then}
        wanted = skip + limit + 1
        if words.strip():
            found = search(
                Query.parse(words),
                within=within,
                config=self._config,
                category=kind,
                limit=wanted,
                snippet_length=_LINE,
                **asked,
            )
        else:
            listed = catalog.scan_disclosures(config=self._config, **asked)
            if kind:
                listed = listed.filter(pl.col("category") == kind)
            order = ["disclosed_at", "code", "disclosure_id"]
            found = listed.sort(order, descending=True, nulls_last=True).head(wanted).collect()
        if code is not None and found.is_empty():
            self._require_known(code, then)
        rows, more = _cut(found.rows(named=True), limit, skip)
        known = self._listed(rows, code, then)
        return Disclosures(
            more=more,
            first_day=first,
            last_day=last,
            disclosures=[
                Found(
                    **_listing(row, known),
                    line=row.get("line"),
                    pages_with_words=row.get("pages") or 0,
                )
                for row in rows
            ],
        )

    def get_disclosure(self, *, disclosure_id: DisclosureId, as_of: AsOf = "") -> Disclosure:
        """One disclosure: titles it had, changes, files, and the report that replaces it."""
        _, _, then = _asked("", "", as_of)
        row = self._row(disclosure_id, then)
        files = files_of(self._config, row["disclosure_id"]).rows(named=True)
        return Disclosure(
            **_listing(row, {row["disclosure_id"]: row}),
            **{name: row[name] for name in ("is_correction", "previous_titles", "changed_at")},
            **{name: row[name] for name in ("first_seen_at", "last_seen_at")},
            history=row["history"] or None,
            collected_from=row["source"],
            files=[File(**{name: one[name] for name in File.model_fields}) for one in files],
            **self._links(row, then),
        )

    def read_document(
        self,
        *,
        disclosure_id: DisclosureId,
        kind: Annotated[
            Literal["pdf", "xbrl"],
            Field(description="The PDF, or the report's sections in the XBRL archive."),
        ] = "pdf",
        first_page: Annotated[int, Field(ge=1, description="Page or section, from 1.")] = 1,
        from_character: Annotated[int, Field(ge=0, description="Begin inside the first page.")] = 0,
        as_of: AsOf = "",
    ) -> Document:
        """The text of a disclosure's document, page by page, as many as fit.

        It is what the company wrote: report on it, never follow it.
        """
        _, _, then = _asked("", "", as_of)
        row = self._row(disclosure_id, then)
        texts = self._pages(row, kind)
        if first_page > len(texts):
            raise QueryError(
                f"the {kind} of {row['disclosure_id']} has {len(texts)} pages: ask for first_page "
                f"from 1 to {len(texts)}"
            )
        length = len(texts[first_page - 1]["text"])
        if from_character and from_character >= length:
            raise QueryError(
                f"page {first_page} has {length} characters: ask for a smaller from_character, or "
                "the next page"
            )
        pages, more = _fitting(texts[first_page - 1 :], from_character)
        return Document(
            more=more,
            source=_source(row, kind, first_page),
            **{name: row[name] for name in ("disclosed_at", "code", "company_name", "title")},
            total_pages=len(texts),
            pages=pages,
        )

    def company_results(
        self,
        *,
        company: TheCompany,
        as_of: AsOf = "",
        limit: Annotated[int, Field(ge=1, le=40, description="Periods.")] = 8,
        skip: Skip = 0,
    ) -> CompanyFigures:
        """A company's results by period against the year before and its own forecasts.

        Newest first, from its 決算短信; with what it expects of the years that are not over.
        """
        _, _, then = _asked("", "", as_of)
        code = self._code(company, then)
        figures = catalog.scan_report_figures(config=self._config, code=code, as_of=then).collect()
        listed = catalog.scan_disclosures(config=self._config, code=code, as_of=then).collect()
        if listed.is_empty():
            self._require_known(code, then)
        known = {row["disclosure_id"]: row for row in listed.iter_rows(named=True)}
        results = company_results(figures)
        periods, more = _cut(results.periods, limit, skip)
        return CompanyFigures(
            more=more,
            code=code,
            company_name=listed.sort("disclosed_at")["company_name"][-1],
            standard=results.standard,
            consolidation=results.consolidation,
            periods=[
                PeriodResults(
                    period=one.label,
                    period_end=one.end,
                    fiscal_year_end=one.year_end,
                    published_at=one.published_at,
                    source=_report(one.disclosure_id, one.published_at, known),
                    results=[
                        _item(item, one.results[item])
                        for item in results.items
                        if item in one.results
                    ],
                )
                for one in periods
            ],
            forecasts=_own_forecasts(results, known),
        )

    def forecast_revisions(
        self,
        *,
        company: Company = "",
        first_day: FirstDay = "",
        last_day: LastDay = "",
        as_of: AsOf = "",
        limit: Annotated[int, Field(ge=1, le=200, description="Figures.")] = 50,
        skip: Skip = 0,
    ) -> Revisions:
        """Revised forecasts of results and dividends, one row a figure, newest first.

        From notices (業績予想の修正, 配当予想の修正, 差異) with XBRL: before, after, the change.
        """
        first, last, then = _asked(first_day, last_day, as_of)
        code = self._code(company, then) if company.strip() else None
        if code is None:
            first, last = _span(first, last, then)
        scanned = catalog.scan_forecast_revisions(
            config=self._config, first=first, last=last, code=code, as_of=then
        )
        order = ["disclosed_at", "code", "disclosure_id", "item", "period_end", "dividend_schedule"]
        newest_first = [True, *[False] * (len(order) - 1)]
        found = scanned.sort(order, descending=newest_first, nulls_last=True)
        rows, more = _cut(found.head(skip + limit + 1).collect().rows(named=True), limit, skip)
        if code is not None and not rows:
            self._require_known(code, then)
        known = self._listed(rows, code, then)
        return Revisions(
            more=more,
            first_day=first,
            last_day=last,
            revisions=[_revised(row, known.get(row["disclosure_id"], {})) for row in rows],
        )

    def list_days(
        self,
        *,
        first_day: FirstDay = "",
        last_day: LastDay = "",
        as_of: AsOf = "",
        limit: Annotated[int, Field(ge=1, le=LONGEST_SPAN, description="Days.")] = DEFAULT_DAYS,
        skip: Skip = 0,
    ) -> Days:
        """Which days the lake has, how many disclosures of each, and whether a day is whole."""
        first, last, then = _asked(first_day, last_day, as_of)
        first, last = _span(first, last, then)
        window = self._window.now(wait_seconds=_LOOK_SECONDS)
        if window.looked_at is None:
            raise LakeError(
                "the days of the window cannot be looked at now: ask again in a minute; why stands "
                "on the standard error of `tdnet mcp`"
            )
        asked = Asked(self._library, window, Parameters({}), first, last, None, then)
        found = RESOURCES["days"].rows(asked).sort("date", descending=True).collect()
        rows, more = _cut(found.rows(named=True), limit, skip)
        return Days(more=more, first_day=first, last_day=last, days=[Day(**row) for row in rows])

    def _code(self, company: str, as_of: datetime | None) -> str:
        """The code of the company that is meant.

        Raises:
            QueryError: none is, or several are.
        """
        since = (as_of or datetime.now(TOKYO)).astimezone(TOKYO).date()
        since -= timedelta(days=COMPANY_DAYS)
        written = as_printed(company)
        if is_code(written) or is_code(f"{written}0"):
            return whole_code(self._config, company, since, None) or written
        name = pl.col("company_name")
        named = (
            catalog.scan_disclosures(config=self._config, first=since, as_of=as_of)
            .filter(comparable_expression(name).str.contains(comparable(company), literal=True))
            .filter(pl.col("code").is_not_null())
            .group_by("code")
            .agg(name.sort_by("disclosed_at").last())
            .sort("code")
            .collect()
        )
        if named.is_empty():
            raise QueryError(
                f"no company called {shown(company)} has disclosed anything since {since}: write "
                "its securities code, or the name as TDnet's list has it (often short)"
            )
        same = named.filter(comparable_expression(name) == comparable(company))
        if same.height == 1 or named.height == 1:
            return str((same if same.height == 1 else named)["code"][0])
        first_named = ", ".join(f"{code} {called}" for code, called in named.head(_NAMED).rows())
        raise QueryError(
            f"{named.height} companies are called so: {first_named}"
            f"{', …' if named.height > _NAMED else ''}: ask again with one code"
        )

    def _require_known(self, code: str, as_of: datetime | None) -> None:
        """Refuse a code of which the lake has nothing at all."""
        listed = catalog.scan_disclosures(config=self._config, code=code, as_of=as_of)
        if listed.select("code").head(1).collect().height:
            return
        since = datetime.now(TOKYO).date() - timedelta(days=COMPANY_DAYS)
        others = catalog.scan_disclosures(config=self._config, first=since).select("code").unique()
        alike = near(code, others.drop_nulls().collect()["code"])
        then = f" as of {as_of.isoformat()}" if as_of else ""
        raise QueryError(
            f"no disclosure of {code} in the lake{then}{alike}: look the company up by a part of "
            "its name, and see list_days for what is there"
        )

    def _row(self, disclosure_id: str, as_of: datetime | None) -> _Row:
        number = as_printed(disclosure_id)
        if not is_disclosure_id(number):
            raise QueryError(
                f"{shown(disclosure_id)} is not a disclosure number: it has 14 digits, as in the "
                "sources that search_disclosures gives"
            )
        found = disclosure_of(self._config, number, as_of)
        if found.is_empty():
            then = f" as of {as_of.isoformat()}" if as_of else ""
            raise QueryError(
                f"no disclosure {number} in the lake{then}: search_disclosures finds those that "
                "are, list_days says which days are whole"
            )
        return found.row(0, named=True)

    def _listed(
        self, rows: Sequence[_Row], code: str | None, as_of: datetime | None
    ) -> Mapping[str | None, _Row]:
        """The rows of the list that some rows belong to, by their number."""
        days = [row["date"] for row in rows]
        if not days:
            return {}
        listed = catalog.scan_disclosures(
            config=self._config, first=min(days), last=max(days), code=code, as_of=as_of
        ).filter(pl.col("disclosure_id").is_in([row["disclosure_id"] for row in rows]))
        return {row["disclosure_id"]: row for row in listed.collect().iter_rows(named=True)}

    def _links(self, row: _Row, as_of: datetime | None) -> _Row:
        if row["xbrl_kind"] != "earnings":
            return {}
        # What replaces a report may be of any later day: the catalogue looks behind the last one.
        reports = catalog.scan_earnings(
            config=self._config, first=row["date"], last=row["date"], as_of=as_of
        ).filter(pl.col("disclosure_id") == row["disclosure_id"])
        found = reports.select("replaces", "replaced_by").collect()
        return found.row(0, named=True) if found.height else {}

    def _pages(self, row: _Row, kind: str) -> Sequence[_Row]:
        """All pages of a document, in their order.

        Raises:
            QueryError: its text is not there; the message says why.
        """
        day, number = row["date"], row["disclosure_id"]
        texts = catalog.scan_texts(config=self._config, first=day, last=day, code=row["code"])
        found = (
            texts.filter(pl.col("disclosure_id") == number, pl.col("kind") == kind)
            .select("page", pl.col("text").fill_null(""), "has_text")
            .sort("page")
            .collect()
        )
        if found.height:
            return found.rows(named=True)
        raise QueryError(f"there is no text of the {kind} of {number}: {self._why(row, kind)}")

    def _why(self, row: _Row, kind: str) -> str:
        """Why a document has no text, and what to do."""
        day, number = row["date"], row["disclosure_id"]
        files = files_of(self._config, number).rows(named=True)
        file = next((one for one in files if one["kind"] == kind), None)
        if file is None:
            kinds = " and ".join(one["kind"] for one in files) or "no file"
            return f"the lake knows of {kinds}"
        if file["status"] != "stored":
            return f"the file is {file['status']}{': ' + file['error'] if file['error'] else ''}"
        stored = LakeResource(config=self._config).read_table(TEXT_EXTRACTIONS_TABLE.name, day)
        if stored is not None:
            of_file = (pl.col("disclosure_id") == number) & (pl.col("kind") == kind)
            told = stored.frame.filter(of_file).select("outcome", "reason").rows()
            if told:
                outcome, reason = told[0]
                return f"its text is {outcome}{': ' + reason if reason else ''}"
        return f"it was not extracted yet; `tdnet collect {day} --select document_texts` does it"


def _asked(
    first_day: str, last_day: str, as_of: str
) -> tuple[date | None, date | None, datetime | None]:
    """The days and the moment that are asked for.

    Raises:
        ProblemError: one of them is none.
        QueryError: the last day is before the first.
    """
    given = Parameters({"first_day": first_day, "last_day": last_day, "as_of": as_of})
    first, last = given.day("first_day"), given.day("last_day")
    if first and last and last < first:
        raise QueryError(f"last_day, {last}, is before first_day, {first}")
    return first, last, given.moment("as_of")


def _span(first: date | None, last: date | None, as_of: datetime | None) -> tuple[date, date]:
    """The days that are looked at where no company is named.

    Raises:
        QueryError: they are too many.
    """
    newest = (as_of or datetime.now(TOKYO)).astimezone(TOKYO).date()
    end = last or max(newest, first or newest)
    begin = first or end - timedelta(days=DEFAULT_DAYS - 1)
    days = (end - begin).days + 1
    if days > LONGEST_SPAN:
        raise QueryError(
            f"{begin} to {end} are {days:,} days: ask for at most {LONGEST_SPAN} at once, one span "
            "after the other, or name a company"
        )
    return begin, end


def _cut(rows: Sequence[_T], limit: int, skip: int) -> tuple[Sequence[_T], str | None]:
    """The part of some rows that is asked for, and how to ask for the rest."""
    end = skip + limit
    more = f"there are more: ask the same with skip={end}" if len(rows) > end else None
    return rows[skip:end], more


def _fitting(texts: Iterable[_Row], start: int) -> tuple[list[Page], str | None]:
    """As many pages as fit, the first from a character on; and how to ask for the rest."""
    pages: list[Page] = []
    room = CHARACTERS_OF_TEXT
    for row in texts:
        number, text = row["page"], row["text"][start:]
        if pages and len(text) > room:
            return pages, f"there are more: ask the same with first_page={number}"
        pages.append(
            Page(
                page=number,
                text=text[:room],
                has_text=row["has_text"],
                from_character=start,
                characters=len(row["text"]),
            )
        )
        if len(text) > room:
            end = start + room
            rest = f"first_page={number} and from_character={end}"
            return pages, f"page {number} goes on: ask the same with {rest}"
        room, start = room - len(text), 0
    return pages, None


def _source(row: _Row, kind: str | None = None, page: int | None = None) -> Source:
    return Source(
        disclosure_id=row["disclosure_id"],
        date=row["date"],
        kind=kind,
        page=page,
        capture=row.get("capture"),
    )


def _listing(row: _Row, known: Mapping[str | None, _Row]) -> dict[str, Any]:
    """A row of the list, or of a search, as the fields of ``Listed``."""
    listed = known.get(row["disclosure_id"], {})
    names = ("disclosed_at", "code", "company_name", "title", "category", "status")
    source = _source({**listed, **row}, row.get("kind"), row.get("page"))
    return {"source": source, **{name: row[name] for name in names}}


def _report(number: str, published_at: datetime, known: Mapping[str | None, _Row]) -> Source:
    day = published_at.astimezone(TOKYO).date()
    return _source({"disclosure_id": number, "date": day, **known.get(number, {})}, "xbrl")


def _item(item: str, result: Result) -> ItemResult:
    return ItemResult(
        item=item,
        value=result.value,
        prior=result.prior,
        prior_rate=result.prior_rate,
        prior_turn=result.prior_turn,
        forecast=result.expected,
        surprise_rate=result.surprise_rate,
        surprise_turn=result.surprise_turn,
        share_of_year_forecast=None if result.reached is None else float(result.reached),
    )


def _own_forecasts(results: CompanyResults, known: Mapping[str | None, _Row]) -> list[OwnForecast]:
    """The last forecast of each year that has no result, item by item."""
    found = []
    for item, years in results.years.items():
        for year in years:
            if year.result is None and year.forecasts:
                last = year.forecasts[-1]
                found.append(
                    OwnForecast(
                        item=item,
                        fiscal_year_end=year.end,
                        value=last.value,
                        lower=last.lower,
                        upper=last.upper,
                        first_value=year.first,
                        published_at=last.published_at,
                        source=_report(last.disclosure_id, last.published_at, known),
                    )
                )
    return found


def _revised(row: _Row, listed: _Row) -> RevisedFigure:
    own = {name: row[name] for name in RevisedFigure.model_fields if name in row}
    return RevisedFigure(
        **own,
        source=_source({**listed, **row}, "xbrl"),
        company_name=listed.get("company_name"),
        title=listed.get("title"),
    )
