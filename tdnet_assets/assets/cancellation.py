"""An event loop that an interrupt ends, whatever it is doing.

What belongs here: what becomes of SIGINT and SIGTERM while a run's loop works. What does not: what
the run then says of itself.

Dagster raises its interrupt wherever the main thread happens to be. Inside a loop that may be a
background task, whose error nobody reads, or a finalizer, whose error Python drops: the run went on
as if nothing had been asked. And a loop that ends waits for its threads, which nothing can end.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import dagster as dg

# Between a cancelled task and an error in the middle of whatever still works.
GRACE_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_Result = TypeVar("_Result")


def run_until_interrupted(main: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run a coroutine to its end in a loop of its own, or until an interrupt.

    An interrupt cancels the coroutine; where that does not end it within a second, because code of
    Python is busy, it is raised there, each second again. Threads of ``asyncio.to_thread`` are then
    left to themselves and end with the process.

    Raises:
        DagsterExecutionInterruptedError: it was interrupted.
    """
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loop.set_default_executor(_Threads())
        task = loop.create_task(main())
        try:
            with _interrupts_cancel(task) as interrupted:
                result = loop.run_until_complete(task)
        except asyncio.CancelledError as error:
            raise dg.DagsterExecutionInterruptedError(str(error)) from error
        if interrupted.is_set():  # whoever dropped it
            raise dg.DagsterExecutionInterruptedError
        return result


@contextmanager
def _interrupts_cancel(task: asyncio.Task[Any]) -> Iterator[threading.Event]:
    """In the main thread, signals that somebody handles cancel the task; whether one came."""
    interrupted, over = threading.Event(), threading.Event()
    main_thread = threading.main_thread()
    if threading.current_thread() is not main_thread:
        yield interrupted
        return

    def insist() -> None:
        while not over.wait(GRACE_SECONDS):
            signal.pthread_kill(main_thread.ident or 0, signal.SIGINT)

    def heed(number: int, frame: FrameType | None) -> None:
        if interrupted.is_set() and not task.done():
            raise dg.DagsterExecutionInterruptedError
        interrupted.set()
        task.get_loop().call_soon_threadsafe(task.cancel)
        threading.Thread(target=insist, name="insist", daemon=True).start()

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = {number: handler for number, handler in before.items() if callable(handler)}
    for number in handled:
        signal.signal(number, heed)
    try:
        yield interrupted
    finally:
        over.set()
        for number, handler in handled.items():
            signal.signal(number, handler)


class _Threads(ThreadPoolExecutor):
    """A thread a call, for which neither the loop nor the interpreter waits when it ends."""

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> "Future[_Result]":
        future: Future[_Result] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="loop-work", daemon=True).start()
        return future
