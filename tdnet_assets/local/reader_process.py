"""The reader as a process beside Dagster's: ``tdnet serve``, for as long as ``tdnet up`` runs.

What belongs here: starting and stopping it. What does not: what it answers (``reader/``). It may
end, or lack its packages, without anything else ending: reading is not collecting.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.embedded_aws import free_port

READER_PORT: Final = 3100
_NEEDED: Final = ("jinja2", "starlette", "uvicorn")
_STOP_SECONDS: Final = 15.0


@contextmanager
def running_reader(config: PlatformConfig, folder: Path) -> Iterator[str | None]:
    """The address of a reader on loopback; None where its packages are not installed.

    Args:
        config: the environment's own: the process connects for itself.
        folder: for its log.
    """
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        yield None
        return
    port = free_port(READER_PORT)
    log = folder / "reader.log"
    with suppress(FileNotFoundError):
        log.replace(log.with_suffix(".before.log"))
    command = [sys.executable, "-m", "tdnet_assets.cli.main", "serve", "--port", str(port)]
    with log.open("ab") as output:
        # Its own group: Ctrl-C reaches us alone, and we stop it in its turn.
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            command,
            env={**os.environ, "TDNET_HOME": str(config.home_path)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
