import datetime as dt
import io
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tdnet.listing import TOKYO

DAY = dt.date(2026, 2, 13)
# Made once: a client would spend 60 ms on it, and nothing here is encrypted.
TLS = ssl.create_default_context()
NOON_A_WEEK_LATER = dt.datetime(2026, 2, 20, 12, 0, tzinfo=TOKYO)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON_A_WEEK_LATER)


@pytest.fixture
def site(clock: Clock) -> SampleSite:
    return SampleSite(clock=clock)


@pytest.fixture
def client(site: SampleSite) -> Iterator[httpx.Client]:
    with serve(site) as base_url, httpx.Client(base_url=f"{base_url}/", verify=TLS) as client:
        yield client


def list_name(day: dt.date, page: int = 1) -> str:
    return f"I_list_{page:03d}_{day:%Y%m%d}.html"


def linked_ids(client: httpx.Client, day: dt.date) -> list[str]:
    """What a reader of the pages sees, from the first page to the last."""
    page, ids = 1, []
    while (answer := client.get(list_name(day, page))).status_code == 200:
        ids += re.findall(r'href="1401(\d{14})\.pdf"', answer.content.decode())
        page += 1
    return ids


def test_a_day_of_2694_disclosures_is_served_on_27_pages(site: SampleSite, client: httpx.Client):
    site.set_day(DAY, 2694)
    assert linked_ids(client, DAY) == [row.disclosure_id for row in site.rows(DAY)]
    assert len(set(linked_ids(client, DAY))) == 2694
    assert client.get(list_name(DAY, 28)).status_code == 404
    assert client.get(list_name(DAY, 0)).status_code == 404


def test_pages_are_html_without_a_charset_in_the_header(site: SampleSite, client: httpx.Client):
    site.set_day(DAY, 10)
    answer = client.get(list_name(DAY))
    assert answer.headers["content-type"] == "text/html"
    assert "last-modified" in answer.headers
    assert "etag" not in answer.headers
    assert LexborHTMLParser(answer.content.decode()).css_first("#kaiji-date-1").text() == (
        "2026年02月13日"
    )


def test_robots_refuses_everyone(client: httpx.Client):
    answer = client.get(str(client.base_url).replace("/inbs/", "/robots.txt"))
    assert answer.content == b"User-agent: *\nDisallow: /\n"


def test_files_are_served_with_the_bytes_of_the_document(site: SampleSite, client: httpx.Client):
    site.set_day(DAY, 60)
    for row in site.rows(DAY):
        answer = client.get(row.pdf_name)
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content == site.document(row.pdf_name)
        if row.xbrl_name:
            answer = client.get(row.xbrl_name)
            assert answer.headers["content-type"] == "application/zip"
            assert answer.content == site.document(row.xbrl_name)
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert archive.testzip() is None


def test_pdfs_have_the_asked_size(clock: Clock):
    site = SampleSite(clock=clock, pdf_bytes=12_345)
    site.set_day(DAY, 3)
    assert {len(site.document(row.pdf_name)) for row in site.rows(DAY)} == {12_345}
    with pytest.raises(ValueError, match="use at least 4096"):
        SampleSite(pdf_bytes=100)


def test_a_second_request_with_the_date_of_the_first_is_answered_304(
    site: SampleSite, client: httpx.Client
):
    site.set_day(DAY, 10)
    for name in (list_name(DAY), site.rows(DAY)[0].pdf_name):
        modified = client.get(name).headers["last-modified"]
        again = client.get(name, headers={"If-Modified-Since": modified})
        assert (again.status_code, again.content) == (304, b"")
        older = client.get(name, headers={"If-Modified-Since": "Sun, 01 Feb 2026 00:00:00 GMT"})
        assert older.status_code == 200


@pytest.mark.parametrize("text", ["yesterday", "", "Fri, 13 Feb 2026 25:99:00 GMT"])
def test_a_date_that_is_none_is_ignored(site: SampleSite, client: httpx.Client, text: str):
    site.set_day(DAY, 10)
    assert client.get(list_name(DAY), headers={"If-Modified-Since": text}).status_code == 200


