import datetime as dt
import io
import re
import ssl
import time
import zipfile
from collections.abc import Iterator

import httpx
import pypdfium2
import pytest
from selectolax.lexbor import LexborHTMLParser

from tdnet_assets.sample_site.faults import MalformedKind
from tdnet_assets.sample_site.site import CLOSED, SampleSite, serve
from tdnet_assets.tdnet.listing import TOKYO

DAY = dt.date(2026, 2, 13)
# Made once: a client would spend 60 ms on it, and nothing here is encrypted.
TLS = ssl.create_default_context()


@pytest.fixture
def site() -> SampleSite:
    site = SampleSite(clock=lambda: dt.datetime(2026, 2, 20, 12, 0, tzinfo=TOKYO))
    site.set_day(DAY, 250)
    return site


@pytest.fixture
def client(site: SampleSite) -> Iterator[httpx.Client]:
    with (
        serve(site) as base_url,
        httpx.Client(base_url=f"{base_url}/", timeout=5, verify=TLS) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def _stderr_stays_quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr().err == ""


def page_name(page: int) -> str:
    return f"I_list_{page:03d}_20260213.html"


def rows_of(page: bytes) -> list[str]:
    tree = LexborHTMLParser(page.decode())
    return [row.html or "" for row in tree.css("#main-list-table tr")]


def pdf_of(site: SampleSite) -> str:
    return site.rows(DAY)[0].pdf_name


def archive_of(site: SampleSite) -> str:
    return next(row.xbrl_name for row in site.rows(DAY) if row.xbrl_name)


@pytest.mark.parametrize("status", [403, 404, 408, 429, 500, 503])
def test_a_status_is_answered_so_many_times(site: SampleSite, client: httpx.Client, status: int):
    site.faults.answer(r"I_list_002", status=status, times=2)
    statuses = [client.get(page_name(2)).status_code for _ in range(3)]
    assert statuses == [status, status, 200]
    assert client.get(page_name(1)).status_code == 200
    assert [request.status for request in site.requests] == [status, status, 200, 200]


@pytest.mark.parametrize("value", ["1", "Fri, 13 Feb 2026 07:00:00 GMT"])
def test_retry_after_may_be_seconds_or_a_date(site: SampleSite, client: httpx.Client, value: str):
    site.faults.answer(r"\.pdf$", status=429, retry_after=value)
    answer = client.get(pdf_of(site))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, value)


def test_a_fault_without_times_stays_until_it_is_cleared(site: SampleSite, client: httpx.Client):
    site.faults.answer("I_list", status=500)
    assert [client.get(page_name(1)).status_code for _ in range(4)] == [500] * 4
    site.faults.clear()
    assert client.get(page_name(1)).status_code == 200


def test_a_connection_is_closed_without_an_answer(site: SampleSite, client: httpx.Client):
    site.faults.close("I_list_001", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.get(page_name(1))
    assert client.get(page_name(1)).status_code == 200
    assert [request.status for request in site.requests] == [CLOSED, 200]


def test_a_body_breaks_off_before_its_announced_length(site: SampleSite, client: httpx.Client):
    site.faults.cut_connection(r"\.pdf", after_bytes=500, times=1)
    whole = len(site.document(pdf_of(site)))
    with pytest.raises(httpx.RemoteProtocolError, match=rf"received 500 bytes, expected {whole}"):
        client.get(pdf_of(site))
    assert len(client.get(pdf_of(site)).content) == whole


def test_html_is_sent_as_a_pdf(site: SampleSite, client: httpx.Client):
    site.faults.html_instead(r"\.pdf")
    answer = client.get(pdf_of(site))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"<!DOCTYPE html>")


