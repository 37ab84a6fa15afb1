"""The page of the search.

What belongs here: how much is shown, and of which days. What does not: what is found
(``document_search.py``).
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from tdnet_assets.document_search import Within, search
from tdnet_assets.lookups import require_category, whole_code
from tdnet_assets.reader.api_resources import (
    COMPANY_DAYS,
    MOST_FOUND,
    PLACES,
    SEARCH_ORDER,
    SEARCHED,
    page_of_rows,
)
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.parameters import cursor_of
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.reader.responses import Answer, Asking, Prepared
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.search_query import Query as Words

ROWS: Final = 50
LINE: Final = 120
USUAL_DAYS: Final = 31
LONGEST_DAYS: Final = 400


def results(asking: Asking) -> Prepared:
    """What holds the words, newest first."""
    query = asking.query(["q", "in", "category", "from", "to", "as_of", "code", "cursor"])
    words, cursor = query.text("q"), query.cursor(len(SEARCH_ORDER))
    place = cast("Within", query.choice("in", PLACES) or "all")
    category, as_of = query.text("category"), query.moment("as_of")
    require_category(category)
    today = datetime.now(TOKYO).date()
    last = query.day("to") or today
    first: date = query.day("from") or last - timedelta(days=USUAL_DAYS - 1)
    library = asking.reader.library
    since = today - timedelta(days=COMPANY_DAYS)
    code = whole_code(library.config, query.text("code"), since, None)
    if last < first:
        raise ProblemError(400, f"to, {last}, is before from, {first}")
    if code is None and (last - first).days >= LONGEST_DAYS:
        raise ProblemError(
            400,
            f"{first} to {last} are more than {LONGEST_DAYS} days: ask for fewer, or name a code",
        )
    wanted = Words.parse(words) if words else None
    version = library.version(SEARCHED, first, last) if words else ""

    def make() -> Answer:
        found, more = None, None
        if wanted is not None:
            rows = search(
                wanted,
                within=place,
                config=library.config,
                first=first,
                last=last,
                code=code,
                category=category,
                as_of=as_of,
                limit=MOST_FOUND,
                snippet_length=LINE,
            )
            page, end = page_of_rows(rows.lazy(), SEARCH_ORDER, cursor, ROWS)
            found = [(row, _parts(row)) for row in page.iter_rows(named=True)]
            more = cursor_of(end) if end else None
        return html_page(
            asking,
            "search.html",
            words=words or "",
            found=found,
            more=more,
            first=first,
            last=last,
            places=PLACES,
            place=place,
            asked={name: query.text(name) or "" for name in ("category", "code", "as_of")},
        )

    return Prepared(f"{today} {version}", make)


def _parts(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """The line that was found: what is before the word, the word, and what is behind."""
    line, match = row["line"] or "", row["match"] or ""
    before, _, after = line.partition(match) if match else (line, "", "")
    return before, match, after
