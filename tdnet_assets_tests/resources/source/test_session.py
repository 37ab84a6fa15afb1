import asyncio
import gzip
import itertools
import socketserver
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import version
from typing import TypeVar

import pytest

from tdnet_assets.assets.live_day import Pace
from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets.resources.source.answers import (
    Answer,
    RefusedBodyError,
    SourceError,
    TransientSourceError,
)
from tdnet_assets.resources.source.request_slot import Urgency
from tdnet_assets.resources.source.session import (
    DOCUMENT_LIMIT_BYTES,
    LIST_PAGE_LIMIT_BYTES,
    TdnetResource,
    TdnetSession,
)
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tdnet.files import check_pdf
from tdnet_assets.tdnet.listing import page_name
from tdnet_assets_tests.resources.source.test_request_slot import tdnet_at

DAY = date(2026, 6, 10)
PAGE = page_name(DAY, 1)
T = TypeVar("T")
HOSTILE_DATE = "Mon, 01 Jan 2024 00:00:00 +99999999999999"


def asked(tdnet: TdnetResource, ask: Callable[[TdnetSession], Awaitable[T]]) -> T:
    """What ``ask`` gets from a session of its own."""

    async def everything() -> T:
        async with tdnet.session() as session:
            return await ask(session)

    return asyncio.run(everything())


def page_of(tdnet: TdnetResource, name: str = PAGE) -> Answer:
    return asked(tdnet, lambda session: session.list_page(name))


@dataclass
class RawServer:
    """Sends prepared bytes, whatever was asked, and hangs up; the last answer is repeated."""

    base_url: str
    heads: list[str] = field(default_factory=list)
    sent_bytes: int = 0


@contextmanager
def raw_server(*answers: bytes | Iterator[bytes]) -> Iterator[RawServer]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = "".join(line.decode() for line in iter(self.rfile.readline, b"\r\n"))
            seen.heads.append(head)
            answer = answers[min(len(seen.heads), len(answers)) - 1]
            for piece in [answer] if isinstance(answer, bytes) else answer:
                try:
                    self.connection.sendall(piece)
                except OSError:  # hung up on
                    return
                seen.sent_bytes += len(piece)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        seen = RawServer(f"http://127.0.0.1:{server.server_address[1]}/inbs")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield seen
        finally:
            server.shutdown()
            thread.join()


