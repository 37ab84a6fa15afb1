"""Starts the embedded AWS for tests: a process of its own, on a free port, without a disk."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

ROOT_ACCESS_KEY = "embedded"
ROOT_SECRET_KEY = "embedded"
REGION = "ap-northeast-1"


@contextmanager
def embedded_aws(folder: Path, **variables: str) -> Iterator[str]:
    """The endpoint of a new embedded AWS, stopped at the end; its log is in ``folder``."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    log = folder / "embedded_aws.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env={
                **inherited,
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "MINISTACK_REGION": REGION,
                "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": ROOT_SECRET_KEY,
                "PERSIST_STATE": "0",
                "TMPDIR": str(folder),
                **variables,
            },
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_answers(process, endpoint, log)
        yield endpoint
    finally:
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_it_answers(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the embedded AWS does not answer:\n{log.read_text()}")
