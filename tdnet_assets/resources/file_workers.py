"""Reading files of strangers in processes of their own, so that one bad file costs one file.

What belongs here: running a function on bytes in a worker process, within limits of time and
memory, and what is said when that process does not live to answer. What does not: the functions.

``python -m tdnet_assets.resources.file_workers SECONDS BYTES`` is the worker itself: it reads
requests on standard input and answers on standard output, one after the other. It ends when its
input does, and on Linux also at once when its parent does, however that ended.
"""

import asyncio
import ctypes
import importlib
import math
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Self, TypeVar, cast

from tdnet_assets.tdnet.errors import TdnetError

MEGABYTE = 1_000_000
SECONDS = 20.0
MEMORY_BYTES = 1_000 * MEGABYTE

# By the clock a worker may take longer than by its own time: the machine may be busy.
_CLOCK_FACTOR = 6
_REQUEST, _ANSWER = struct.Struct(">IQ"), struct.Struct(">Q")
_OUT_OF_MEMORY = 77
_PR_SET_PDEATHSIG = 1
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
_BUFFER_BYTES = 1 << 20

_Result = TypeVar("_Result")


class FileWorkerError(TdnetError):
    """A worker process did not live to answer: the file is what to look at."""


class WorkerDiedError(FileWorkerError):
    """The process crashed, or needed more memory than it may have."""


class WorkerTimedOutError(FileWorkerError):
    """The process took longer than it may."""


class FileWorkers:
    """Worker processes, started when they are needed and used for many files.

    Use it as a context manager, within one event loop; leaving ends the processes. Work that is
    cancelled ends with its process, at once.
    """

    def __init__(
        self, *, processes: int = 1, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        """Start nothing yet.

        Args:
            processes: how many may work at once.
            seconds: of processor time for one file; six times as long by the clock.
            memory_bytes: address space of one process.
        """
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._places = asyncio.Semaphore(processes)
        self._idle: list[_Worker] = []

    async def run(self, function: Callable[[bytes], _Result], content: bytes) -> _Result:
        """What a function says of the content; whatever the function raises is raised.

        Args:
            function: of a module, found there by its name; what it returns can be pickled.
            content: what it is called with.

        Raises:
            WorkerDiedError: the process crashed, or needed too much memory.
            WorkerTimedOutError: the function took too long.
        """
        name = f"{function.__module__}:{function.__qualname__}"
        async with self._places:
            worker = await self._worker()
            try:
                async with asyncio.timeout(self._seconds * _CLOCK_FACTOR):
                    answer = await worker.ask(name, content)
            except TimeoutError:
                worker.end()
                raise self._timed_out(name, content) from None
            except (asyncio.IncompleteReadError, ConnectionError):
                raise self._death(name, content, worker.end()) from None
            except BaseException:
                # Cancelled: nobody waits for the answer, and nobody else may get it.
                worker.end()
                raise
            self._idle.append(worker)
        succeeded, value = pickle.loads(answer)  # noqa: S301 - from our own process, of our user
        if not succeeded:
            raise value
        return cast("_Result", value)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().end()

    async def _worker(self) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            if worker.process.poll() is None:
                return worker
            worker.end()
        return await _Worker.start(self._seconds, self._memory_bytes)

    def _death(self, name: str, content: bytes, code: int) -> FileWorkerError:
        if code == -signal.SIGXCPU:
            return self._timed_out(name, content)
        if code == _OUT_OF_MEMORY:
            how = f"needed more than {self._memory_bytes // MEGABYTE:,} MB"
        elif code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        else:
            how = f"ended with code {code}"
        return WorkerDiedError(
            f"{name} {how} on a file of {len(content):,} bytes: look at its raw bytes, and do not "
            "open it elsewhere without care"
        )

    def _timed_out(self, name: str, content: bytes) -> WorkerTimedOutError:
        return WorkerTimedOutError(
            f"{name} took longer than {self._seconds:g} s for a file of {len(content):,} bytes: "
            "look at its raw bytes"
        )


@dataclass(frozen=True, slots=True)
class _Worker:
    """One process and the connection to its standard input and output."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def start(cls, seconds: float, memory_bytes: int) -> Self:
        ours, its = socket.socketpair()
        with its:
            # Not asyncio's own: there two parts wait for a process, and only one learns its code.
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - returns at once; our own arguments
                [sys.executable, "-m", __name__, str(seconds), str(memory_bytes)],
                stdin=its.fileno(),
                stdout=its.fileno(),
                env=_environment(),
            )
        try:
            reader, writer = await asyncio.open_connection(sock=ours, limit=_BUFFER_BYTES)
        except BaseException:
            process.kill()
            process.wait()
            ours.close()
            raise
        return cls(process, reader, writer)

    async def ask(self, name: str, content: bytes) -> bytes:
        function = name.encode()
        self.writer.write(_REQUEST.pack(len(function), len(content)) + function)
        self.writer.write(content)
        await self.writer.drain()
        (size,) = _ANSWER.unpack(await self.reader.readexactly(_ANSWER.size))
        return await self.reader.readexactly(size)

    def end(self) -> int:
        """End the process, which may have ended already; its exit code, negative for a signal."""
        self.process.kill()
        self.writer.transport.abort()
        return self.process.wait()


def _environment() -> dict[str, str]:
    """What a worker needs: to find the same modules, and none of our keys."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _serve(seconds: float, memory_bytes: int) -> None:
    """The worker: answer until the input ends."""
    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which decides
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests = sys.stdin.buffer
    # What libraries print must not stand among the answers.
    answers = cast("BinaryIO", os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    while header := requests.read(_REQUEST.size):
        name_size, size = _REQUEST.unpack(header)
        name = requests.read(name_size).decode()
        try:
            answer = _answer(name, requests.read(size), seconds)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        answers.write(_ANSWER.pack(len(answer)) + answer)
        answers.flush()


def _answer(name: str, content: bytes, seconds: float) -> bytes:
    answer: tuple[bool, Any]
    try:
        function = _function(name)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), hard))
        answer = True, function(content)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - raised again where it was asked
        answer = False, error.with_traceback(None)
    return pickle.dumps(answer)


def _function(name: str) -> Callable[[bytes], Any]:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return cast("Callable[[bytes], Any]", found)


def _end_with_parent() -> None:
    """On Linux the kernel ends this process with its parent, also while it is busy."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)  # it has ended in between


if __name__ == "__main__":
    _serve(float(sys.argv[1]), int(sys.argv[2]))