def http(body: bytes = b"", *, status: int = 200, **headers: str) -> bytes:
    """A whole answer; header names are written with underscores."""
    lines = {"Content-Length": str(len(body)), "Connection": "close"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body


@pytest.fixture
def tdnet(base_url, tmp_path) -> TdnetResource:
    """The sample site without a gap between requests and with short waits before retries."""
    return tdnet_at(base_url, tmp_path, rate=0)


def test_a_page_is_the_bytes_that_the_server_sent(site, tdnet):
    site.set_day(DAY, 5)
    before = datetime.now(UTC)

    answer = page_of(tdnet)

    path = f"/inbs/{PAGE}"
    sent = site.reply(path, user_agent="", if_modified_since=None)
    assert (answer.status, answer.content, answer.attempts) == (200, sent.body, 1)
    assert answer.headers["content-type"] == "text/html"
    assert before <= answer.received_at <= datetime.now(UTC)
    assert site.requests[0].path == path


@pytest.mark.parametrize(
    ("contact", "agent"),
    [
        ("", f"tdnet_assets/{version('tdnet-assets')}"),
        ("ops@example.jp", f"tdnet_assets/{version('tdnet-assets')} (ops@example.jp)"),
    ],
)
def test_the_user_agent_says_the_version_and_whom_to_write_to(site, tdnet, contact, agent):
    config = tdnet.config.changed(contact=contact)

    page_of(TdnetResource(config=config))

    assert [seen.user_agent for seen in site.requests] == [agent]


def test_proxies_of_the_environment_are_never_used(site, tdnet, monkeypatch):
    with raw_server(http(b"from the proxy")) as proxy:
        address = proxy.base_url.removesuffix("/inbs")
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

        assert page_of(tdnet).status == 200

    assert proxy.heads == []
    assert len(site.requests) == 1


NO_BARE_NAMES = (
    "",
    ".pdf",
    "../I_list_001_20260610.html",
    "inbs/I_list_001_20260610.html",
    "..\\x.pdf",
    "http://127.0.0.1/x.pdf",
    "//127.0.0.1/x.pdf",
    "x.pdf?y=1",
    "x.pdf#y",
    "x.pdf\n",
    "x.pdf\r\nHost: evil.example",
    "%2e%2e%2fx.pdf",
    "ｘ.pdf",
    "x.exe",
    "x.pdf.exe",
)


def test_a_name_that_is_no_bare_file_name_is_never_requested(site, tdnet):
    async def ask(session: TdnetSession) -> None:
        for name in NO_BARE_NAMES:
            with pytest.raises(SourceError, match="not a bare TDnet file name"):
                await session.list_page(name)
            with pytest.raises(SourceError, match="not a bare TDnet file name"):
                await session.document(name, lambda _: None)

    asked(tdnet, ask)

    assert site.requests == []


def test_a_refusal_is_permanent_and_asked_for_once(site, tdnet):
    statuses = [204, 206, 300, 400, 401, 403, 404, 410, 451]
    for status in statuses:
        site.faults.answer(PAGE, status=status, times=1)
        with pytest.raises(SourceError, match=f"answers {status}") as caught:
            page_of(tdnet)
        assert not isinstance(caught.value, TransientSourceError)
        assert (caught.value.status, caught.value.attempts) == (status, 1)
        site.faults.clear()

    assert [seen.status for seen in site.requests] == statuses


@pytest.mark.parametrize("status", [408, 429, 500, 503, 599])
def test_a_passing_failure_is_tried_again(site, tdnet, status):
    site.faults.answer(PAGE, status=status, times=2)

    async def ask(session: TdnetSession) -> tuple[Answer, int, int]:
        answer = await session.list_page(PAGE)
        return answer, session.counts.requests, session.counts.retries

    answer, requests, retries = asked(tdnet, ask)

    assert (answer.status, answer.attempts) == (200, 3)
    assert (requests, retries) == (3, 2)
    assert [seen.status for seen in site.requests] == [status, status, 200]


def test_a_failure_that_does_not_pass_ends_after_the_last_attempt(site, tdnet):
    site.faults.answer(PAGE, status=503)

    with pytest.raises(TransientSourceError, match=f"{PAGE} answers 503") as caught:
        page_of(tdnet)

    assert (caught.value.status, caught.value.attempts) == (503, 5)
    assert len(site.requests) == 5


def test_a_closed_connection_and_a_cut_body_are_tried_again(site, tdnet):
    site.set_day(DAY, 5)
    site.faults.close(PAGE, times=1)

    assert page_of(tdnet).attempts == 2

    site.faults.cut_connection(PAGE, after_bytes=500, times=1)
    answer = page_of(tdnet)

    assert answer.attempts == 2
    assert answer.content
    assert answer.content.rstrip().endswith(b"</html>")


def test_a_body_that_is_always_cut_is_never_an_answer(site, tdnet):
    site.faults.cut_connection(PAGE, after_bytes=500)

    with pytest.raises(TransientSourceError, match="RemoteProtocolError") as caught:
        page_of(tdnet)

    assert caught.value.attempts == 5


def test_a_server_that_is_not_there_is_named(tmp_path):
    nobody = tdnet_at(f"http://127.0.0.1:{free_port()}/inbs", tmp_path, rate=0, attempts=2)

    with pytest.raises(TransientSourceError, match=rf"{PAGE}: ConnectError") as caught:
        page_of(nobody)

    assert (caught.value.status, caught.value.attempts) == (None, 2)


@pytest.mark.parametrize("fault", ["drip", "wait"])
def test_an_attempt_ends_at_its_time_however_busy_the_server_looks(site, base_url, tmp_path, fault):
    tdnet = tdnet_at(base_url, tmp_path, rate=0, attempts=2, attempt_timeout_seconds=0.3)
    if fault == "drip":
        site.faults.drip(PAGE, piece_bytes=1, seconds=0.02)
    else:
        site.faults.wait(PAGE, seconds=20)
    begun = time.monotonic()

    with pytest.raises(TransientSourceError, match=r"no whole answer within 0\.3 s") as caught:
        page_of(tdnet)

    assert caught.value.attempts == 2
    assert 0.6 <= time.monotonic() - begun < 5
    assert len(site.requests) == 2


@pytest.mark.parametrize("fault", ["drip", "wait"])
def test_a_look_that_hangs_ends_before_the_next_one_is_due(site, base_url, tmp_path, fault):
    tdnet = tdnet_at(base_url, tmp_path, rate=0, look_timeout_seconds=0.3)
    if fault == "drip":
        site.faults.drip(PAGE, piece_bytes=1, seconds=0.02)
    else:
        site.faults.wait(PAGE, seconds=20)

    with pytest.raises(TransientSourceError, match=r"no whole answer within 0\.3 s") as caught:
        asked(tdnet, lambda session: session.list_page(PAGE, urgency=Urgency.LOOK))

    assert caught.value.attempts == len(site.requests) == 1
    assert TdnetResource(config=tdnet.config).look_timeout_seconds < Pace().look_seconds / 2


def _endless(head: bytes) -> Iterator[bytes]:
    return itertools.chain([head], itertools.repeat(bytes(65_536), 4_000))


@pytest.mark.parametrize(
    ("ask", "limit"),
    [
        (lambda session: session.list_page(PAGE), LIST_PAGE_LIMIT_BYTES),
        (lambda session: session.document("x.pdf", lambda _: None), DOCUMENT_LIMIT_BYTES),
    ],
    ids=["page", "document"],
)
def test_a_body_beyond_its_limit_is_not_read_to_its_end(tmp_path, ask, limit):
    with raw_server(_endless(http(Content_Length="262144000"))) as server:
        tdnet = tdnet_at(server.base_url, tmp_path, rate=0)
        with pytest.raises(SourceError, match=f"larger than {limit:,} bytes") as caught:
            asked(tdnet, ask)

    assert caught.value.attempts == 1
    assert limit < server.sent_bytes < limit + 20_000_000


@pytest.mark.parametrize("layers", [1, 2])
def test_a_compressed_bomb_is_never_expanded(tmp_path, layers):
    bomb = gzip.compress(bytes(300_000_000), compresslevel=1)
    if layers == 2:
        bomb = gzip.compress(bomb)
    encoding = ", ".join(["gzip"] * layers)
    with raw_server(http(bomb, Content_Encoding=encoding)) as server:
        tdnet = tdnet_at(server.base_url, tmp_path, rate=0)
        tracemalloc.start()
        try:
            with pytest.raises(SourceError, match=r"larger than|encoded as 'gzip, gzip'") as caught:
                page_of(tdnet)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert caught.value.attempts == 1
    assert peak < 6 * LIST_PAGE_LIMIT_BYTES


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "compress", "gzip,gzip", "x" * 500])
def test_an_encoding_that_was_not_asked_for_is_refused(tmp_path, encoding):
    with (
        raw_server(http(b"??", Content_Encoding=encoding)) as server,
        pytest.raises(SourceError, match="which was not asked for") as caught,
    ):
        page_of(tdnet_at(server.base_url, tmp_path, rate=0))

    assert len(server.heads) == 1
    assert len(str(caught.value)) < 300