def test_every_change_within_one_second_moves_last_modified(site: SampleSite, client: httpx.Client):
    site.set_day(DAY, 10)
    rows, seen = site.rows(DAY), []
    for change in (
        lambda: None,
        lambda: site.publish(DAY),
        lambda: site.delete(rows[0].disclosure_id),
        lambda: site.retitle(rows[1].disclosure_id, "新しい表題"),
        lambda: site.set_day(DAY, 11),
    ):
        change()
        headers = {"If-Modified-Since": seen[-1]} if seen else {}
        answer = client.get(list_name(DAY), headers=headers)
        assert answer.status_code == 200
        seen.append(answer.headers["last-modified"])
    assert len(set(seen)) == 5


def test_the_window_is_31_days_with_today(site: SampleSite, client: httpx.Client):
    first = dt.date(2026, 1, 21)
    assert client.get(list_name(first)).status_code == 200
    assert client.get(list_name(first - dt.timedelta(days=1))).status_code == 404
    assert client.get(list_name(dt.date(2026, 2, 20))).status_code == 200
    assert client.get(list_name(dt.date(2026, 2, 21))).status_code == 404
    assert client.get("I_list_001_20261399.html").status_code == 404
    options = re.findall(r'value="(I_list_001_\d{8}\.html)"', client.get("I_main_00.html").text)
    assert options == [list_name(dt.date(2026, 2, 20) - dt.timedelta(days=n)) for n in range(31)]


def test_files_older_than_the_window_are_forbidden_and_unknown_ones_not_found(
    site: SampleSite, clock: Clock, client: httpx.Client
):
    row = site.rows(DAY)[0]
    assert client.get(row.pdf_name).status_code == 200
    clock.now += dt.timedelta(days=60)
    assert client.get(row.pdf_name).status_code == 403
    assert client.get("140120260420999999.pdf").status_code == 404
    assert client.get("140120261399999999.pdf").status_code == 404
    assert client.get("other.pdf").status_code == 404


def test_a_day_that_was_set_is_served_outside_the_window(
    site: SampleSite, clock: Clock, client: httpx.Client
):
    site.set_day(DAY, 5)
    clock.now += dt.timedelta(days=300)
    assert len(linked_ids(client, DAY)) == 5
    assert client.get(site.rows(DAY)[0].pdf_name).status_code == 200
    site.set_day(dt.date(2031, 1, 1), 7)
    assert len(linked_ids(client, dt.date(2031, 1, 1))) == 7


def test_an_empty_day_has_a_first_page_and_no_second(client: httpx.Client):
    saturday = dt.date(2026, 2, 14)
    page = client.get(list_name(saturday)).content.decode()
    assert "に開示された情報はありません。" in page
    assert "main-list-table" not in page
    assert "kaijiSum" not in page
    assert client.get(list_name(saturday, 2)).status_code == 404


def test_today_shows_rows_as_their_times_pass(site: SampleSite, clock: Clock, client: httpx.Client):
    clock.now = dt.datetime(2026, 2, 13, 0, 0, tzinfo=TOKYO)
    sizes, dates = [], []
    for hour in (6, 12, 15, 16, 23):
        clock.now = clock.now.replace(hour=hour, minute=59)
        rows = site.rows(DAY)
        assert all(row.time <= f"{hour}:59".zfill(5) for row in rows)
        answer = client.get(list_name(DAY))
        sizes.append(len(rows))
        dates.append(parsedate_to_datetime(answer.headers["last-modified"]))
    assert sizes == sorted(sizes)
    assert sizes[1] < sizes[2] < sizes[3]
    assert dates == sorted(dates)
    assert dates[1] < dates[3]
    clock.now += dt.timedelta(days=1)
    assert len(site.rows(DAY)) >= sizes[-1]


def test_a_file_is_not_served_before_its_time(site: SampleSite, clock: Clock, client: httpx.Client):
    row = next(row for row in site.rows(DAY) if row.time == "15:30")
    clock.now = dt.datetime(2026, 2, 13, 15, 29, tzinfo=TOKYO)
    assert client.get(row.pdf_name).status_code == 404
    clock.now = dt.datetime(2026, 2, 13, 15, 30, tzinfo=TOKYO)
    assert client.get(row.pdf_name).status_code == 200


