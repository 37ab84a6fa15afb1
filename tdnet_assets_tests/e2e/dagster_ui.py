"""A running ``tdnet up`` as a user's browser talks to it: GraphQL over HTTP."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets.partitions import PARTITION
from tdnet_assets_tests import commands

T = TypeVar("T")

_LAUNCH_BACKFILL = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
_LAUNCH_RUN = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
_TERMINATE = """
mutation($id: String!) {
  terminateRun(runId: $id) {
    __typename
    ... on TerminateRunFailure { message }
    ... on PythonError { message }
  }
}"""
_START_SENSOR = """
mutation($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { __typename ... on PythonError { message } }
}"""
_STOP_SENSOR = """
mutation($id: String!) { stopSensor(id: $id) { __typename ... on PythonError { message } } }"""
_SENSOR_STATE = """
query($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState { id } } } }"""
_RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
_BACKFILL = """
query($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill {
      status
      runs { id status }
      assetBackfillData { assetBackfillStatuses {
        ... on AssetPartitionsStatusCounts {
          assetKey { path } numPartitionsMaterialized numPartitionsFailed } } }
    }
  }
}"""
_PARTITIONS = """
query($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetPartitionStatuses { ... on TimePartitionStatuses {
      ranges { status startKey endKey } } } } }
}"""
_TICKS = """
query($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor {
    sensorState { ticks(limit: 20) { status skipReason runIds error { message } } } } }
}"""
_REPOSITORY = {"repositoryLocationName": "tdnet_assets", "repositoryName": "__repository__"}
ASSETS = ("listing_pages", "disclosures", "documents")


@dataclass(frozen=True)
class Tick:
    """One evaluation of a sensor as the UI shows it."""

    status: str
    skip_reason: str | None
    run_ids: tuple[str, ...]
    error: str | None


class DagsterUi:
    """What a person can do in the UI and see there."""

    def __init__(self, address: str, process: subprocess.Popen[str]) -> None:
        self.address = address
        self.process = process

    def ask(self, query: str, **variables: object) -> Any:
        answer = httpx.post(
            f"{self.address}/graphql", json={"query": query, "variables": variables}, timeout=60
        ).json()
        assert "errors" not in answer, answer["errors"]
        (found,) = answer["data"].values()
        return found

    def launch_backfill(self, days: list[date]) -> str:
        launched = self.ask(
            _LAUNCH_BACKFILL,
            params={
                "assetSelection": [{"path": [name]} for name in ASSETS],
                "partitionNames": [str(day) for day in days],
            },
        )
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def launch_run(self, day: date, assets: Sequence[str] = ASSETS) -> str:
        """Materialize one partition; gives the run's id."""
        launched = self.ask(
            _LAUNCH_RUN,
            params={
                "selector": {
                    **_REPOSITORY,
                    "pipelineName": "__ASSET_JOB",
                    "assetSelection": [{"path": [name]} for name in assets],
                },
                "mode": "default",
                "executionMetadata": {
                    "tags": [{"key": PARTITION, "value": str(day)}],
                },
            },
        )
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def terminate(self, run_id: str) -> None:
        """Ask Dagster to end a run, as the UI's button does."""
        ended = self.ask(_TERMINATE, id=run_id)
        assert ended["__typename"] == "TerminateRunSuccess", ended

    def run_status(self, run_id: str) -> str:
        """QUEUED, STARTED, SUCCESS, …"""
        return str(self.ask(_RUN, id=run_id)["status"])

    def backfill(self, backfill_id: str) -> Any:
        return self.ask(_BACKFILL, id=backfill_id)

    def partitions(self, asset: str) -> list[tuple[str, str, str]]:
        """Ranges of days that are not missing: status, first, last."""
        found = self.ask(_PARTITIONS, key={"path": [asset]})
        return [
            (one["status"], one["startKey"], one["endKey"])
            for one in found["assetPartitionStatuses"]["ranges"]
        ]

    def start_sensor(self, name: str) -> None:
        started = self.ask(_START_SENSOR, sensor={**_REPOSITORY, "sensorName": name})
        assert started["__typename"] == "Sensor", started

    def stop_sensor(self, name: str) -> None:
        found = self.ask(_SENSOR_STATE, sensor={**_REPOSITORY, "sensorName": name})
        stopped = self.ask(_STOP_SENSOR, id=found["sensorState"]["id"])
        assert stopped["__typename"] == "StopSensorMutationResult", stopped

    def ticks(self, sensor: str) -> list[Tick]:
        """The sensor's last evaluations, newest first."""
        found = self.ask(_TICKS, sensor={**_REPOSITORY, "sensorName": sensor})
        return [
            Tick(
                one["status"],
                one["skipReason"],
                tuple(one["runIds"]),
                one["error"] and one["error"]["message"],
            )
            for one in found["sensorState"]["ticks"]
        ]


@contextmanager
def running_ui(config: PlatformConfig, log: Path) -> Iterator[DagsterUi]:
    """``tdnet up`` with the configuration's own services, until the block ends."""
    port = free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            [commands.TDNET, "up", "--port", str(port)],
            env=commands.variables(config),
            stdout=output,
            stderr=output,
            text=True,
        )
    try:
        eventually(lambda: _has_started(process, log) or None, seconds=270)
        yield DagsterUi(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(180)


def _has_started(process: subprocess.Popen[str], log: Path) -> bool:
    said = log.read_text()
    assert process.poll() is None, said
    return "Dagster UI" in said


def eventually(look: Callable[[], T | None], *, seconds: float) -> T:
    """What a look finds, looking again until it finds something."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.3)
