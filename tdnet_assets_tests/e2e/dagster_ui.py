"""A running ``tdnet up`` as a user's browser talks to it: GraphQL over HTTP."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets_tests import commands

T = TypeVar("T")

_LAUNCH = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
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
ASSETS = ("listing_pages", "disclosures", "documents")


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
            _LAUNCH,
            params={
                "assetSelection": [{"path": [name]} for name in ASSETS],
                "partitionNames": [str(day) for day in days],
            },
        )
        return str(launched["backfillId"])

    def backfill(self, backfill_id: str) -> Any:
        return self.ask(_BACKFILL, id=backfill_id)

    def partitions(self, asset: str) -> list[tuple[str, str, str]]:
        """Ranges of days that are not missing: status, first, last."""
        found = self.ask(_PARTITIONS, key={"path": [asset]})
        return [
            (one["status"], one["startKey"], one["endKey"])
            for one in found["assetPartitionStatuses"]["ranges"]
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
        eventually(lambda: "Dagster UI" in log.read_text() or None, seconds=90)
        yield DagsterUi(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(90)


def eventually(look: Callable[[], T | None], *, seconds: float) -> T:
    """What a look finds, looking again until it finds something."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.3)
