"""The ``tdnet`` command as tests run it: a process of its own, led to the test's own services."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY

TDNET = Path(sys.executable).with_name("tdnet")


def variables(config: PlatformConfig, **changes: str) -> dict[str, str]:
    """The environment that leads a process to what the configuration names."""
    return {
        **os.environ,
        "TDNET_BUCKET": config.bucket,
        "TDNET_EXECUTIONS_TABLE": config.executions_table,
        "TDNET_DISCLOSURES_TABLE": config.disclosures_table,
        "TDNET_NOTICES_TABLE": config.notices_table,
        "TDNET_METRICS_NAMESPACE": config.metrics_namespace,
        "TDNET_BASE_URL": config.tdnet_base_url,
        "TDNET_REQUESTS_PER_SECOND": str(config.requests_per_second),
        "TDNET_HOME": config.home,
        "TDNET_FIRST_DAY": config.first_day,
        "AWS_ENDPOINT_URL": config.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": EMBEDDED_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": EMBEDDED_SECRET_KEY,
        **changes,
    }


def start(
    environment: dict[str, str], *arguments: str, stdin: int | None = None
) -> subprocess.Popen[str]:
    """Start the command; its output and its errors are piped."""
    return subprocess.Popen(
        [TDNET, *arguments],
        env=environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [TDNET, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def in_terminal(environment: dict[str, str], columns: int, *arguments: str) -> list[str]:
    """Run the command in a terminal of so many columns; the lines of its output, uncoloured."""
    terminal, side = pty.openpty()
    process = subprocess.Popen(
        [TDNET, *arguments],
        env={**environment, "TERM": "dumb", "COLUMNS": str(columns)},
        stdout=side,
    )
    os.close(side)
    seen = bytearray()
    with suppress(OSError):  # the terminal is gone with its last user
        while chunk := os.read(terminal, 65536):
            seen.extend(chunk)
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    return [line.rstrip() for line in seen.decode().splitlines()]
