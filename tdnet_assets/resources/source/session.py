"""TDnet over HTTP: list pages and the files they link to, one polite request at a time.

What belongs here: how a request is sent, spaced, bounded, retried and refused. Retries go around
get + read + validate as a whole, because a truncated or wrong body is as transient as a 503.

What does not: what a page means (``tdnet/listing.py``), in which order pages are read
(``resources/source/paging.py``), and where bytes are kept (``resources/lake/store.py``).
"""

import asyncio
import fcntl
import json
import logging
import os
import random
import re
import time
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from inspect import isawaitable
from pathlib import Path
from typing import Any

import httpx
import stamina
from pydantic import BaseModel, Field
from stamina.instrumentation import LoggingOnRetryHook, set_on_retry_hooks

from tdnet_assets.config import PlatformConfig
from tdnet_assets.tdnet.errors import TdnetError, shown
from tdnet_assets.tdnet.listing import TOKYO

_LOGGER = logging.getLogger(__name__)

# A retry is worth a log line of the ordinary kind, whatever logging library is installed.
set_on_retry_hooks([LoggingOnRetryHook])

# The encoding that _GzipBody can undo within bounds; zlib's 31 is gzip with its header.
_ACCEPT_ENCODING = "gzip"
_GZIP_ONLY = 31
_MOST_GZIP_MEMBERS = 100
LIST_PAGE_LIMIT_BYTES = 5_000_000
DOCUMENT_LIMIT_BYTES = 64_000_000
# Longer than this is not a pause but a closed door: give up at once and say so.
LONGEST_RETRY_AFTER_SECONDS = 300.0
MAX_REDIRECTS = 3
# One refusal may be a file's own; so many in a row are the host's, and everybody waits.
REFUSALS_BEFORE_A_PAUSE = 3
PAUSES_SECONDS = (5.0, 15.0, 45.0, 120.0, 300.0)
REFUSALS_BEFORE_THE_DOOR_IS_CLOSED = 10
"""In a row, of list pages or of files: that kind is not asked for any more in the session.

The next session begins where this one ended: one more refusal closes it.
"""
# A look waits no longer than this for the gap behind somebody else's last request.
LONGEST_WAIT_FOR_A_LOOK_SECONDS = 2.0
_LONGEST_SPREAD_SECONDS = 0.5
LIST, FILE = "list pages", "files"
"""The kinds of requests, by which refusals are counted."""
_FORBIDDEN = 403
_WHOLE_SECONDS = re.compile(r"[0-9]+")
_BARE_NAME = re.compile(r"[A-Za-z0-9_]+\.(html|pdf|zip)")


class SourceError(TdnetError):
    """TDnet did not give what was asked for; ``status`` is the HTTP status where there was one."""

    def __init__(self, message: str, *, status: int | None = None, attempts: int = 1) -> None:
        super().__init__(message)
        self.status = status
        self.attempts = attempts


class TransientSourceError(SourceError):
    """A failure that another attempt may mend: 408, 429, 5xx, connection, truncated body."""

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class RefusedBodyError(TransientSourceError):
    """The body arrived whole but is not what its name says, e.g. HTML sent as a PDF."""


class NotAskedError(SourceError):
    """Nothing was asked, because the host has refused enough, or has asked to be left in peace."""


class SessionBusyError(TdnetError):
    """Another process is talking to TDnet, or has just done so: not asked, not waited for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One accepted answer.

    ``content`` is None for 304 Not Modified. ``last_modified`` is the validator to send next time,
    or None where the server gave none or one too fresh to be trusted.
    """

    status: int
    content: bytes | None
    headers: dict[str, str]
    last_modified: str | None
    attempts: int
    received_at: datetime


@dataclass(slots=True)
class RequestCounts:
    """What a session has asked for so far; ``requests`` includes every retry and redirect."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0


class RequestSlot:
    """The one slot of a process: a gap between requests, whoever sends them.

    The slot is held until the answer's headers are there, and the gap counts from then, so that
    the server sees at least ``gap`` seconds between any two requests whatever the network does.
    """

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._lock = asyncio.Lock()
        self._free_at = 0.0

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Wait for the turn; the next one comes ``gap`` seconds after this block ends."""
        if not self._gap:
            await self._sleep_until_free()
            yield
            return
        async with self._lock:
            await self._sleep_until_free()
            try:
                yield
            finally:
                self._free_at = max(self._free_at, time.monotonic() + self._gap)

    def pause(self, seconds: float) -> None:
        """Nobody sends anything for this long: the server asked for it."""
        self._free_at = max(self._free_at, time.monotonic() + seconds)

    @property
    def seconds_until_free(self) -> float:
        """How long nobody may send anything; 0 when the slot is free."""
        return max(0.0, self._free_at - time.monotonic())

    async def _sleep_until_free(self) -> None:
        while wait := self.seconds_until_free:
            # Without a gap, those who waited for the end of a pause must not come in step.
            spread = 0.0 if self._gap else min(wait, _LONGEST_SPREAD_SECONDS)
            await asyncio.sleep(wait + random.uniform(0, spread))  # noqa: S311 - no secret