def test_the_clock_may_use_any_zone(site: SampleSite, clock: Clock):
    clock.now = dt.datetime(2026, 2, 13, 6, 30, tzinfo=dt.UTC)  # 15:30 in Japan
    times = {row.time for row in site.rows(DAY)}
    assert "15:30" in times
    assert max(times) == "15:30"


def test_published_rows_take_their_place_in_the_order(site: SampleSite, client: httpx.Client):
    site.set_day(DAY, 150)
    before = [row.disclosure_id for row in site.rows(DAY)]
    (added,) = site.publish(DAY, time="12:01", code="141A0")
    after = site.rows(DAY)
    assert (added.time, added.code) == ("12:01", "141A0")
    assert [row.disclosure_id for row in after if row != added] == before
    position = after.index(added)
    assert after[position - 1].time > "12:01" >= after[position + 1].time
    assert client.get(added.pdf_name).status_code == 200
    assert linked_ids(client, DAY) == [row.disclosure_id for row in after]


def test_rows_published_today_carry_the_present_minute(site: SampleSite, clock: Clock):
    clock.now = dt.datetime(2026, 2, 13, 10, 7, 30, tzinfo=TOKYO)
    rows = site.publish(DAY, 3)
    assert {row.time for row in rows} == {"10:07"}
    assert list(site.rows(DAY)[:3]) == rows


def test_rows_published_later_push_others_over_the_page_border(site: SampleSite):
    site.set_day(DAY, 150)
    last_of_first_page = site.rows(DAY)[99]
    site.publish(DAY, 4)
    assert site.rows(DAY).index(last_of_first_page) == 103


def test_a_deleted_row_keeps_its_place_and_loses_its_files(site: SampleSite, client: httpx.Client):
    site.set_day(DAY, 20)
    row = site.rows(DAY)[7]
    data = site.document(row.pdf_name)
    gone = site.delete(row.disclosure_id)
    assert gone == site.rows(DAY)[7]
    assert (gone.state, gone.history, gone.pdf_name) == (
        "deleted",
        "2026/02/20 12:00 削除",
        row.pdf_name,
    )
    assert client.get(row.pdf_name).status_code == 404
    assert site.document(row.pdf_name) == data
    page = client.get(list_name(DAY)).content.decode()
    assert row.disclosure_id not in page
    assert "全20件" in page


def test_a_retitled_row_keeps_its_old_title_and_its_files(site: SampleSite, client: httpx.Client):
    site.set_day(DAY, 20)
    row = site.rows(DAY)[3]
    data = client.get(row.pdf_name).content
    changed = site.retitle(row.disclosure_id, "新しい表題")
    assert (changed.title, changed.previous_title, changed.state) == (
        "新しい表題",
        row.title,
        "retitled",
    )
    assert changed.history == "2026/02/20 12:00 表題変更"
    assert site.retitle(row.disclosure_id, "さらに新しい表題").previous_title == "新しい表題"
    assert client.get(row.pdf_name).content == data


def test_a_change_dated_later_is_seen_later(site: SampleSite, clock: Clock):
    site.set_day(DAY, 20)
    row = site.rows(DAY)[3]
    site.delete(row.disclosure_id, at=clock.now + dt.timedelta(hours=2))
    assert site.rows(DAY)[3].state == "active"
    clock.now += dt.timedelta(hours=2)
    assert site.rows(DAY)[3].state == "deleted"


def test_a_late_row_is_inserted_further_down_when_it_comes(
    site: SampleSite, clock: Clock, client: httpx.Client
):
    today = clock.now.date()
    site.set_day(today, 150)
    modified = client.get(list_name(today)).headers["last-modified"]
    before = [row.disclosure_id for row in site.rows(today)]
    late = clock.now + dt.timedelta(minutes=7, seconds=20)
    (row,) = site.publish(today, time="09:00", at=late)
    unchanged = client.get(list_name(today), headers={"If-Modified-Since": modified})
    assert unchanged.status_code == 304
    assert client.get(row.pdf_name).status_code == 404
    clock.now = late
    after = [row.disclosure_id for row in site.rows(today)]
    assert [number for number in after if number != row.disclosure_id] == before
    assert 0 < after.index(row.disclosure_id) < len(after) - 1
    changed = client.get(list_name(today), headers={"If-Modified-Since": modified})
    assert parsedate_to_datetime(changed.headers["last-modified"]) == late
    assert client.get(row.pdf_name).status_code == 200


