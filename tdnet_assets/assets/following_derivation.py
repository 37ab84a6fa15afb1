"""Derivation that follows collection while files still come, in a thread beside it.

What belongs here: when it runs, and that it costs collection nothing. What does not: how a table is
made (the steps). What it leaves undone, or fails in, is for the run's own derivation and for
``automation/reconciler.py``: the tables that it makes say truly what they were made from, and are
not whole before their inputs are.
"""

import asyncio
import traceback
from collections.abc import Callable, Sequence
from datetime import date

from tdnet_assets.assets.day_run import make
from tdnet_assets.assets.steps import DailyStep, Day
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import Origin
from tdnet_assets.tdnet.errors import TdnetAssetsError

# After each derivation it rests for so many times what that took, but never for long.
_PAUSES = 3
LONGEST_PAUSE_SECONDS = 8.0


class FollowingDerivation:
    """One derivation at a time; a day that is asked for meanwhile is derived once more after it."""

    def __init__(
        self,
        steps: Sequence[DailyStep[Day]],
        day: Callable[[date], Day],
        say: Callable[[str], None],
    ) -> None:
        """Derive nothing yet.

        Args:
            steps: in their order.
            day: makes a day ready, with its state as it is stored; called in a thread.
            say: tells a person what went wrong.
        """
        self._steps = steps
        self._day = day
        self._say = say
        self._wanted: set[date] = set()
        self._work: asyncio.Task[None] | None = None
        self._stopped = False
        self._is_hurried = asyncio.Event()
        self._free_at = 0.0

    def ask(self, day: date) -> None:
        """Something that the day's tables are made from has been stored."""
        self._wanted.add(day)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._derive_all())

    async def finish(self) -> None:
        """Wait for what is under way and asked for."""
        self._is_hurried.set()
        if self._work is not None:
            await self._work
        self._is_hurried.clear()

    def stop(self) -> None:
        """Begin nothing more; what is under way ends after the table at hand."""
        self._stopped = True
        if self._work is not None:
            self._work.cancel()

    async def _derive_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._wanted and not self._stopped:
            await self._pause()
            begun, day = loop.time(), self._wanted.pop()
            try:
                await asyncio.to_thread(self._derive, day)
            except Exception as error:  # noqa: BLE001 - collection goes on, whatever it is
                self._say(f"{day}: not derived: {''.join(traceback.format_exception(error))}")
            took = loop.time() - begun
            self._free_at = loop.time() + min(_PAUSES * took, LONGEST_PAUSE_SECONDS)

    async def _pause(self) -> None:
        """Leave the processor to collection for a while after the last derivation."""
        left = self._free_at - asyncio.get_running_loop().time()
        if left > 0:
            hurried = asyncio.create_task(self._is_hurried.wait())
            await asyncio.wait((hurried,), timeout=left)
            hurried.cancel()

    def _derive(self, date_: date) -> None:
        """Make what is not made from the day's present inputs; in a thread, each in a loop."""
        day = self._day(date_)
        day.state.recipes = RECIPES
        not_made: set[str] = set()
        for step in self._steps:
            if self._stopped:
                return
            if not not_made.isdisjoint(step.recipe.inputs) or day.state.is_current(step.name):
                continue
            day.versions.clear()
            try:
                made = asyncio.run(make(step, day))
            except TdnetAssetsError as error:
                self._say(f"{date_} {step.name}: {error}")
                not_made.add(step.name)
                continue
            failed = tuple(check.name for check in made.checks if check.fails)
            day.state.origins[step.name] = Origin(
                made.version, step.recipe.reader, failed, day.made_from(step.recipe)
            )
