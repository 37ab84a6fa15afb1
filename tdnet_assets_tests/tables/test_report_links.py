"""Which reports follow each other, whichever day states it."""

import datetime as dt
import random
import sqlite3
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tables.earnings import EARNINGS_TABLE
from tdnet_assets.tables.report_figures import REPORT, REPORT_FIGURES_TABLE
from tdnet_assets.tables.report_links import (
    REPORT_LINKS_TABLE,
    linked_earnings_sql,
    links_between,
    with_links,
)

TOKYO = ZoneInfo("Asia/Tokyo")
DAY = dt.date(2026, 5, 14)
YEAR, HALF = dt.date(2026, 3, 31), dt.date(2025, 9, 30)


def report(number, after=0, *, hour=15, end=YEAR, code="141A0", **changes):
    day = DAY + dt.timedelta(days=after)
    row = dict.fromkeys(REPORT_FIGURES_TABLE.schema) | {
        "disclosure_id": number,
        "code": code,
        "published_at": dt.datetime.combine(day, dt.time(hour), TOKYO),
        "is_correction": False,
        "standard": "jp",
        "consolidation": "Consolidated",
        "period_end": end,
        "item": "FY" if end == YEAR else "Q2",
        "kind": REPORT,
    }
    return {**row, **changes}


def figures(rows):
    frame = REPORT_FIGURES_TABLE.frame(rows)
    return frame.select(pl.col("published_at").dt.date().alias("date"), pl.all())


def links(rows, others=()):
    return links_between(figures(rows), figures(others))


def told(found):
    return found.select("disclosure_id", "relation", "other_id").rows()


def linked(rows, found):
    """What is said of each report when it is read, and of what the view in SQL says the same."""
    blank = dict.fromkeys(EARNINGS_TABLE.schema)
    reports = EARNINGS_TABLE.frame({**blank, "disclosure_id": row["disclosure_id"]} for row in rows)
    read = with_links(reports.lazy(), found.lazy()).collect()
    answer = read.select("disclosure_id", "replaces", "replaced_by", "is_current").sort(pl.all())
    assert answer.rows() == sorted(in_sql(reports, found), key=lambda row: row[0])
    return {number: (before, behind) for number, before, behind, _ in answer.rows()}


def in_sql(reports, found):
    with sqlite3.connect(":memory:") as database:
        for name, frame in (("earnings", reports), ("report_links", found)):
            stored = frame.select(pl.lit(str(DAY)).alias("date"), pl.all())
            flat = stored.with_columns(
                pl.col(pl.Datetime, pl.Date, pl.Decimal).cast(pl.String)
            ).select(pl.exclude(pl.List))
            names = ", ".join(f'"{one}"' for one in stored.columns)
            database.execute(f"CREATE TABLE {name} ({names})")
            columns = ", ".join(f'"{one}"' for one in flat.columns)
            slots = ", ".join("?" * flat.width)
            insert = f"INSERT INTO {name} ({columns}) VALUES ({slots})"  # noqa: S608
            database.executemany(insert, flat.rows())
        database.row_factory = sqlite3.Row
        return [
            (row["disclosure_id"], row["replaces"], row["replaced_by"], bool(row["is_current"]))
            for row in database.execute(linked_earnings_sql())
        ]


def test_a_pair_is_told_from_the_side_of_the_day_that_states_it():
    first, second = report("1"), report("2", 15)

    assert told(links([second], [first])) == [("2", "replaces", "1")]
    assert told(links([first], [second])) == [("1", "replaced_by", "2")]
    assert told(links([first])) == []
    correction = {**second, "is_correction": True}
    assert told(links([correction], [first])) == [("2", "corrects", "1")]
    assert told(links([first], [correction])) == [("1", "replaced_by", "2")]
    (row,) = links([second], [first]).to_dicts()
    assert (row["other_date"], row["other_published_at"]) == (DAY, first["published_at"])


def test_two_reports_of_one_day_are_linked_and_of_one_minute_by_their_numbers():
    rows = [report("2"), report("1"), report("3", hour=9)]

    assert linked(rows, links(rows)) == {
        "3": (None, "1"),
        "1": ("3", "2"),
        "2": ("1", None),
    }


def test_a_report_of_something_else_is_not_linked():
    first = report("1")
    others = [
        report("2", 1, code="99990"),
        report("3", 1, end=HALF),
        report("4", 1, standard="ifrs"),
        report("5", 1, consolidation="NonConsolidated"),
        report("6", 1, consolidation=None),
    ]

    assert links([first], others).height == 0
    assert links([others[-1]], [report("7", 2, consolidation=None)]).height == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(9, 12)), max_size=7), st.randoms())
def test_in_whatever_order_days_are_made_the_last_report_is_current(places, chance):
    rows = [report(str(number), after, hour=hour) for number, (after, hour) in enumerate(places)]
    days = sorted({row["published_at"].date() for row in rows})
    chance.shuffle(days)
    stated = [pl.DataFrame(schema=REPORT_LINKS_TABLE.schema)]
    made = []
    for day in days:
        own = [row for row in rows if row["published_at"].date() == day]
        stated.append(links(own, made))
        made += own

    chain = sorted(rows, key=lambda row: (row["published_at"], row["disclosure_id"]))
    numbers = [None, *(row["disclosure_id"] for row in chain), None]
    expected = {
        number: (before, behind)
        for before, number, behind in zip(numbers, numbers[1:], numbers[2:], strict=False)
    }
    assert linked(rows, pl.concat(stated)) == expected


def test_a_shuffled_table_says_the_same():
    rows = [report(str(number), number) for number in range(4)]
    found = links(rows)
    shuffled = found.sample(fraction=1, shuffle=True, seed=random.Random(7).randrange(9))  # noqa: S311

    assert linked(rows, shuffled) == linked(rows, found)
