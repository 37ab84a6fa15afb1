import datetime as dt
import re
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from benchmarks import fuzz_listing
from tdnet_assets.tdnet import listing
from tdnet_assets.tdnet.listing import (
    MAXIMUM_PAGE_BYTES,
    REJECTED_HTML_CHARACTERS,
    CharsetError,
    ListedDisclosure,
    ListPageError,
    StructureError,
    WrongDayError,
    normalize_title,
    page_count,
    page_name,
    parse_list_page,
)
from tdnet_assets_tests.tdnet.list_pages import Row, deleted, empty_page_html, many, page_html

DAY = dt.date(2026, 6, 10)
TOKYO = ZoneInfo("Asia/Tokyo")
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r", "none": ""}

CAPTURES = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures" / "html"
needs_captures = pytest.mark.skipif(
    not CAPTURES.is_dir(),
    reason=f"REAL CAPTURES NOT TESTED: there are no real list pages in {CAPTURES}",
)


def parse(text, *, day=DAY, page=1):
    return parse_list_page(text.encode(), day=day, page=page)


def capture(name, day, page):
    content = (CAPTURES / name).read_bytes()
    return content.decode(), parse_list_page(content, day=day, page=page)


def only_row(row, **changes):
    (parsed,) = parse(page_html([replace(row, **changes)], day=DAY)).rows
    return parsed


def only_reject(text):
    """The reject in the middle of three rows, once both others were read."""
    page = parse(text)
    assert [row.position for row in page.rows] == [1, 3]
    (reject,) = page.rejects
    assert (reject.page, reject.position) == (1, 2)
    return reject


def three_rows(**changes_of_the_second):
    first, second, third = many(3)
    return page_html([first, replace(second, **changes_of_the_second), third], day=DAY)


# --- the real pages ---


@needs_captures
def test_the_real_page_with_ten_deletions_is_read_whole():
    text, page = capture("I_list_001_20160711.html", dt.date(2016, 7, 11), 1)
    assert (page.total, page.first, page.last, page.number) == (242, 1, 100, 1)
    assert (len(page.rows), page.rejects) == (100, ())
    assert Counter(row.state for row in page.rows) == {"active": 90, "deleted": 10}
    gone = [row for row in page.rows if row.state == "deleted"]
    assert {(row.disclosure_id, row.pdf_name, row.xbrl_name) for row in gone} == {(None,) * 3}
    assert all(row.title and row.code and row.company_name for row in gone)
    assert {row.changed_at.date() for row in gone} == {dt.date(2016, 7, 15)}
    assert {row.history[-2:] for row in gone} == {"削除"}
    assert [row.pdf_name for row in page.rows if row.pdf_name] == re.findall(r"\d+\.pdf", text)
    assert [row.xbrl_name for row in page.rows if row.xbrl_name] == re.findall(r"\d+\.zip", text)
    assert Counter(row.xbrl_kind for row in page.rows) == {None: 80, "earnings": 12, "revision": 8}
    assert Counter(row.exchanges for row in page.rows) == {
        ("東",): 89,
        ("東", "名"): 6,
        ("東", "福"): 3,
        ("東", "名", "札", "福"): 1,
        ("GR",): 1,
    }
    assert sum(row.title.endswith(" ") for row in page.rows) == 4


@needs_captures
def test_the_real_page_ten_of_eleven_counts_its_pages_by_the_total_and_not_by_the_pager():
    text, page = capture("I_list_010_20160729.html", dt.date(2016, 7, 29), 10)
    assert ">..</div>" in text
    assert (page.total, page.first, page.last, page.number) == (1090, 901, 1000, 10)
    assert page_count(page.total) == 11
    assert (len(page.rows), page.rejects) == (100, ())
    assert [row.pdf_name for row in page.rows] == re.findall(r"\d+\.pdf", text)
    assert [row.xbrl_name for row in page.rows if row.xbrl_name] == re.findall(r"\d+\.zip", text)
    assert sum(row.code.endswith("4") for row in page.rows) == 3
    (retitled,) = (row for row in page.rows if row.state == "retitled")
    (old,) = retitled.previous_titles
    assert retitled.title == old.replace("28", "29")
    assert retitled.title != old
    assert retitled.changed_at == dt.datetime(2016, 7, 29, 15, 38, tzinfo=TOKYO)
    assert retitled.disclosure_id in retitled.pdf_name
    assert retitled.xbrl_kind == "earnings"


