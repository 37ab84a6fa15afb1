"""Asking one host over HTTP, one polite request at a time, whatever is asked for.

What belongs here: how a request is sent, spaced, bounded, retried and refused. Retries go around
get + read + validate as a whole, because a truncated or wrong body is as transient as a 503.

What does not: whose host it is, and which names may be asked for (``session.py`` for TDnet), and
where bytes are kept (``resources/lake/store.py``).
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from inspect import isawaitable
from typing import Any

import httpx
import stamina
from stamina.instrumentation import LoggingOnRetryHook, set_on_retry_hooks

from tdnet_assets.resources.source.admission import LONGEST_RETRY_AFTER_SECONDS, Admission
from tdnet_assets.resources.source.answers import (
    Answer,
    NotAskedError,
    RefusedBodyError,
    RequestCounts,
    SourceError,
    TransientSourceError,
    http_date,
)
from tdnet_assets.resources.source.bounded_bodies import read_body
from tdnet_assets.resources.source.refusal_memory import RefusalMemory
from tdnet_assets.resources.source.refusals import Refusals
from tdnet_assets.resources.source.request_slot import RequestSlot, Urgency
from tdnet_assets.tdnet.errors import TdnetError, shown

# A retry is worth a log line of the ordinary kind, whatever logging library is installed.
set_on_retry_hooks([LoggingOnRetryHook])
# httpx writes whole addresses into its log, and those of a licensed source may be signed.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

MAX_REDIRECTS = 3
_FORBIDDEN = 403
_WHOLE_SECONDS = re.compile(r"[0-9]+")


def system_now() -> datetime:
    """The present (aware, UTC), by the clock of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: an address of the host, and within which bounds.

    ``kind`` is what refusals are counted by; ``validate`` refuses a body by raising TdnetError, and
    may be a coroutine function, which is awaited. An impatient request is tried once.
    """

    url: str
    kind: str
    urgency: Urgency
    limit: int
    headers: Mapping[str, str]
    validate: Callable[[bytes], object] | None = None
    impatient: bool = False

    @property
    def name(self) -> str:
        """The last part of the address, for messages."""
        return without_secrets(self.url).rpartition("/")[2]


@dataclass(slots=True)
class PoliteHttp:
    """An open connection to one host."""

    client: httpx.AsyncClient
    base_url: str
    slot: RequestSlot
    admission: Admission
    attempts: int
    backoff_floor: float
    attempt_timeout: float
    look_timeout: float
    refusals: Refusals
    memory: RefusalMemory
    now: Callable[[], datetime] = system_now
    counts: RequestCounts = field(default_factory=RequestCounts)
    closed: SourceError | None = None
    """Why nothing more is asked of the host in this session; None as long as it is open."""
    closed_for: dict[str, SourceError] = field(default_factory=dict)
    """Why nothing more of a kind is asked for; see :class:`Refusals`."""

    async def fetch(self, wanted: Wanted) -> Answer:
        """The answer to a request, retried as long as that may help.

        Raises:
            SourceError: permanent refusal (its ``status`` says which), or every attempt failed.
        """
        number = 0
        try:
            async for attempt in stamina.retry_context(
                on=self._backoff,
                attempts=1 if wanted.impatient else self.attempts,
                timeout=None,
                wait_initial=self.backoff_floor,
                wait_max=max(60.0, self.backoff_floor),
                wait_jitter=self.backoff_floor,
            ):
                with attempt:
                    number = attempt.num
                    self.counts.retries += number > 1
                    return await self._counted(wanted, self._attempt(wanted, number))
        except SourceError as error:
            error.attempts = number - isinstance(error, NotAskedError)
            raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _counted(self, wanted: Wanted, attempt: Coroutine[Any, Any, Answer]) -> Answer:
        """An attempt whose outcome is counted for the host, which may then be left in peace."""
        try:
            answer = await attempt
        except NotAskedError:
            raise
        except SourceError as error:
            if not isinstance(error, TransientSourceError) and error.status != _FORBIDDEN:
                self.refusals.answered(wanted.kind)
                raise
            now = asyncio.get_running_loop().time()
            self.slot.rest(self.refusals.refused(wanted.kind, self.backoff_floor, now))
            if self._is_closed_by(error, wanted.kind):
                await self.memory.keep()  # now: a process that is killed must not forget it
            raise
        if wanted.urgency is Urgency.LOOK:
            self._probe_was_answered(wanted.kind)
        self.refusals.answered(wanted.kind)
        return answer

    def _is_closed_by(self, error: SourceError, kind: str) -> bool:
        """Close what this refusal closes, the whole host or a kind; whether it was open before."""
        was_closed = self.closed is not None, kind in self.closed_for
        wait = error.retry_after if isinstance(error, TransientSourceError) else None
        if wait is not None and wait > LONGEST_RETRY_AFTER_SECONDS:
            self.closed = error
            self.refusals.sent_away(wait, self.now())
        if self.refusals.close_the_door(kind, self.backoff_floor, self.now()):
            self.closed_for.setdefault(kind, error)
        return was_closed != (self.closed is not None, kind in self.closed_for)

    def _probe_was_answered(self, kind: str) -> None:
        """A rest is over; a host that had refused looks as well is back, for every kind."""
        self.slot.end_rest()
        if kind in self.refusals.in_a_row:
            self.closed_for.clear()
            self.refusals.open_doors()

    def _backoff(self, error: Exception) -> bool | float:
        """What to do after a failed attempt: give up (False), back off (True), or wait seconds."""
        if not isinstance(error, TransientSourceError):
            return False
        if error.retry_after is None:
            return True
        if error.retry_after > LONGEST_RETRY_AFTER_SECONDS:
            return False
        self.slot.pause(error.retry_after)
        return max(error.retry_after, self.backoff_floor)

    async def _attempt(self, wanted: Wanted, number: int) -> Answer:
        name = wanted.name
        try:
            # httpx's own timeouts are per read: this one bounds a body that drips for ever.
            async with asyncio.timeout(self._longest(wanted)) as deadline:
                response, content = await self._get(wanted, deadline)
        except TimeoutError as error:
            raise TransientSourceError(
                f"{name}: no whole answer within {self._longest(wanted):g} s"
            ) from error
        except httpx.TransportError as error:
            raise TransientSourceError(f"{name}: {type(error).__name__}: {error}") from error
        except httpx.InvalidURL as error:
            raise SourceError(f"{name} redirects to what is no address: {error}") from error
        if content is not None and wanted.validate is not None:
            try:
                accepted = wanted.validate(content)
                if isawaitable(accepted):
                    await accepted
            except TdnetError as error:
                raise RefusedBodyError(f"{name}: {error}", status=response.status_code) from error
        return Answer(
            status=response.status_code,
            content=content,
            headers=dict(response.headers),
            attempts=number,
            received_at=self.now().astimezone(UTC),
        )

    async def _get(
        self, wanted: Wanted, deadline: asyncio.Timeout
    ) -> tuple[httpx.Response, bytes | None]:
        url = wanted.url
        for _ in range(MAX_REDIRECTS + 1):
            request = self.client.build_request("GET", url, headers=wanted.headers)
            async with self._turn(deadline, wanted):
                response = await self.client.send(request, stream=True)
            try:
                if response.has_redirect_location:
                    url = self._same_host(url, response)
                    continue
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return response, None
                self._refuse_status(url, response)
                content = await read_body(response, wanted.limit, without_secrets(url))
                self.counts.bytes += len(content)
                return response, content
            finally:
                await response.aclose()
        raise SourceError(f"{without_secrets(url)}: more than {MAX_REDIRECTS} redirects")

    @asynccontextmanager
    async def _turn(self, deadline: asyncio.Timeout, wanted: Wanted) -> AsyncIterator[None]:
        """The request slot; waiting for it does not count against the attempt's deadline."""
        deadline.reschedule(None)
        await self.admission.wait()
        async with self.slot.hold(wanted.urgency):
            # Asked to stay away, or refused again and again: those in the queue must not knock.
            if cause := self.closed or self._sent_away() or self._closed_for(wanted):
                raise NotAskedError(f"not asked for, because earlier {cause}", status=cause.status)
            deadline.reschedule(asyncio.get_running_loop().time() + self._longest(wanted))
            self.counts.requests += 1
            yield

    def _longest(self, wanted: Wanted) -> float:
        """Seconds that an attempt may take: behind a look that hangs, the next one waits."""
        longest = self.attempt_timeout
        return min(longest, self.look_timeout) if wanted.impatient else longest

    def _sent_away(self) -> SourceError | None:
        why = self.refusals.why_away(self.now())
        return SourceError(why) if why else None

    def _closed_for(self, wanted: Wanted) -> SourceError | None:
        if wanted.urgency is Urgency.LOOK:
            return None
        if wanted.kind not in self.closed_for and (
            why := self.refusals.why_closed(wanted.kind, self.now())
        ):
            return SourceError(why)
        return self.closed_for.get(wanted.kind)

    def _same_host(self, url: str, response: httpx.Response) -> str:
        location: str = response.headers["location"]
        base = httpx.URL(self.base_url)
        target = httpx.URL(url).join(location)
        if _origin(target) != _origin(base) or target.userinfo:
            raise SourceError(
                f"{without_secrets(url)} redirects to {shown(without_secrets(location))}, away "
                "from the configured host: not followed",
                status=response.status_code,
            )
        return str(target)

    def _refuse_status(self, url: str, response: httpx.Response) -> None:
        status, where = response.status_code, without_secrets(url)
        if status == httpx.codes.OK:
            return
        if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS) or status >= 500:  # noqa: PLR2004 - the server-error class
            retry_after = self._retry_after_seconds(response.headers)
            wait = "" if retry_after is None else f" and asks to wait {retry_after:.0f} s"
            raise TransientSourceError(
                f"{where} answers {status}{wait}", status=status, retry_after=retry_after
            )
        raise SourceError(f"{where} answers {status}", status=status)

    def _retry_after_seconds(self, headers: httpx.Headers) -> float | None:
        """Seconds to wait from a Retry-After header: a number, or an HTTP date; None if neither.

        A date is by the clock of the host, which says what time it has.
        """
        value = headers.get("retry-after")
        if not value:
            return None
        if _WHOLE_SECONDS.fullmatch(value.strip()):
            return float(value)
        moment = http_date(value)
        now = http_date(headers.get("date")) or self.now()
        return None if moment is None else max(0.0, (moment - now).total_seconds())


def without_secrets(url: str) -> str:
    """An address as a message may show it: without user, query and fragment, which may be keys."""
    bare = url.partition("#")[0].partition("?")[0]
    scheme, separator, rest = bare.partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """What makes two addresses the same host; httpx leaves out a scheme's own port."""
    return url.scheme, url.host, url.port
