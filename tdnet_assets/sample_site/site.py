"""A TDnet of our own: a real HTTP server on loopback for the demo, the tests and the benchmarks.

What belongs here: what the site knows and answers at a moment of its clock, and the server. What
does not: how rows, pages and files are made (the other ``sample_`` modules).

``python -m tdnet_assets.sample_site.site`` runs it in a process of its own; :func:`serve` runs it
in a thread of this one.
"""

import dataclasses
import datetime as dt
import functools
import ipaddress
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from tdnet_assets.sample_site.business_days import natural_size
from tdnet_assets.sample_site.day import (
    PlannedRow,
    SampleRow,
    days_that_may_show,
    deleted,
    draw_rows,
    list_order,
    living_day,
    planned_day,
    retitled,
)
from tdnet_assets.sample_site.faults import FAULTS, Faults
from tdnet_assets.sample_site.linked_files import filing
from tdnet_assets.sample_site.loopback_guard import guarded, sample_site_rule
from tdnet_assets.sample_site.page import ROWS_PER_PAGE, list_page, main_page, page_count
from tdnet_assets.sample_site.pdf import SMALLEST_PDF_BYTES
from tdnet_assets.sample_site.reply import Reply, ReplyResponse
from tdnet_assets.tdnet.listing import TOKYO

WINDOW_DAYS = 31
"""Days online, today in Japan included."""

CLOSED = 0
"""Status of a :class:`SeenRequest` whose connection was closed without an answer."""

_LIST_PAGE = re.compile(r"/inbs/I_list_(\d{3})_(\d{8})\.html")
_FILE = re.compile(r"/inbs/((?:1401(\d{14})\.pdf)|(?:0[89]12(\d{14})\.zip))")
_MOST_SEEN_REQUESTS = 200_000
_BUILT_ARCHIVES = 64
_POLL_SECONDS = 0.002
_ROBOTS = b"User-agent: *\nDisallow: /\n"
_PAGE_HEADERS = {"content-type": "text/html", "cache-control": "max-age=2"}
_FILE_HEADERS = {"cache-control": "private, max-age=3136"}


@dataclasses.dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it arrived, and the status it got."""

    path: str
    arrived_at: float
    """Seconds of ``time.monotonic()``, the same clock in every process of a Linux machine."""
    site_time: float
    """The same moment by the site's clock, in seconds since 1970."""
    user_agent: str
    if_modified_since: str | None
    status: int
    """HTTP status, or :data:`CLOSED`."""


@dataclasses.dataclass(slots=True)
class _Day:
    """A day that is no longer what the date and the seed make of it."""

    plans: dict[str, PlannedRow]
    drawn: int
    touched_at: dt.datetime | None = None


