"""Ctrl-C ends every command with one line and the exit code that shells have for it."""

import os
import select
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tdnet_assets.cli.main import LazyCommand, LazyGroup
from tdnet_assets_tests.commands import start, variables

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def silence():
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],  # waits for DynamoDB, in Python
        ["query"],  # waits for S3, outside Python
        pytest.param(["infra", "deploy"], marks=pytest.mark.slow),
        pytest.param(["doctor"], marks=pytest.mark.slow),
        pytest.param(["collect", "2026-06-10"], marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_a_command_that_waits_for_an_answer_ends_with_130_and_one_line(
    silence, platform, arguments
):
    process = start(
        variables(
            platform,
            TDNET_ENVIRONMENT="dev",
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{silence.getsockname()[1]}",
        ),
        *arguments,
    )
    assert select.select([silence], [], [], 60)[0]
    connection, _ = silence.accept()
    with connection:
        connection.recv(1)  # the request is on its way: all that is left is to wait
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)

    assert process.returncode == 130
    assert (output, errors) == ("", "tdnet: interrupted\n")


def test_an_interrupt_before_the_first_import_is_done_is_one_line_too(tmp_path):
    (tmp_path / "click.py").write_text("print('here', flush=True)\nimport time\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-c", "from tdnet_assets.cli.entry import main; main()"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PROJECT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "here\n"

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)

    assert (process.returncode, errors) == (130, "tdnet: interrupted\n")


def test_the_command_that_is_installed_begins_there():
    described = tomllib.loads((PROJECT / "pyproject.toml").read_text())

    assert described["project"]["scripts"] == {"tdnet": "tdnet_assets.cli.entry:main"}


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "click.Abort"])
def test_an_interrupt_while_a_command_is_imported_ends_the_same_way(tmp_path, monkeypatch, error):
    (tmp_path / "slow_command.py").write_text(f"import click\nraise {error}\n")
    monkeypatch.syspath_prepend(tmp_path)
    group = LazyGroup("tdnet", commands=[LazyCommand("slow", "slow_command:slow", "Slow.")])

    result = CliRunner().invoke(group, ["slow"])

    assert (result.exit_code, result.output) == (130, "tdnet: interrupted\n")


def test_after_a_command_an_interrupt_means_what_it_meant_before():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    @click.command()
    def look():
        seen.append(signal.getsignal(signal.SIGINT))

    result = CliRunner().invoke(LazyGroup("tdnet", commands=[look]), ["look"])

    assert result.exit_code == 0
    assert seen[0] is not before
    assert signal.getsignal(signal.SIGINT) is before