@dataclass(slots=True)
class Refusals:
    """Refused requests in a row, for list pages and for files: the one may be open, not the other.

    A refusal is every answer that is none: 403, 408, 429, 5xx, a broken connection, a body that is
    not what its name says.
    """

    in_a_row: dict[str, int] = field(default_factory=dict)
    _pauses: int = 0
    _pause_ends: float = 0.0

    def answered(self, kind: str) -> None:
        """The host has given what was asked for, or has said that there is none."""
        self.in_a_row.pop(kind, None)
        self._pauses = 0

    def refused(self, kind: str, scale: float) -> float:
        """Count one more; gives the seconds to leave the host in peace for.

        Those that were under way when a pause began ask for no longer one.
        """
        count = self.in_a_row[kind] = self.in_a_row.get(kind, 0) + 1
        if count < REFUSALS_BEFORE_A_PAUSE or time.monotonic() < self._pause_ends:
            return 0.0
        pause = scale * PAUSES_SECONDS[min(self._pauses, len(PAUSES_SECONDS) - 1)]
        self._pauses += 1
        self._pause_ends = time.monotonic() + pause
        return pause

    def close_the_door(self, kind: str) -> bool:
        """Whether nothing more of the kind is to be asked for."""
        return self.in_a_row.get(kind, 0) >= REFUSALS_BEFORE_THE_DOOR_IS_CLOSED