class SampleSite:
    """The site's state: deterministic days, and what tests change about them.

    Days, times and the window are those of Japan. Every method may be called from any thread.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(TOKYO),
        dates_by_clock: bool = False,
        pdf_bytes: int | None = None,
        seed: int = 0,
    ) -> None:
        """Make a site.

        Args:
            clock: the time on the site, with a zone.
            dates_by_clock: whether answers are dated by that clock, as those of one machine are;
                otherwise by the machine's own, which suits a clock that stands still.
            pdf_bytes: exact size of every PDF, at least 4,096; 1 to 3 KB when None.
            seed: another seed gives other days.

        Raises:
            ValueError: the size is too small.
        """
        if pdf_bytes is not None and pdf_bytes < SMALLEST_PDF_BYTES:
            raise ValueError(f"pdf_bytes is {pdf_bytes}: use at least {SMALLEST_PDF_BYTES}")
        self.requests: list[SeenRequest] = []
        """What was asked, oldest first; the oldest are forgotten beyond 200,000."""
        self.faults = Faults(self.publish, self.now)
        self.dates_by_clock = dates_by_clock
        self._clock, self._pdf_bytes, self._seed = clock, pdf_bytes, seed
        self._days: dict[dt.date, _Day] = {}
        self._explicit: set[dt.date] = set()
        self._lock = threading.RLock()
        self._archive = functools.lru_cache(_BUILT_ARCHIVES)(filing)

    def set_day(self, day: dt.date, size: int, *, living: bool = False) -> None:
        """Give the day exactly so many disclosures.

        The day is served whatever the window says. If it is today, rows still appear as their
        times pass; a day to come shows them all.

        Args:
            day: the day whose list they make.
            size: how many.
            living: like an operating day, on which some come late, are retitled or deleted (see
                :func:`living_day`); otherwise none is.

        Raises:
            ValueError: more than 6,000 disclosures.
        """
        with self._lock:
            touched_at = self._next_modification(day) if day in self._days else None
            plans = (
                living_day(day, size, self._seed)
                if living
                else planned_day(day, size, self._seed, changes=False)
            )
            self._days[day] = _Day(dict(plans), size, touched_at)
            self._explicit.add(day)

    def now(self) -> dt.datetime:
        """The time on the site, in Japan."""
        return self._clock().astimezone(TOKYO)

    def rows(self, day: dt.date) -> Sequence[SampleRow]:
        """What the day's list shows now, in list order."""
        with self._lock:
            now = self.now()
            return [plan.at(now) for plan in self._visible(day, now)]

    def publish(
        self,
        day: dt.date,
        count: int = 1,
        *,
        time: str | None = None,
        code: str | None = None,
        at: dt.datetime | None = None,
    ) -> list[SampleRow]:
        """Add disclosures to the day, each in its place in the order.

        Args:
            day: the day whose list they join.
            count: how many.
            time: HH:MM; when None the present minute if the day is today, else the time of the
                day's newest row.
            code: issuer; drawn when None.
            at: when they appear, with a zone; at once, or at their time, when None. Later than
                their time they are inserted further down, as late rows are.

        Returns:
            The new rows, in list order.

        Raises:
            ValueError: the day's serial numbers are used up.
        """
        with self._lock:
            now = at.astimezone(TOKYO) if at else self.now()
            if time is None:
                shown = self._visible(day, now)
                newest = shown[0].row.time if shown else "15:30"
                time = f"{now:%H:%M}" if day == now.date() else newest
            touched_at = None if at else self._next_modification(day)
            state = self._own(day)
            rows = draw_rows(day, count, self._seed, position=state.drawn, time=time, code=code)
            rows.sort(key=list_order)
            state.drawn += count
            # A stable sort: rows of the same time and code stay where they were.
            plans = [*state.plans.values(), *(PlannedRow(row, appears_at=at) for row in rows)]
            plans.sort(key=lambda plan: list_order(plan.row))
            state.plans = {plan.row.disclosure_id: plan for plan in plans}
            state.touched_at = touched_at or state.touched_at
            return rows

    def delete(self, disclosure_id: str, *, at: dt.datetime | None = None) -> SampleRow:
        """Delete a disclosure as the exchange does: the row stays, its links and files go.

        Args:
            disclosure_id: 14 digits.
            at: when, with a zone; the clock's time when None. Later than that it is seen later.

        Raises:
            KeyError: no day that is served has it.
        """
        return self._change(disclosure_id, at, deleted)

    def retitle(
        self, disclosure_id: str, title: str, *, at: dt.datetime | None = None
    ) -> SampleRow:
        """Change a disclosure's title as the exchange does: the old one is shown struck out.

        Args:
            disclosure_id: 14 digits.
            title: the new title.
            at: when, with a zone; the clock's time when None. Later than that it is seen later.

        Raises:
            KeyError: no day that is served has it.
        """
        return self._change(disclosure_id, at, lambda row, when: retitled(row, title, when))

    def document(self, name: str) -> bytes:
        """The file that a link of that name leads to, also after its disclosure was deleted.

        Raises:
            KeyError: no disclosure that is served has a file of that name.
        """
        with self._lock:
            found = self._find(name[4:18])
            if found is None or name not in (found[1].row.pdf_name, found[1].row.xbrl_name):
                raise KeyError(f"no disclosure has a file {name}")
            day, plan = found
        make = filing if name == plan.row.pdf_name else self._archive
        return make(plan.row, day, name, pdf_bytes=self._pdf_bytes)

    def reply(self, path: str, *, user_agent: str, if_modified_since: str | None) -> Reply:
        """The answer to a GET of that path, faults included; the request is remembered."""
        arrived_at, now = time.monotonic(), self.now()
        with self._lock:
            faulty = self.faults.matches(path)
            reply = self._proper_reply(path, None if faulty else if_modified_since)
            if faulty:
                reply = self.faults.applied(path, reply)
            if self.dates_by_clock:
                headers = {"date": _http_date(now), **reply.headers}
                reply = dataclasses.replace(reply, headers=headers)
            if len(self.requests) >= _MOST_SEEN_REQUESTS:
                del self.requests[: _MOST_SEEN_REQUESTS // 2]
            status = reply.status if reply.answered else CLOSED
            self.requests.append(
                SeenRequest(
                    path, arrived_at, now.timestamp(), user_agent, if_modified_since, status
                )
            )
        return reply

    def _proper_reply(self, path: str, if_modified_since: str | None) -> Reply:
        if path == "/robots.txt":
            return Reply(200, _ROBOTS, {"content-type": "text/plain"})
        if path == "/inbs/I_main_00.html":
            return Reply(200, main_page(sorted(self._online_days(), reverse=True)), _PAGE_HEADERS)
        if asked := _LIST_PAGE.fullmatch(path):
            return self._page_reply(int(asked[1]), asked[2], if_modified_since)
        if asked := _FILE.fullmatch(path):
            return self._file_reply(asked[1], asked[2] or asked[3], if_modified_since)
        return _refusal(404)

    def _page_reply(self, page: int, digits: str, if_modified_since: str | None) -> Reply:
        day = _date(digits)
        if day is None or day not in self._online_days():
            return _refusal(404)
        rows = self.rows(day)
        if not 1 <= page <= page_count(len(rows)):
            return _refusal(404)
        modified_at = self._modified_at(day, page)
        headers = {**_PAGE_HEADERS, "last-modified": _http_date(modified_at)}
        if _is_unchanged(modified_at, if_modified_since):
            return Reply(304, b"", headers)
        return Reply(200, list_page(day, page, rows), headers)

    def _file_reply(self, name: str, disclosure_id: str, if_modified_since: str | None) -> Reply:
        registered = _date(disclosure_id[:8])
        if registered is None:
            return _refusal(404)
        found = self._find(disclosure_id)
        if found is None:
            # The real site refuses old files and does not know the others.
            return _refusal(403 if registered < self._first_day() else 404)
        day, plan = found
        now = self.now()
        row = plan.at(now)
        gone = row.state == "deleted" or not self._is_visible(day, plan, now)
        if gone or name not in (row.pdf_name, row.xbrl_name):
            return _refusal(404)
        shown_at = plan.appears_at or _moment(day, row.time)
        kind = "application/pdf" if name == row.pdf_name else "application/zip"
        headers = {
            **_FILE_HEADERS,
            "content-type": kind,
            "last-modified": _http_date(shown_at),
        }
        if _is_unchanged(shown_at, if_modified_since):
            return Reply(304, b"", headers)
        return Reply(200, self.document(name), headers)

    def _first_day(self) -> dt.date:
        return self.now().date() - dt.timedelta(days=WINDOW_DAYS - 1)

    def _online_days(self) -> set[dt.date]:
        first = self._first_day()
        return self._explicit | {first + dt.timedelta(days=days) for days in range(WINDOW_DAYS)}

    def _plans(self, day: dt.date) -> Mapping[str, PlannedRow]:
        if day in self._days:
            return self._days[day].plans
        return planned_day(day, natural_size(day, self._seed), self._seed, changes=True)

    def _visible(self, day: dt.date, now: dt.datetime) -> list[PlannedRow]:
        return [plan for plan in self._plans(day).values() if self._is_visible(day, plan, now)]

    def _is_visible(self, day: dt.date, plan: PlannedRow, now: dt.datetime) -> bool:
        if plan.appears_at and now < plan.appears_at:
            return False
        today = now.date()
        if day == today:
            return plan.row.time <= f"{now:%H:%M}"
        return day < today or day in self._explicit

    def _own(self, day: dt.date) -> _Day:
        if day not in self._days:
            plans = dict(self._plans(day))
            self._days[day] = _Day(plans, len(plans))
        return self._days[day]

    def _find(self, disclosure_id: str) -> tuple[dt.date, PlannedRow] | None:
        online = self._online_days()
        for day in days_that_may_show(disclosure_id):
            if day in online and (plan := self._plans(day).get(disclosure_id)):
                return day, plan
        return None

    def _change(
        self,
        disclosure_id: str,
        at: dt.datetime | None,
        change: Callable[[SampleRow, dt.datetime], SampleRow],
    ) -> SampleRow:
        with self._lock:
            found = self._find(disclosure_id)
            if found is None:
                raise KeyError(f"no disclosure {disclosure_id} on the days that are served")
            day, plan = found
            when = at or self.now()
            changed = change(plan.at(self.now()), when)
            touched_at = self._next_modification(day)
            self._own(day).plans[disclosure_id] = PlannedRow(
                plan.at(self.now()), when, changed, plan.appears_at, touched_at
            )
            return changed

    def _modified_at(self, day: dt.date, page: int | None = None) -> dt.datetime:
        """When a page of the day, or any of them, was changed last.

        A new row changes every page, by its total. A title or a deletion changes its own page: what
        the first one says of the others is not known of the real site, so it says nothing here.
        """
        now = self.now()
        shown = self._visible(day, now)
        moments = [_moment(day, "00:00")]
        if shown:
            moments.append(_moment(day, shown[0].row.time))
        moments += [plan.appears_at for plan in shown if plan.appears_at]
        if day in self._days and (touched_at := self._days[day].touched_at):
            moments.append(touched_at)
        of_page = shown if page is None else shown[(page - 1) * ROWS_PER_PAGE :][:ROWS_PER_PAGE]
        for plan in of_page:
            moments += [moment for moment in (plan.changed_at,) if moment and moment <= now]
            moments += [moment for moment in (plan.touched_at,) if moment]
        return max(moments)

    def _next_modification(self, day: dt.date) -> dt.datetime:
        # Last-Modified counts seconds: two changes in one second must still differ.
        return max(self.now(), self._modified_at(day) + dt.timedelta(seconds=1))


@contextmanager
def serve(
    site: SampleSite,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    publisher: "Publisher | None" = None,
) -> Iterator[str]:
    """Serve the site from a thread of this process.

    Args:
        site: what is served; change it while it runs as you like.
        publisher: who publishes by itself and takes the orders; None leaves the site as it is.
        host: a loopback address; nothing else is served.
        port: 0 takes a free one.

    Yields:
        The base address of pages and files, e.g. ``http://127.0.0.1:40001/inbs``.

    Raises:
        ValueError: the host is not a loopback address.
        OSError: the port is taken.
        RuntimeError: the server did not start.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"the sample site is for this machine only, not for {host}")
    listening = socket.create_server((host, port))
    application = _Application(site, publisher)
    application.server = server = uvicorn.Server(
        uvicorn.Config(
            guarded(application.asgi, sample_site_rule),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=not site.dates_by_clock,
        )
    )
    thread = threading.Thread(target=server.run, args=([listening],), name="sample-site")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(_POLL_SECONDS)
        if not server.started:
            raise RuntimeError("the sample site did not start; its thread says why on stderr")
        yield f"http://{host}:{listening.getsockname()[1]}/inbs"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


class Publisher(Protocol):
    """Who publishes something now and then (``publications.py``)."""

    def catch_up(self) -> None:
        """Publish what is due."""

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what an order says; see :func:`control`."""


class _Application:
    """The routes of the site and of its control endpoint."""

    def __init__(self, site: SampleSite, publisher: Publisher | None) -> None:
        self.server: uvicorn.Server | None = None
        self._site = site
        self._publisher = publisher
        self.asgi = Starlette(
            routes=[
                Route("/_control", self._control, methods=["POST"]),
                Route("/_control/requests", self._seen, methods=["GET"]),
                Route("/{path:path}", self._answer, methods=["GET"]),
            ]
        )

    async def _answer(self, request: Request) -> Response:
        if self._publisher:
            self._publisher.catch_up()
        reply = self._site.reply(
            request.url.path,
            user_agent=request.headers.get("user-agent", ""),
            if_modified_since=request.headers.get("if-modified-since"),
        )
        return ReplyResponse(reply, close=self._close, is_stopping=self._is_stopping)

    async def _control(self, request: Request) -> Response:
        try:
            order = await request.json()
            answer = self._publisher.order(order) if self._publisher else control(self._site, order)
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)
        return JSONResponse(answer)

    async def _seen(self, _: Request) -> Response:
        seen = [dataclasses.asdict(request) for request in self._site.requests]
        return JSONResponse({"count": len(seen), "requests": seen})

    def _is_stopping(self) -> bool:
        return self.server is not None and self.server.should_exit

    def _close(self, scope: Scope) -> None:
        # ASGI has no way to hang up; the server knows its connections by the client's address.
        for connection in self.server.server_state.connections if self.server else ():
            if getattr(connection, "client", None) == tuple(scope["client"]):
                connection.transport.close()


