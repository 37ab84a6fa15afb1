"""The embedded default's services, shared by every process that uses the same home.

What belongs here: making sure that they run, for as long as this process needs them. Each user
holds a shared lock on one file; the supervisor (``supervisor.py``) starts the services and stops
them when nobody has held that lock for a while. Both services run whichever one is wanted: an idle
one costs less than deciding.

What does not: how they are run. Importing this module is cheap; only a first start costs time.
"""

import fcntl
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tdnet_assets.config import LIVE_WINDOW_DAYS, PlatformConfig
from tdnet_assets.local import home
from tdnet_assets.local.embedded_aws import tail
from tdnet_assets.local.services_folder import (
    LockTimeoutError,
    Names,
    Services,
    ServicesFolder,
    acquire,
    held,
)
from tdnet_assets.tdnet.errors import TdnetAssetsError

START_SECONDS = 60.0
# The sample site is our own process on this machine: politeness would only make people wait. A rate
# that the operator chose is kept.
SAMPLE_SITE_REQUESTS_PER_SECOND = 50.0

_POLL_SECONDS = 0.02
_DEFAULT_REQUESTS_PER_SECOND = PlatformConfig.model_fields["requests_per_second"].default

# By home; never closed, so that they hold until this process ends.
_locks: dict[Path, int] = {}
# The supervisors that this process has started, so that ended ones can be reaped.
_supervisors: list[subprocess.Popen[bytes]] = []


class ServicesError(TdnetAssetsError):
    """The embedded services could not be started; the message says why or where to look."""


def connect(config: PlatformConfig) -> PlatformConfig:
    """The configuration with the addresses of running services, for the life of this process.

    Starts nothing and changes nothing where the operator named the addresses, in any environment
    other than local, and for a configuration that is connected already. Call it again whenever you
    like: it looks whether the services still run.

    Raises:
        ServicesError: they did not start.
    """
    if not _needs_services(config):
        return config
    folder = _folder(config)
    if config.home_path not in _locks:
        _locks[config.home_path] = _use(folder)
    return _connected(config, folder)


@contextmanager
def running_services(config: PlatformConfig) -> Iterator[PlatformConfig]:
    """As :func:`connect`, for the length of the block."""
    if not _needs_services(config):
        yield config
        return
    folder = _folder(config)
    lock = _use(folder)
    try:
        yield _connected(config, folder)
    finally:
        os.close(lock)


def require_sample_site() -> None:
    """Refuse to go on where the package was installed without the sample TDnet site.

    Raises:
        ServicesError: it is not there.
    """
    if importlib.util.find_spec("tdnet_assets.sample_site") is None:
        raise ServicesError(
            "this installation has no sample TDnet site (tdnet_assets/sample_site): the production "
            "image leaves it out. Install tdnet-assets[local] for a demonstration or a local "
            "environment; otherwise set TDNET_ENVIRONMENT to dev or prod, and TDNET_BASE_URL"
        )


def wait_until_stopped(config: PlatformConfig, seconds: float) -> bool:
    """Wait until the services have stopped; False if others still use them by then."""
    folder = ServicesFolder(config.home_path)
    deadline = time.monotonic() + seconds
    while folder.has_supervisor():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    _reap()
    return True


def _needs_services(config: PlatformConfig) -> bool:
    return _needs_aws(config) or config.uses_sample_site


def _needs_aws(config: PlatformConfig) -> bool:
    # A configuration that is connected has the address already.
    return config.uses_embedded_aws and not config.aws_endpoint_url


def _folder(config: PlatformConfig) -> ServicesFolder:
    home.make(config)
    folder = ServicesFolder(config.home_path)
    folder.make()
    return folder


def _use(folder: ServicesFolder) -> int:
    # Taken before anything else: from here on a supervisor that runs will not stop by itself, and
    # one that has begun to stop is waited for.
    try:
        return acquire(folder.in_use, fcntl.LOCK_SH, START_SECONDS)
    except LockTimeoutError as error:
        raise ServicesError(f"the services are stopping, but do not end: {error}") from None


def _connected(config: PlatformConfig, folder: ServicesFolder) -> PlatformConfig:
    names = Names(
        bucket=config.bucket,
        prefix=config.prefix,
        executions_table=config.executions_table,
        disclosures_table=config.disclosures_table,
        notices_table=config.notices_table,
        aws_region=config.aws_region,
    )
    wanted = names if _needs_aws(config) else None
    services = folder.services()
    if services is None or (wanted and wanted not in folder.bootstrapped()):
        try:
            with held(folder.preparing, fcntl.LOCK_EX, START_SECONDS):
                services = _ensure_running(folder, config.aws_region)
                if wanted and wanted not in folder.bootstrapped():
                    _bootstrap(_with_addresses(config, services))
                    folder.add_bootstrapped(wanted)
        except LockTimeoutError as error:
            raise ServicesError(
                f"another process did not get the services ready: {error}"
            ) from None
    return _with_addresses(config, services)


def _ensure_running(folder: ServicesFolder, region: str) -> Services:
    """What runs, started if it does not; only while ``preparing`` is held."""
    supervisor: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if services := folder.services():
            return services
        if supervisor and supervisor.poll():
            raise ServicesError(
                f"the services ended with code {supervisor.returncode}; the end of {folder.log}:\n"
                f"{tail(folder.log)}"
            )
        # One that ended with 0 has found another one still at work, or was asked to stop.
        if (supervisor is None or supervisor.poll() == 0) and folder.forget_killed_supervisor():
            supervisor = _start_supervisor(folder, region)
        time.sleep(_POLL_SECONDS)
    raise ServicesError(
        f"the services did not start within {START_SECONDS:g} s; the end of {folder.log}:\n"
        f"{tail(folder.log)}"
    )


def _start_supervisor(folder: ServicesFolder, region: str) -> subprocess.Popen[bytes]:
    require_sample_site()
    for module in ("ministack", "uvicorn"):
        if importlib.util.find_spec(module) is None:
            raise ServicesError(
                f"the embedded services need {module}: install tdnet-assets[local], or name your "
                "own with AWS_ENDPOINT_URL and TDNET_BASE_URL"
            )
    _reap()
    home, command = str(folder.home), [sys.executable, "-m", "tdnet_assets.local.supervisor"]
    with folder.log.open("ab") as log:
        supervisor = subprocess.Popen(  # noqa: S603 - our own arguments
            [*command, "--home", home, "--region", region],
            # The operator's own keys have no business there.
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C must reach its users first
        )
    _supervisors.append(supervisor)
    return supervisor


def _reap() -> None:
    _supervisors[:] = [supervisor for supervisor in _supervisors if supervisor.poll() is None]


def _bootstrap(config: PlatformConfig) -> None:
    from tdnet_assets.local.bootstrap import bootstrap  # noqa: PLC0415 - brings boto3

    bootstrap(config)


def _with_addresses(config: PlatformConfig, services: Services) -> PlatformConfig:
    changes: dict[str, object] = {}
    if config.uses_sample_site:
        changes["tdnet_base_url"] = services.tdnet_base_url
        # It is as strict as the real one, by the clock of this machine.
        changes["window_days"] = config.window_days or LIVE_WINDOW_DAYS
        if config.requests_per_second == _DEFAULT_REQUESTS_PER_SECOND:
            changes["requests_per_second"] = SAMPLE_SITE_REQUESTS_PER_SECOND
    if _needs_aws(config):
        changes |= {"aws_endpoint_url": services.aws_endpoint_url, "embedded_aws": True}
    return config.changed(**changes)