@needs_captures
def test_the_real_page_of_an_empty_day_has_no_rows():
    _, page = capture("I_list_001_20160709.html", dt.date(2016, 7, 9), 1)
    assert (page.total, page.first, page.last, page.rows, page.rejects) == (0, 1, 0, (), ())


@needs_captures
@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize(
    ("name", "day", "number"),
    [
        ("I_list_001_20160709.html", dt.date(2016, 7, 9), 1),
        ("I_list_001_20160711.html", dt.date(2016, 7, 11), 1),
        ("I_list_010_20160729.html", dt.date(2016, 7, 29), 10),
    ],
)
def test_a_real_page_reads_the_same_with_any_line_ends(name, day, number, line_end):
    text, page = capture(name, day, number)
    changed = re.sub(r"\r\n|\r|\n", line_end, text)
    assert parse(changed, day=day, page=number) == page


# --- names and counts ---


@pytest.mark.parametrize(
    ("total", "pages"), [(0, 1), (1, 1), (100, 1), (101, 2), (1090, 11), (2302, 24), (2694, 27)]
)
def test_the_page_count_is_the_total_in_hundreds_and_one_for_an_empty_day(total, pages):
    assert page_count(total) == pages


def test_a_page_name_carries_the_page_and_the_day():
    assert page_name(DAY, 1) == "I_list_001_20260610.html"
    assert page_name(DAY, 27) == "I_list_027_20260610.html"


def test_impossible_pages_and_totals_are_refused():
    with pytest.raises(ValueError, match="from 1"):
        page_name(DAY, 0)
    with pytest.raises(ValueError, match="0 or more"):
        page_count(-1)


def test_a_day_of_fifty_pages_is_counted_by_its_total_though_the_pager_shows_ten():
    text = page_html(many(100), day=DAY, total=4_950)
    assert "I_list_011_20260610.html')\">..</div>" in text
    assert "I_list_012" not in text
    assert page_count(parse(text).total) == 50


# --- rows ---


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
def test_a_row_is_read_alike_with_any_line_ends(line_end):
    row = Row(xbrl_prefix="0812", place="東名")
    page = parse(page_html([row], day=DAY, line_end=line_end))
    assert page.rejects == ()
    assert page.rows == (
        ListedDisclosure(
            page=1,
            position=1,
            time=dt.time(15, 30),
            code="72030",
            company_name="見本製作所",
            title="2026年４月期決算短信〔日本基準〕(連結)",
            previous_titles=(),
            pdf_name="140120260610500001.pdf",
            xbrl_name="081220260610500001.zip",
            disclosure_id="20260610500001",
            xbrl_kind="earnings",
            exchanges=("東", "名"),
            exchanges_text="東名",
            history="",
            state="active",
            changed_at=None,
        ),
    )


def test_a_growth_market_name_comes_out_of_the_bytes_exactly():
    content = page_html([Row(company_name="Ｇ－見本")], day=DAY).encode()
    (row,) = parse_list_page(content, day=DAY, page=1).rows
    assert row.company_name == "Ｇ－見本"
    assert "\N{REPLACEMENT CHARACTER}" not in repr(row)


def test_the_whole_code_is_kept_with_letters_and_with_a_last_character_other_than_0():
    codes = ["587A4", "585A0", "585A4", "15574", "141A0", "72030"]
    rows = [replace(row, code=code) for row, code in zip(many(6), codes, strict=True)]
    assert [row.code for row in parse(page_html(rows, day=DAY)).rows] == codes


def test_a_row_of_the_revision_kind_and_one_of_an_unknown_kind_are_kept():
    assert only_row(Row(), xbrl_prefix="0912").xbrl_kind == "revision"
    unknown = only_row(Row(), xbrl_prefix="1030")
    assert (unknown.xbrl_kind, unknown.xbrl_name) == (None, "103020260610500001.zip")


@pytest.mark.parametrize("title", ["二重  の　空白 ", "　前後　", 'Ａ＆Ｂ & C <改> "引用"', "ｶﾅ"])
def test_a_title_keeps_the_spelling_of_the_company(title):
    assert only_row(Row(), title=title).title == title


