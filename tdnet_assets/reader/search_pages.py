"""The page of the search.

What belongs here: how much is shown, and of which days. What does not: what is found
(``text_search.py``).
"""

from datetime import date, datetime, timedelta
from typing import Final

from tdnet_assets.lookups import require_category, whole_code
from tdnet_assets.reader.api_resources import COMPANY_DAYS, page_of_rows
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.parameters import cursor_of
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.reader.responses import Answer, Asking, Prepared
from tdnet_assets.reader.text_search import ORDER, PLACES, Search, found_rows
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.search_query import Query as Words

ROWS: Final = 50
USUAL_DAYS: Final = 31
LONGEST_DAYS: Final = 400


def search(asking: Asking) -> Prepared:
    """What holds the words, newest first."""
    query = asking.query(["q", "in", "category", "from", "to", "as_of", "code", "cursor"])
    words, cursor = query.text("q"), query.cursor(len(ORDER))
    place = query.choice("in", PLACES) or "all"
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
    asked = Search(Words.parse(words), place, first, last, code, category, as_of) if words else None

    def make() -> Answer:
        found, more = None, None
        if asked is not None:
            rows, end = page_of_rows(asked.rows(library.config), ORDER, cursor, ROWS)
            found = found_rows(asked, rows)
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

    version = library.version(asked.tables, first, last) if asked else ""
    return Prepared(f"{today} {version}", make)
