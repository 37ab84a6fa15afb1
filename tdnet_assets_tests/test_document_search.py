"""Which disclosures a search finds, by their titles and by the pages of their documents."""

import time
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from tdnet_assets import catalog, document_search
from tdnet_assets.document_search import FOUND_SCHEMA, search
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.document_texts import COMPARABLE_TEXTS_VIEW, DOCUMENT_TEXTS_TABLE
from tdnet_assets.tdnet.comparable_text import comparable
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.search_query import Query
from tdnet_assets_tests.lake_days import disclosure, put_day

DAY = date(2026, 6, 10)


@pytest.fixture
def lake(platform):
    return LakeResource(config=platform)


def put_texts(lake, day, pages):
    """Write the pages of a day, given as (number, kind, page, text), with codes as listed."""
    codes = dict(lake.read_table("disclosures", day).frame.select("disclosure_id", "code").rows())
    rows = [
        {
            "disclosure_id": f"{day:%Y%m%d}{number:06d}",
            "code": codes[f"{day:%Y%m%d}{number:06d}"],
            "kind": kind,
            "page": page,
            "text": text,
            "chars": len(text),
            "has_text": bool(text),
        }
        for number, kind, page, text in pages
    ]
    frame = DOCUMENT_TEXTS_TABLE.frame(rows).sort(DOCUMENT_TEXTS_TABLE.order)
    lake.write_table("document_texts", day, frame, {})


@pytest.fixture
def found(platform):
    """The numbers that a search finds, in order."""

    def numbers(typed, **asked):
        answer = search(Query.parse(typed), config=platform, **asked)
        assert answer.schema == FOUND_SCHEMA
        return [int(number[8:]) for number in answer["disclosure_id"]]

    return numbers


@pytest.mark.slow
def test_what_a_search_compares_costs_no_more_for_standing_in_many_files(lake, platform):
    many, few = [DAY + timedelta(days=offset) for offset in range(2, 62)], [DAY]
    for day in (*many, *few):
        put_day(lake, day, [disclosure(day, 1, code="72030")])
        pages = [(1, "pdf", page, "自己株式の取得") for page in range(1, 3 if day in many else 120)]
        put_texts(lake, day, pages)

    def took(days):
        began = time.process_time()
        rows = search(Query.parse("株式"), config=platform, first=days[0], last=days[-1])
        assert sum(rows["pages"]) == 119 + (days == many)
        return time.process_time() - began

    # The table of all characters took 11 ms in each file.
    assert min(took(many) for _ in range(3)) - min(took(few) for _ in range(3)) < 0.4


@pytest.fixture
def day(lake):
    titles = ("自己株式の取得に関するお知らせ", "決算短信", "役員の異動", "（訂正）決算短信")
    rows = [disclosure(DAY, number, title=title) for number, title in enumerate(titles)]
    put_day(lake, DAY, rows)
    put_texts(
        lake,
        DAY,
        [
            (0, "pdf", 1, "取締役会において決議"),
            (0, "pdf", 2, "取得し得る株式の総数\nＲＯＥ １０％"),
            (1, "pdf", 1, "自己株\n式の消却を行いました"),
            (1, "xbrl", 3, "自己株式の消却"),
            (2, "pdf", 1, ""),
            (3, "pdf", 1, "自己株式の数を訂正"),
        ],
    )
    return rows


@pytest.mark.slow
def test_titles_and_pages_together_must_have_all_words(found, day):
    assert found("自己株式") == [3, 1, 0]
    assert found("自己株式 決議") == [0]
    assert found("決算短信 自己株式") == [3, 1]
    assert found("決算短信 自己株式 -訂正") == [1]
    assert found("自己株式 roe 取締役会") == [0]
    assert found("何もない") == []


def test_a_search_may_be_in_titles_or_in_texts_alone(found, day):
    assert found("自己株式", within="title") == [0]
    assert found("自己株式", within="text") == [3, 1]
    assert found("自己株式 決議", within="title") == []
    assert found("決算短信 -訂正", within="title") == [1]
    assert found("役員", within="text") == []


