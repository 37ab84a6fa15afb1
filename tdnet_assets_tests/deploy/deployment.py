"""The files below deploy/, and what compose.yaml starts as processes of this machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.embedded_aws import HOST, free_port, tail
from tdnet_assets_tests import commands
from tdnet_assets_tests.deploy.postgres import Postgres
from tdnet_assets_tests.e2e.dagster_ui import ASSETS, DagsterUi, eventually

CHECKOUT = Path(__file__).parents[2]
DEPLOY = CHECKOUT / "deploy"
LAUNCH = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
RUNS = """
{
  runsOrError(limit: 20) {
    ... on Runs { results { id status tags { key value } stepStats { status startTime endTime } } }
  }
}"""
SET_POOL_LIMIT = """
mutation($pool: String!, $limit: Int!) {
  setConcurrencyLimit(concurrencyKey: $pool, limit: $limit)
}"""
BACKFILL_TAG = "dagster/backfill"
PROGRAMS = Path(sys.executable).parent
# Paths and ports inside the containers.
HOME = "/var/lib/dagster"
CODE_PORT, UI_PORT = "4000", "3000"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what a container listens on; loopback stands for it here
START_SECONDS = 180
RUN_SECONDS = 240
STOP_SECONDS = 60


def settings(name: str) -> Any:
    """A YAML file of the deployment."""
    return yaml.safe_load((DEPLOY / name).read_text())


def services() -> dict[str, Any]:
    """The services of compose.yaml that are parts of Dagster, by name."""
    found = settings("compose.yaml")["services"]
    return {name: service for name, service in found.items() if name not in {"postgres", "reader"}}


def dagster_home(folder: Path, settings_file: str) -> Path:
    """A Dagster home as the image or compose.yaml lays it out."""
    folder.mkdir(parents=True)
    shutil.copyfile(DEPLOY / settings_file, folder / "dagster.yaml")
    shutil.copyfile(DEPLOY / "workspace.yaml", folder / "workspace.yaml")
    return folder


class Deployment:
    """The commands of compose.yaml, with this machine's addresses instead of the containers'."""

    def __init__(self, config: PlatformConfig, postgres: Postgres, folder: Path) -> None:
        self.folder = folder
        self.home = dagster_home(folder / "dagster", "compose.dagster.yaml")
        self.code_port, self.ui_port = str(free_port()), str(free_port())
        self.environment = commands.variables(
            config,
            DAGSTER_HOME=str(self.home),
            DAGSTER_CODE_HOST=HOST,
            DAGSTER_CODE_PORT=self.code_port,
            DAGSTER_LOGS_BUCKET=config.bucket,
            **postgres.variables,
        )

    def here(self, command: list[str]) -> list[str]:
        """A container's command as it is run here."""
        replaced = {EVERYWHERE: HOST, CODE_PORT: self.code_port, UI_PORT: self.ui_port}
        words = [
            replaced.get(word, word)
            .replace(HOME, str(self.home))
            .replace(f":{UI_PORT}/", f":{self.ui_port}/")
            for word in command
        ]
        return [str(PROGRAMS / words[0]), *words[1:]]

    @contextmanager
    def running(self, name: str) -> Iterator[subprocess.Popen[str]]:
        """A service until the block ends, stopped as a container is: SIGTERM first."""
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                self.here(services()[name]["command"]),
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """A command inside a container, to its end."""
        return subprocess.run(
            self.here(command),
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    def wait_for_port(self, name: str, process: subprocess.Popen[str], port: str) -> None:
        """Wait until a service listens."""

        def look() -> bool | None:
            log = self.folder / f"{name}.log"
            assert process.poll() is None, f"{name} ended: {tail(log, 40)}"
            try:
                socket.create_connection((HOST, int(port)), timeout=5).close()
            except OSError:
                return None
            return True

        eventually(look, seconds=START_SECONDS)

    def wait_for_health(self, name: str) -> None:
        """Wait until a service's own health check passes."""
        check = services()[name]["healthcheck"]["test"][1:]
        eventually(lambda: self.run(check).returncode == 0 or None, seconds=START_SECONDS)


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the UI shows it; times are seconds of the epoch."""

    id: str
    status: str
    backfill: str | None
    step_started: float | None
    """When its one step began, after it got its slot of the pool; None: not yet."""
    step_ended: float | None

    @property
    def is_at_work(self) -> bool:
        return self.step_started is not None and self.step_ended is None

    @property
    def has_ended(self) -> bool:
        return self.status in ("SUCCESS", "FAILURE", "CANCELED")


class DeployedUi(DagsterUi):
    """The UI of the deployment; one backfill here is one run, as its days are fewer than 31."""

    def launch_on_machine(self, days: list[date], *, home: Path, name: str) -> str:
        """Launch a backfill whose run worker has a TDNET_HOME and a User-Agent of its own."""
        config = {"home": str(home), "contact": contact(name)}
        launched = self.ask(
            LAUNCH,
            params={
                "assetSelection": [{"path": [asset]} for asset in ASSETS],
                "partitionNames": [str(day) for day in days],
                "runConfigData": {"resources": {"config": {"config": config}}},
            },
        )
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def runs(self) -> dict[str, Run]:
        """The newest runs by their id."""
        return {run.id: run for run in map(_run, self.ask(RUNS)["results"])}

    def run_when(
        self, backfill: str | None, is_so: Callable[[Run], bool], *, besides: Collection[Run] = ()
    ) -> Run:
        """The one run of a backfill, None for one of none, as soon as it is so.

        ``besides`` are other runs, which are not meant.
        """
        others = {run.id for run in besides}

        def look() -> Run | None:
            for run in self.runs().values():
                if run.backfill == backfill and run.id not in others:
                    assert run.status not in ("FAILURE", "CANCELED"), run
                    return run if is_so(run) else None
            return None

        return eventually(look, seconds=RUN_SECONDS)

    def set_pool_limit(self, pool: str, limit: int) -> None:
        assert self.ask(SET_POOL_LIMIT, pool=pool, limit=limit) is True


def _run(shown: dict[str, Any]) -> Run:
    tags = {tag["key"]: tag["value"] for tag in shown["tags"]}
    step = shown["stepStats"][0] if shown["stepStats"] else {"startTime": None, "endTime": None}
    return Run(
        shown["id"], shown["status"], tags.get(BACKFILL_TAG), step["startTime"], step["endTime"]
    )


def contact(name: str) -> str:
    """What TDNET_CONTACT is on a machine of that name: a part of its User-Agent."""
    return f"{name}@example.com"


@contextmanager
def running_deployment(
    config: PlatformConfig, postgres: Postgres, folder: Path
) -> Iterator[tuple[Deployment, "DeployedUi"]]:
    """Code server and webserver as compose.yaml starts them, on the given PostgreSQL.

    Not the daemon: what is launched before it starts is looked at by it at once, not in half a
    minute.
    """
    deployment = Deployment(config, postgres, folder)
    with ExitStack() as stack:
        code = stack.enter_context(deployment.running("code"))
        deployment.wait_for_port("code", code, deployment.code_port)
        deployment.wait_for_health("code")
        webserver = stack.enter_context(deployment.running("webserver"))
        deployment.wait_for_port("webserver", webserver, deployment.ui_port)
        deployment.wait_for_health("webserver")
        yield deployment, DeployedUi(f"http://{HOST}:{deployment.ui_port}", webserver)
