"""``tdnet up``: the Dagster UI and daemon with everything they need, until Ctrl-C.

What belongs here: starting, watching and stopping processes. Dagster's own command does the rest.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import dagster as dg

from tdnet_assets.assets.collection import POOL
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home
from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets.local.services import running_services, wait_until_stopped

# Dagster's mark of a run that a code server executes, in contrast to one of ``tdnet collect``.
_LAUNCHED = ".dagster/grpc_info"

Show = Callable[[str], object]

DEFAULT_PORT = 3000
# On a busy machine Dagster has taken a minute and a half.
START_SECONDS = 240.0
STOP_SECONDS = 30.0
# Dagster recommends another of its own commands at every start; a user has nothing to do about it.
_PYTHON = (sys.executable, "-W", "ignore::FutureWarning")


def run_up(config: PlatformConfig, port: int | None, show: Show) -> int:
    """Run webserver and daemon in the foreground; the exit code of the command.

    Stops on Ctrl-C and SIGTERM: first Dagster and its runs, then the embedded services, whose
    state is saved.
    """
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with running_services(config) as running:
        chosen = port or free_port(DEFAULT_PORT)
        show(f"TDnet   {running.tdnet_base_url}")
        show(f"AWS     {running.aws_endpoint_url or 'the configured account'}")
        show(f"state   {config.home_path}")
        dagster = _start_dagster(config, chosen)
        try:
            code = _wait(dagster, chosen, stopping, show)
        finally:
            _stop(config, dagster)
    if running is not config and not wait_until_stopped(config, STOP_SECONDS):
        show("the embedded services are still in use by another process; they stop with it")
    show("stopped")
    return code


def _start_dagster(config: PlatformConfig, port: int) -> subprocess.Popen[bytes]:
    _limit_pool(config)
    environ = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home.prepare(config)),
        "TDNET_HOME": str(config.home_path),
    }
    command = [*_PYTHON, "-m", "dagster", "dev", "-w", str(_workspace(config))]
    # Its own group, so that all of it can be stopped, and Ctrl-C reaches us alone.
    return subprocess.Popen(  # noqa: S603 - our own arguments
        [*command, "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"],
        env=environ,
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
        "      module_name: tdnet_assets.definitions\n"
        "      location_name: tdnet_assets\n"
    )
    return path


def _wait(dagster: subprocess.Popen[bytes], port: int, stopping: list[int], show: Show) -> int:
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_SECONDS
    ready = False
    while not stopping:
        if dagster.poll() is not None:
            show(f"Dagster ended by itself with code {dagster.returncode}; see its output above")
            return 1
        if not ready and _answers(address):
            ready = True
            show(f"\nDagster UI   {address}\nCtrl-C stops everything; the data stays.")
        if not ready and time.monotonic() > deadline:
            show(f"Dagster does not answer at {address} after {START_SECONDS:g} s")
            return 1
        time.sleep(0.3)
    show("\nstopping …")
    return 0


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=2):  # noqa: S310 - ours
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _stop(config: PlatformConfig, dagster: subprocess.Popen[bytes]) -> None:
    try:
        _cancel_runs(config)
    finally:
        _stop_group(dagster)


def _cancel_runs(config: PlatformConfig) -> None:
    """Tell Dagster that the runs it has launched are cancelled: it would call them failed."""
    in_progress = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    )
    with dagster_home.instance(config) as instance:
        for run in instance.get_runs(in_progress):
            if _LAUNCHED in run.tags:
                instance.report_run_canceling(run, "`tdnet up` is being stopped")


def _stop_group(dagster: subprocess.Popen[bytes]) -> None:
    """End the whole group: also when its leader has gone already, runs get the time to say so."""
    for number, seconds in (
        (signal.SIGINT, STOP_SECONDS),
        (signal.SIGTERM, 10),
        (signal.SIGKILL, 5),
    ):
        with contextlib.suppress(ProcessLookupError):
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
