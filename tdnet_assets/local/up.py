"""Dagster's UI and daemon as processes of this machine.

What belongs here: starting, watching and stopping them; Dagster's own command does the rest. What
does not: what a person reads meanwhile (``cli/up.py``).
"""

import fcntl
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from urllib.parse import urlsplit

import dagster as dg

from tdnet_assets.assets.collection import POOL
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home, home
from tdnet_assets.local.embedded_aws import free_port, shorten, tail
from tdnet_assets.local.services_folder import ServicesFolder, open_lock, try_lock
from tdnet_assets.tdnet.errors import TdnetAssetsError

# Dagster's mark of a run that a code server executes: where that server is, as JSON.
_LAUNCHED = ".dagster/grpc_info"

# The webserver is on this machine, where no proxy has any business.
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

DEFAULT_PORT = 3000
# On a busy machine Dagster has taken a minute and a half.
START_SECONDS = 240.0
STOP_SECONDS = 30.0
# Dagster recommends another of its own commands at every start; a user has nothing to do about it.
_PYTHON = (sys.executable, "-W", "ignore::FutureWarning")
_LOOK_EVERY_SECONDS = 0.3
_ENDED_BECAUSE = re.compile(r"dagster-\S+ process shut down unexpectedly with return code -?\d+")


class DagsterError(TdnetAssetsError):
    """Dagster's UI ended by itself, or does not answer; the message says which."""


class PortTakenError(DagsterError):
    """Another program has the port that was asked for; the message says which, if it says so."""


class AlreadyUpError(DagsterError):
    """Another process has Dagster up for the same home; the message says where."""


@dataclass(frozen=True, slots=True)
class Dagster:
    """The processes of ``dagster dev``, all in one group, the address of its UI, and their log."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def wait_until_ready(self, stopping: Collection[int]) -> bool:
        """Wait until the UI answers; False when a signal came first (see :func:`stop_signals`).

        Raises:
            DagsterError: it ended by itself, or does not answer for ``START_SECONDS``.
        """
        deadline = time.monotonic() + START_SECONDS
        while not stopping:
            self._require_running()
            if _answers(self.address):
                return True
            if time.monotonic() > deadline:
                raise DagsterError(
                    f"Dagster does not answer at {self.address} after {START_SECONDS} s"
                )
            time.sleep(_LOOK_EVERY_SECONDS)
        return False

    def wait(self, stopping: Collection[int], look: Callable[[], None]) -> None:
        """Wait until a signal has come (see :func:`stop_signals`), looking again and again.

        Raises:
            DagsterError: it ended by itself.
        """
        while not stopping:
            self._require_running()
            look()
            shorten(self.log)  # all append, so it can be cut under their hands
            time.sleep(_LOOK_EVERY_SECONDS)

    def _require_running(self) -> None:
        if self.process.poll() is not None:
            reasons = _ENDED_BECAUSE.findall(tail(self.log, lines=100))
            reason = reasons[-1] if reasons else f"code {self.process.returncode}"
            raise DagsterError(f"Dagster ended by itself ({reason}); its own words: {self.log}")


def stop_signals() -> Collection[int]:
    """The signals to stop that have come since this call; they do not end the process any more."""
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return stopping


@contextmanager
def only_one(config: PlatformConfig) -> Iterator[Path]:
    """The home's one place for a Dagster, for the length of the block; a file for its address.

    The kernel lets go of it with the process, so a killed one leaves nothing behind.

    Raises:
        AlreadyUpError: another process has the place.
    """
    home.make(config)
    folder = ServicesFolder(config.home_path)
    folder.make()
    place = folder.path / "up.lock"
    lock = open_lock(place)
    try:
        if not try_lock(lock, fcntl.LOCK_EX):
            where = place.read_text() or "it is starting, or stopping: try again in a minute"
            raise AlreadyUpError(f"already up for {config.home_path}: {where}")
        os.truncate(lock, 0)
        yield place
    finally:
        os.close(lock)


@contextmanager
def running_dagster(config: PlatformConfig, port: int | None, place: Path) -> Iterator[Dagster]:
    """Webserver and daemon until the block ends; then the runs they launched are cancelled.

    Args:
        config: the environment's own, since the code location connects for itself.
        port: of the UI; None is the usual one, or any other when that is taken.
        place: the file of :func:`only_one`.

    Raises:
        PortTakenError: another program has the port.
    """
    if port and free_port(port) != port:
        raise PortTakenError(
            f"port {port} is taken by {_occupant(port)}: stop it, or name another port"
        )
    address = f"http://127.0.0.1:{port or free_port(DEFAULT_PORT)}"
    log = place.with_name("dagster.log")
    with suppress(FileNotFoundError):
        log.replace(log.with_suffix(".before.log"))
    # The code servers of this Dagster have their sockets there: by that its runs are known.
    with TemporaryDirectory(prefix="tdnet-", ignore_cleanup_errors=True) as sockets:
        process = _start_dagster(config, address, sockets, log)
        place.write_text(address)
        try:
            yield Dagster(process, address, log)
        finally:
            os.truncate(place, 0)
            _stop(config, process, sockets)


def _occupant(port: int) -> str:
    """What is on a port, as far as it says so over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/server_info")
        answer = connection.getresponse()
        if "dagster_webserver_version" in json.loads(answer.read(10_000)):
            return "another Dagster, of another home"
        return f"a web server ({answer.headers.get('Server', 'which does not say what it is')})"
    except (OSError, http.client.HTTPException, ValueError, TypeError):
        return "another program"
    finally:
        connection.close()