def test_a_truncated_file_has_a_length_that_agrees(site: SampleSite, client: httpx.Client):
    site.faults.truncate_file(r"\.pdf", times=1)
    site.faults.truncate_file(r"\.zip", keep_bytes=123, times=1)
    whole = site.document(pdf_of(site))
    answer = client.get(pdf_of(site))
    assert answer.content == whole[: len(whole) // 2]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert len(client.get(archive_of(site)).content) == 123


def test_a_pdf_of_six_hundred_bytes_is_valid(site: SampleSite, client: httpx.Client):
    site.faults.small_pdf_instead(r"\.pdf")
    data = client.get(pdf_of(site)).content
    assert len(data) == 600
    assert len(pypdfium2.PdfDocument(data)) == 1


@pytest.mark.parametrize(
    ("kind", "shown", "hidden"),
    [
        ("missing_cell", None, "kjCode"),
        ("bad_time", "25:61", None),
        ("bad_code", "72-03", None),
        ("hostile_path", 'href="../../etc/passwd"', "1401"),
        ("hostile_host", 'href="https://evil.example/x.pdf"', "1401"),
        ("unknown_file", 'href="disclosure.pdf"', "1401"),
        ("missing_link", None, "1401"),
    ],
)
def test_one_row_of_one_page_is_malformed(
    site: SampleSite,
    client: httpx.Client,
    kind: MalformedKind,
    shown: str | None,
    hidden: str | None,
):
    position = next(
        index for index, row in enumerate(site.rows(DAY)[200:], start=1) if row.xbrl_name is None
    )
    proper = rows_of(client.get(page_name(3)).content)
    site.faults.malformed_row(DAY, page=3, position=position, kind=kind)
    spoilt = rows_of(client.get(page_name(3)).content)
    different = [
        index for index, (a, b) in enumerate(zip(proper, spoilt, strict=True), 1) if a != b
    ]
    assert different == [position]
    row = spoilt[position - 1]
    assert shown is None or shown in row
    assert hidden is None or hidden not in row
    other_pages = [rows_of(client.get(page_name(page)).content) for page in (1, 2)]
    assert [len(rows) for rows in other_pages] == [100, 100]


def test_an_unknown_kind_of_malformed_row_is_refused(site: SampleSite):
    with pytest.raises(ValueError, match=r"malformed rows are missing_cell, .*, not purple"):
        site.faults.malformed_row(DAY, page=1, position=1, kind="purple")  # type: ignore[arg-type]


def test_a_page_is_sent_in_the_wrong_charset(site: SampleSite, client: httpx.Client):
    site.faults.wrong_charset("I_list_001")
    data = client.get(page_name(1)).content
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")
    assert "に開示された情報" in data.decode("cp932")
    assert data.count(b"kjTime") == 100


def test_a_bare_page_has_neither_rows_nor_the_text_of_an_empty_day(
    site: SampleSite, client: httpx.Client
):
    site.faults.bare_page("I_list")
    for name in (page_name(1), "I_list_001_20260214.html"):
        page = client.get(name).content.decode()
        assert "main-list-table" not in page
        assert "kaijiSum" not in page
        assert "ありません" not in page
        assert "kaiji-date-1" in page


def test_rows_appear_after_a_page_was_served(site: SampleSite, client: httpx.Client):
    site.faults.grow_after(DAY, page=2, rows=3, times=2)
    totals = []
    for page in (1, 2, 3, 2, 2):
        found = re.search(r"全(\d+)件", client.get(page_name(page)).content.decode())
        assert found is not None
        totals.append(int(found[1]))
    assert totals == [250, 250, 253, 253, 256]
    assert len(site.rows(DAY)) == 256


def test_a_zip_bomb_is_small_until_it_is_unpacked(site: SampleSite, client: httpx.Client):
    site.faults.zip_bomb(r"\.zip", unpacked_bytes=8 << 20)
    data = client.get(archive_of(site)).content
    assert len(data) < 100_000
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sum(member.file_size for member in archive.infolist()) == 8 << 20


def test_a_zip_member_escapes_its_folder(site: SampleSite, client: httpx.Client):
    site.faults.escaping_zip(r"\.zip", member="../../escaped.htm")
    with zipfile.ZipFile(io.BytesIO(client.get(archive_of(site)).content)) as archive:
        assert archive.namelist() == ["../../escaped.htm"]


def test_a_redirect_leads_to_another_host(site: SampleSite, client: httpx.Client):
    site.faults.redirect(r"\.pdf", to="https://evil.example/x.pdf")
    answer = client.get(pdf_of(site))
    assert (answer.status_code, answer.headers["location"]) == (302, "https://evil.example/x.pdf")


def test_an_answer_lets_itself_be_waited_for(site: SampleSite, client: httpx.Client):
    site.faults.wait("I_list_001", seconds=0.3, times=1)
    started = time.monotonic()
    assert client.get(page_name(1)).status_code == 200
    assert time.monotonic() - started >= 0.3
    site.faults.wait("I_list_001", seconds=5, times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.get(page_name(1), timeout=0.2)


def test_an_answer_drips(site: SampleSite, client: httpx.Client):
    whole = client.get(page_name(1)).content
    site.faults.drip("I_list_001", piece_bytes=20_000, seconds=0.1)
    started, pieces = time.monotonic(), []
    with client.stream("GET", page_name(1), timeout=0.5) as answer:
        pieces += list(answer.iter_raw())
    assert b"".join(pieces) == whole
    assert len(pieces) >= 3
    assert time.monotonic() - started >= 0.3


def test_a_body_is_larger_than_it_should_be(site: SampleSite, client: httpx.Client):
    site.faults.oversize(r"\.pdf", extra_bytes=3_000_000)
    whole = site.document(pdf_of(site))
    answer = client.get(pdf_of(site))
    assert answer.content == whole + bytes(3_000_000)
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_matching_faults_add_up(site: SampleSite, client: httpx.Client):
    site.faults.wait("I_list", seconds=0.2)
    site.faults.answer("I_list_002", status=503)
    started = time.monotonic()
    assert client.get(page_name(2)).status_code == 503
    site.faults.clear()
    site.faults.malformed_row(DAY, page=1, position=1, kind="bad_time")
    site.faults.malformed_row(DAY, page=1, position=2, kind="bad_time")
    assert client.get(page_name(1)).content.count(b"25:61") == 2
    assert time.monotonic() - started < 5


def test_a_fault_is_shown_even_to_who_knows_the_page(site: SampleSite, client: httpx.Client):
    known = {"If-Modified-Since": client.get(page_name(1)).headers["last-modified"]}
    assert client.get(page_name(1), headers=known).status_code == 304
    site.faults.malformed_row(DAY, page=1, position=1, kind="bad_time")
    answer = client.get(page_name(1), headers=known)
    assert answer.status_code == 200
    assert b"25:61" in answer.content


def test_a_fault_may_hold_between_two_moments_of_the_site_s_clock():
    now = dt.datetime(2026, 2, 20, 9, 59, tzinfo=TOKYO)
    site = SampleSite(clock=lambda: now)
    begins = dt.datetime(2026, 2, 20, 10, tzinfo=TOKYO)
    site.faults.between(begins, begins + dt.timedelta(minutes=20)).html_instead(".")
    site.faults.between(None, begins).answer("I_list", status=503)
    site.faults.between(begins + dt.timedelta(hours=1), None).answer("I_main", status=500, times=1)
    seen = []
    for minute in (0, 1, 20, 21, 61, 62):
        now = begins + dt.timedelta(minutes=minute - 1)
        for path in ("/inbs/I_main_00.html", f"/inbs/{page_name(1)}"):
            answer = site.reply(path, user_agent="", if_modified_since=None)
            seen.append((minute, answer.status, "エラー" in answer.body.decode()))
    assert seen == [
        *((0, 200, False), (0, 503, False)),
        *((1, 200, True), (1, 200, True)),
        *((20, 200, True), (20, 200, True)),
        *((21, 200, False), (21, 200, False)),
        *((61, 500, False), (61, 200, False)),
        *((62, 200, False), (62, 200, False)),
    ]
