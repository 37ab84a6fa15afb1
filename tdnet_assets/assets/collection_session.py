"""A session of collection: the days that were asked for, and today beside them as long as it lasts.

What belongs here: when today's list is looked at, whose work goes on until when, and what is said
of a look. What does not: how a run tells Dagster of it (``collection.py``), and what a look leads
to (``live_day.py``).

Today is looked at each minute, of a long list sooner, whichever days were asked for: a backfill of
a month takes hours, and the day must not wait for it. If it was asked for, it is begun first of
all, and made when it is quiet; if not, the lake is written and no event logged: a run of today that
comes later finds it.
"""

import asyncio
import traceback
from collections.abc import Callable, Collection, Sequence
from datetime import date
from types import TracebackType
from typing import Self

from tdnet_assets.assets.day_run import make
from tdnet_assets.assets.following_derivation import FollowingDerivation
from tdnet_assets.assets.live_day import LiveDay, Pace
from tdnet_assets.assets.steps import CollectionDay, DailyStep
from tdnet_assets.resources.source.disclosure_source import DisclosureSource
from tdnet_assets.tdnet.errors import TdnetAssetsError


class CollectionSession:
    """Use it as an async context manager; :meth:`ready` gives each day when it may be made."""

    def __init__(
        self,
        source: DisclosureSource,
        days: Collection[date],
        new_day: Callable[[date], CollectionDay],
        *,
        say: Callable[[str], None],
        derivation: FollowingDerivation | None = None,
        looked: Callable[[bool], None] = lambda _: None,
        pace: Pace | None = None,
        news_suffice: bool = False,
        parts_only: bool = False,
    ) -> None:
        """Ask nothing yet.

        Args:
            source: open as long as the session is.
            days: those that were asked for.
            new_day: makes a day ready, with its state as it is stored.
            say: tells a person how far it is.
            derivation: follows today's batches; nothing does when None.
            looked: hears of each look at today's list, and whether it was a good one.
            pace: of looks and puts.
            news_suffice: whether today may be closed without a reading of all its pages.
            parts_only: of the days that were asked for a part of the work is wanted and no more.
        """
        self._source = source
        self._days = days
        self._handed_out = set(days) if parts_only else set[date]()
        self._new_day = new_day
        self._say = say
        self._derivation = derivation
        self._looked = looked
        self._pace = pace or Pace()
        self._news_suffice = news_suffice
        self._live: dict[date, LiveDay] = {}
        self._watch: asyncio.Task[None] | None = None

    async def ready(self, day: date) -> CollectionDay:
        """A day that is ready to be made: at once, or when it is quiet if it is today."""
        self._handed_out.add(day)
        live = self._live.get(day)
        if live is None:
            return self._new_day(day)
        await live.close()
        del self._live[day]
        if self._derivation is not None:
            await self._derivation.finish()
        live.day.refresh()
        return live.day

    async def collect(self, steps: Sequence[DailyStep[CollectionDay]]) -> None:
        """Make every day outside of Dagster: what fails is said, and costs no other day."""
        for date_ in self._days:
            day = await self.ready(date_)
            for step in steps:
                day.versions.clear()
                try:
                    await make(step, day)
                except TdnetAssetsError as error:
                    self._say(f"{date_} {step.name}: {error}")
                    break

    async def __aenter__(self) -> Self:
        today = self._source.today
        is_wanted = today in self._days and today not in self._handed_out
        if is_wanted and self._source.is_open and self._source.lists(today):
            try:
                self._take_up(today)
            except Exception as error:  # noqa: BLE001 - the first look tries again
                self._say(f"{today}: {''.join(traceback.format_exception(error))}")
        self._watch = asyncio.create_task(self._keep_watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                await self._finish()
        finally:
            await self._stop()

    async def _finish(self) -> None:
        """What was begun of a today that nobody has asked for is fetched, looked at meanwhile."""
        for live in list(self._live.values()):
            await live.fetched()
        if self._derivation is not None:
            await self._derivation.finish()

    async def _stop(self) -> None:
        if self._derivation is not None:
            self._derivation.stop()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        # Their requests must have ended before anybody closes the source.
        await asyncio.gather(*(live.stop() for live in self._live.values()))

    async def _keep_watch(self) -> None:
        due = asyncio.get_running_loop().time()
        for live in list(self._live.values()):
            self._looked(await live.begin())
        while True:
            reading = max((live.reading_seconds for live in self._live.values()), default=0.0)
            due += self._pace.next_look(reading)
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            due = max(due, asyncio.get_running_loop().time())
            await self._look()

    async def _look(self) -> None:
        """Look at today's list once; a look that fails is told and costs nothing else."""
        today = self._source.today
        if not self._source.is_open or not self._source.lists(today):
            return
        live = self._live.get(today)
        if (live is None and today in self._handed_out) or (live and live.is_closed):
            return  # it is being made
        try:
            await (live or self._take_up(today)).look()
        except TdnetAssetsError as error:
            self._say(f"the look at {today} failed: {error}")
            self._looked(False)
        except Exception as error:  # noqa: BLE001 - the days that were asked for go on
            self._say("".join(traceback.format_exception(error)))
            self._looked(False)
        else:
            self._looked(True)

    def _take_up(self, today: date) -> LiveDay:
        derivation = self._derivation

        def changed() -> None:
            if derivation is not None:
                derivation.ask(today)

        live = self._live[today] = LiveDay(
            self._new_day(today), self._pace, changed, news_suffice=self._news_suffice
        )
        return live