def test_a_compressed_page_arrives_expanded_and_files_are_asked_for_as_they_are(tmp_path):
    page = "適時開示".encode() * 10_000
    with raw_server(http(gzip.compress(page), Content_Encoding="GZIP"), http(b"%PDF")) as server:
        tdnet = tdnet_at(server.base_url, tmp_path, rate=0)
        answer = page_of(tdnet)
        document = asked(tdnet, lambda session: session.document("x.pdf", lambda _: None))

    assert (answer.content, document.content) == (page, b"%PDF")
    assert "accept-encoding: gzip\r\n" in server.heads[0].lower()
    assert "accept-encoding: identity\r\n" in server.heads[1].lower()


@pytest.mark.parametrize("piece", [1, 7, 1_000_000])
def test_a_page_of_several_gzip_members_is_read_whole(tmp_path, piece):
    members = [gzip.compress(part) for part in ("適時".encode(), b"", "開示".encode() * 100)]
    body = b"".join(members)
    head, whole = http(Content_Encoding="gzip", Content_Length=str(len(body))), iter(body)
    pieces = iter(lambda: bytes(itertools.islice(whole, piece)), b"")
    with raw_server(itertools.chain([head], pieces)) as server:
        answer = page_of(tdnet_at(server.base_url, tmp_path, rate=0))

    assert answer.content == "適時".encode() + "開示".encode() * 100


