import datetime as dt
import re
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from tdnet_assets.sample_site.day import SampleRow, deleted, planned_day, retitled
from tdnet_assets.sample_site.page import list_page, list_page_name, main_page, page_count
from tdnet_assets.tdnet.listing import TOKYO

CAPTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "html"
DAY = dt.date(2026, 2, 13)
AT = dt.datetime(2026, 2, 17, 9, 5, tzinfo=TOKYO)


def rows_of(size: int) -> list[SampleRow]:
    return [plan.row for plan in planned_day(DAY, size, 0, changes=False).values()]


def parsed(page: bytes) -> LexborHTMLParser:
    return LexborHTMLParser(page.decode("utf-8"))


def capture(name: str) -> LexborHTMLParser:
    path = CAPTURES / name
    if not path.exists():
        pytest.skip(f"the real capture {path} is not on this machine")
    return parsed(path.read_bytes())


def shapes(tree: LexborHTMLParser, selector: str) -> set[tuple[tuple[str, str | None], ...]]:
    """The attribute sets of the elements, without what differs from row to row."""
    variable = {"href", "onclick"}
    return {
        tuple(sorted((key, value) for key, value in node.attributes.items() if key not in variable))
        for node in tree.css(selector)
    }


def sample_with_changes() -> LexborHTMLParser:
    rows = rows_of(242)
    rows[3] = deleted(rows[3], AT)
    rows[4] = retitled(rows[4], "新しい表題", AT)
    return parsed(list_page(DAY, 1, rows))


def test_cells_have_the_classes_and_attributes_of_the_real_pages():
    sample = sample_with_changes()
    selector = "#main-list-table tr, #main-list-table td, #main-list-table div"
    real = shapes(capture("I_list_001_20160711.html"), selector)
    real |= shapes(capture("I_list_010_20160729.html"), selector)
    assert shapes(sample, selector) == real


def test_links_have_the_attributes_of_the_real_pages():
    real = capture("I_list_001_20160711.html")
    selector = "#main-list-table a"
    assert shapes(sample_with_changes(), selector) == shapes(real, selector)


def test_the_frame_has_the_elements_of_the_real_pages_in_the_same_order():
    def frame(tree: LexborHTMLParser) -> list[tuple[str, str | None, str | None]]:
        for row in tree.css("#main-list-table tr"):
            row.decompose()
        return [
            (node.tag, node.attributes.get("id"), node.attributes.get("class"))
            for node in tree.css("body, body *")
        ]

    sample = parsed(list_page(DAY, 1, rows_of(242)))
    assert frame(sample) == frame(capture("I_list_001_20160711.html"))


def test_head_declares_the_same_metadata_in_the_same_order():
    def head(tree: LexborHTMLParser) -> list[tuple[str, dict[str, str | None]]]:
        return [(node.tag, dict(node.attributes)) for node in tree.css("head > *")]

    sample = parsed(list_page(DAY, 1, rows_of(242)))
    assert head(sample) == head(capture("I_list_001_20160711.html"))


def test_an_empty_day_differs_from_the_real_one_in_the_copyright_line_only():
    path = CAPTURES / "I_list_001_20160709.html"
    if not path.exists():
        pytest.skip(f"the real capture {path} is not on this machine")
    real = path.read_text(encoding="utf-8").strip().splitlines()
    sample = list_page(dt.date(2016, 7, 9), 1, []).decode().splitlines()
    different = [ours for ours, theirs in zip(sample, real, strict=True) if ours != theirs]
    assert [line for line in different if 'id="copyright"' not in line] == []


def test_the_pager_of_the_tenth_of_eleven_pages_is_the_real_one():
    real = capture("I_list_010_20160729.html")
    day = dt.date(2016, 7, 29)
    sample = parsed(list_page(day, 10, rows_of(1090)))

    def pager(tree: LexborHTMLParser) -> list[tuple[str | None, str | None, str]]:
        return [
            (node.attributes.get("class"), node.attributes.get("onclick"), node.text())
            for node in tree.css("#pager-box-top > div, #pager-box-bottom > div")
        ]

    assert pager(sample) == pager(real)
    assert len(sample.css("div.kaijiSum")) == 2


def test_names_and_places_are_padded_to_thirty_bytes_like_the_real_ones():
    def lengths(tree: LexborHTMLParser) -> set[int]:
        return {len(node.text().encode()) for node in tree.css("td.kjName, td.kjPlace")}

    assert lengths(parsed(list_page(DAY, 1, rows_of(300)))) == {30}
    assert lengths(capture("I_list_001_20160711.html")) == {30}


def test_the_frame_ends_lines_with_crlf_and_the_rows_with_lf():
    page = list_page(DAY, 2, rows_of(150)).decode()
    rows = re.search(r'id="main-list-table">\r\n(.*?)\r\n</table>', page, re.DOTALL)
    assert rows is not None
    assert "\r" not in rows[1]
    assert rows[1].count("<tr>") == 50
    assert re.findall(r"[^\r]\n", page[: rows.start(1)] + page[rows.end(1) :]) == []


def test_a_page_has_a_hundred_rows_and_the_last_one_the_rest():
    rows = rows_of(2694)
    assert page_count(2694) == 27
    counts = [list_page(DAY, page, rows).count(b"kjTime") for page in range(1, 28)]
    assert counts == [100] * 26 + [94]
    assert "2601～2694件&nbsp;/&nbsp;全2694件" in list_page(DAY, 27, rows).decode()


@pytest.mark.parametrize("page", [0, 28])
def test_a_page_beyond_the_last_is_refused(page: int):
    with pytest.raises(ValueError, match="has 27 list pages"):
        list_page(DAY, page, rows_of(2694))


def test_first_and_last_page_have_no_neighbour_beyond():
    rows = rows_of(250)
    first, last = list_page(DAY, 1, rows).decode(), list_page(DAY, 3, rows).decode()
    assert first.count("pager('')") == 2
    assert last.count("pager('')") == 2
    assert "pager('I_list_002_20260213.html')" in first


def test_a_retitled_row_shows_both_titles_with_the_stray_end_tag():
    rows = rows_of(5)
    rows[1] = retitled(rows[1], "新しい R&D 表題", AT)
    page = list_page(DAY, 1, rows).decode()
    name, old = rows[1].pdf_name, rows_of(5)[1].title
    assert (
        f'<a href="{name}" target="_blank">新しい R&amp;D 表題</a><BR><s>{old}</s></a></td>' in page
    )
    assert "2026/02/17 09:05 表題変更</td>" in page
    assert page.count('<tr class="hyodaiUpd">') == 1


def test_a_deleted_row_stays_without_its_links():
    rows = rows_of(50)
    position = next(index for index, row in enumerate(rows) if row.xbrl_name)
    before = list_page(DAY, 1, rows).decode()
    gone = rows[position]
    rows[position] = deleted(gone, AT)
    page = list_page(DAY, 1, rows).decode()
    assert gone.pdf_name in before
    assert gone.disclosure_id not in page
    assert "全50件" in page
    assert page.count('<tr class="hyodaiDel">') == 1
    assert "2026/02/17 09:05 削除</td>" in page


def test_the_main_page_lists_days_with_their_first_page():
    page = parsed(main_page([DAY, DAY - dt.timedelta(days=1)]))
    options = page.css('select[name="daylist"] option')
    assert [option.attributes["value"] for option in options] == [
        "I_list_001_20260213.html",
        "I_list_001_20260212.html",
    ]


def test_page_names_have_three_digits():
    assert list_page_name(DAY, 7) == "I_list_007_20260213.html"
