"""``tdnet up`` as somebody starts it first: the reader answers, and Ctrl-C ends all."""

import os
import re
import signal
import subprocess
from datetime import datetime

import httpx
import pytest

from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests import commands
from tdnet_assets_tests.e2e.dagster_ui import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]
START_SECONDS, STOP_SECONDS = 240, 120


def test_up_brings_a_reader_that_says_how_to_begin_and_ctrl_c_stops_it(tmp_path):
    log = tmp_path / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [commands.TDNET, "up", "--port", str(free_port())],
            env={**os.environ, "TDNET_HOME": str(tmp_path / "home")},
            stdout=output,
            stderr=output,
        )
    try:
        address = eventually(lambda: _address(process, log.read_text()), seconds=START_SECONDS)
        answers = eventually(lambda: _health(address), seconds=60)
        begin = eventually(lambda: _said(address, "Nothing has been collected yet."), seconds=60)
        pages = {
            path: httpx.get(f"{address}{path}?lang=en", timeout=30)
            for path in ("/", "/companies", "/search", "/notices", "/status")
        }
        day = httpx.get(f"{address}/days/{datetime.now(TOKYO).date()}", timeout=30)
    finally:
        process.send_signal(signal.SIGINT)
        exit_code = process.wait(STOP_SECONDS)

    assert answers == "ok\n"
    assert {path: page.status_code for path, page in pages.items()} == dict.fromkeys(pages, 200)
    assert day.status_code == 200
    assert f"tdnet collect {datetime.now(TOKYO).date()}" in begin
    assert exit_code == 0, log.read_text()
    assert log.read_text().endswith("stopped\n")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health", timeout=5)


def _address(process: "subprocess.Popen[bytes]", said: str) -> str | None:
    assert process.poll() is None, said
    found = re.search(r"^reader +(http://127\.0\.0\.1:[0-9]{1,5})$", said, re.MULTILINE)
    return found[1] if found else None


def _health(address: str) -> str | None:
    try:
        return httpx.get(f"{address}/health", timeout=5).text
    except httpx.HTTPError:
        return None


def _said(address: str, words: str) -> str | None:
    """Today's page once it says these words: the first look at the days goes on for a moment."""
    page = httpx.get(f"{address}/?lang=en", timeout=30).text
    return page if words in page else None
