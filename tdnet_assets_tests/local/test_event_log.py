"""Dagster's event log of the local environment: what is written packed is read as it was."""

import sqlite3

import dagster as dg
import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home, event_log

DAYS = dg.DailyPartitionsDefinition("2026-06-01")
DAY = "2026-06-10"
LONG = "四半期" * 300


@dg.asset(partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("is_long", asset="one")])
def one():
    yield dg.MaterializeResult(
        metadata={"text": LONG, "rows": 3},
        tags={"kind": "test"},
        check_results=[dg.AssetCheckResult(passed=True, description=LONG)],
    )


@pytest.fixture
def config(tmp_path):
    return PlatformConfig.from_environment({"DAGSTER_HOME": str(tmp_path / "dagster")})


EVENTS = "SELECT event FROM event_logs"
CHECKS = "SELECT evaluation_event FROM asset_check_executions"


def stored(config, query):
    file = config.dagster_home_path / "history" / "event_log.db"
    with sqlite3.connect(file) as database:
        return [row[0] for row in database.execute(query)]


def known(instance):
    """What the instance knows of the asset's day: its metadata, its check, its status."""
    (record,) = instance.fetch_materializations(
        dg.AssetRecordsFilter(one.key, asset_partitions=[DAY]), limit=1
    ).records
    storage = instance.event_log_storage
    (check,) = storage.get_latest_asset_check_execution_by_key([*one.check_keys]).values()
    return (
        record.asset_materialization.metadata["text"].value,
        check.evaluation.description,
        instance.get_materialized_partitions(one.key),
        instance.get_latest_materialization_event(one.key).asset_materialization.partition,
    )


def test_events_come_back_as_they_were_and_lie_packed(config):
    with dagster_home.instance(config) as instance:
        run = dg.materialize([one], instance=instance, partition_key=DAY)

        assert known(instance) == (LONG, LONG, {DAY}, DAY)
        logged = instance.all_logs(run.run_id)

    assert len(logged) == len(stored(config, EVENTS))
    assert all(isinstance(text, bytes) for text in stored(config, EVENTS))
    assert all(len(text) < len(LONG.encode()) / 3 for text in stored(config, CHECKS))


@pytest.mark.slow
def test_events_of_an_earlier_version_which_are_not_packed_are_read(config, monkeypatch):
    with monkeypatch.context() as earlier, dagster_home.instance(config) as instance:
        earlier.setattr(event_log, "LONG_CHARACTERS", 10**9)
        dg.materialize([one], instance=instance, partition_key=DAY)
    assert all(isinstance(text, str) for text in stored(config, EVENTS))

    with dagster_home.instance(config) as instance:
        assert known(instance) == (LONG, LONG, {DAY}, DAY)
        assert dg.materialize([one], instance=instance, partition_key="2026-06-11").success
        assert known(instance) == (LONG, LONG, {DAY, "2026-06-11"}, "2026-06-11")
