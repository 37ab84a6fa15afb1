import os
import subprocess
import sys
import tomllib
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import build_definitions
from tdnet_assets.partitions import DAYS
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets_tests.local.processes import wait_until
from tdnet_assets_tests.pipeline import Pipeline

PROJECT = Path(__file__).parent.parent
DAY = date(2026, 6, 10)
CHAIN = ("listing_pages", "disclosures", "documents")
KINDS = (("listing_pages", "daily_collection", "tdnet"), ("earnings", "daily_derivation", None))


@pytest.fixture(scope="module")
def definitions():
    """The code location, without any service behind its names."""
    return build_definitions(
        PlatformConfig(
            bucket="lake", executions_table="executions", disclosures_table="disclosures"
        )
    )


@pytest.fixture(scope="module")
def daily(definitions):
    return definitions.get_assets_def("listing_pages")


@pytest.fixture(scope="module")
def derived(definitions):
    return definitions.get_assets_def("earnings")


@pytest.mark.slow
def test_the_workspace_loads_in_a_new_home_and_leaves_no_process(tmp_path):
    home = tmp_path / "home"
    environment = {**os.environ, "TDNET_HOME": str(home), "DAGSTER_HOME": str(tmp_path / "dagster")}
    (tmp_path / "dagster").mkdir()

    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Validation successful for code location tdnet_assets" in done.stdout + done.stderr
    wait_until(lambda: not _processes_naming(home), seconds=20)


def _processes_naming(home):
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with suppress(OSError):
                if str(home).encode() in (folder / "cmdline").read_bytes():
                    found.append(folder.name)
    return found


@pytest.mark.slow
def test_importing_the_code_location_starts_nothing_and_brings_no_heavy_module(tmp_path):
    code = (
        "import sys, threading, tdnet_assets.code_location\n"
        "heavy = {'dagster_aws', 'boto3', 'pypdfium2', 'starlette', 'uvicorn', 'reportlab',"
        " 'ministack'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert threading.active_count() == 1, threading.enumerate()"
    )
    home = tmp_path / "home"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TDNET_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert not home.exists()


