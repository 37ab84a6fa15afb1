"""What counts as the same text: what a person sees, whatever it is made of."""

import time
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.comparable_text import (
    comparable,
    comparable_expression,
    comparable_with_places,
    may_hold,
)

LETTERS = (
    "自己株式ガがｶﾞ゛\u3099ﾊﾟＡａaBé\u0301ß㈱①⻑⾧ー－-−〜～’ \u3000\n\r\t\u00ad\u200b\ufe00１1、%％"
)
TEXTS = st.text(st.sampled_from(LETTERS), max_size=30) | st.text(max_size=20)


def _by_polars(texts):
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(comparable_expression(pl.col("text")))["text"].to_list()


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("自己株\n式の取\r\n得", "自己株式の取得"),
        ("決　算　短　信", "決算短信"),
        ("ＲＯＥ　１０％", "roe 10%"),
        ("net\n  sales", "net sales"),
        ("売上高 1,234 百万円", "売上高1,234百万円"),
        ("ﾃﾞｼﾞﾀﾙ･ﾊﾟｰﾄﾅｰ", "デジタル・パートナー"),
        ("カ゛カ\u3099ｶ゛ｶﾞ", "ガガガガ"),
        ("㈱⻑期、⾧期", "(株)長期、長期"),
        ("Café cafe\u0301 CAFÉ", "cafe cafe cafe"),
        ("2025年〜2026年, 2025～2026", "2025年~2026年, 2025~2026"),
        ("前―後—後−－‐後", "前-後-後---後"),
        ("manage\u00adment\u200b", "management"),
        ("葛\U000e0100城", "葛城"),
        (" \u3000自己\n", "自己"),
        ("ｶ \u3099\u3099", "カ"),
        ("", ""),
    ],
)
def test_what_looks_the_same_is_compared_as_the_same(written, compared):
    assert comparable(written) == compared
    assert _by_polars([written]) == [compared]


def test_kana_of_other_kinds_and_long_vowels_stay_apart():
    assert len({comparable(text) for text in ("はな", "ハナ", "ばな", "ハナー", "ハナ-")}) == 5


@given(st.lists(TEXTS, max_size=5))
def test_polars_compares_as_python_does(texts):
    assert _by_polars(texts) == [comparable(text) for text in texts]


@pytest.mark.slow
def test_each_character_there_is_is_compared_alike_by_both_and_once_is_enough():
    letters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    texts = [f"a{letter}b" for letter in letters]
    compared = _by_polars(texts)
    assert compared == [comparable(text) for text in texts]
    assert compared == [comparable(text) for text in compared]


@given(TEXTS)
def test_comparable_text_stays_as_it_is(text):
    assert comparable(comparable(text)) == comparable(text)


@given(st.text(st.sampled_from("自己株式カガaｂＣ1１ \n\u3000、"), max_size=30), st.data())
def test_whatever_part_of_a_text_is_looked_for_is_found_in_it(text, data):
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    assert comparable(part) in comparable(text)


@given(TEXTS)
def test_every_compared_character_has_a_place_in_the_text(text):
    compared, places = comparable_with_places(text)
    assert len(compared) == len(places)
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)


@given(TEXTS, TEXTS)
def test_a_text_that_holds_something_may_hold_it(text, part):
    for word in (comparable(part), comparable(text)[:3], comparable(text)[-2:]):
        if word and word in comparable(text):
            frame = pl.DataFrame({"text": [text]})
            assert frame.select(may_hold(pl.col("text"), word)).item()


def test_a_text_without_the_characters_cannot_hold_a_word():
    frame = pl.DataFrame({"text": ["業績予想", "㈱の公告", None]})
    assert frame.select(may_hold(pl.col("text"), "株"))["text"].to_list() == [False, True, None]


@given(st.text(st.sampled_from("自Ａｱ１㈱ー %"), max_size=30))
def test_the_width_of_letters_does_not_count(text):
    assert comparable(unicodedata.normalize("NFKC", text)) == comparable(text)


@pytest.mark.parametrize("text", [" " * 200_000, "株 " * 100_000, "a \n" * 70_000, "゛" * 200_000])
def test_a_long_text_takes_linear_time(text):
    started = time.process_time()
    assert _by_polars([text]) == [comparable(text)]
    assert time.process_time() - started < 2
