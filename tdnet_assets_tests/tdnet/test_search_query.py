"""What a person types, and which texts it finds."""

import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.comparable_text import comparable
from tdnet_assets.tdnet.search_query import Query, SearchQueryError, in_one_line

PAGE = (
    "当社は、2026年６月10日の取締役会において、自己株\n式の取得に係る事項を決議しました。\n"
    "ＲＯＥ 10％"
)


def _finds(typed, text):
    """Whether the text is found; by both ways, which must agree."""
    query = Query.parse(typed)
    by_polars = pl.DataFrame({"text": [text]}).select(query.expression(pl.col("text"))).item()
    assert by_polars is query.matches(text)
    return by_polars


@pytest.mark.parametrize(
    ("typed", "wanted", "unwanted"),
    [
        ("自己株式", ["自己株式"], []),
        ("自己株式　消却", ["自己株式", "消却"], []),
        ('"自己 株式"', ["自己株式"], []),
        ('"net  sales" ROE', ["net sales", "roe"], []),
        ("“Net Sales＂", ["net sales"], []),
        ("自己株式 -訂正", ["自己株式"], ["訂正"]),
        ("自己株式 －訂正", ["自己株式"], ["訂正"]),
        ('自己株式 -"net sales"', ["自己株式"], ["net sales"]),
        ('"-5%" 増益', ["-5%", "増益"], []),
        ("前年比-5%", ["前年比-5%"], []),
        ('"自己株式', ["自己株式"], []),
        ("自己 自己 ＡＢＣ abc", ["自己", "abc"], []),
        ("自己株式 - \u200b", ["自己株式"], []),
    ],
)
def test_words_phrases_and_what_must_not_be_there_are_told_apart(typed, wanted, unwanted):
    query = Query.parse(typed)
    assert (list(query.wanted), list(query.unwanted)) == (wanted, unwanted)
    assert list(query.words) == wanted + unwanted


@pytest.mark.parametrize("typed", ["", "  ", "-訂正", '""', "\u200b", "-"])
def test_a_search_for_nothing_is_refused_with_an_example(typed):
    with pytest.raises(SearchQueryError, match=r"has no word to look for.*自己株式"):
        Query.parse(typed)


def test_a_search_longer_than_anybody_types_is_refused():
    with pytest.raises(SearchQueryError, match="at most 1,000"):
        Query.parse("株" * 1_001)
    with pytest.raises(SearchQueryError, match="33 words to search for: use at most 32"):
        Query.parse(" ".join(map(str, range(100, 133))))


def test_a_word_that_is_broken_over_two_lines_is_found():
    assert _finds("自己株式の取得", PAGE)
    assert _finds('"自己株式 の取得"', PAGE)


def test_all_words_must_be_there_and_no_unwanted_one():
    assert _finds("決議 取締役会 roe", PAGE)
    assert not _finds("決議 消却", PAGE)
    assert not _finds("決議 -自己株式", PAGE)
    assert _finds("決議 -消却", PAGE)


def test_what_was_typed_is_no_pattern():
    assert not _finds(".*", PAGE)
    assert _finds("(a|b)*[", "x (ａ|ｂ)*[ y")


@given(
    st.text(st.sampled_from("自己株式 ａAﾊﾟ\n-\"'(.*[$\\"), max_size=12),
    st.text(st.sampled_from("自己株式 ａAﾊﾟ\n-\"'(.*[$\\"), max_size=30),
)
def test_both_ways_agree_whatever_is_typed(typed, text):
    try:
        query = Query.parse(typed)
    except SearchQueryError:
        return
    _finds(typed, text)
    frame = pl.DataFrame({"text": [text]})
    if any(word in comparable(text) for word in query.words):
        assert frame.select(query.may_be_in(pl.col("text"))).item()
    snippet = query.snippet(text)
    assert (snippet is not None) == any(word in comparable(text) for word in query.wanted)
    if snippet is not None:
        assert any(word in comparable(snippet.match) for word in query.wanted)


def test_a_null_text_is_neither_found_nor_not_found():
    frame = pl.DataFrame({"text": [None, "自己株式"]}, schema={"text": pl.String})
    found = frame.select(Query.parse("自己株式").expression(pl.col("text")))["text"]
    assert found.to_list() == [None, True]


def test_the_snippet_is_the_line_as_it_is_written_with_the_word_whole():
    query = Query.parse("自己株式の取得")
    snippet = query.snippet(PAGE)
    assert snippet.match == "自己株式の取得"
    assert snippet.before.endswith("取締役会において、")
    assert snippet.after == "に係る事項を決議しました。"
    assert str(query.snippet("１行目\nA 自己株式 の取得枠\n３行目")) == "A 自己株式の取得枠"
    assert Query.parse("株").snippet("前 ㈱見本").match == "㈱"
    assert Query.parse("消却 決議").snippet(PAGE).match == "決議"
    assert Query.parse("消却").snippet(PAGE) is None


@pytest.mark.parametrize("length", [10, 20, 40])
def test_a_long_line_is_cut_around_the_word_and_says_so(length):
    text = "前" * 100 + "自己株式" + "後" * 100
    snippet = Query.parse("自己株式").snippet(text, length)
    assert snippet.match == "自己株式"
    assert len(str(snippet)) == length
    assert snippet.before.startswith("…前")
    assert snippet.after.endswith("後…")
    assert str(Query.parse("自己株式").snippet("自己株式" + "後" * 100, 20)) == (
        "自己株式" + "後" * 15 + "…"
    )
    assert str(Query.parse("自己株式").snippet("前" * 100 + "自己株式", 20)) == (
        "…" + "前" * 15 + "自己株式"
    )


def test_a_snippet_of_a_hostile_text_takes_linear_time():
    text = "\n" * 100_000 + "自" * 100_000 + " \n" * 50_000 + "自己"
    started = time.process_time()
    assert Query.parse("自己").snippet(text, 40).match == "自己"
    assert not Query.parse("己自").matches(text)
    assert time.process_time() - started < 2


def test_a_line_is_put_together_as_it_is_read():
    assert in_one_line(" 自己株\n式の  取得\tABC\nDEF ") == "自己株式の取得 ABC DEF"