def _start_dagster(
    config: PlatformConfig, address: str, sockets: str, log: Path
) -> subprocess.Popen[bytes]:
    _limit_pool(config)
    environ = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home.prepare(config)),
        "TDNET_HOME": str(config.home_path),
        "TMPDIR": sockets,
    }
    command = [*_PYTHON, "-m", "dagster", "dev", "-w", str(_workspace(config))]
    port = str(urlsplit(address).port)
    # Each event of each run is a line there: thousands an hour, of which a person reads none.
    with log.open("ab") as output:
        # Its own group, so that all of it can be stopped, and Ctrl-C reaches us alone.
        return subprocess.Popen(  # noqa: S603 - our own arguments
            [*command, "--host", "127.0.0.1", "--port", port, "--log-level", "warning"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _limit_pool(config: PlatformConfig) -> None:
    """Make the pool's limit known: of a queue that brings a new pool Dagster starts every run."""
    with dagster_home.instance(config) as instance:
        known = {pool.name for pool in instance.event_log_storage.get_pool_limits()}
        if POOL not in known:
            instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)


def _workspace(config: PlatformConfig) -> Path:
    """Dagster's workspace file; in the home, because an installed package has no checkout."""
    path = dagster_home.prepare(config) / "workspace.yaml"
    path.write_text(
        "load_from:\n"
        "  - python_module:\n"
        "      module_name: tdnet_assets.code_location\n"
        "      location_name: tdnet_assets\n"
    )
    return path


def _answers(address: str) -> bool:
    try:
        with _NO_PROXY.open(f"{address}/server_info", timeout=2):
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _stop(config: PlatformConfig, dagster: subprocess.Popen[bytes], sockets: str) -> None:
    try:
        _cancel_runs(config, sockets)
    finally:
        _stop_group(dagster)


def _cancel_runs(config: PlatformConfig, sockets: str) -> None:
    """Tell Dagster that the runs it has launched are cancelled: it would call them failed.

    Others that share the database, as a ``dagster dev`` by hand or ``tdnet collect``, go on.
    """
    in_progress = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    )
    with dagster_home.instance(config) as instance:
        for run in instance.get_runs(in_progress):
            server = json.loads(run.tags.get(_LAUNCHED, "{}"))
            if server.get("socket", "").startswith(f"{sockets}/"):
                instance.report_run_canceling(run, "`tdnet up` is being stopped")


def _stop_group(dagster: subprocess.Popen[bytes]) -> None:
    """End the whole group: also when its leader has gone already, runs get the time to say so."""
    for number, seconds in (
        (signal.SIGINT, STOP_SECONDS),
        (signal.SIGTERM, 10),
        (signal.SIGKILL, 5),
    ):
        with suppress(ProcessLookupError):
            os.killpg(dagster.pid, number)
        if _group_has_ended(dagster, seconds):
            return


def _group_has_ended(dagster: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        dagster.poll()  # an ended leader that nobody has waited for still counts as a member
        try:
            os.killpg(dagster.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