def test_line_ends_around_a_title_are_those_of_the_page():
    text = three_rows(title="\n        折り返した表題\n      ")
    assert parse(text).rows[1].title == "折り返した表題"


def test_the_padding_of_name_place_and_history_is_removed_and_inner_spaces_are_kept():
    row = only_row(
        Row(), company_name="　ＡＢ　ＨＤ", place="東　", history="　2026/06/10 16:00 表題変更　"
    )
    assert row.company_name == "ＡＢ　ＨＤ"
    assert row.exchanges_text == "東"
    assert row.history == "2026/06/10 16:00 表題変更"


def test_an_unknown_exchange_is_kept_as_text_and_rejects_nothing():
    row = only_row(Row(), place="東新PH")
    assert (row.exchanges, row.exchanges_text) == (("東", "PH"), "東新PH")
    assert only_row(Row(), place="").exchanges == ()


def test_a_retitled_row_has_the_new_title_and_the_old_ones_beside_it():
    row = only_row(
        Row(),
        title="新しい表題",
        previous_titles=("古い表題", "もっと古い表題"),
        history="2026/06/10 17:05 表題変更",
        row_class="hyodaiUpd",
    )
    assert row.title == "新しい表題"
    assert row.previous_titles == ("古い表題", "もっと古い表題")
    assert row.state == "retitled"
    assert row.changed_at == dt.datetime(2026, 6, 10, 17, 5, tzinfo=TOKYO)
    assert row.changed_at.utcoffset() == dt.timedelta(hours=9)
    assert row.disclosure_id == "20260610500001"


def test_a_struck_out_title_inside_the_link_is_not_part_of_the_new_one():
    text = three_rows(title="表題").replace(
        ">表題<", "><b>新しい</b>表題<BR><s>古い<i>表</i>題</s><"
    )
    row = parse(text).rows[1]
    assert (row.title, row.previous_titles) == ("新しい表題", ("古い表題",))
    assert row.state == "retitled"


def test_a_space_behind_the_link_is_not_part_of_the_title():
    text = three_rows(title="表題").replace(">表題</a>", ">表題</a> ")
    assert parse(text).rows[1].title == "表題"


def test_a_deeply_nested_title_is_read():
    depth = 2_500
    text = three_rows(title="表題").replace(">表題<", f">{'<b>' * depth}表題<s>古い</s><")
    row = parse(text).rows[1]
    assert (row.title, row.previous_titles) == ("表題", ("古い",))


@pytest.mark.parametrize(
    "row",
    [deleted(), deleted(row_class=""), deleted(history="")],
    ids=["both marks", "only the word", "only the class"],
)
def test_a_deleted_row_keeps_what_is_left_of_it(row):
    parsed = only_row(row, title="取り下げた開示", code="587A4")
    assert parsed.state == "deleted"
    assert (parsed.title, parsed.code, parsed.time) == ("取り下げた開示", "587A4", dt.time(15, 30))
    assert parsed.disclosure_id is parsed.pdf_name is parsed.xbrl_name is None


def test_a_deleted_row_that_still_has_its_link_keeps_its_id():
    row = only_row(Row(row_class="hyodaiDel", xbrl_prefix="0812"))
    assert (row.state, row.disclosure_id) == ("deleted", "20260610500001")


def test_a_deleted_row_that_still_has_only_its_archive_keeps_the_id_of_that():
    text = page_html([Row(row_class="hyodaiDel", xbrl_prefix="0912", title="表題")], day=DAY)
    text = text.replace('<a href="140120260610500001.pdf" target="_blank">表題</a>', "表題")
    (row,) = parse(text).rows
    assert (row.disclosure_id, row.pdf_name, row.title) == ("20260610500001", None, "表題")
    assert row.xbrl_name == "091220260610500001.zip"


def test_the_last_of_several_changes_counts_and_an_unknown_word_leaves_the_row_active():
    row = only_row(Row(), history="2026/06/10 16:00 差替<BR>2026/06/11 09:30 差替")
    assert row.changed_at == dt.datetime(2026, 6, 11, 9, 30, tzinfo=TOKYO)
    assert row.state == "active"
    assert only_row(Row(), history="差替").changed_at is None


def test_deleted_rows_count_like_any_other():
    rows = [*many(7), deleted(), deleted()]
    page = parse(page_html(rows, day=DAY))
    assert (page.total, len(page.rows)) == (9, 9)