@dataclass(slots=True)
class TdnetSession:
    """An open connection to the configured host; made by :meth:`TdnetResource.session`."""

    client: httpx.AsyncClient
    base_url: str
    slot: RequestSlot
    admission: "_Admission"
    attempts: int
    backoff_floor: float
    attempt_timeout: float
    oldest_listed_day: Callable[[date], date | None]
    counts: RequestCounts = field(default_factory=RequestCounts)
    refusals: Refusals = field(default_factory=Refusals)
    closed: TransientSourceError | None = None
    """Why nothing more is asked of the host in this session; None as long as it is open."""
    closed_for: dict[str, SourceError] = field(default_factory=dict)
    """Why nothing more of a kind is asked for; see :class:`Refusals`."""

    @property
    def oldest_day(self) -> date | None:
        """The oldest day that the host lists by now; None where there is no limit."""
        return self.oldest_listed_day(datetime.now(TOKYO).date())

    def lists(self, day: date) -> bool:
        """Whether the host still lists the day, by its window and the clock; nothing is asked."""
        oldest = self.oldest_day
        return oldest is None or day >= oldest

    async def list_page(self, name: str, *, if_modified_since: str | None = None) -> Answer:
        """A list page's bytes, undecoded; status 304 and no content when it has not changed.

        Raises:
            SourceError: the page was refused, or every attempt failed.
        """
        return await self._fetch(
            name, LIST, limit=LIST_PAGE_LIMIT_BYTES, if_modified_since=if_modified_since
        )

    async def document(self, name: str, validate: Callable[[bytes], object]) -> Answer:
        """A linked file's bytes, accepted by ``validate``.

        It refuses by raising TdnetError, and may be a coroutine function, which is awaited.

        Raises:
            SourceError: permanent refusal (its ``status`` says which), or every attempt failed.
        """
        return await self._fetch(name, FILE, limit=DOCUMENT_LIMIT_BYTES, validate=validate)

    async def _fetch(
        self,
        name: str,
        kind: str,
        *,
        limit: int,
        if_modified_since: str | None = None,
        validate: Callable[[bytes], object] | None = None,
    ) -> Answer:
        if not _BARE_NAME.fullmatch(name):
            raise SourceError(f"refusing to request {name!r}: not a bare TDnet file name")
        # Page names end in .html; files are asked for as they are, so that lengths can be compared.
        headers = {"Accept-Encoding": _ACCEPT_ENCODING if validate is None else "identity"}
        if if_modified_since:
            headers["If-Modified-Since"] = if_modified_since
        number = 0
        try:
            async for attempt in stamina.retry_context(
                on=self._backoff,
                attempts=self.attempts,
                timeout=None,
                wait_initial=self.backoff_floor,
                wait_max=max(60.0, self.backoff_floor),
                wait_jitter=self.backoff_floor,
            ):
                with attempt:
                    number = attempt.num
                    self.counts.retries += number > 1
                    return await self._counted(
                        kind, self._attempt(name, kind, headers, limit, validate, number)
                    )
        except SourceError as error:
            error.attempts = number - isinstance(error, NotAskedError)
            raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _counted(self, kind: str, attempt: Coroutine[Any, Any, Answer]) -> Answer:
        """An attempt whose outcome is counted for the host, which may then be left in peace."""
        try:
            answer = await attempt
        except NotAskedError:
            raise
        except SourceError as error:
            if not isinstance(error, TransientSourceError) and error.status != _FORBIDDEN:
                self.refusals.answered(kind)
                raise
            self.slot.pause(self.refusals.refused(kind, self.backoff_floor))
            if self.refusals.close_the_door(kind):
                self.closed_for.setdefault(kind, error)
            raise
        self.refusals.answered(kind)
        return answer

    def _backoff(self, error: Exception) -> bool | float:
        """What to do after a failed attempt: give up (False), back off (True), or wait seconds."""
        if not isinstance(error, TransientSourceError):
            return False
        if error.retry_after is None:
            return True
        if error.retry_after > LONGEST_RETRY_AFTER_SECONDS:
            self.closed = error
            return False
        self.slot.pause(error.retry_after)
        return max(error.retry_after, self.backoff_floor)

    async def _attempt(  # noqa: PLR0917 - what one request needs
        self,
        name: str,
        kind: str,
        headers: dict[str, str],
        limit: int,
        validate: Callable[[bytes], object] | None,
        number: int,
    ) -> Answer:
        try:
            # httpx's own timeouts are per read: this one bounds a body that drips for ever.
            async with asyncio.timeout(self.attempt_timeout) as deadline:
                response, content = await self._get(
                    f"{self.base_url}/{name}", kind, headers, limit, deadline
                )
        except TimeoutError as error:
            raise TransientSourceError(
                f"{name}: no whole answer within {self.attempt_timeout:g} s"
            ) from error
        except httpx.TransportError as error:
            raise TransientSourceError(f"{name}: {type(error).__name__}: {error}") from error
        except httpx.InvalidURL as error:
            raise SourceError(f"{name} redirects to what is no address: {error}") from error
        if content is not None and validate is not None:
            try:
                accepted = validate(content)
                if isawaitable(accepted):
                    await accepted
            except TdnetError as error:
                raise RefusedBodyError(f"{name}: {error}", status=response.status_code) from error
        return Answer(
            status=response.status_code,
            content=content,
            headers=dict(response.headers),
            last_modified=_trusted_validator(response),
            attempts=number,
            received_at=datetime.now(UTC),
        )

    async def _get(
        self, url: str, kind: str, headers: dict[str, str], limit: int, deadline: asyncio.Timeout
    ) -> tuple[httpx.Response, bytes | None]:
        for _ in range(MAX_REDIRECTS + 1):
            request = self.client.build_request("GET", url, headers=headers)
            async with self._turn(deadline, kind):
                response = await self.client.send(request, stream=True)
            try:
                if response.has_redirect_location:
                    url = self._same_host(url, response)
                    continue
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return response, None
                _refuse_status(url, response)
                return response, await self._read(url, response, limit)
            finally:
                await response.aclose()
        raise SourceError(f"{url}: more than {MAX_REDIRECTS} redirects")

    @asynccontextmanager
    async def _turn(self, deadline: asyncio.Timeout, kind: str) -> AsyncIterator[None]:
        """The request slot; waiting for it does not count against the attempt's deadline."""
        deadline.reschedule(None)
        await self.admission.wait()
        async with self.slot.hold():
            # Asked to stay away, or refused again and again: those in the queue must not knock.
            if cause := self.closed or self.closed_for.get(kind):
                raise NotAskedError(f"not asked for, because earlier {cause}", status=cause.status)
            deadline.reschedule(asyncio.get_running_loop().time() + self.attempt_timeout)
            self.counts.requests += 1
            yield

    def _same_host(self, url: str, response: httpx.Response) -> str:
        location: str = response.headers["location"]
        base = httpx.URL(self.base_url)
        target = httpx.URL(url).join(location)
        if _origin(target) != _origin(base) or target.userinfo:
            raise SourceError(
                f"{url} redirects to {shown(location)}, away from the configured host: "
                "not followed",
                status=response.status_code,
            )
        return str(target)

    async def _read(self, url: str, response: httpx.Response, limit: int) -> bytes:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise SourceError(
                f"{url}: the body is encoded as {shown(encoding)}, which was not asked for",
                status=response.status_code,
            )
        inflater = _GzipBody() if encoding == "gzip" else None
        body, received = bytearray(), 0
        async for chunk in response.aiter_raw():
            received += len(chunk)
            try:
                body += inflater.decompress(chunk, limit + 1 - len(body)) if inflater else chunk
            except zlib.error as error:
                raise TransientSourceError(
                    f"{url}: the body cannot be decompressed: {error}", status=response.status_code
                ) from error
            # Compressed bytes count too: they may expand to nothing.
            if max(len(body), received) > limit:
                raise SourceError(
                    f"{url}: the body is larger than {limit:,} bytes: not read further",
                    status=response.status_code,
                )
        # A length that does not agree is refused by the connection; a gzip stream says its own end.
        if inflater and not inflater.ended:
            raise TransientSourceError(
                f"{url}: the compressed body ends too early", status=response.status_code
            )
        self.counts.bytes += len(body)
        return bytes(body)


