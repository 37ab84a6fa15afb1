"""A session of collection by a virtual clock, without Dagster, as tests of a live day drive it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from benchmarks.virtual_time import VirtualClock, run
from tdnet_assets.assets.collection_session import CollectionSession
from tdnet_assets.assets.day_files import DayFiles
from tdnet_assets.assets.following_derivation import FollowingDerivation
from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.assets.steps import CollectionDay, Day
from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import COLLECTION_STEPS, DERIVATION_STEPS
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.session import TdnetResource, TdnetSession
from tdnet_assets.resources.source.tdnet_source import TdnetSource
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets.tables.recipes import COLLECTION, names
from tdnet_assets.tdnet.listing import TOKYO

Event = Callable[[], Any]


@dataclass
class LiveSessions:
    """Runs sessions one after the other; what is said and seen is kept."""

    config: PlatformConfig
    site: SampleSite
    clock: VirtualClock
    derive: bool = False
    news_suffice: bool = False
    parts_only: bool = False
    said: list[str] = field(default_factory=list)
    looks: list[tuple[datetime, bool]] = field(default_factory=list)
    progress: RunProgress | None = None

    def __post_init__(self) -> None:
        self.lake = LakeResource(config=self.config)
        self.index = DisclosureIndexResource(config=self.config)

    def collect(
        self,
        days: Sequence[date],
        events: Sequence[tuple[float, Event]] = (),
        *,
        stop_after: float | None = None,
        watching: Callable[[], Awaitable[None]] | None = None,
    ) -> float:
        """Run a session; each event comes so many seconds after its start; how long it took."""
        return run(self._collect(days, events, stop_after, watching), self.clock)

    async def _collect(
        self,
        days: Sequence[date],
        events: Sequence[tuple[float, Event]],
        stop_after: float | None,
        watching: Callable[[], Awaitable[None]] | None,
    ) -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        beside = [asyncio.create_task(_later(seconds, event)) for seconds, event in events]
        if watching:
            beside.append(asyncio.create_task(watching()))
        try:
            async with asyncio.timeout(stop_after):
                await self.session(days)
        except TimeoutError:
            self.said.append("killed")
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        return loop.time() - begun

    async def session(self, days: Sequence[date]) -> None:
        """One session, in whatever loop it is run."""
        tdnet = TdnetResource(config=self.config)
        self.progress = RunProgress(ExecutionsResource(config=self.config), "run", len(days))
        async with tdnet.session(now=self.clock.now) as session:
            source = TdnetSource(session)
            derivation = FollowingDerivation(DERIVATION_STEPS, self._day, self.said.append)
            async with CollectionSession(
                source,
                days,
                lambda day: self._collection_day(day, session, source),
                say=self.said.append,
                derivation=derivation if self.derive else None,
                looked=lambda good: self.looks.append((self.clock.now(), good)),
                news_suffice=self.news_suffice,
                parts_only=self.parts_only,
            ) as collection:
                await collection.collect(COLLECTION_STEPS)

    def _day(self, day: date) -> Day:
        assert self.progress is not None
        state = read_day_state(self.lake, self.index, day)
        return Day(day, self.lake, self.index, self.progress, state, self.said.append)

    def _collection_day(
        self, day: date, session: TdnetSession, source: TdnetSource
    ) -> CollectionDay:
        assert self.progress is not None
        say = self.said.append
        return CollectionDay(
            day,
            self.lake,
            self.index,
            self.progress,
            read_day_state(self.lake, self.index, day),
            say,
            source=source,
            concurrency=8,
            counts_documents=True,
            files=DayFiles(day, self.lake, source, self.progress, say),
        )

    def table(self, name: str, day: date) -> pl.DataFrame:
        stored = self.lake.read_table(name, day)
        assert stored is not None, f"no {name} of {day}"
        return stored.frame

    def numbers(self, day: date) -> set[str]:
        """The disclosure numbers in the table, none before it is there."""
        stored = self.lake.read_table("disclosures", day)
        return set(stored.frame["disclosure_id"].drop_nulls()) if stored else set()

    def noting_rows(
        self, day: date, seen: dict[str, float], since: float = 0.0
    ) -> Callable[[], Awaitable[None]]:
        """For ``watching``: notes the second after ``since`` at which each row is first there."""

        async def watch() -> None:
            while True:
                await asyncio.sleep(1)
                for number in self.numbers(day):
                    seen.setdefault(number, self.clock.seconds - since)

        return watch

    def not_whole(self, day: date) -> str:
        """What is not whole of the day's collected tables; empty when they all are."""
        state = read_day_state(self.lake, None, day)
        lacks = [lack.reason for name in names(COLLECTION) for lack in state.lacks(name)]
        return "; ".join(lacks)

    def asked(self, what: str, since: int = 0) -> list[str]:
        """The names asked for that contain this, in their order."""
        names_ = [seen.path.rsplit("/", 1)[1] for seen in self.site.requests[since:]]
        return [name for name in names_ if what in name]


async def _later(seconds: float, event: Event) -> None:
    await asyncio.sleep(seconds)
    event()


def moment(day: date, clock: str) -> datetime:
    """A moment of a day in Japan."""
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, tzinfo=TOKYO) + timedelta(
        hours=hour, minutes=minute
    )


class TdnetOfToday(TdnetResource):
    """TDnet, asked at half past three of 10 June 2026."""

    def session(self, **_: Any) -> AbstractAsyncContextManager[TdnetSession]:
        return super().session(now=lambda: moment(date(2026, 6, 10), "15:31"))