def test_rows_are_placed_by_page_and_position_from_one():
    page = parse(page_html(many(42), day=DAY, page=3, total=242), page=3)
    assert (page.number, page.first, page.last, page.total) == (3, 201, 242, 242)
    assert [(row.page, row.position) for row in page.rows] == [(3, n) for n in range(1, 43)]


# --- rejected rows ---


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"time": "24:00"}, "the time is '24:00'"),
        ({"time": "15:3"}, "the time is '15:3'"),
        ({"time": "１５:30"}, "the time is"),
        ({"code": "7203"}, "the code is '7203'"),
        ({"code": "７２０３０"}, "the code is '７２０３０'"),
        ({"company_name": "　 "}, "the company name is empty"),
        ({"title": "　 "}, "the title is empty"),
        ({"title": "壊\N{REPLACEMENT CHARACTER}"}, "kjTitle holds U+FFFD"),
        ({"company_name": "壊&#0;"}, "kjName"),
        ({"history": "2026/06/31 10:00 削除"}, "names no real moment"),
        ({"disclosure_id": "2026061050001"}, "not 1401 + 14 digits + .pdf"),
        ({"disclosure_id": "../1/20260610500"}, "do not fetch it"),
        ({"disclosure_id": None}, "there is no PDF link"),
        ({"disclosure_id": None, "history": "2026/06/12 16:56 差替"}, "'2026/06/12 16:56 差替'"),
        ({"xbrl_prefix": "../0812"}, "the XBRL link is"),
        ({"xbrl_prefix": "http://elsewhere.example/0812"}, "the XBRL link is"),
    ],
)
def test_a_row_that_cannot_be_read_is_kept_with_its_reason_and_stops_no_other(changes, reason):
    if "&#0;" in str(changes):
        text = three_rows(company_name="NAME").replace("NAME", changes["company_name"])
    else:
        text = three_rows(**changes)
    reject = only_reject(text)
    assert reason in reject.reason
    assert reject.html.startswith("<tr>")
    assert "kjHistroy" in reject.html


@pytest.mark.parametrize(
    "name", ["kjTime", "kjCode", "kjName", "kjTitle", "kjXbrl", "kjPlace", "kjHistroy"]
)
def test_a_row_without_one_of_its_cells_or_with_two_of_them_is_rejected(name):
    before, second, after = three_rows().partition("第1号")
    start = before.rindex("<tr>")
    head, row, tail = before[:start], before[start:] + second, after
    row, separator, tail = row + tail.partition("</tr>")[0], "</tr>", tail.partition("</tr>")[2]
    missing = head + row.replace(name, "other") + separator + tail
    assert f"no cell {name}" in only_reject(missing).reason
    doubled = head + row.replace("<td", f'<td class="{name}"></td><td', 1) + separator + tail
    assert f"two cells {name}" in only_reject(doubled).reason


def test_a_pdf_and_an_archive_of_different_ids_are_rejected():
    text = three_rows(xbrl_prefix="0812").replace("081220260610500001", "081220260610500099")
    assert "20260610500001 and the XBRL of 20260610500099" in only_reject(text).reason


def test_two_links_in_one_title_are_rejected():
    text = three_rows(title="表題").replace(">表題<", ' >表題</a><a href="1401.pdf">別<')
    assert "2 PDF links" in only_reject(text).reason


def test_a_nul_byte_condemns_its_row():
    assert "U+FFFD" in only_reject(three_rows(title="表\0題")).reason


def test_the_html_of_a_reject_is_bounded():
    reject = only_reject(three_rows(code="bad", title="長" * 50_000))
    assert len(reject.html) == REJECTED_HTML_CHARACTERS


def test_an_unreadable_row_on_the_third_of_five_pages_leaves_every_other_row():
    rows = many(450)
    rows[230] = replace(rows[230], code="????")
    pages = [
        parse(page_html(rows[start : start + 100], day=DAY, page=number, total=450), page=number)
        for number, start in enumerate(range(0, 450, 100), start=1)
    ]
    assert [len(page.rows) for page in pages] == [100, 100, 99, 100, 50]
    ((reject,),) = [page.rejects for page in pages if page.rejects]
    assert (reject.page, reject.position) == (3, 31)
    assert len({row.disclosure_id for page in pages for row in page.rows}) == 449