class _GzipBody:
    """Undoes gzip piece by piece; httpx would expand one a thousandfold before it can be looked at.

    A body may be several gzip files, one behind the other: together they are the content.
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_ONLY)
        self._members = 1

    @property
    def ended(self) -> bool:
        """Whether the content could end here."""
        return self._member.eof

    def decompress(self, chunk: bytes, most: int) -> bytes:
        """The content of the next piece of the body, or its first ``most`` bytes.

        Raises:
            zlib.error: it is not gzip, or has too many members.
        """
        content = self._member.decompress(chunk, most)
        while len(content) < most and self._member.eof and (rest := self._member.unused_data):
            if self._members == _MOST_GZIP_MEMBERS:
                raise zlib.error(f"it has more than {_MOST_GZIP_MEMBERS} members")
            self._members += 1
            self._member = zlib.decompressobj(_GZIP_ONLY)
            content += self._member.decompress(rest, most - len(content))
        return content


class TdnetResource(BaseModel, frozen=True, extra="forbid"):
    """TDnet's list pages and files, from the one configured host."""

    config: PlatformConfig
    attempts: int = Field(default=5, ge=1, description="Attempts a request, the first included.")
    backoff_floor_seconds: float = Field(
        default=1.0, ge=0, description="Shortest wait before a retry; it doubles, with jitter."
    )
    attempt_timeout_seconds: float = Field(
        default=120.0, gt=0, description="Longest time for one attempt, body included."
    )
    concurrency: int = Field(
        default=8, ge=1, le=64, description="Documents in flight at once; the rate still holds."
    )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[TdnetSession]:
        """A session with its own connections; only one on this host may ask at a time.

        The host's one place is taken with the first request: work that has nothing to ask keeps
        nobody waiting. Runs that bypass Dagster's concurrency pool (``tdnet collect``, ``dagster
        asset materialize``) wait there for each other, so that the rate holds for the machine.
        """
        async with self._open() as session:
            yield session

    async def look(
        self, name: str, *, if_modified_since: str | None, timeout_seconds: float
    ) -> Answer:
        """One request for a list page, for a caller that must not wait: no retries, no queue.

        Raises:
            SessionBusyError: somebody else on this host has the session; nothing was asked.
            SourceError: the page was refused, or there was no whole answer in time.
        """
        async with self._open() as session:
            if not session.admission.try_now():
                raise SessionBusyError("a run is talking to TDnet")
            if session.slot.seconds_until_free > LONGEST_WAIT_FOR_A_LOOK_SECONDS:
                raise SessionBusyError(
                    f"TDnet may be asked again in {session.slot.seconds_until_free:.0f} s"
                )
            session.attempts, session.attempt_timeout = 1, timeout_seconds
            return await session.list_page(name, if_modified_since=if_modified_since)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[TdnetSession]:
        product = f"tdnet_assets/{version('tdnet-assets')}"
        agent = f"{product} ({self.config.contact})" if self.config.contact else product
        slot = RequestSlot(self.config.seconds_between_requests)
        async with httpx.AsyncClient(
            headers={"User-Agent": agent},
            follow_redirects=False,
            trust_env=False,  # a proxy variable must not send requests to another host
            timeout=httpx.Timeout(30.0, connect=10.0),
            limits=httpx.Limits(max_connections=self.concurrency + 1),
        ) as client:
            refusals = Refusals()
            with _Admission(self.config.home_path, slot, refusals) as admission:
                yield TdnetSession(
                    refusals=refusals,
                    client=client,
                    base_url=self.config.tdnet_base_url,
                    slot=slot,
                    admission=admission,
                    attempts=self.attempts,
                    backoff_floor=self.backoff_floor_seconds,
                    attempt_timeout=self.attempt_timeout_seconds,
                    oldest_listed_day=self.config.oldest_listed_day,
                )


