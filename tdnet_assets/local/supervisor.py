"""The process that runs the embedded AWS and the sample site until nobody uses them.

``python -m tdnet_assets.local.supervisor --home HOME --region REGION``; started by
``services.py``, one for a home. What belongs here: starting, watching and stopping both. What does
not: who uses them. Dagster and boto3 stay out of this process, so that it is small and starts fast.
"""

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from tdnet_assets.local import embedded_aws
from tdnet_assets.local.embedded_aws import EmbeddedAws, EmbeddedAwsError
from tdnet_assets.local.services_folder import (
    LockTimeoutError,
    Ports,
    Services,
    ServicesFolder,
    acquire,
    open_lock,
    try_lock,
)
from tdnet_assets.tdnet.errors import TdnetAssetsError

GRACE_SECONDS = 3.0
SERVICES_CHECKED_EVERY_SECONDS = 0.25
# A user sees whether there is a supervisor by trying its lock: that passes in no time.
LOCK_SECONDS = 1.0
RESTARTS = 3
EXIT_FAILED = 1

_log = logging.getLogger("tdnet_assets.local.supervisor")  # by name: the module runs as __main__


class Supervisor:
    """Runs the services of one home; the caller holds the supervisor's lock."""

    def __init__(self, folder: ServicesFolder, region: str) -> None:
        self._folder = folder
        self._region = region
        self._stop_asked = threading.Event()
        self._stop_signal = ""
        self._in_use = open_lock(folder.in_use)
        self._unused_since: float | None = None
        self._restarts_left = RESTARTS

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: stop in order, whoever uses the services."""
        self._stop_signal = signal.Signals(number).name
        self._stop_asked.set()

    def run(self) -> None:
        """Start the services, and stop them on a signal or after a while without users.

        Raises:
            EmbeddedAwsError: the embedded AWS did not start, or ended too often.
            OSError: the sample site's port was taken in the last moment.
        """
        self._folder.write_services(None)
        self._folder.forget_bootstrapped()
        # 0.3 s that a supervisor which finds another one at work need not pay.
        from tdnet_assets.sample_site.publications import Publications  # noqa: PLC0415
        from tdnet_assets.sample_site.site import SampleSite, serve  # noqa: PLC0415

        site = SampleSite()
        kept = self._folder.ports()
        aws = self._start_aws(kept.aws)
        try:
            port = embedded_aws.free_port(kept.site)
            publisher = Publications(site, self._folder.published)
            with serve(site, port=port, publisher=publisher) as base_url:
                self._folder.write_ports(Ports(aws=aws.port, site=urlsplit(base_url).port))
                self._announce(aws, base_url)
                while not self._is_to_stop():
                    if aws.process.poll() is not None:
                        self._folder.write_services(None)
                        aws = self._restart(aws)
                        self._announce(aws, base_url)
                # First, so that nobody takes services that are about to stop for running ones.
                self._folder.write_services(None)
        finally:
            if not aws.stop():
                _log.error("the embedded AWS had to be killed: only its objects are kept")

    def _is_to_stop(self) -> bool:
        """After a short wait: whether a signal came, or nobody has been here for a while."""
        if self._stop_asked.wait(SERVICES_CHECKED_EVERY_SECONDS):
            _log.info("stopping: %s", self._stop_signal)
            return True
        if not try_lock(self._in_use, fcntl.LOCK_EX):
            self._unused_since = None
            return False
        self._unused_since = self._unused_since or time.monotonic()
        if time.monotonic() - self._unused_since >= GRACE_SECONDS:
            # The lock is kept until this process ends: whoever comes now waits for that, and then
            # starts another supervisor.
            _log.info("stopping: unused for %g s", GRACE_SECONDS)
            return True
        fcntl.flock(self._in_use, fcntl.LOCK_UN)
        return False

    def _start_aws(self, preferred_port: int | None) -> EmbeddedAws:
        return embedded_aws.start(
            self._folder.aws, region=self._region, keep_state=True, preferred_port=preferred_port
        )

    def _restart(self, ended: EmbeddedAws) -> EmbeddedAws:
        _log.error("the embedded AWS ended with code %s", ended.process.returncode)
        if not self._restarts_left:
            raise EmbeddedAwsError(
                f"the embedded AWS ended by itself {RESTARTS + 1} times; {ended.log}:\n"
                f"{embedded_aws.tail(ended.log)}"
            )
        self._restarts_left -= 1
        aws = self._start_aws(ended.port)
        self._bootstrap_again(aws)
        return aws

    def _bootstrap_again(self, aws: EmbeddedAws) -> None:
        """Users at work would not notice that their tables were lost with the process."""
        # Both are large, and hardly ever needed here.
        from tdnet_assets.config import PlatformConfig  # noqa: PLC0415
        from tdnet_assets.local.bootstrap import bootstrap  # noqa: PLC0415

        for names in self._folder.bootstrapped():
            bootstrap(
                PlatformConfig(
                    **asdict(names), aws_endpoint_url=aws.endpoint_url, embedded_aws=True
                )
            )

    def _announce(self, aws: EmbeddedAws, base_url: str) -> None:
        self._folder.write_services(
            Services(
                supervisor=os.getpid(),
                aws_process=aws.process.pid,
                aws_endpoint_url=aws.endpoint_url,
                tdnet_base_url=base_url,
                started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            )
        )
        _log.info("running: %s and %s", aws.endpoint_url, base_url)


def main(home: Path, region: str) -> int:
    """Run the services of a home, unless another supervisor does; the exit code."""
    folder = ServicesFolder(home)
    folder.make()
    try:
        acquire(folder.supervised, fcntl.LOCK_EX, LOCK_SECONDS)  # held until this process ends
    except LockTimeoutError:
        return 0
    embedded_aws.shorten(folder.log)
    supervisor = Supervisor(folder, region)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, supervisor.ask_to_stop)
    try:
        supervisor.run()
    except (TdnetAssetsError, OSError) as error:
        _log.error("%s", error)
        return EXIT_FAILED
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Runs the embedded AWS and the sample TDnet site.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--region", required=True)
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(process)d %(levelname)s %(message)s")
    _log.setLevel(logging.INFO)
    sys.exit(main(**vars(_arguments())))