def test_a_day_of_2694_rows_has_2694_ids():
    rows = many(2_694)
    ids = [
        row.disclosure_id
        for number in range(1, page_count(2_694) + 1)
        for row in parse(
            page_html(rows[number * 100 - 100 : number * 100], day=DAY, page=number, total=2_694),
            page=number,
        ).rows
    ]
    assert ids == [row.disclosure_id for row in rows]
    assert len(set(ids)) == 2_694


# --- what must not add rows ---


@pytest.mark.parametrize(
    "fragment",
    [
        "<!-- <tr><td class='kjTime'>15:30</td></tr> -->",
        "<template><tr><td class='kjTime'>15:30</td></tr></template>",
        "<script>'<tr><td></td></tr>'</script>",
        "<div>stray</div>",
        "stray",
    ],
)
def test_rows_inside_comments_templates_and_scripts_are_none(fragment):
    text = page_html(many(3), day=DAY)
    for place in ("<tr>\n              <td class", "          </table>\n<table"):
        assert place in text
        page = parse(text.replace(place, fragment + place))
        assert (len(page.rows), page.rejects) == (3, ())


def test_a_table_inside_a_cell_adds_no_row():
    nested = "<table><tr><td class='kjTitle'>行</td></tr></table>"
    text = page_html(many(3), day=DAY).replace("東", f"東{nested}")
    page = parse(text)
    assert len(page.rows) == 3
    assert page.rows[0].exchanges == ("東",)


@pytest.mark.parametrize("inside", [True, False])
def test_a_second_list_on_the_page_is_refused(inside):
    text = page_html(many(3), day=DAY)
    second = '<table id="main-list-table"><tr><td></td></tr></table>'
    place = "第1号のお知らせ" if inside else '<div id="main-list">'
    with pytest.raises(StructureError, match="2 tables"):
        parse(text.replace(place, place + second))


# --- refused pages ---


@pytest.mark.parametrize("encoding", ["cp932", "utf-16"])
def test_a_page_in_another_charset_is_refused(encoding):
    content = page_html([Row(company_name="G-見本")], day=DAY).replace("©", "c").encode(encoding)
    with pytest.raises(CharsetError, match=r"I_list_001_20260610\.html is not UTF-8 at byte \d+"):
        parse_list_page(content, day=DAY, page=1)


def test_a_page_that_was_decoded_wrongly_before_is_no_list_page():
    mojibake = page_html(many(3), day=DAY).encode().decode("latin-1")
    with pytest.raises(StructureError, match="not YYYY年MM月DD日"):
        parse(mojibake)


def test_a_byte_order_mark_is_tolerated():
    assert len(parse("\ufeff" + page_html(many(3), day=DAY)).rows) == 3


def test_the_page_of_another_day_is_refused():
    text = page_html(many(3), day=dt.date(2026, 6, 9))
    with pytest.raises(WrongDayError, match="2026-06-09, not of 2026-06-10"):
        parse(text)
    with pytest.raises(WrongDayError):
        parse(empty_page_html(day=dt.date(2026, 6, 9)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<div id="kaiji-date-2">2026年06月10日', '<div id="kaiji-date-2">2026年06月09日'),
        ("2026年06月10日", "2026年06月31日"),
        ("2026年06月10日", "2026/06/10"),
        ("kaiji-date-", "date-"),
    ],
)
def test_a_page_whose_day_is_unclear_is_refused(old, new):
    with pytest.raises(StructureError, match="day"):
        parse(page_html(many(3), day=DAY).replace(old, new))


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
def test_the_text_of_an_empty_day_makes_an_empty_page(line_end):
    page = parse(empty_page_html(day=DAY, line_end=line_end))
    assert (page.total, page.first, page.last, page.rows, page.rejects) == (0, 1, 0, (), ())
    assert page_count(page.total) == 1


def test_without_a_table_and_without_the_text_of_an_empty_day_the_page_is_refused():
    text = empty_page_html(day=DAY).replace("に開示された情報はありません。", "に開示された情報")
    with pytest.raises(StructureError, match="no text 'ありません'"):
        parse(text)


