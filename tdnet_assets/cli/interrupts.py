"""Ctrl-C, also while a library waits in code of its own that never asks Python for signals.

What belongs here: that an interrupt ends the command within a moment. What does not: how a run or
``tdnet up`` stops in order, which have handlers of their own.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tdnet_assets.cli.exit_codes import INTERRUPTED

LINE = "tdnet: interrupted"
GRACE_SECONDS = 2.0


def leave(number: int, frame: FrameType | None) -> None:
    """End at once: a handler for when nothing has been begun yet, or everything is done."""
    os.write(2, f"{LINE}\n".encode())
    os._exit(INTERRUPTED)


@contextmanager
def heeded_interrupts() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt in the block, and ends the process if that cannot be raised.

    A request to S3 is waited for outside Python, for minutes if nobody answers. Changes nothing
    where Ctrl-C already means something else than its default, or outside the main thread.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before not in (
        signal.default_int_handler,
        leave,
    ):
        yield
        return
    noticed = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        noticed.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    # Python writes there at once, whatever the main thread does.
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        with os.fdopen(reader, "rb", buffering=0) as signals:
            while number := signals.read(1):
                # Whoever has put a handler of his own in the meantime ends in his own way.
                ours = signal.getsignal(signal.SIGINT) is interrupt
                if number[0] == signal.SIGINT and ours and not noticed.wait(GRACE_SECONDS):
                    os.write(2, f"{LINE}\n".encode())
                    os._exit(INTERRUPTED)

    threading.Thread(target=watch, name="interrupts", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, before)
        os.close(writer)