@pytest.mark.parametrize("unit", [gzip.compress(b""), bytes(20)], ids=["empty members", "zeros"])
def test_what_follows_a_compressed_page_for_ever_is_not_read_for_ever(tmp_path, unit):
    endless = itertools.repeat(unit * 4_000, 4_000)
    head = http(Content_Encoding="gzip", Content_Length="400000000")
    with raw_server(itertools.chain([head, gzip.compress(b"page")], endless)) as server:
        tdnet = tdnet_at(server.base_url, tmp_path, rate=0, attempts=1)
        with pytest.raises(SourceError, match="cannot be decompressed"):
            page_of(tdnet)

    assert server.sent_bytes < 5 * LIST_PAGE_LIMIT_BYTES


@pytest.mark.parametrize(
    "damaged",
    [
        b"not gzip at all",
        gzip.compress(b"page" * 1000) + b"\0\0",
        gzip.compress(b"page" * 1000) + gzip.compress(b"page" * 1000)[:-4],
        gzip.compress(b"page" * 1000)[:-4],
        gzip.compress(b"page" * 1000)[:-8] + bytes(8),
        b"",
    ],
    ids=["no gzip", "bytes behind", "second member cut", "cut", "wrong check sum", "empty"],
)
def test_a_damaged_compressed_body_is_tried_again(tmp_path, damaged):
    good = http(gzip.compress(b"page"), Content_Encoding="gzip")
    # Without a length, the connection cannot tell that the end is missing.
    bad = http(damaged, Content_Encoding="gzip", Content_Length="")
    with raw_server(bad, good) as server:
        answer = page_of(tdnet_at(server.base_url, tmp_path, rate=0))

    assert (answer.content, answer.attempts) == (b"page", 2)


def test_a_redirect_to_another_host_is_not_followed(site, base_url, tdnet):
    with raw_server(http(b"evil")) as other:
        port = other.base_url.split(":")[2].removesuffix("/inbs")
        for target in (
            f"{other.base_url}/{PAGE}",
            other.base_url.removeprefix("http:"),
            base_url.replace("http:", "https:"),
            base_url.replace("127.0.0.1", "localhost"),
            base_url.replace("127.0.0.1", f"127.0.0.1:{port}@127.0.0.1"),
            f"http://127.0.0.1:{port}\\@{base_url.removeprefix('http://')}",
            "ftp://127.0.0.1/x",
            "http://127.0.0.1:99999999/",
            "http://a..b/",
        ):
            site.faults.clear()
            site.faults.redirect(PAGE, to=target)
            asked_before = len(site.requests)
            with pytest.raises(SourceError, match="away from the configured host") as caught:
                page_of(tdnet)
            assert (caught.value.status, caught.value.attempts) == (302, 1)
            assert len(site.requests) == asked_before + 1

    assert other.heads == []


@pytest.mark.parametrize("target", ["http://[::1", "http://127.0.0.1:x/", "javascript:alert(1)"])
def test_a_redirect_to_no_address_at_all_is_a_failure_of_the_source(site, tdnet, target):
    site.faults.redirect(PAGE, to=target)

    with pytest.raises(SourceError, match=r"Invalid URL|no address"):
        page_of(tdnet)

    assert {seen.path for seen in site.requests} == {f"/inbs/{PAGE}"}


@pytest.mark.parametrize(
    "form", ["{base}/{page}", "/inbs/{page}", "{page}", "//{host}/inbs/{page}"]
)
def test_a_redirect_on_the_same_host_is_followed(site, base_url, tdnet, form):
    site.set_day(DAY, 5)
    moved = page_name(DAY, 1).replace("001", "007")
    host = base_url.split("/")[2]
    site.faults.redirect(moved, to=form.format(base=base_url, page=PAGE, host=host))

    async def ask(session: TdnetSession) -> tuple[Answer, int]:
        return await session.list_page(moved), session.counts.requests

    answer, requests = asked(tdnet, ask)

    assert (answer.status, answer.attempts, requests) == (200, 1, 2)
    assert [seen.path for seen in site.requests] == [f"/inbs/{moved}", f"/inbs/{PAGE}"]


def test_redirects_in_a_circle_end(site, base_url, tdnet):
    site.faults.redirect(PAGE, to=f"{base_url}/{PAGE}")

    with pytest.raises(SourceError, match="more than 3 redirects"):
        page_of(tdnet)

    assert len(site.requests) == 4


