"""TDnet over HTTP: list pages and the files they link to, by TDnet's own rules.

What belongs here: which names may be asked for, within which bounds, and whose turn it is. What
does not: how a request is sent (``polite_http.py``), what a page means (``tdnet/listing.py``), and
in which order pages are read (``paging.py``).
"""

import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.metadata import version

import httpx
from pydantic import BaseModel, Field

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.admission import Admission
from tdnet_assets.resources.source.answers import (
    Answer,
    RequestCounts,
    SessionBusyError,
    SourceError,
)
from tdnet_assets.resources.source.polite_http import PoliteHttp, Wanted, system_now
from tdnet_assets.resources.source.refusal_memory import RefusalMemory
from tdnet_assets.resources.source.refusals import FILE, LIST, Refusals
from tdnet_assets.resources.source.request_slot import RequestSlot, Urgency
from tdnet_assets.tdnet.listing import TOKYO

LIST_PAGE_LIMIT_BYTES = 5_000_000
DOCUMENT_LIMIT_BYTES = 64_000_000
# A look of a sensor waits no longer than this for the gap behind somebody else's last request.
LONGEST_WAIT_FOR_A_LOOK_SECONDS = 2.0
_BARE_NAME = re.compile(r"[A-Za-z0-9_]+\.(html|pdf|zip)")


@dataclass(frozen=True, slots=True)
class TdnetSession:
    """An open connection to the configured host; made by :meth:`TdnetResource.session`."""

    http: PoliteHttp
    oldest_listed_day: Callable[[date], date | None]

    @property
    def base_url(self) -> str:
        """Where list pages and files are."""
        return self.http.base_url

    @property
    def counts(self) -> RequestCounts:
        """What has been asked for so far."""
        return self.http.counts

    @property
    def admission(self) -> Admission:
        """This machine's one place to ask from."""
        return self.http.admission

    @property
    def today(self) -> date:
        """The present day in Japan."""
        return self.http.now().astimezone(TOKYO).date()

    @property
    def oldest_day(self) -> date | None:
        """The oldest day that the host lists by now; None where there is no limit."""
        return self.oldest_listed_day(self.today)

    def lists(self, day: date) -> bool:
        """Whether the host still lists the day, by its window and the clock; nothing is asked."""
        oldest = self.oldest_day
        return oldest is None or day >= oldest

    async def list_page(
        self,
        name: str,
        *,
        if_modified_since: str | None = None,
        urgency: Urgency = Urgency.LIST,
        validate: Callable[[bytes], object] | None = None,
    ) -> Answer:
        """A list page's bytes, undecoded; status 304 and no content when it has not changed.

        A look is tried once. Where nothing validates it, a page that says nothing is an answer.

        Raises:
            SourceError: the page was refused, or every attempt failed.
        """
        condition = {"If-Modified-Since": if_modified_since} if if_modified_since else {}
        return await self.http.fetch(
            Wanted(
                self._url(name),
                LIST,
                urgency,
                LIST_PAGE_LIMIT_BYTES,
                {"Accept-Encoding": "gzip", **condition},
                validate,
                impatient=urgency is Urgency.LOOK,
            )
        )

    async def document(
        self,
        name: str,
        validate: Callable[[bytes], object],
        *,
        urgency: Urgency = Urgency.PDF,
    ) -> Answer:
        """A linked file's bytes, accepted by ``validate``.

        It refuses by raising TdnetError, and may be a coroutine function, which is awaited.

        Raises:
            SourceError: permanent refusal (its ``status`` says which), or every attempt failed.
        """
        # Files are asked for as they are, so that lengths can be compared.
        headers = {"Accept-Encoding": "identity"}
        return await self.http.fetch(
            Wanted(self._url(name), FILE, urgency, DOCUMENT_LIMIT_BYTES, headers, validate)
        )

    def _url(self, name: str) -> str:
        if not _BARE_NAME.fullmatch(name):
            raise SourceError(f"refusing to request {name!r}: not a bare TDnet file name")
        return f"{self.base_url}/{name}"


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
    look_timeout_seconds: float = Field(
        default=20.0, gt=0, description="The same of a look, which is made each minute."
    )
    concurrency: int = Field(
        default=8, ge=1, le=64, description="Documents in flight at once; the rate still holds."
    )

    @asynccontextmanager
    async def session(
        self, *, now: Callable[[], datetime] = system_now
    ) -> AsyncIterator[TdnetSession]:
        """A session with its own connections; only one on this host may ask at a time.

        The host's one place is taken with the first request: work that has nothing to ask keeps
        nobody waiting. Runs that bypass Dagster's concurrency pool (``tdnet collect``, ``dagster
        asset materialize``) wait there for each other, so that the rate holds for the machine.
        """
        async with self._open(now) as session:
            yield session

    async def look(
        self,
        name: str,
        *,
        if_modified_since: str | None,
        timeout_seconds: float,
        now: Callable[[], datetime] = system_now,
    ) -> Answer:
        """One request for a list page, for a caller that must not wait: no retries, no queue.

        Raises:
            SessionBusyError: somebody else on this host has the session; nothing was asked.
            SourceError: the page was refused, or there was no whole answer in time.
        """
        async with self._open(now) as session:
            if not await session.admission.try_now():
                raise SessionBusyError("a run is talking to TDnet")
            if why := session.http.refusals.why_away(now()):
                raise SessionBusyError(why)
            left = session.http.slot.seconds_until_free
            if left > LONGEST_WAIT_FOR_A_LOOK_SECONDS:
                raise SessionBusyError(f"TDnet may be asked again in {left:.0f} s")
            session.http.look_timeout = timeout_seconds
            return await session.list_page(
                name, if_modified_since=if_modified_since, urgency=Urgency.LOOK
            )

    @asynccontextmanager
    async def _open(self, now: Callable[[], datetime]) -> AsyncIterator[TdnetSession]:
        product = f"tdnet_assets/{version('tdnet-assets')}"
        agent = f"{product} ({self.config.contact})" if self.config.contact else product
        slot, refusals = RequestSlot(self.config.seconds_between_requests), Refusals()
        async with httpx.AsyncClient(
            headers={"User-Agent": agent},
            verify=_authorities(),
            follow_redirects=False,
            trust_env=False,  # a proxy variable must not send requests to another host
            timeout=httpx.Timeout(30.0, connect=10.0),
            # The files of two days, today's and another's, and a list page of each.
            limits=httpx.Limits(max_connections=2 * (self.concurrency + 1)),
        ) as client:
            memory = RefusalMemory(LakeResource(config=self.config), refusals)
            async with Admission(self.config.home_path, slot, memory, now) as admission:
                yield TdnetSession(
                    PoliteHttp(
                        client=client,
                        base_url=self.config.tdnet_base_url,
                        slot=slot,
                        admission=admission,
                        attempts=self.attempts,
                        backoff_floor=self.backoff_floor_seconds,
                        attempt_timeout=self.attempt_timeout_seconds,
                        look_timeout=self.look_timeout_seconds,
                        now=now,
                        refusals=refusals,
                        memory=memory,
                    ),
                    self.config.oldest_listed_day,
                )


@cache
def _authorities() -> ssl.SSLContext:
    """Who is trusted to say which host is which: read once, not in each session, for 16 ms."""
    return httpx.create_ssl_context(trust_env=False)
