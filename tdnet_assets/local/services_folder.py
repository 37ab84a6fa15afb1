"""The files in the home through which users of the services and their supervisor find each other.

What belongs here: the files, their locks, and what is written in them. What does not: when a
service is started (``services.py``) or stopped (``supervisor.py``).

The locks are ``flock`` locks: the kernel lets go of them when their process ends, however it ends.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from tdnet_assets.tdnet.errors import TdnetAssetsError

_POLL_SECONDS = 0.02

_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Services:
    """What runs now.

    Attributes:
        supervisor: pid of the process that runs them.
        aws_process: pid of the embedded AWS.
        aws_endpoint_url: address of the embedded AWS.
        tdnet_base_url: address of the sample site's list pages.
        started_at: ISO 8601, UTC.
    """

    supervisor: int
    aws_process: int
    aws_endpoint_url: str
    tdnet_base_url: str
    started_at: str


@dataclass(frozen=True, slots=True)
class Names:
    """What a user needs in the embedded AWS: the names that the bootstrap creates."""

    bucket: str
    prefix: str
    executions_table: str
    disclosures_table: str
    notices_table: str
    aws_region: str


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the last start, so that a long-lived user finds restarted services again."""

    aws: int | None = None
    site: int | None = None


class LockTimeoutError(TdnetAssetsError):
    """Other processes held a lock for too long."""


class ServicesFolder:
    """The folder ``local`` in a home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "local"
        self.aws = self.path / "aws"
        self.log = self.path / "supervisor.log"
        # Shared by all users; exclusive for the supervisor, when it is about to stop.
        self.in_use = self.path / "in-use.lock"
        # One user at a time starts what does not run, and creates what is missing.
        self.preparing = self.path / "preparing.lock"
        # Held by the supervisor as long as it lives.
        self.supervised = self.path / "supervisor.lock"
        # What the sample site has published by itself, or on orders.
        self.published = self.path / "published.jsonl"
        self._services = self.path / "services.json"
        self._ports = self.path / "ports.json"
        self._bootstrapped = self.path / "bootstrapped.jsonl"

    def make(self) -> None:
        """Create the folder, for this user of the machine only."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def services(self) -> Services | None:
        """What runs; None when nothing does, or is not ready yet."""
        # In this order: a file left by a killed supervisor is gone before there can be another one.
        return _read(self._services, Services) if self.has_supervisor() else None

    def write_services(self, services: Services | None) -> None:
        """Say what runs, in one step; None takes it back."""
        if services:
            _write(self._services, services)
        else:
            self._services.unlink(missing_ok=True)

    def ports(self) -> Ports:
        """The ports of the last start; none before the first."""
        return _read(self._ports, Ports) or Ports()

    def write_ports(self, ports: Ports) -> None:
        """Keep the ports for the next start."""
        _write(self._ports, ports)

    def bootstrapped(self) -> list[Names]:
        """What this supervisor's users have created, or found there."""
        try:
            lines = self._bootstrapped.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [Names(**json.loads(line)) for line in lines]

    def add_bootstrapped(self, names: Names) -> None:
        """Remember what was created; only while ``preparing`` is held."""
        with self._bootstrapped.open("a") as file:
            file.write(json.dumps(asdict(names)) + "\n")

    def forget_bootstrapped(self) -> None:
        """A new supervisor cannot know what the embedded AWS has kept."""
        self._bootstrapped.unlink(missing_ok=True)

    def forget_killed_supervisor(self) -> bool:
        """Take back what a killed supervisor has left; False if there is a living one."""
        with _opened(self.supervised) as lock:
            # Shared: enough to keep a new one out, and no other user takes it for a living one.
            abandoned = try_lock(lock, fcntl.LOCK_SH)
            if abandoned:
                self.write_services(None)
            return abandoned

    def has_supervisor(self) -> bool:
        """Whether a supervisor is alive."""
        if not self.supervised.exists():
            return False
        with _opened(self.supervised) as lock:
            return not try_lock(lock, fcntl.LOCK_SH)


def acquire(path: Path, mode: int, seconds: float) -> int:
    """A descriptor that holds the lock; closing it, or the end of the process, lets go of it.

    Args:
        path: the lock file, made if missing.
        mode: ``fcntl.LOCK_SH`` or ``fcntl.LOCK_EX``.
        seconds: how long to wait for others.

    Raises:
        LockTimeoutError: others held it all the time.
    """
    deadline = time.monotonic() + seconds
    lock = open_lock(path)
    while not try_lock(lock, mode):
        if time.monotonic() > deadline:
            os.close(lock)
            raise LockTimeoutError(f"{path} was held by other processes for {seconds:g} s")
        time.sleep(_POLL_SECONDS)
    return lock


@contextmanager
def held(path: Path, mode: int, seconds: float) -> Iterator[None]:
    """Hold the lock for the length of the block; arguments and errors as of :func:`acquire`."""
    lock = acquire(path, mode, seconds)
    try:
        yield
    finally:
        os.close(lock)


def open_lock(path: Path) -> int:
    """A descriptor of a lock file, made if missing, without the lock."""
    return os.open(path, os.O_CREAT | os.O_RDWR, 0o600)


def try_lock(descriptor: int, mode: int) -> bool:
    """Take a lock without waiting; False if others hold it."""
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = open_lock(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(path: Path, record: type[_Record]) -> _Record | None:
    try:
        return record(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return None  # of another version, or cut off by a full disk: written anew at the next start


def _write(path: Path, record: Services | Ports) -> None:
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(record)))
    draft.replace(path)
