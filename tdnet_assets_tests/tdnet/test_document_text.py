"""The text of PDFs, page by page, and of the report in an archive, section by section."""

import contextlib
import io
import time
import zipfile
from pathlib import Path

import pypdfium2
import pytest

from tdnet_assets.sample_site.pdf import blank_pdf, pdf
from tdnet_assets.tdnet import document_text
from tdnet_assets.tdnet.comparable_text import comparable
from tdnet_assets.tdnet.document_text import pdf_text, report_text
from tdnet_assets.tdnet.errors import FilingError
from tdnet_assets.tdnet.files import DocumentError
from tdnet_assets.tdnet.search_query import Query
from tdnet_assets_tests.tdnet.odd_pdfs import locked, scan

REAL = Path(__file__).parents[3] / "shared/fixtures/xbrl-2022/081220220909530815.zip"
TITLE = (
    "自己株式立会外買付取引（ToSTNeT-3）による自己株式の買付け"
    "及び自己株式の取得枠の拡大に関するお知らせ"
)


def archive_with(markup, name="XBRLData/Attachment/qualitative.htm"):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(name, markup)
    return body.getvalue()


def test_each_page_of_a_pdf_has_its_own_text_in_lines():
    text = pdf_text(pdf([f"{number}行目" for number in range(1, 51)], key="1"))

    assert [page.split("\n")[0] for page in text.pages] == ["1行目", "35行目"]
    assert text.pages[1].split("\n")[-1] == "50行目"
    assert text.problem is None


def test_a_word_that_is_broken_over_two_lines_is_found_and_shown_whole():
    (page,) = pdf_text(pdf(["", TITLE], key="1")).pages

    assert "\n" in page
    assert TITLE not in page
    assert comparable(TITLE) in comparable(page)
    query = Query.parse("自己株式の取得枠の拡大 tostnet")
    assert query.matches(page)
    assert query.snippet(page, 60).match == "自己株式の取得枠の拡大"


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("ﾃﾞｼﾞﾀﾙ･ﾄﾗﾝｽﾌｫｰﾒｰｼｮﾝ", "デジタル・トランスフォーメーション"),
        ("決　算　短　信", "決算短信"),
        ("㈱見本　⻑期ビジョン", "長期ビジョン"),
        ("ＲＯＥ １０％", "roe 10%"),
        ("manage-\nment", "management"),
    ],
)
def test_other_spellings_in_a_pdf_are_found(written, typed):
    (page,) = pdf_text(pdf(written.split("\n"), key="1")).pages

    assert Query.parse(f'"{typed}"').matches(page)


def test_a_scan_and_an_empty_page_have_no_text():
    assert pdf_text(scan()).pages == ("",)
    assert pdf_text(blank_pdf(600)).pages == ("",)


def test_a_pdf_that_wants_a_password_is_refused_with_the_reason():
    content = locked()
    with pypdfium2.PdfDocument(content, password="secret") as document:
        assert len(document) == 1

    with pytest.raises(DocumentError, match=r"cannot be opened.*[Pp]assword"):
        pdf_text(content)


def test_a_pdf_that_may_not_be_changed_but_read_is_read():
    assert pdf_text(locked(b"")).pages == ("",)


def test_what_is_no_pdf_inside_is_refused():
    with pytest.raises(DocumentError, match="cannot be opened"):
        pdf_text(b"%PDF-1.4 nothing %%EOF")


def test_more_pages_or_text_than_any_document_has_is_refused(monkeypatch):
    monkeypatch.setattr(document_text, "MAXIMUM_PAGES", 1)
    with pytest.raises(DocumentError, match="has 2 pages, more than 1"):
        pdf_text(pdf(["ある行の文"] * 40, key="1"))
    monkeypatch.setattr(document_text, "MAXIMUM_PAGES", 5)
    monkeypatch.setattr(document_text, "MAXIMUM_CHARACTERS", 200)
    with pytest.raises(DocumentError, match="first 1 pages of the PDF have 203 characters"):
        pdf_text(pdf(["ある行の文"] * 40, key="1"))


def test_a_page_that_cannot_be_opened_costs_that_page():
    content = pdf(["ある行の文"] * 40, key="1").replace(
        b"/Kids [6 0 R 8 0 R]", b"/Kids [6 0 R 99 0 R]"
    )

    text = pdf_text(content)

    assert text.pages[0].startswith("ある行の文\nある行の文")
    assert text.pages[1:] == ("",)
    assert text.problem == "1 of 2 pages cannot be opened, first 2"


def test_a_report_is_read_section_by_section_with_a_row_of_a_table_in_one_line():
    markup = """<html><head><title>qualitative</title><style>p {}</style></head><body>
      <h1>１．定性的情報</h1><h2>（１）経営成績</h2><p>当社は、<b>増収</b>でした。<!-- no -->
      <br/>つづき</p><table><tr><td><p>売上高</p></td><td><p>1,234</p></td></tr><tr><td>利益</td>
      </tr></table>あと<h2>（２）財政状態</h2><p>&#160;</p><p>良い</p></body></html>"""

    text = report_text(archive_with("\ufeff" + markup))

    assert text.pages == (
        "１．定性的情報\n（１）経営成績\n当社は、増収でした。\nつづき\n売上高 1,234\n利益\nあと",
        "（２）財政状態\n良い",
    )


def test_an_archive_without_a_report_has_none():
    assert report_text(archive_with("x", "tse-rvfc-1-ixbrl.htm")) is None
    assert report_text(archive_with("")).pages == ()


def test_what_is_no_archive_is_refused():
    with pytest.raises(FilingError, match="no whole zip archive"):
        report_text(b"PK")


@pytest.mark.parametrize(
    "markup", ["<div>" * 200_000, "<p>" + "<b>" * 100_000 + "深い", "<" * 500_000, "\0" * 100_000]
)
def test_a_hostile_report_ends_within_seconds(markup):
    started = time.process_time()
    with contextlib.suppress(FilingError):
        report_text(archive_with(markup))
    assert time.process_time() - started < 5


def test_the_report_of_a_real_archive_is_found_by_what_it_says():
    if not REAL.exists():
        pytest.skip(f"the real archive {REAL} is not on this machine")

    text = report_text(REAL.read_bytes())

    assert len(text.pages) == 10
    assert text.pages[0].startswith("○添付資料の目次\n１．当四半期決算に関する定性的情報 …")
    assert text.pages[1].startswith(
        "１．当四半期決算に関する定性的情報\n（１）経営成績に関する説明\n"
    )
    query = Query.parse("玄海原子力発電所3号機")
    assert [query.matches(page) for page in text.pages].index(True) == 1
    assert query.snippet(text.pages[1]).match == "玄海原子力発電所３号機"
    assert "売上高 3,827 4,539" in text.pages[3]