def test_a_title_that_changes_on_a_later_page_leaves_the_first_one_unmodified(
    site: SampleSite, client: httpx.Client
):
    site.set_day(DAY, 150)
    modified = [client.get(list_name(DAY, page)).headers["last-modified"] for page in (1, 2)]
    site.retitle(site.rows(DAY)[120].disclosure_id, "新しい表題")
    answers = [
        client.get(list_name(DAY, page), headers={"If-Modified-Since": moment}).status_code
        for page, moment in zip((1, 2), modified, strict=True)
    ]
    assert answers == [304, 200]


def test_answers_are_dated_by_the_site_s_clock_where_that_is_wanted(clock: Clock):
    site = SampleSite(clock=clock, dates_by_clock=True)
    with serve(site) as base_url, httpx.Client(base_url=f"{base_url}/", verify=TLS) as client:
        for name in ("I_main_00.html", "I_list_001_19990101.html"):
            answer = client.get(name)
            assert answer.headers.get_list("date") == [
                format_datetime(clock.now.astimezone(dt.UTC), usegmt=True)
            ]
    assert site.requests[-1].site_time == clock.now.timestamp()


def test_natural_days_change_days_later(site: SampleSite, clock: Clock, client: httpx.Client):
    clock.now = dt.datetime(2026, 2, 28, 12, tzinfo=TOKYO)
    days = [dt.date(2026, 2, day) for day in range(2, 21)]
    states = [row.state for day in days for row in site.rows(day)]
    assert states.count("deleted") >= 3
    assert states.count("retitled") >= 5
    deleted_id = next(r.disclosure_id for d in days for r in site.rows(d) if r.state == "deleted")
    assert client.get(f"1401{deleted_id}.pdf").status_code == 404


def test_unknown_disclosures_cannot_be_changed_or_read(site: SampleSite):
    with pytest.raises(KeyError, match="no disclosure 20260213999999"):
        site.delete("20260213999999")
    with pytest.raises(KeyError, match="no disclosure has a file"):
        site.document("140120260213999999.pdf")


def test_every_request_is_remembered_with_its_headers_and_status(
    site: SampleSite, client: httpx.Client
):
    site.set_day(DAY, 5)
    started = time.monotonic()
    modified = client.get(list_name(DAY)).headers["last-modified"]
    client.get(list_name(DAY), headers={"If-Modified-Since": modified, "User-Agent": "reader/1"})
    client.get(list_name(DAY, 2))
    assert [request.status for request in site.requests] == [200, 304, 404]
    assert [request.path for request in site.requests] == [
        f"/inbs/{list_name(DAY, page)}" for page in (1, 1, 2)
    ]
    assert site.requests[1].if_modified_since == modified
    assert site.requests[1].user_agent == "reader/1"
    times = [request.arrived_at for request in site.requests]
    assert started <= times[0] <= times[1] <= times[2] <= time.monotonic()


def test_the_site_may_be_changed_while_it_is_read(site: SampleSite, client: httpx.Client):
    site.set_day(DAY, 300)
    writer = threading.Thread(target=lambda: [site.publish(DAY) for _ in range(50)])
    writer.start()
    totals = []
    while writer.is_alive():
        page = client.get(list_name(DAY)).content.decode()
        totals.append(int(re.search(r"全(\d+)件", page)[1]))  # type: ignore[index]
    writer.join()
    assert totals == sorted(totals)
    assert len(site.rows(DAY)) == 350
    assert len({row.disclosure_id for row in site.rows(DAY)}) == 350


def test_the_server_starts_quickly_stops_cleanly_and_frees_its_port(
    site: SampleSite, capfd: pytest.CaptureFixture[str]
):
    # Of the same name, since other tests' servers live as long as their session.
    others = set(threading.enumerate())
    started = time.monotonic()
    with serve(site) as base_url:
        assert time.monotonic() - started < 5
        httpx.get(f"{base_url}/I_main_00.html").raise_for_status()
        port = int(base_url.split(":")[2].split("/")[0])
    assert [one for one in set(threading.enumerate()) - others if one.name == "sample-site"] == []
    socket.create_server(("127.0.0.1", port)).close()
    assert capfd.readouterr() == ("", "")


