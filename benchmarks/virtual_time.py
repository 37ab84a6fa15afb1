"""Event loops whose clock jumps to the next timer, so that a day of waiting takes seconds.

What belongs here: the clock, and when it may jump. What does not: what happens in the day.

The clock stands still as long as anything is in flight, however long that really takes: an open
request on a socket, a call in a thread (``asyncio.to_thread``, ``run_in_executor``), a question to
a worker process, a thread that works without waiting (:meth:`VirtualTimeLoop.waking`). Only when
every task waits for a timer does it move, and then to the next one at once. So the times of a test
do not depend on how busy the machine is; what a call in a thread shall cost on the clock it spends
itself (:meth:`VirtualTimeLoop.spend`).

Servers belong into threads with loops of their own, and read ``clock.now``. What asks
``time.monotonic`` or ``datetime.now`` instead of the loop and ``clock.now`` is outside of all this.
"""

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")


class VirtualClock:
    """A moment that moves only when it is moved; it may be read from any thread."""

    def __init__(self, start: datetime) -> None:
        """Stand at that moment, which has a zone."""
        self.start = start
        self.seconds = 0.0
        """Since the start: what ``loop.time()`` of the loops by this clock says."""

    def now(self) -> datetime:
        """The wall clock, in the zone of the start."""
        return self.start + timedelta(seconds=self.seconds)

    def advance(self, seconds: float) -> None:
        """Move on; never back."""
        self.seconds += max(0.0, seconds)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop by a :class:`VirtualClock`, which it moves when it has nothing else to do."""

    def __init__(self, clock: VirtualClock) -> None:
        """Make a loop; several may share a clock, each in a thread that another one waits for."""
        self._clock = clock
        self._calls = 0
        self._counting = threading.Lock()
        super().__init__(_JumpingSelector(clock, self._is_calling))

    def time(self) -> float:
        """Virtual seconds since the start of the clock."""
        return self._clock.seconds

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[_Arguments]], _Result],
        *args: *_Arguments,
    ) -> "asyncio.Future[_Result]":
        """As asyncio's; the clock stands still until the call has come back."""
        future = super().run_in_executor(executor, func, *args)
        self._count(1)
        future.add_done_callback(self._came_back)
        return future

    def spend(self, seconds: float) -> None:
        """For a thread in which a call works: the clock may go on for so long before it ends."""
        over = threading.Event()

        def end() -> None:
            self._count(1)
            over.set()

        def begin() -> None:
            self._count(-1)
            self.call_later(seconds, end)

        self.call_soon_threadsafe(begin)
        over.wait()

    @contextmanager
    def waking(self) -> Iterator[threading.Event]:
        """An event for a thread that waits for nothing else: its time-outs are by the clock.

        Within the block the clock stands still whenever the thread does not wait for it.
        """
        event = _WakingEvent(self, self._count)
        self._count(1)
        try:
            yield event
        finally:
            event.retire()

    def _came_back(self, _: object) -> None:
        self._count(-1)

    def _count(self, change: int) -> None:
        with self._counting:
            self._calls += change

    def _is_calling(self) -> bool:
        return self._calls > 0


class _WakingEvent(threading.Event):
    """An event whose waiting thread is counted among a loop's calls unless it waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, count: Callable[[int], None]) -> None:
        super().__init__()
        self._loop, self._count = loop, count
        self._changing = threading.Lock()
        self._sleeper: threading.Event | None = None
        self._is_retired = False

    def set(self) -> None:
        """Wake the thread, which is counted from now on."""
        super().set()
        self._rouse(self._sleeper)

    def wait(self, timeout: float | None = None) -> bool:
        """As an event's, in seconds of the clock."""
        sleeper = threading.Event()
        if not self._is_retired:
            self._loop.call_soon_threadsafe(self._fall_asleep, sleeper, timeout)
            sleeper.wait()
        return self.is_set()

    def retire(self) -> None:
        """Count the thread no more, whatever it does."""
        with self._changing:
            self._is_retired = True
            if self._sleeper is None:
                self._count(-1)
            else:
                self._sleeper.set()

    def _fall_asleep(self, sleeper: threading.Event, timeout: float | None) -> None:
        with self._changing:
            if self.is_set() or self._is_retired:
                sleeper.set()
                return
            self._sleeper = sleeper
            self._count(-1)
        if timeout is not None:
            self._loop.call_later(timeout, self._rouse, sleeper)

    def _rouse(self, sleeper: threading.Event | None) -> None:
        with self._changing:
            if sleeper is None or sleeper is not self._sleeper or self._is_retired:
                return
            self._sleeper = None
            self._count(1)
            sleeper.set()


def run(main: Coroutine[Any, Any, _Result], clock: VirtualClock) -> _Result:
    """As ``asyncio.run``, by the clock."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock)) as runner:
        return runner.run(main)


@contextmanager
def every_loop_by(clock: VirtualClock) -> Iterator[None]:
    """Within the block every new event loop is by the clock, also one that ``asyncio.run`` makes.

    Servers that are started meanwhile in threads of this process would be so too: start them first.
    """
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(_Policy(clock))
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(before)


class _Policy(asyncio.DefaultEventLoopPolicy):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return VirtualTimeLoop(self._clock)


class _JumpingSelector(selectors.DefaultSelector):
    """Where the loop would sleep until its next timer, the clock moves there."""

    def __init__(self, clock: VirtualClock, is_calling: Callable[[], bool]) -> None:
        super().__init__()
        self._clock = clock
        self._is_calling = is_calling

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        # Without a timer only somebody outside can go on.
        if (
            timeout is None
            or self._is_calling()
            or any(map(_is_in_flight, self.get_map().values()))
        ):
            return super().select(None)
        self._clock.advance(timeout)
        return []


def _is_in_flight(key: selectors.SelectorKey) -> bool:
    """Whether a task waits for what this socket will bring or take.

    httpx listens to a connection only while it waits for it, so an idle one is not there at all.
    A stream of asyncio always listens; there the question is whether anybody reads.
    """
    if key.events & selectors.EVENT_WRITE:
        return True
    reading, _ = key.data
    transport = getattr(reading._callback, "__self__", None)  # noqa: SLF001 - nothing public says who listens
    if not isinstance(transport, asyncio.Transport):
        return False  # the loop's own pipe, by which threads wake it; or a server
    protocol = transport.get_protocol()
    if isinstance(protocol, asyncio.StreamReaderProtocol):
        reader = protocol._stream_reader  # type: ignore[attr-defined]  # noqa: SLF001 - as above
        return reader._waiter is not None  # noqa: SLF001 - as above
    return True