def test_a_page_without_the_place_of_that_text_does_not_pass_for_an_empty_day():
    text = empty_page_html(day=DAY).replace('id="kaiji-text-1"', 'id="elsewhere"')
    with pytest.raises(StructureError, match="no text 'ありません'"):
        parse(text)


def test_an_empty_day_has_no_second_page():
    with pytest.raises(StructureError):
        parse(empty_page_html(day=DAY), page=2)


def test_a_page_with_rows_that_says_there_are_none_is_refused():
    text = page_html(many(3), day=DAY).replace(
        "に開示された情報<", "に開示された情報はありません。<"
    )
    with pytest.raises(StructureError, match="neither"):
        parse(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('class="kaijiSum"', 'class="sum"'),
        ("全3件", "全三件"),
        ("全3件", "全3000000000000件"),
        ("全3件", "全4件"),
        ("1～3件", "1～2件"),
        ("1～3件", "2～3件"),
        ("1～3件", "1～0件"),
        ('</div>\n<div class="pager-L"', '0件</div>\n<div class="pager-L"'),
    ],
)
def test_totals_that_are_missing_unreadable_or_impossible_are_refused(old, new):
    text = page_html(many(3), day=DAY)
    assert old in text
    with pytest.raises(StructureError):
        parse(text.replace(old, new))


def test_two_totals_that_disagree_are_refused():
    text = page_html(many(3), day=DAY).replace("全3件", "全4件", 1)
    with pytest.raises(StructureError, match=r"全3件.*全4件"):
        parse(text)


def test_a_page_is_accepted_only_under_its_own_number():
    text = page_html(many(100), day=DAY, page=2, total=250)
    assert parse(text, page=2).number == 2
    for other in (1, 3):
        with pytest.raises(StructureError, match=f"cannot be page {other}"):
            parse(text, page=other)


@pytest.mark.parametrize("count", [2, 4])
def test_fewer_or_more_rows_than_the_totals_promise_are_kept_and_counted_as_missing(count):
    text = page_html(many(count), day=DAY).replace(f"～{count}件", "～3件")
    page = parse(text.replace(f"全{count}件", "全3件"))
    assert len(page.rows) == count
    assert page.missing == 3 - count


def test_a_page_that_holds_what_it_says_misses_nothing():
    assert parse(page_html(many(3), day=DAY)).missing == 0


def test_a_page_that_starts_behind_its_first_row_is_refused():
    text = page_html(many(99), day=DAY, page=2, total=200).replace("101～199件", "102～200件")
    with pytest.raises(StructureError, match="cannot be page 2"):
        parse(text, page=2)


def test_a_page_beyond_the_last_one_is_no_empty_page():
    text = page_html([], day=DAY, page=3, total=200)
    assert "201～200件" in text
    with pytest.raises(StructureError, match="cannot be page 3"):
        parse(text, page=3)


def test_a_page_cut_anywhere_is_refused():
    content = page_html([Row(), deleted()], day=DAY).encode()
    end = content.index(b"</html")
    for cut in range(end + len(b"</html")):
        with pytest.raises(ListPageError):
            parse_list_page(content[:cut], day=DAY, page=1)


def test_a_body_far_too_large_is_refused_unread():
    with pytest.raises(StructureError, match="no list page"):
        parse("<div>" * 300_000)


@pytest.mark.parametrize("content", [b"", b" ", b"<html></html>", b"<html>503</html>", b"\xff\xfe"])
def test_what_is_no_list_page_is_refused(content):
    with pytest.raises(ListPageError):
        parse_list_page(content, day=DAY, page=1)


# --- small pages that would cost much ---