def test_a_slow_answer_does_not_hold_up_the_end(site: SampleSite):
    site.faults.wait("I_main", seconds=60)
    started = time.monotonic()
    with serve(site) as base_url:
        thread = threading.Thread(target=httpx.get, args=(f"{base_url}/I_main_00.html",))
        thread.start()
        while not site.requests:
            time.sleep(0.01)
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - started < 5


def test_only_loopback_is_served(site: SampleSite):
    with pytest.raises(ValueError, match="for this machine only"), serve(site, host="0.0.0.0"):  # noqa: S104 - refused
        pass


def test_the_control_endpoint_changes_the_site(site: SampleSite, client: httpx.Client):
    control = str(client.base_url).replace("/inbs/", "/_control")

    def order(**values: object) -> list[dict[str, str]]:
        answer = client.post(control, json=values)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, str]] = answer.json()["rows"]
        return rows

    order(call="set_day", day="2026-02-13", size=150)
    (new,) = order(call="publish", day="2026-02-13", time="23:59", code="15574")
    assert (new["code"], new["time"]) == ("15574", "23:59")
    first = site.rows(DAY)[1]
    (gone,) = order(
        call="delete", disclosure_id=first.disclosure_id, at="2026-02-16T10:00:00+09:00"
    )
    assert gone["history"] == "2026/02/16 10:00 削除"
    order(call="retitle", disclosure_id=new["disclosure_id"], title="新しい表題")
    assert [row.state for row in site.rows(DAY)[:3]] == ["retitled", "deleted", "active"]
    order(call="fault", name="answer", pattern="I_list_002", status=503, times=1, retry_after="1")
    order(call="fault", name="grow_after", day="2026-02-13", page=1, rows=2)
    assert client.get(list_name(DAY, 2)).status_code == 503
    assert client.get(list_name(DAY, 2)).status_code == 200
    client.get(list_name(DAY))
    assert len(site.rows(DAY)) == 153
    order(call="fault", name="close", pattern="I_main")
    order(call="clear_faults")
    assert client.get("I_main_00.html").status_code == 200
    seen = client.get(f"{control}/requests").json()
    assert seen["count"] == len(seen["requests"]) == 4
    assert [request["status"] for request in seen["requests"]] == [503, 200, 200, 200]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"call": "explode"}, "call is 'explode'"),
        ({}, "KeyError"),
        ({"call": "publish"}, "TypeError"),
        ({"call": "publish", "day": "Friday"}, "ValueError"),
        ({"call": "fault", "name": "_add", "pattern": "x"}, "there is no fault '_add'"),
        ({"call": "delete", "disclosure_id": "20260213999999"}, "no disclosure"),
    ],
)
def test_an_order_that_cannot_be_done_is_refused_with_the_reason(
    client: httpx.Client, order: dict[str, str], message: str
):
    answer = client.post(str(client.base_url).replace("/inbs/", "/_control"), json=order)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_site_runs_in_a_process_of_its_own(tmp_path: Path, number: signal.Signals):
    port_file = tmp_path / "port"
    command = [
        sys.executable,
        "-m",
        "tdnet_assets.sample_site.site",
        "--port-file",
        str(port_file),
    ]
    command += ["--day", "2026-02-13=120", "--pdf-bytes", "5000"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        assert base_url == f"http://127.0.0.1:{port_file.read_text()}/inbs"
        page = httpx.get(f"{base_url}/{list_name(DAY, 2)}").content.decode()
        assert "101～120件" in page
        name = re.search(r"1401\d{14}\.pdf", page)
        assert name is not None
        assert len(httpx.get(f"{base_url}/{name[0]}").content) == 5000
    finally:
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_day_without_a_size_is_refused():
    command = [sys.executable, "-m", "tdnet_assets.sample_site.site", "--day", "2026-02-13"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "'2026-02-13' is not YYYY-MM-DD=SIZE" in ended.stderr