def test_a_row_says_where_the_word_is_and_shows_its_line(platform, day):
    answer = search(Query.parse("自己株式 消却"), config=platform)

    (row,) = answer.to_dicts()
    assert (row["kind"], row["page"], row["pages"]) == ("pdf", 1, 2)
    assert (row["line"], row["match"]) == ("自己株式の消却を行いました", "自己株式")
    assert (row["date"], row["code"], row["title"]) == (DAY, day[1].code, "決算短信")
    (row,) = search(Query.parse("役員"), config=platform).to_dicts()
    assert (row["kind"], row["page"], row["pages"], row["line"]) == ("title", None, 0, "役員の異動")


def test_an_earlier_title_is_found_and_a_title_is_not_run_together_with_it(lake, found):
    row = disclosure(DAY, 0, title="公告", previous_titles=("自己", "株式"), status="retitled")
    put_day(lake, DAY, [row])

    assert found("自己") == [0]
    assert found("自己株式") == []
    assert found("自己 株式 公告") == [0]


def test_a_search_can_be_narrowed_by_company_category_and_days(lake, found, day):
    assert found("自己株式", code=day[1].code) == [1]
    assert found("自己株式", category="share_buyback") == [0]
    assert found("自己株式", first=DAY + timedelta(days=1)) == []
    assert found("自己株式", first=DAY, last=DAY) == [3, 1, 0]


def test_only_what_was_known_at_a_moment_is_found(found, day):
    assert found("自己株式", as_of=datetime(2026, 6, 9, 12, tzinfo=TOKYO)) == []
    assert found("自己株式", as_of=datetime(2026, 6, 10, 11, tzinfo=TOKYO)) == []
    assert found("自己株式", as_of=datetime(2026, 6, 10, 13, tzinfo=TOKYO)) == [3, 1, 0]


@pytest.mark.slow
def test_the_newest_come_first_and_a_limit_leaves_older_months_closed(lake, platform, monkeypatch):
    monkeypatch.setattr(document_search, "_DAYS_AT_ONCE", 2)
    for back in range(5):
        day = DAY - timedelta(days=back)
        put_day(lake, day, [disclosure(day, number, title="役員の異動") for number in range(3)])
        put_texts(lake, day, [(number, "pdf", 1, "自己株式") for number in range(3)])

    whole = search(Query.parse("自己株式"), config=platform)

    assert whole.height == 15
    assert whole["disclosed_at"].is_sorted(descending=True)
    assert search(Query.parse("自己株式"), config=platform, limit=4).equals(whole.head(4))
    oldest = f"tables/document_texts/date={DAY - timedelta(days=4)}/data.parquet"
    lake.store.put(oldest, b"damaged")
    assert search(Query.parse("自己株式"), config=platform, limit=4).equals(whole.head(4))
    with pytest.raises(pl.exceptions.ComputeError):
        search(Query.parse("自己株式"), config=platform)
    lake.store.delete(oldest)
    assert search(Query.parse("自己株式"), config=platform).height == 12


def test_an_empty_lake_finds_nothing(found):
    assert found("自己株式") == []
    assert found("自己株式", code="72030") == []


def test_texts_are_scanned_with_what_a_search_compares(platform, lake, day):
    texts = catalog.scan_texts(config=platform)

    assert texts.collect_schema() == pl.Schema({"date": pl.Date, **COMPARABLE_TEXTS_VIEW.schema})
    frame = texts.collect()
    assert frame.height == 6
    assert frame["text_normalized"].to_list() == [comparable(text) for text in frame["text"]]
    of_company = catalog.scan_texts(config=platform, code=day[1].code).collect()
    assert set(of_company["disclosure_id"]) == {day[1].disclosure_id}
    query = Query.parse("自己株式の消却")
    matching = texts.filter(query.expression(pl.col("text"))).select("kind", "page").collect()
    assert sorted(matching.rows()) == [("pdf", 1), ("xbrl", 3)]
    only = texts.filter(pl.col("text_normalized").str.contains("自己株式の消却", literal=True))
    assert only.collect().height == 2
