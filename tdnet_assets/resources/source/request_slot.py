"""The one slot of a process: a gap between requests whoever sends them, the most urgent first.

What belongs here: who is next, and when. What does not: what is asked for, and what a refusal is
(``refusals.py``).
"""

import asyncio
import random
from bisect import insort
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from itertools import count

_LONGEST_SPREAD_SECONDS = 0.5


class Urgency(IntEnum):
    """Who goes first when several wait; today's work before that of other days.

    A look may also pass while the host is left in peace after refusals: it is the probe.
    """

    LOOK = 0
    TODAYS_LIST = 1
    TODAYS_ARCHIVE = 2
    TODAYS_PDF = 3
    LIST = 4
    ARCHIVE = 5
    PDF = 6


class RequestSlot:
    """The slot is held until the answer's headers are there, and the gap counts from then.

    So the server sees at least ``gap`` seconds between any two requests whatever the network does.
    Times are those of the running loop.
    """

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._free_at = 0.0
        self._rest_until = 0.0
        self._held = False
        self._numbers = count()
        self._queue: list[tuple[Urgency, int]] = []
        self._sleeping: set[asyncio.Future[None]] = set()

    @asynccontextmanager
    async def hold(self, urgency: Urgency = Urgency.PDF) -> AsyncIterator[None]:
        """Wait for the turn; the next one comes ``gap`` seconds after this block ends."""
        if not self._gap:
            await self._sleep_until_free(urgency)
            yield
            return
        await self._wait_for_the_turn(urgency)
        try:
            yield
        finally:
            self._held = False
            self._free_at = max(self._free_at, _now() + self._gap)
            self._tell()

    def pause(self, seconds: float) -> None:
        """Nobody sends anything for this long: the server asked for it."""
        self._free_at = max(self._free_at, _now() + seconds)

    def rest(self, seconds: float) -> None:
        """Nobody but a look sends anything for this long: the server has refused in a row."""
        self._rest_until = max(self._rest_until, _now() + seconds)

    def end_rest(self) -> None:
        """The server has answered a look: whoever waits for the end of a rest may go on."""
        self._rest_until = 0.0
        self._tell()

    @property
    def seconds_until_free(self) -> float:
        """How long nobody but a look may send anything; 0 when the slot is free."""
        return self._left(Urgency.PDF)

    def _left(self, urgency: Urgency) -> float:
        rest_until = 0.0 if urgency is Urgency.LOOK else self._rest_until
        return max(0.0, max(self._free_at, rest_until) - _now())

    async def _wait_for_the_turn(self, urgency: Urgency) -> None:
        ticket = (urgency, next(self._numbers))
        insort(self._queue, ticket)
        self._tell()
        try:
            while self._held or self._queue[0] != ticket:
                await self._sleep(None)
            while left := self._left(urgency):
                await self._sleep(left)
                while self._held or self._queue[0] != ticket:
                    await self._sleep(None)
            self._held = True
        finally:
            self._queue.remove(ticket)
            self._tell()

    async def _sleep_until_free(self, urgency: Urgency) -> None:
        while left := self._left(urgency):
            # Without a gap, those who waited for the end of a pause must not come in step.
            spread = random.uniform(0, min(left, _LONGEST_SPREAD_SECONDS))  # noqa: S311 - no secret
            await self._sleep(left + spread)

    async def _sleep(self, seconds: float | None) -> None:
        """Sleep so long, or until somebody tells of a change."""
        sleeping = asyncio.get_running_loop().create_future()
        self._sleeping.add(sleeping)
        try:
            await asyncio.wait((sleeping,), timeout=seconds)
        finally:
            self._sleeping.discard(sleeping)

    def _tell(self) -> None:
        for sleeping in self._sleeping:
            if not sleeping.done():
                sleeping.set_result(None)


def _now() -> float:
    return asyncio.get_running_loop().time()
