"""The code location's own job in this process, as most tests of assets run it."""

from collections.abc import Sequence
from datetime import date, datetime

import dagster as dg
import polars as pl

from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import DAILY_ASSETS, build_definitions
from tdnet_assets.partitions import tags_for
from tdnet_assets.resources.aws.executions import ExecutionRecord, ExecutionsResource
from tdnet_assets.resources.aws.metrics import MetricsResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.session import TdnetResource

AT_ONCE = {"backoff_floor_seconds": 0.0001}
"""A failed attempt is tried again at once: only the tests of spacing need to wait.

The rests after refusals shrink with it: with a floor of 10 ms ten in a row would take 14 s.
"""


class Pipeline:
    """Runs the code location's own job in this process, and reads back what it left."""

    def __init__(self, config: PlatformConfig, instance: dg.DagsterInstance) -> None:
        self.config = config
        self.overrides: dict[str, object] = {}
        self.instance = instance
        self.lake = LakeResource(config=config)
        self.executions = ExecutionsResource(config=config)
        self.metrics = MetricsResource(config=config)

    def job(self) -> dg.JobDefinition:
        definitions = build_definitions(self.config)
        definitions.resources["tdnet"] = TdnetResource(config=self.config, **AT_ONCE)
        definitions.resources.update(self.overrides)
        job = definitions.resolve_implicit_global_asset_job_def()
        return job.get_subset(asset_selection=set(DAILY_ASSETS))

    def materialize(
        self, day: date, until: date | None = None, *, select: Sequence[str] = ()
    ) -> dg.ExecuteInProcessResult:
        return self.job().execute_in_process(
            instance=self.instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            asset_selection=[dg.AssetKey(name) for name in select] or None,
            raise_on_error=False,
            tags=tags_for(str(day), str(until or day)),
        )

    def record(self, result: dg.ExecuteInProcessResult) -> ExecutionRecord:
        record = self.executions.get(result.run_id)
        assert record is not None
        return record

    def table(self, name: str, day: date) -> pl.DataFrame:
        stored = self.lake.read_table(name, day)
        assert stored is not None, f"no table {name} of {day}"
        return stored.frame

    def objects(self) -> dict[str, tuple[int, datetime]]:
        """Every object of the bucket: size and time of its last write."""
        return {found.key: (found.bytes, found.last_modified) for found in self.lake.list("")}

    def materialized(self, result: dg.ExecuteInProcessResult) -> dict[str, list[str]]:
        """The partitions that the run materialized, by asset, as Dagster's event log has them."""
        made: dict[str, list[str]] = {}
        for event in self.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION):
            made.setdefault(event.asset_key.to_user_string(), []).append(event.partition)
        return made

    def checks(self, result: dg.ExecuteInProcessResult, name: str) -> dict[str, bool]:
        """Whether a check passed, by partition."""
        return {
            event.event_specific_data.partition: event.event_specific_data.passed
            for event in self.logged(result, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
            if event.event_specific_data.check_name == name
        }

    def logged(
        self, result: dg.ExecuteInProcessResult, kind: dg.DagsterEventType
    ) -> list[dg.DagsterEvent]:
        """The events of one kind that the run has in Dagster's event log."""
        entries = self.instance.all_logs(result.run_id, of_type=kind)
        return [entry.dagster_event for entry in entries]

    def failure(self, result: dg.ExecuteInProcessResult) -> str:
        """What the first failed step of the run says to a person."""
        event = next(event for event in result.all_events if event.is_step_failure)
        return event.step_failure_data.user_failure_data.description