def test_retries_wait_at_least_the_floor_and_longer_each_time(site, base_url, tmp_path):
    tdnet = tdnet_at(base_url, tmp_path, rate=0, attempts=4, backoff_floor_seconds=0.1)
    site.faults.answer(PAGE, status=503)

    with pytest.raises(TransientSourceError):
        page_of(tdnet)

    arrivals = [seen.arrived_at for seen in site.requests]
    waits = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    assert [wait >= floor for wait, floor in zip(waits, (0.1, 0.2, 0.4), strict=True)] == [True] * 3
    assert waits[2] < 0.5 + 1


def test_workers_that_failed_together_do_not_come_back_together(site, base_url, tmp_path):
    tdnet = tdnet_at(base_url, tmp_path, rate=0, attempts=2, backoff_floor_seconds=0.4)
    site.set_day(DAY, 5)
    site.faults.answer(PAGE, status=503, times=8)

    async def ask(session: TdnetSession) -> None:
        await asyncio.gather(*(session.list_page(PAGE) for _ in range(8)))

    asked(tdnet, ask)

    retried = [seen.arrived_at for seen in site.requests if seen.status == 200]
    # Eight even draws from 0.4 s lie within 0.05 s of each other once in a million times.
    assert max(retried) - min(retried) > 0.05


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_nobody_asks_for_anything_while_the_server_wants_a_pause(site, base_url, tmp_path, form):
    tdnet = tdnet_at(base_url, tmp_path, rate=50)
    site.set_day(DAY, 20)
    names = [row.pdf_name for row in site.rows(DAY)][:12]
    now = datetime.now(UTC)
    # HTTP dates have whole seconds, so this is 1 to 2 s from now.
    until = now.replace(microsecond=0) + timedelta(seconds=2)
    value = "1" if form == "seconds" else format_datetime(until, usegmt=True)
    wanted = 1.0 if form == "seconds" else (until - now).total_seconds()
    offset = time.monotonic()
    site.faults.answer(names[3], status=429, retry_after=value, times=1)

    async def ask(session: TdnetSession) -> list[int]:
        answers = await asyncio.gather(*(session.document(name, check_pdf) for name in names))
        return [answer.attempts for answer in answers]

    attempts = asked(tdnet, ask)

    refused_at = next(seen.arrived_at for seen in site.requests if seen.status == 429)
    pause_ends = refused_at + 1.0 if form == "seconds" else offset + wanted - 0.01
    later = [seen.arrived_at for seen in site.requests if seen.arrived_at > refused_at]
    assert len(later) == 9
    assert min(later) >= pause_ends
    assert max(later) < pause_ends + 5
    assert sorted(attempts) == [1] * 11 + [2]


@pytest.mark.parametrize(
    "retry_after",
    [
        "301",
        "86400",
        "9" * 400,
        format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True),
    ],
    ids=["just too long", "a day", "for ever", "a date"],
)
def test_a_pause_too_long_to_wait_for_ends_all_asking_at_once(
    site, base_url, tmp_path, retry_after
):
    tdnet = tdnet_at(base_url, tmp_path, rate=50)
    site.set_day(DAY, 20)
    names = [row.pdf_name for row in site.rows(DAY)][:12]
    site.faults.answer(names[3], status=429, retry_after=retry_after)
    begun = time.monotonic()

    async def ask(session: TdnetSession) -> list[Answer | BaseException]:
        first = await asyncio.gather(
            *(session.document(name, check_pdf) for name in names), return_exceptions=True
        )
        later = await asyncio.gather(session.list_page(PAGE), return_exceptions=True)
        return [*first, *later]

    outcomes = asked(tdnet, ask)

    assert time.monotonic() - begun < 5
    assert len(site.requests) == 4
    assert [isinstance(outcome, SourceError) for outcome in outcomes] == [False] * 3 + [True] * 10
    assert "answers 429 and asks to wait" in str(outcomes[3])
    for outcome in outcomes[4:]:
        assert str(outcome).startswith("not asked for, because earlier http://")
        assert isinstance(outcome, SourceError)
        assert outcome.status == 429


def test_the_end_of_a_pause_is_by_the_clock_of_the_host_that_named_it(tmp_path):
    ahead = timedelta(hours=1)
    site = SampleSite(clock=lambda: datetime.now(UTC) + ahead, dates_by_clock=True)
    site.set_day(DAY, 20)
    until = datetime.now(UTC) + ahead + timedelta(seconds=2)
    site.faults.answer(PAGE, status=503, retry_after=_http_date(until), times=1)
    with serve(site) as address:
        answer = page_of(tdnet_at(address, tmp_path, rate=0, backoff_floor_seconds=0.05))

    assert answer.attempts == 2
    first, second = (seen.arrived_at for seen in site.requests)
    assert 1 <= second - first < 4