BOLD = [f"<b title={number}>" for number in range(20)]
HOSTILE_TITLES = {
    "70,000 nested elements": "<span>" * 70_000,
    "40,000 nested elements": "<span>" * 40_000,
    "25 million elements of 60 KB": "".join(f"<p><b a={number}>" for number in range(2_500)),
    "formatting that is moved about": "".join(f"<font a={n}><div>" for n in range(1_500))
    + "</font>" * 1_500,
    "100,000 attributes": "<a " + " ".join(f"a{number}" for number in range(100_000)) + ">",
    "attributes after quoted marks": f"<a b='>' {'c>' * 10}" + "<a b='>" + " c=d" * 150_000 + "'>",
    "attributes behind an open comment": "<!--><a" + " a=b" * 150_000 + ">-->",
    "attributes in a script that has ended": "<script><!--</script><a" + " a=b" * 150_000 + ">",
}
COSTLY_TITLES = {
    "as many nested elements as are allowed": "<span>" * 5_800,
    "nested blocks": "<ul><li>" * 2_800,
    "as many open formats as are allowed": "<p>" + "".join(BOLD) * 3 + "<p>x" * 5_000,
    "formats opened and closed in the wrong order": "".join(f"{bold}<div>" for bold in BOLD * 90)
    + "</b>" * 1_900,
    "end tags of what is not open": "<div>" * 2_800 + "</x>" * 2_800,
    "attributes as long as are allowed": f"<a {' '.join(f'{n:x}' for n in range(260))}>" * 700,
    "accents out of order": "e" + "\u0301" * 150_000 + "\u0316" * 150_000,
}


def with_title(title):
    return three_rows(title="題名").replace("題名", title)


@pytest.mark.parametrize("title", HOSTILE_TITLES.values(), ids=HOSTILE_TITLES)
def test_a_page_that_would_keep_the_parser_is_refused_in_milliseconds(title):
    content = with_title(title).encode()
    started = time.process_time()

    with pytest.raises(StructureError, match=r"look at the raw bytes"):
        parse_list_page(content, day=DAY, page=1)

    assert time.process_time() - started < 0.2
    assert len(content) < MAXIMUM_PAGE_BYTES


@pytest.mark.parametrize("title", COSTLY_TITLES.values(), ids=COSTLY_TITLES)
def test_what_is_within_the_bounds_costs_at_most_a_second(title):
    content = with_title(title).encode()
    started = time.process_time()

    page = parse_list_page(content, day=DAY, page=1)
    for row in page.rows:
        normalize_title(row.title)

    assert time.process_time() - started < 1.5


def test_the_deepest_page_that_is_accepted_needs_little_stack():
    # The sensor reads pages in threads, whose stacks may be small.
    read = []
    content = with_title("<span>" * 5_800)
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: read.append(parse(content)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)

    assert [page.total for page in read] == [3]


def test_a_row_with_a_title_far_too_long_is_rejected_and_the_others_are_read():
    reject = only_reject(three_rows(title="長" * 1_001))

    assert reject.reason == "kjTitle holds more than 1,000 characters"
    assert len(only_row(Row(), title="長" * 1_000).title) == 1_000


@given(st.text("ab ='\"/>\t\n=", max_size=20))
def test_a_tag_ends_where_the_parser_says_that_it_ends(text):
    markup = f"<b{text}"
    tag = listing._TAG.match(markup)  # noqa: SLF001 - what is bounded is a tag of the parser's

    body = LexborHTMLParser(markup).body
    assert (markup[tag.end() :] if tag else "") == (body.text() if body else "")


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_fuzzed_pages_end_in_our_own_errors_only_and_soon(seed):
    outcome = fuzz_listing.run(20, seed)

    assert sum(outcome.kinds.values()) == 20
    assert outcome.slowest_seconds < 5


# --- properties ---

PADDING = " \t\r\n\f\xa0\N{IDEOGRAPHIC SPACE}"
printable = st.characters(
    exclude_categories=["Cs", "Cc"], exclude_characters="\N{REPLACEMENT CHARACTER}"
)
titles = st.text(printable, min_size=1, max_size=40).filter(lambda text: text.strip(PADDING))
trimmed = titles.map(lambda text: text.strip(PADDING))
rows = st.builds(
    Row,
    disclosure_id=st.from_regex(r"[0-9]{14}", fullmatch=True),
    time=st.times().map("{:%H:%M}".format),
    code=st.from_regex(r"[0-9][0-9A-Z][0-9][0-9A-Z][0-9]", fullmatch=True),
    company_name=trimmed,
    title=titles,
    previous_titles=st.lists(titles, max_size=2).map(tuple),
    xbrl_prefix=st.sampled_from([None, "0812", "0912", "1030"]),
    place=st.lists(st.sampled_from(["東", "名", "札", "福", "PH", "GR"])).map("".join),
    history=st.sampled_from(["", "2026/06/12 16:56 表題変更"]),
)


