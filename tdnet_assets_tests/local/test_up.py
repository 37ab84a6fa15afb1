import http.server
import json
import os
import socket
import threading
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home
from tdnet_assets.local.up import (
    AlreadyUpError,
    PortTakenError,
    _cancel_runs,
    only_one,
    running_dagster,
)
from tdnet_assets_tests.commands import run

HERE = "http://127.0.0.1:3999"


@pytest.fixture
def config(tmp_path: Path) -> PlatformConfig:
    return PlatformConfig.from_environment({"TDNET_HOME": str(tmp_path / "home")})


def test_a_home_has_one_dagster_and_a_second_is_told_where_it_is(config, tmp_path):
    other = config.changed(home=str(tmp_path / "other"))
    with only_one(config) as place, only_one(other):
        with pytest.raises(AlreadyUpError, match="it is starting"), only_one(config):
            pass
        place.write_text(HERE)
        with pytest.raises(AlreadyUpError, match=f"home: {HERE}"), only_one(config):
            pass
    with only_one(config) as place:
        assert place.read_text() == ""


@pytest.mark.slow
def test_a_second_up_prints_the_address_of_the_first_and_changes_nothing(config, tmp_path):
    with only_one(config) as place:
        place.write_text(HERE)
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

        second = run({**os.environ, "TDNET_HOME": config.home}, "up")

        after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert (second.returncode, second.stderr) == (0, "")
    assert second.stdout == f"already up for {config.home_path}: {HERE}\n"
    assert before == after


def test_a_port_that_is_taken_is_refused_with_what_runs_there(config):
    class Handler(http.server.BaseHTTPRequestHandler):
        server_version = "Mine/1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers.pop())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    answers = [b'{"dagster_webserver_version": "1"}', b"[]"]
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server, only_one(config) as place:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        port = server.server_port
        for expected in (r"a web server \(Mine/1", "another Dagster, of another home"):
            with (
                pytest.raises(PortTakenError, match=f"port {port} is taken by {expected}"),
                running_dagster(config, port, place),
            ):
                pass
        server.shutdown()
    with socket.create_server(("127.0.0.1", 0)) as silent, only_one(config) as place:
        port = silent.getsockname()[1]
        with (
            pytest.raises(PortTakenError, match="taken by another program"),
            running_dagster(config, port, place),
        ):
            pass


def test_only_runs_of_its_own_code_servers_are_cancelled(config):
    launched = {
        "mine": {".dagster/grpc_info": json.dumps({"host": "localhost", "socket": "/run/a/tmp1"})},
        "of another one": {
            ".dagster/grpc_info": json.dumps({"host": "localhost", "socket": "/run/ab/tmp1"})
        },
        "of a server elsewhere": {".dagster/grpc_info": json.dumps({"host": "x", "port": 4000})},
        "of tdnet collect": {},
    }
    with dagster_home.instance(config) as instance:
        runs = {
            name: create_run_for_test(
                instance, status=dg.DagsterRunStatus.STARTED, tags=tags
            ).run_id
            for name, tags in launched.items()
        }

    _cancel_runs(config, "/run/a")

    with dagster_home.instance(config) as instance:
        statuses = {name: instance.get_run_by_id(run_id).status for name, run_id in runs.items()}
    assert statuses.pop("mine") == dg.DagsterRunStatus.CANCELING
    assert set(statuses.values()) == {dg.DagsterRunStatus.STARTED}
