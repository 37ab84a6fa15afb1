"""The page of notices: what was told to whom and how fast, and why somebody was not told.

What belongs here: which notices are shown, from ``watch_notices`` of the lake alone. What does not:
the judgement (``resources/notices/explanation.py``), and what is being sent at the moment, which is
in DynamoDB and which the reader has no right to see.
"""

import re
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl

from tdnet_assets import catalog
from tdnet_assets.reader.api_resources import page_of_rows
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.library import LISTED_EVERY_SECONDS
from tdnet_assets.reader.parameters import Query, cursor_of
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.reader.responses import Answer, Asking, Prepared
from tdnet_assets.resources.aws.notices_table import CLAIMED, SENT, TO_TELL, UNDELIVERABLE
from tdnet_assets.resources.notices.due_notices import stored_notices
from tdnet_assets.resources.notices.explanation import Explanation, explain
from tdnet_assets.tables.watch_notices import WATCH_NOTICES_TABLE
from tdnet_assets.tdnet.identifiers import as_printed, is_disclosure_id
from tdnet_assets.tdnet.listing import TOKYO

ROWS: Final = 100
NOTICE_DAYS: Final = 31
STATES: Final = (SENT, TO_TELL, CLAIMED, UNDELIVERABLE)
FILTERS: Final = ("watch", "id", "code", "state")
_NAME: Final = WATCH_NOTICES_TABLE.name
# What a destination has answered may repeat its own address, which may be a secret.
_BEHIND_THE_HOST: Final = re.compile(r"(https?://[^\s/?#'\"]{1,253})[/?#][^\s'\"]*")


def notices(asking: Asking) -> Prepared:
    """The notices of the last days, the newest first; why there is none, if one is asked for."""
    query = asking.query([*FILTERS, "cursor"])
    cursor = query.cursor(len(WATCH_NOTICES_TABLE.order))
    filters = {name: query.text(name) or "" for name in FILTERS}
    query.choice("state", STATES)
    number = as_printed(filters["id"])
    if number and not is_disclosure_id(number):
        raise ProblemError(400, f"{number[:20]!r} is not a disclosure number: use its 14 digits")
    library, watches = asking.reader.library, asking.reader.watches.current()
    today = datetime.now(TOKYO).date()
    first = _first_day(number, today)
    version = library.version((_NAME,), first, None)

    def make() -> Answer:
        told = library.kept(
            ("notices", first),
            version,
            lambda: catalog.scan_watch_notices(config=library.config, first=first).collect(),
            lambda frame: int(frame.estimated_size()),
        )
        found = told.filter(*_conditions(query, number))
        page, end = page_of_rows(found.lazy(), WATCH_NOTICES_TABLE.order, cursor, ROWS)
        return html_page(
            asking,
            "notices.html",
            rows=[_shown(row) for row in page.iter_rows(named=True)],
            more=cursor_of(end) if end else None,
            counts=_counts(found),
            seconds=_seconds(found),
            is_any=bool(told.height),
            names=sorted({*told["watch"], *(one.name for one in watches.watches)}),
            has_file=bool(library.config.watches),
            states=STATES,
            filters=filters,
            is_filtered=any(filters.values()),
            why=_why(asking, filters["watch"], number),
            days=NOTICE_DAYS,
        )

    # An explanation looks at more than the notices: it is made anew as often as anything is listed.
    turn = int(time.time() / LISTED_EVERY_SECONDS) if filters["watch"] and number else ""
    watched = " ".join(f"{one.name} {one.digest}" for one in watches.watches)
    return Prepared(f"{today} {version} {watched} {turn}", make)


def _first_day(number: str, today: date) -> date:
    """The days that are shown: the last ones, or since a disclosure was registered."""
    usual = today - timedelta(days=NOTICE_DAYS - 1)
    try:
        registered = date.fromisoformat(number[:8])
    except ValueError:
        return usual
    return min(usual, max(registered, date(1990, 1, 2)) - timedelta(days=1))


def _conditions(query: Query, number: str) -> list[pl.Expr]:
    conditions = []
    if watch := query.text("watch"):
        conditions.append(pl.col("watch") == watch)
    if state := query.text("state"):
        conditions.append(pl.col("state") == state)
    if code := query.text("code"):
        conditions.append(pl.col("code").str.starts_with(as_printed(code)))
    if number:
        conditions.append(pl.col("disclosure_id") == number)
    return conditions


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A notice without what may be a secret, its event as a name with words."""
    event, _, number = row["event"].partition("-")
    return {
        **row,
        "event": event,
        "number": number,
        "error": _BEHIND_THE_HOST.sub(r"\1/…", row["error"] or ""),
    }


def _counts(found: pl.DataFrame) -> list[tuple[str, int]]:
    numbers = dict(found["state"].value_counts().iter_rows())
    return [(state, numbers[state]) for state in STATES if state in numbers]


def _seconds(found: pl.DataFrame) -> tuple[float, float] | None:
    """From publication until it was sent: the median, and what 95 of 100 did not exceed."""
    seconds = found["seconds"].drop_nulls()
    if seconds.is_empty():
        return None
    return float(seconds.quantile(0.5) or 0), float(seconds.quantile(0.95) or 0)


def _why(asking: Asking, watch: str, number: str) -> Explanation | str | None:
    """What is known of a watch and a disclosure; a word where the lake has no such disclosure."""
    if not watch or not number:
        return None
    lake = asking.reader.library.lake
    watches = asking.reader.watches.current()
    return explain(lake, watches, watch, number, known=stored_notices) or "no_such_disclosure"