def control(site: SampleSite, order: dict[str, Any]) -> dict[str, Any]:
    """Do what one order of the control endpoint says.

    Args:
        site: the site to change.
        order: ``call`` (``publish``, ``delete``, ``retitle``, ``set_day``, ``fault`` or
            ``clear_faults``) and that method's arguments by name, days and moments in ISO 8601;
            for ``fault`` also ``name``, the method of :class:`Faults`, and if it is not to hold at
            once and for ever ``since`` and ``until``.

    Returns:
        ``rows``: the rows that were published or changed.

    Raises:
        KeyError: no such disclosure, or ``call`` is missing.
        TypeError: an argument is missing or unknown.
        ValueError: the call or an argument's value is unknown.
    """
    arguments = {name: _from_json(name, value) for name, value in order.items() if name != "call"}
    call = order["call"]
    if call == "fault":
        name = str(arguments.pop("name"))
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name!r}")
        faults = site.faults.between(arguments.pop("since", None), arguments.pop("until", None))
        getattr(faults, name)(**arguments)
        return {"rows": []}
    calls: dict[str, Callable[..., SampleRow | Sequence[SampleRow] | None]] = {
        "publish": site.publish,
        "delete": site.delete,
        "retitle": site.retitle,
        "set_day": site.set_day,
        "clear_faults": site.faults.clear,
    }
    if call not in calls:
        raise ValueError(f"call is {call!r}: use fault, {', '.join(calls)}")
    done = calls[call](**arguments)
    rows = [done] if isinstance(done, SampleRow) else done or []
    return {"rows": [dataclasses.asdict(row) for row in rows]}