@pytest.mark.parametrize(
    "retry_after", ["soon", "-5", "1.5.2", "", HOSTILE_DATE, "Mon, 99 Jan 2024"]
)
def test_a_pause_that_cannot_be_read_is_an_ordinary_wait(site, base_url, tmp_path, retry_after):
    tdnet = tdnet_at(base_url, tmp_path, rate=0, backoff_floor_seconds=0.05)
    site.faults.answer(PAGE, status=503, retry_after=retry_after, times=1)

    assert page_of(tdnet).attempts == 2

    first, second = (seen.arrived_at for seen in site.requests)
    assert 0.05 <= second - first < 5


MODIFIED = datetime(2026, 6, 10, 6, 30, tzinfo=UTC)


def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("age", "trusted"), [(0, False), (1, False), (-60, False), (2, True), (3600, True)]
)
def test_a_page_modified_within_its_own_second_is_asked_for_whole_again(tmp_path, age, trusted):
    answered = http(
        b"page",
        Last_Modified=_http_date(MODIFIED),
        Date=_http_date(MODIFIED + timedelta(seconds=age)),
    )
    with raw_server(answered) as server:
        answer = page_of(tdnet_at(server.base_url, tmp_path, rate=0))

    assert answer.last_modified == (_http_date(MODIFIED) if trusted else None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": _http_date(MODIFIED)},
        {"Last_Modified": _http_date(MODIFIED)},
        {"Last_Modified": "yesterday", "Date": _http_date(MODIFIED)},
        {"Last_Modified": _http_date(MODIFIED), "Date": "today"},
        {"Last_Modified": HOSTILE_DATE, "Date": HOSTILE_DATE},
    ],
)
def test_dates_that_cannot_be_read_are_no_validator(tmp_path, headers):
    with raw_server(http(b"page", **headers)) as server:
        answer = page_of(tdnet_at(server.base_url, tmp_path, rate=0))

    assert (answer.content, answer.last_modified) == (b"page", None)


def test_dates_with_and_without_a_zone_are_compared_as_utc(tmp_path):
    mixed = http(
        b"page",
        Last_Modified="Wed, 10 Jun 2026 06:30:00 -0000",
        Date="Wed, 10 Jun 2026 06:30:05 GMT",
    )
    with raw_server(mixed) as server:
        answer = page_of(tdnet_at(server.base_url, tmp_path, rate=0))

    assert answer.last_modified == "Wed, 10 Jun 2026 06:30:00 -0000"


def test_an_unchanged_page_costs_no_body(site, tdnet):
    site.set_day(DAY, 5)

    async def ask(session: TdnetSession) -> tuple[Answer, Answer]:
        first = await session.list_page(PAGE)
        return first, await session.list_page(PAGE, if_modified_since=first.last_modified)

    first, second = asked(tdnet, ask)

    assert first.last_modified is not None
    assert (second.status, second.content) == (304, None)
    assert second.last_modified == first.last_modified
    assert [seen.if_modified_since for seen in site.requests] == [None, first.last_modified]


def test_a_document_that_is_refused_is_asked_for_again_until_it_is_good(site, tdnet):
    site.set_day(DAY, 5)
    name = site.rows(DAY)[0].pdf_name
    site.faults.html_instead(name, times=2)

    answer = asked(tdnet, lambda session: session.document(name, check_pdf))

    assert (answer.content, answer.attempts) == (site.document(name), 3)


def test_a_document_that_stays_wrong_is_refused_with_what_was_seen(site, tdnet):
    site.set_day(DAY, 5)
    name = site.rows(DAY)[0].pdf_name
    site.faults.html_instead(name)

    with pytest.raises(RefusedBodyError, match=f"{name}: this is not a PDF") as caught:
        asked(tdnet, lambda session: session.document(name, check_pdf))

    assert (caught.value.status, caught.value.attempts) == (200, 5)


def test_a_defect_of_our_own_is_not_mistaken_for_a_bad_document(site, tdnet):
    site.set_day(DAY, 5)
    name = site.rows(DAY)[0].pdf_name

    def broken(_: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asked(tdnet, lambda session: session.document(name, broken))

    assert len(site.requests) == 1
