"""The page of the search.

What belongs here: what is looked for, where, and how much is shown. What does not: what a line of
words means.
"""

from datetime import date, datetime, timedelta
from typing import Final

from tdnet_assets import catalog
from tdnet_assets.lookups import mentions, require_category
from tdnet_assets.reader.answers import Answer, Asking, Prepared
from tdnet_assets.reader.api_resources import page_of_rows
from tdnet_assets.reader.day_pages import ORDER
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.parameters import cursor_of
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.tdnet.listing import TOKYO

ROWS: Final = 50
USUAL_DAYS: Final = 31


def search(asking: Asking) -> Prepared:
    """What holds the words."""
    query = asking.query(["q", "in", "category", "from", "to", "as_of", "code", "cursor"])
    words, cursor = query.text("q"), query.cursor(len(ORDER))
    first, last, as_of = query.day("from"), query.day("to"), query.moment("as_of")
    today = datetime.now(TOKYO).date()
    end = last or today
    begin: date = first or end - timedelta(days=USUAL_DAYS - 1)
    if end < begin:
        raise ProblemError(400, f"to, {end}, is before from, {begin}")
    require_category(query.text("category"))
    library = asking.reader.library

    def make() -> Answer:
        page, after = None, None
        if words:
            rows = catalog.scan_disclosures(
                config=library.config, first=begin, last=end, as_of=as_of
            ).filter(mentions(words))
            page, after = page_of_rows(rows, ORDER, cursor, ROWS)
        return html_page(
            asking,
            "search.html",
            words=words or "",
            rows=page.to_dicts() if page is not None else None,
            more=cursor_of(after) if after else None,
            first=begin,
            last=end,
            asked={name: query.text(name) or "" for name in ("in", "category", "as_of", "code")},
        )

    return Prepared(f"{today} {library.version(('disclosures',), begin, end)}", make)