class _Admission:
    """This host's one place to ask from, and the gap that whoever had it last has left behind.

    A lock file holds the place: the kernel releases it with the process, so a killed run never
    leaves it behind. The file's time says until when nobody may ask, and what is in it how often
    the host has refused in a row.
    """

    def __init__(self, home: Path, slot: RequestSlot, refusals: Refusals) -> None:
        self._home = home
        self._slot = slot
        self._refusals = refusals
        self._queue = asyncio.Lock()
        self._lock: int | None = None

    async def wait(self) -> None:
        """Take the place if this session has not got it yet, however long others keep it."""
        if self._lock is not None:
            return
        async with self._queue:
            if self.try_now():
                return
            _LOGGER.warning("another run is talking to TDnet; waiting until it has finished")
            while not self.try_now():  # noqa: ASYNC110 - another process is awaited
                await asyncio.sleep(0.5)

    def try_now(self) -> bool:
        """Take the place if nobody has it; whether this session has it now."""
        if self._lock is not None:
            return True
        self._home.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._home / "tdnet-session.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        # A clock that was set back must not shut us out for longer than any pause may last.
        left = min(os.fstat(lock).st_mtime - time.time(), LONGEST_RETRY_AFTER_SECONDS)
        self._slot.pause(left)
        self._refusals.in_a_row.update(_left_refusals(os.read(lock, _LOCK_FILE_BYTES)))
        self._lock = lock
        return True

    def __enter__(self) -> "_Admission":
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is None:
            return
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, json.dumps(self._refusals.in_a_row).encode(), 0)
        free_at = time.time() + self._slot.seconds_until_free
        os.utime(self._lock, (free_at, free_at))
        os.close(self._lock)
        self._lock = None


_LOCK_FILE_BYTES = 1000


def _left_refusals(content: bytes) -> dict[str, int]:
    """The refusals in a row that the last session has left, one before the door is closed again."""
    try:
        counts = json.loads(content or b"{}")
        return {
            kind: min(int(counts[kind]), REFUSALS_BEFORE_THE_DOOR_IS_CLOSED - 1)
            for kind in (LIST, FILE)
            if kind in counts
        }
    except (ValueError, TypeError):  # of another version, or cut by a full disk: nobody refused
        return {}


def _refuse_status(url: str, response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS) or status >= 500:  # noqa: PLR2004 - the server-error class
        retry_after = _retry_after_seconds(response.headers.get("retry-after"))
        wait = "" if retry_after is None else f" and asks to wait {retry_after:.0f} s"
        raise TransientSourceError(
            f"{url} answers {status}{wait}", status=status, retry_after=retry_after
        )
    raise SourceError(f"{url} answers {status}", status=status)


def _retry_after_seconds(value: str | None) -> float | None:
    """Seconds to wait from a Retry-After header: a number, or an HTTP date; None if neither."""
    if not value:
        return None
    if _WHOLE_SECONDS.fullmatch(value.strip()):
        return float(value)
    moment = _http_date(value)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _trusted_validator(response: httpx.Response) -> str | None:
    """Last-Modified, unless the page may have changed again within the same second."""
    value: str | None = response.headers.get("last-modified")
    modified = _http_date(value)
    answered = _http_date(response.headers.get("date"))
    if modified is None or answered is None:
        return None
    return value if (answered - modified).total_seconds() >= 2 else None  # noqa: PLR2004 - HTTP dates have whole seconds


def _http_date(value: str | None) -> datetime | None:
    """The aware moment of an HTTP date; None where there is none that can be read."""
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """What makes two addresses the same host; httpx leaves out a scheme's own port."""
    return url.scheme, url.host, url.port