@given(st.lists(rows, min_size=1, max_size=8), st.sampled_from(list(LINE_ENDS.values())))
def test_whatever_a_page_is_made_of_comes_out_again(made, line_end):
    page = parse(page_html(made, day=DAY, line_end=line_end))
    assert page.rejects == ()
    for row, parsed in zip(made, page.rows, strict=True):
        assert f"{parsed.time:%H:%M}" == row.time
        assert parsed.code == row.code
        assert parsed.company_name == row.company_name
        assert parsed.title == row.title
        assert parsed.previous_titles == row.previous_titles
        assert parsed.disclosure_id == row.disclosure_id
        assert parsed.pdf_name == f"1401{row.disclosure_id}.pdf"
        assert parsed.xbrl_name == (row.xbrl_prefix and f"{row.xbrl_prefix}{row.disclosure_id}.zip")
        assert "".join(parsed.exchanges) == parsed.exchanges_text == row.place
        assert parsed.history == row.history
        assert parsed.state == ("retitled" if row.previous_titles or row.history else "active")


@given(st.binary(max_size=2_000))
def test_arbitrary_bytes_are_refused_and_nothing_else_is_raised(content):
    for body in (content, content + b"</html>"):
        with pytest.raises(ListPageError):
            parse_list_page(body, day=DAY, page=1)


SHAPED = page_html(
    [Row(xbrl_prefix="0812"), deleted(), Row(previous_titles=("古い",), row_class="hyodaiUpd")],
    day=DAY,
).encode()
FRAGMENTS = [
    b"<tr>",
    b"</tr>",
    b"<td>",
    b"</td>",
    b"<table>",
    b"</table>",
    b"<tbody>",
    b"</tbody>",
    b"<template>",
    b"</template>",
    b"<!--",
    b"-->",
    b"<script>",
    b"<title>",
    b"<textarea>",
    b"<plaintext>",
    b"<select>",
    b"<svg>",
    b"<math><mtext>",
    b"<a href='140120260610500001.pdf'>",
    b"</a>",
    b"<s>",
    b"<form>",
    b"<frameset>",
    b'<div class="kaijiSum">',
    b'<table id="main-list-table">',
    b'<td class="kjTime">',
    b"&#xD800;",
    b"&nbsp;",
    b"\0",
    b"\xe3\x80\x80",
    b"'",
    b'"',
    b"<",
    b">",
    b"\r",
]
places = st.integers(0, len(SHAPED))
mutations = st.one_of(
    st.tuples(st.just("cut"), places, st.just(b"")),
    st.tuples(st.just("flip"), places, st.binary(min_size=1, max_size=1)),
    st.tuples(st.just("insert"), places, st.sampled_from(FRAGMENTS)),
    st.tuples(st.just("remove"), places, st.integers(1, 400).map(bytes)),
)


def mutated(content, mutation):
    kind, place, argument = mutation
    if kind == "cut":
        return content[:place] + b"</html>"
    if kind == "insert":
        return content[:place] + argument + content[place:]
    return (
        content[:place] + (argument if kind == "flip" else b"") + content[place + len(argument) :]
    )


@settings(max_examples=4 * settings().max_examples)
@given(st.lists(mutations, min_size=1, max_size=4))
def test_a_damaged_page_is_refused_or_accounts_for_every_row_it_holds(damage):
    content = SHAPED
    for mutation in damage:
        content = mutated(content, mutation)
    try:
        page = parse_list_page(content, day=DAY, page=1)
    except ListPageError as refusal:
        assert "I_list_001_20260610.html" in str(refusal)  # noqa: PT017 - both ends are right
        return
    positions = [row.position for row in (*page.rows, *page.rejects)]
    assert sorted(positions) == list(range(1, len(positions) + 1))
    assert all(row.disclosure_id or row.state == "deleted" for row in page.rows)
    assert not any("\N{REPLACEMENT CHARACTER}" in repr(row) for row in page.rows)


@given(st.text())
def test_a_normalised_title_stays_as_it_is_when_normalised_again(title):
    normalized = normalize_title(title)
    assert normalize_title(normalized) == normalized
    assert normalized == normalized.strip()


def test_a_normalised_title_has_one_width_and_single_spaces():
    title = "　2026年４月期　 決算短信〔ＩＦＲＳ〕（連結）\n ｶﾌﾞ "
    assert normalize_title(title) == "2026年4月期 決算短信〔IFRS〕(連結) カブ"
