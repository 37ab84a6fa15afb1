"""The embedded AWS: ministack as a child process on loopback.

What belongs here: how one is started, awaited and stopped. What does not: who shares it
(``services.py``, ``supervisor.py``) and what is created in it (``bootstrap.py``). This module
imports neither Dagster nor boto3, so that the processes that only run it stay small.

``python -m tdnet_assets.local.embedded_aws FOLDER`` is the child itself: ministack, with three
things added. It ends when its parent does, however that ended, because its standard input is a pipe
from the parent; it waits for a former one that still saves its state in the same folder; and it
refuses what a page in a browser could send.
"""

import contextlib
import fcntl
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY
from tdnet_assets.tdnet.errors import TdnetAssetsError

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 30.0
LARGEST_OLD_LOG_BYTES = 1_000_000

_PORTS_TO_TRY = 3
_POLL_SECONDS = 0.02
_SERVICES = "s3,dynamodb,cloudwatch,cloudformation,iam,sts,sns,glue,secretsmanager,ssm"
# Nothing else is inherited: a variable meant for another ministack must not change ours.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH")


class EmbeddedAwsError(TdnetAssetsError):
    """The embedded AWS did not start, or ended; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class EmbeddedAws:
    """A running embedded AWS; it ends when this process does, however that ends."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def endpoint_url(self) -> str:
        """Its address, e.g. ``http://127.0.0.1:40001``."""
        return f"http://{HOST}:{self.port}"

    def stop(self) -> bool:
        """Stop it cleanly, so that its state is saved; False if it had to be killed."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(self.process)
            return False
        _close_lifeline(self.process)
        return True


def start(
    folder: Path,
    *,
    region: str,
    keep_state: bool,
    preferred_port: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> EmbeddedAws:
    """Start one on 127.0.0.1 and wait until it answers.

    Args:
        folder: for its log and, with ``keep_state``, everything that it stores; made if missing.
            Objects and their metadata are written at once; everything else is saved on a clean
            stop only, so after a hard kill it is as of the last clean stop.
        region: of requests that name none.
        keep_state: whether anything outlives the process.
        preferred_port: taken if it is free.
        variables: further settings of ministack, e.g. ``{"AUTH": "true"}``.

    Raises:
        EmbeddedAwsError: it ended, or did not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "BIND_HOST": HOST,  # it listens on every interface otherwise
        "SERVICES": _SERVICES,
        "IOT_MTLS_ENABLED": "0",  # both would listen on ports of their own, on every interface
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder / 'no-docker'}",  # it removes containers at start and end
        "MINISTACK_REGION": region,
        "AWS_ACCESS_KEY_ID": EMBEDDED_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": EMBEDDED_SECRET_KEY,
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder),  # where it puts its pid file
        **(variables or {}),
    }
    if keep_state:
        settings |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(folder / "objects"),
        }
    log = folder / "aws.log"
    shorten(log)
    port = free_port(preferred_port)
    for _ in range(_PORTS_TO_TRY - 1):
        with contextlib.suppress(_PortTakenError):
            return _start_on(port, folder, log, settings)
        port = free_port()
    return _start_on(port, folder, log, settings)


@contextmanager
def running(
    folder: Path, *, region: str, variables: Mapping[str, str] | None = None
) -> Iterator[EmbeddedAws]:
    """One without lasting state, for the length of the block; arguments as of :func:`start`."""
    aws = start(folder, region=region, keep_state=False, variables=variables)
    try:
        yield aws
    finally:
        aws.stop()


def free_port(preferred: int | None = None) -> int:
    """A free port on loopback, the preferred one if it is."""
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe:
            # As the servers do: a port with only closing connections on it is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {HOST}")


def tail(log: Path, lines: int = 10) -> str:
    """The end of a log file; empty if there is none."""
    with contextlib.suppress(FileNotFoundError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return ""


def shorten(log: Path) -> None:
    """Empty a log file that has grown large over many starts."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_OLD_LOG_BYTES:
            os.truncate(log, 0)


class _PortTakenError(EmbeddedAwsError):
    """Another program was faster to take the port."""


def _start_on(port: int, folder: Path, log: Path, settings: dict[str, str]) -> EmbeddedAws:
    token = secrets.token_hex(8)
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            [sys.executable, "-m", "tdnet_assets.local.embedded_aws", str(folder)],
            # The health answer repeats the edition: no other program is taken for ours.
            env={**inherited, **settings, "GATEWAY_PORT": str(port), "MINISTACK_EDITION": token},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_it_answers(process, port, token, log)
    except BaseException:
        _kill(process)
        raise
    return EmbeddedAws(process, port, log)


def _wait_until_it_answers(
    process: subprocess.Popen[bytes], port: int, token: str, log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            message = f"the embedded AWS ended with code {process.returncode}; {log}:\n{tail(log)}"
            if free_port(port) != port:
                raise _PortTakenError(message)
            raise EmbeddedAwsError(message)
        if _edition(port) == token:
            return
        time.sleep(_POLL_SECONDS)
    raise EmbeddedAwsError(
        f"the embedded AWS did not answer within {START_SECONDS:g} s; {log}:\n{tail(log)}"
    )


def _edition(port: int) -> str | None:
    """What the server on the port calls its edition; None if there is none, or no ministack."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return str(json.loads(connection.getresponse().read())["edition"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    _close_lifeline(process)


def _close_lifeline(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()


def _serve(folder: Path) -> None:
    """The child: ministack in this process, until SIGTERM or the end of the parent."""
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    lock = os.open(folder / "aws.lock", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # held until this process ends

    from ministack import app as ministack  # noqa: PLC0415 - it reads its state: after the lock

    # Not at the top: the image has no sample site, and starts no embedded AWS.
    from tdnet_assets.sample_site.loopback_guard import (  # noqa: PLC0415 - as above
        embedded_aws_rule,
        guarded,
    )

    ministack.app = guarded(ministack.app, embedded_aws_rule)  # what main() serves
    sys.argv[1:] = []
    ministack.main()


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written: it returns when the parent is gone
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