@pytest.mark.slow
def test_the_definitions_know_nothing_of_local_services():
    code = (
        "import sys, tdnet_assets.definitions\n"
        "local = {name for name in sys.modules if name.startswith('tdnet_assets.local')}\n"
        "assert not local, local"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr


def test_the_checkout_without_a_workspace_file_names_the_same_module():
    (from_workspace,) = yaml.safe_load((PROJECT / "workspace.yaml").read_text())["load_from"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["dg"]["project"]

    assert (
        from_workspace["python_module"]["module_name"]
        == project["code_location_target_module"]
        == "tdnet_assets.code_location"
    )


def test_the_assets_follow_from_each_other_as_documented(definitions):
    graph = definitions.resolve_asset_graph()
    parents = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.materializable_asset_keys
    }

    assert parents["listing_pages"] == set()
    assert parents["disclosures"] == {"listing_pages"}
    assert parents["documents"] == {"disclosures"}
    for name, recipe in RECIPES.items():
        assert parents[name] == set(recipe.inputs), name
    assert graph.unexecutable_asset_keys == set()


def test_every_asset_is_described_for_the_ui(daily, derived):
    for spec in (*daily.specs, *derived.specs):
        assert len(spec.description) > 60
        assert spec.kinds
        assert spec.code_version
        assert spec.group_name == RECIPES[spec.key.to_user_string()].work


@pytest.mark.parametrize(
    ("now", "today"),
    [
        (datetime(2026, 6, 10, 14, 59, tzinfo=UTC), "2026-06-10"),
        (datetime(2026, 6, 10, 15, 0, tzinfo=UTC), "2026-06-11"),
    ],
)
def test_a_partition_is_a_day_in_tokyo_and_today_is_one(daily, now, today):
    assert daily.partitions_def == DAYS
    assert DAYS.timezone == "Asia/Tokyo"
    assert DAYS.get_first_partition_key() == "2016-01-01"
    with dg.partition_loading_context(now):
        assert DAYS.get_last_partition_key() == today
        assert DAYS.has_partition_key(today)


def test_weekends_are_partitions_too():
    assert DAYS.has_partition_key("2026-06-13")
    assert DAYS.has_partition_key("2026-01-01")


def test_a_month_runs_in_one_process_and_only_collection_waits_for_the_slot_of_tdnet(definitions):
    for asset, name, pool in KINDS:
        assets = definitions.get_assets_def(asset)
        assert assets.backfill_policy == dg.BackfillPolicy.multi_run(31)
        assert (assets.op.name, assets.op.pool) == (name, pool)
        assert assets.partitions_def == DAYS
    job = definitions.resolve_implicit_global_asset_job_def()
    assert job.executor_def.name == "in_process"


def test_the_catalogue_says_of_every_asset_what_it_is_whose_and_what_its_columns_mean(definitions):
    graph = definitions.resolve_asset_graph()

    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert (node.owners, node.group_name != "default") == (["team:tdnet"], True), key
        assert "s3" in node.kinds or "dynamodb" in node.kinds, key
        columns = node.metadata["dagster/column_schema"].columns
        assert columns, key
        assert all(column.description for column in columns), key


def test_derivation_is_given_no_session(derived):
    assert "tdnet" not in derived.required_resource_keys


def test_the_jobs_and_what_runs_by_itself_are_those_of_the_documentation(definitions):
    repository = definitions.get_repository_def()
    jobs = {name for name in repository.job_names if not name.startswith("__")}

    assert jobs == {"collect_day", "collection", "derivation", "yearly_copies"}
    assert {one.name for one in repository.schedule_defs} == {
        "day_close",
        "window_reread",
        "yearly_copies",
    }
    sensors = {one.name for one in repository.sensor_defs}
    assert sensors >= {"new_disclosures", "reconcile", "freshness", "failure_notices"}
    on = {one.name for one in repository.sensor_defs if one.default_status.value == "RUNNING"}
    assert on == sensors - {"new_disclosures", "reconcile", "freshness"}


def test_every_asset_has_its_checks_and_each_kind_of_work_tells_whether_metrics_were_delivered(
    daily, derived
):
    checks = {}
    for spec in (*daily.check_specs, *derived.check_specs):
        assert spec.description
        checks.setdefault(spec.asset_key.to_user_string(), set()).add(spec.name)

    assert checks["listing_pages"] == {"list_complete", "metrics_delivered"}
    assert checks["disclosures"] == {
        "rows_complete",
        "captures_readable",
        "no_replacement_characters",
        "ids_unique",
    }
    assert checks["documents"] == {"files_complete"}
    told = [name for name, found in checks.items() if "metrics_delivered" in found]
    assert told == ["listing_pages", "disclosure_index"]


def test_a_run_needs_no_configuration(definitions):
    job = definitions.resolve_implicit_global_asset_job_def()

    assert dg.validate_run_config(job, {})["resources"].keys() >= {
        "config",
        "tdnet",
        "lake",
        "executions",
        "metrics",
    }


def test_one_bucket_in_the_launchpad_is_the_bucket_of_every_resource(platform, site, instance):
    site.set_day(DAY, 1)
    other = platform.changed(bucket=f"{platform.bucket}-other")
    pipeline = Pipeline(other, instance)
    job = build_definitions(other).resolve_implicit_global_asset_job_def()

    result = job.execute_in_process(
        instance=instance,
        run_config={"resources": {"config": {"config": {"bucket": platform.bucket}}}},
        asset_selection=[dg.AssetKey("listing_pages")],
        tags={"dagster/partition": str(DAY)},
        raise_on_error=False,
    )

    assert result.success
    assert pipeline.record(result).status == "completed"
    assert Pipeline(platform, instance).objects()


@pytest.fixture
def history(platform):
    """A pipeline with an event log of its own, since versions are compared over runs."""
    with dg.DagsterInstance.ephemeral() as own:
        yield Pipeline(platform, own)


def _statuses(pipeline, day=DAY):
    graph = build_definitions(pipeline.config).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(
        pipeline.instance, graph, LoadingContextForTest(pipeline.instance)
    )
    return {name: resolver.get_status(dg.AssetKey(name), str(day)) for name in CHAIN}


def _versions(pipeline, day=DAY):
    """The data version of each asset's newest materialization of the day."""
    versions = {}
    for name in CHAIN:
        wanted = dg.AssetRecordsFilter(dg.AssetKey(name), asset_partitions=[str(day)])
        (record,) = pipeline.instance.fetch_materializations(wanted, limit=1).records
        versions[name] = record.asset_materialization.tags["dagster/data_version"]
    return versions


@pytest.mark.slow
def test_an_unchanged_day_keeps_its_versions_and_nothing_becomes_stale(site, history):
    site.set_day(DAY, 12)
    history.materialize(DAY)
    before = _versions(history)

    assert history.materialize(DAY).success

    assert _versions(history) == before
    assert _statuses(history) == dict.fromkeys(CHAIN, StaleStatus.FRESH)


@pytest.mark.slow
def test_a_changed_list_changes_the_versions_of_all_that_follows_from_it(site, history):
    site.set_day(DAY, 12)
    history.materialize(DAY)
    before = _versions(history)
    site.publish(DAY, 1)

    assert history.materialize(DAY).success

    after = _versions(history)
    assert all(after[name] != before[name] for name in CHAIN)
    assert _statuses(history) == dict.fromkeys(CHAIN, StaleStatus.FRESH)


@pytest.mark.slow
def test_what_follows_from_a_changed_list_is_stale_until_it_is_made_again(site, history):
    site.set_day(DAY, 12)
    history.materialize(DAY)
    site.publish(DAY, 1)

    history.materialize(DAY, select=["listing_pages"])

    assert _statuses(history)["listing_pages"] == StaleStatus.FRESH
    assert _statuses(history)["disclosures"] == StaleStatus.STALE

    history.materialize(DAY, select=["disclosures", "documents"])

    assert _statuses(history) == dict.fromkeys(CHAIN, StaleStatus.FRESH)


@pytest.mark.slow
def test_a_changed_day_makes_no_other_day_stale(site, history):
    other = date(2026, 6, 11)
    for day in (DAY, other):
        site.set_day(day, 3)
    history.materialize(DAY, other)
    site.publish(DAY, 1)

    history.materialize(DAY, select=["listing_pages"])

    assert _statuses(history, other) == dict.fromkeys(CHAIN, StaleStatus.FRESH)