@click.command()
@click.option("--port", default=0, show_default=True, help="0 takes a free one.")
@click.option(
    "--day", "days", multiple=True, metavar="YYYY-MM-DD=SIZE", help="Size of a day; repeatable."
)
@click.option("--pdf-bytes", type=int, help="Exact size of every PDF; 1 to 3 KB by default.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other days.")
@click.option(
    "--port-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the port here once the site answers.",
)
def main(
    port: int, days: tuple[str, ...], pdf_bytes: int | None, seed: int, port_file: Path | None
) -> None:
    """Serve a sample TDnet on this machine until SIGTERM or Ctrl-C.

    The first line of the output is the address to set as TDNET_BASE_URL.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    site = SampleSite(pdf_bytes=pdf_bytes, seed=seed)
    for text in days:
        day, _, size = text.partition("=")
        if not size.isdecimal():
            raise click.BadParameter(f"{text!r} is not YYYY-MM-DD=SIZE", param_hint="--day")
        site.set_day(dt.date.fromisoformat(day), int(size))
    with serve(site, port=port) as base_url:
        if port_file is not None:
            # Whoever waits for the file must never read half of it.
            unfinished = port_file.with_name(f"{port_file.name}.{os.getpid()}")
            unfinished.write_text(str(urlsplit(base_url).port))
            unfinished.replace(port_file)
        click.echo(base_url)
        stopped.wait()


def _from_json(name: str, value: Any) -> Any:
    if name == "day":
        return dt.date.fromisoformat(value)
    if name in ("at", "since", "until") and value is not None:
        return dt.datetime.fromisoformat(value)
    return value.encode() if name == "body" and isinstance(value, str) else value


def _date(digits: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(digits, "%Y%m%d").replace(tzinfo=TOKYO).date()
    except ValueError:
        return None


def _moment(day: dt.date, time_of_day: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(time_of_day), tzinfo=TOKYO)


def _http_date(moment: dt.datetime) -> str:
    return format_datetime(moment.astimezone(dt.UTC).replace(microsecond=0), usegmt=True)


def _is_unchanged(modified_at: dt.datetime, if_modified_since: str | None) -> bool:
    if if_modified_since is None:
        return False
    try:
        known = parsedate_to_datetime(if_modified_since)
    except ValueError:
        return False
    # A date without a zone is one that HTTP does not know.
    return known.tzinfo is not None and modified_at.replace(microsecond=0) <= known


def _refusal(status: int) -> Reply:
    text = {403: "Forbidden", 404: "Not Found"}[status]
    body = f"<html><head><title>{status} {text}</title></head><body>{text}</body></html>\n"
    return Reply(status, body.encode(), {"content-type": "text/html; charset=iso-8859-1"})


if __name__ == "__main__":
    main()
