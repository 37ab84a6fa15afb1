"""Pruning Dagster's store: superseded runs go, what is known of partitions and checks stays."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from tdnet_assets.automation.old_runs import prune
from tdnet_assets.definitions import DAILY_ASSETS
from tdnet_assets.local import dagster_home
from tdnet_assets_tests.pipeline import Pipeline

DAY, NEXT = date(2026, 6, 10), date(2026, 6, 11)
LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def own(platform):
    """A pipeline with the local environment's own instance, as `tdnet up` has it."""
    with dagster_home.instance(platform) as instance:
        yield Pipeline(platform, instance)


def known(pipeline):
    """What Dagster knows: the partitions made, their versions, and what the checks said last."""
    instance = pipeline.instance
    made = {
        key: dict(
            instance.event_log_storage.get_latest_tags_by_partition(
                key, dg.DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"]
            )
        )
        for key in DAILY_ASSETS
    }
    checks = [dg.AssetCheckKey(dg.AssetKey("earnings"), name) for name in ("reports_understood",)]
    said = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    return made, {key: (one.run_id, one.status) for key, one in said.items()}


@pytest.mark.slow
def test_runs_that_a_later_one_has_superseded_go_and_all_that_is_known_stays(site, own):
    site.set_day(DAY, 12)
    site.set_day(NEXT, 12)
    runs = [own.materialize(DAY) for _ in range(3)]
    other = own.materialize(NEXT)
    part = own.materialize(DAY, select=["report_links"])
    before = known(own)

    assert prune(own.instance, datetime.now(UTC) - timedelta(days=31)) == (0, 0)
    assert prune(own.instance, LATER) == (2, 3)

    left = {run.run_id for run in own.instance.get_runs()}
    assert left == {runs[2].run_id, other.run_id, part.run_id}
    assert known(own) == before
    assert all(made.keys() == {str(DAY), str(NEXT)} for made in before[0].values())
    assert not own.instance.all_logs(runs[0].run_id)
    again = own.materialize(DAY)
    shown = own.logged(again, dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert sum("made_in" in one.materialization.metadata for one in shown) == len(DAILY_ASSETS) - 1


def test_the_run_that_failed_last_stays_and_so_does_the_one_before_it_that_made_the_day(site, own):
    site.set_day(DAY, 12)
    good = own.materialize(DAY)
    site.publish(DAY, 1)
    site.faults.malformed_row(DAY, page=1, position=2, kind="bad_time")
    failed = [own.materialize(DAY) for _ in range(2)]

    assert prune(own.instance, LATER) == (1, 2)

    left = {run.run_id for run in own.instance.get_runs()}
    assert left == {good.run_id, failed[1].run_id}
