"""A machine's one place to ask a host from, and until when whoever had it last keeps it free.

What belongs here: the lock file and its time. What does not: the gap within a process
(``request_slot.py``), and what else a session tells the next (``refusal_memory.py``).
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tdnet_assets.resources.source.refusal_memory import RefusalMemory
from tdnet_assets.resources.source.request_slot import RequestSlot

_LOGGER = logging.getLogger(__name__)

# Longer than this is not a pause but a closed door: give up at once and say so.
LONGEST_RETRY_AFTER_SECONDS = 300.0


class Admission:
    """The place; a lock file holds it.

    The kernel releases it with the process, so a killed run never leaves it behind. The file's time
    says until when nobody may ask. With the place comes what the host has refused before.
    """

    def __init__(
        self, home: Path, slot: RequestSlot, memory: RefusalMemory, now: Callable[[], datetime]
    ) -> None:
        self._home = home
        self._slot = slot
        self._memory = memory
        self._now = now
        self._queue = asyncio.Lock()
        self._lock: int | None = None
        self._may_ask = False

    async def wait(self) -> None:
        """Take the place if this session has not got it yet, however long others keep it."""
        if self._may_ask:
            return
        async with self._queue:
            if await self._is_taken():
                return
            _LOGGER.warning("another run is talking to TDnet; waiting until it has finished")
            while not await self._is_taken():  # noqa: ASYNC110 - another process is awaited
                await asyncio.sleep(0.5)

    async def try_now(self) -> bool:
        """Take the place if nobody has it; whether this session has it now."""
        async with self._queue:
            return await self._is_taken()

    async def _is_taken(self) -> bool:
        if not self._may_ask and self._lock_file():
            await self._memory.take_up()
            self._may_ask = True
        return self._may_ask

    def _lock_file(self) -> bool:
        if self._lock is not None:
            return True
        self._home.mkdir(parents=True, exist_ok=True)
        lock = self._open()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        # A clock that was set back must not shut us out for longer than any pause may last.
        left = min(os.fstat(lock).st_mtime - self._now().timestamp(), LONGEST_RETRY_AFTER_SECONDS)
        self._slot.pause(left)
        self._lock = lock
        return True

    def _open(self) -> int:
        path = self._home / "tdnet-session.lock"
        try:
            lock = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except FileExistsError:
            return os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        # The file system has a clock of its own.
        moment = self._now().timestamp()
        os.utime(lock, (moment, moment))
        return lock

    async def __aenter__(self) -> "Admission":
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._memory.keep()
        finally:
            self._release()

    def _release(self) -> None:
        if self._lock is None:
            return
        free_at = self._now().timestamp() + self._slot.seconds_until_free
        os.utime(self._lock, (free_at, free_at))
        os.close(self._lock)
        self._lock = None
