"""The pages of a day: today as it grows, any other day, and the feed.

What belongs here: which of a day's disclosures are shown, and what is said of the day. What does
not: how they look (``templates/``).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl
from markupsafe import Markup

from tdnet_assets import catalog
from tdnet_assets.lookups import mentions, require_category
from tdnet_assets.reader.api_resources import page_of_rows
from tdnet_assets.reader.html_pages import page as html_page
from tdnet_assets.reader.library import Library
from tdnet_assets.reader.parameters import Query, cursor_of, day_of
from tdnet_assets.reader.responses import Answer, Asking, Prepared
from tdnet_assets.reader.svg_charts import hours_chart
from tdnet_assets.tdnet.categories import CATEGORIES
from tdnet_assets.tdnet.identifiers import as_printed
from tdnet_assets.tdnet.listing import TOKYO

ROWS: Final = 100
FILTERS: Final = ("category", "code", "q", "xbrl")
ORDER: Final = ("disclosed_at", "code", "disclosure_id", "title", "history")
_HOURS: Final = range(7, 20)
_TABLE: Final = ("disclosures",)


def today(asking: Asking) -> Prepared:
    """Today, newest first."""
    return _day(asking, datetime.now(TOKYO).date(), is_today=True)


def one_day(asking: Asking) -> Prepared:
    """A day, with its hours and categories."""
    return _day(asking, day_of(asking.path["day"], "the day"), is_today=False)


def _day(asking: Asking, day: date, *, is_today: bool) -> Prepared:
    query = asking.query([*FILTERS, "cursor"])
    cursor = query.cursor(len(ORDER))
    library, window = asking.reader.library, asking.reader.window.now()
    conditions = filters_of(query)

    def make() -> Answer:
        listed = rows_of_day(library, day)
        found = listed.filter(*conditions) if conditions else listed
        page, end = page_of_rows(found.lazy(), ORDER, cursor, ROWS)
        return html_page(
            asking,
            "day.html",
            day=day,
            is_today=is_today,
            window=window,
            state=window.of(day),
            rows=page.to_dicts(),
            total=listed.height,
            found=found.height,
            more=cursor_of(end) if end else None,
            filters={name: query.text(name) or "" for name in FILTERS},
            is_filtered=bool(conditions),
            before=day - timedelta(days=1),
            after=day + timedelta(days=1) if not is_today else None,
            **_hours_and_categories(asking, listed),
        )

    version = library.version(_TABLE, day, day)
    return Prepared(f"{day} {version} {window.version}", make)


def rows_of_day(library: Library, day: date) -> pl.DataFrame:
    """All that is stored of a day, in no particular order."""
    return library.kept(
        ("day", day),
        library.version(_TABLE, day, day),
        lambda: catalog.scan_disclosures(config=library.config, first=day, last=day).collect(),
        lambda frame: int(frame.estimated_size()),
    )


def filters_of(query: Query) -> list[pl.Expr]:
    """The conditions of a query with the parameters :data:`FILTERS`.

    A code of 4 characters finds all that begin with it.
    """
    conditions = []
    category, code, words = (query.text(name) for name in ("category", "code", "q"))
    if category is not None:
        require_category(category)
        conditions.append(pl.col("category") == category)
    if code is not None:
        conditions.append(pl.col("code").str.starts_with(as_printed(code)))
    if words is not None:
        conditions.append(mentions(words))
    if query.choice("xbrl", ("1",)) is not None:
        conditions.append(pl.col("xbrl_url").is_not_null())
    return conditions


@dataclass(frozen=True, slots=True)
class _Counted:
    name: str
    number: int


def _hours_and_categories(asking: Asking, listed: pl.DataFrame) -> dict[str, Any]:
    hours = listed["disclosed_at"].dt.hour().value_counts() if listed.height else None
    by_hour: dict[int, int] = dict(hours.iter_rows()) if hours is not None else {}
    spread = [*_HOURS, *(hour for hour in by_hour if hour not in _HOURS)]
    counts = [(f"{hour}", by_hour.get(hour, 0)) for hour in sorted(spread)] if by_hour else []
    numbers = dict(listed["category"].value_counts().iter_rows()) if listed.height else {}
    by_category = [_Counted(name, numbers[name]) for name in CATEGORIES if name in numbers]
    chart = hours_chart(counts, asking.words("by_hour"), "hours")
    return {
        "hours": [_Counted(f"{hour}:00", number) for hour, number in counts],
        "by_category": sorted(by_category, key=lambda one: -one.number),
        "hours_chart": Markup(chart),  # noqa: S704 - made of numbers by our own code
    }


def feed(asking: Asking) -> Prepared:
    """The newest disclosures as an Atom feed."""
    query = asking.query([*FILTERS])
    conditions = filters_of(query)
    library = asking.reader.library
    last = datetime.now(TOKYO).date()
    first = last - timedelta(days=_FEED_DAYS - 1)

    def make() -> Answer:
        rows = catalog.scan_disclosures(config=library.config, first=first, last=last)
        found, _ = page_of_rows(rows.filter(*conditions), ORDER, None, ROWS)
        newest = found["last_seen_at"].max() if found.height else None
        answer = html_page(
            asking,
            "feed.xml",
            rows=found.to_dicts(),
            updated=newest or datetime(last.year, last.month, last.day, tzinfo=TOKYO),
            base=str(asking.request.base_url).rstrip("/"),
        )
        return Answer(answer.content, "application/atom+xml; charset=utf-8")

    return Prepared(f"{last} {library.version(_TABLE, first, last)}", make)


_FEED_DAYS: Final = 7
