"""Dagster's home of the local environment."""

import os
from pathlib import Path

import dagster as dg

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import dagster_home


def test_a_new_home_gets_our_settings_and_one_with_settings_keeps_them(tmp_path):
    config = PlatformConfig.from_environment({"DAGSTER_HOME": str(tmp_path / "dagster")})

    settings = dagster_home.prepare(config) / "dagster.yaml"
    ours = Path(dagster_home.__file__).with_name("dagster.yaml").read_text().splitlines()
    written = settings.read_text().splitlines()
    (changed,) = [pair for pair in zip(ours, written, strict=True) if pair[0] != pair[1]]
    assert changed[1].split(" # ")[0] == f'    base_dir: "{tmp_path}/dagster/history"'

    settings.write_text("telemetry: {enabled: false}\n")
    assert dagster_home.prepare(config) == tmp_path / "dagster"
    assert settings.read_text() == "telemetry: {enabled: false}\n"


def test_a_home_that_has_moved_keeps_its_runs_and_events(tmp_path):
    @dg.asset
    def one():
        pass

    before = PlatformConfig.from_environment({"DAGSTER_HOME": str(tmp_path / "before")})
    with dagster_home.instance(before) as instance:
        run_id = dg.materialize([one], instance=instance).run_id
    after = before.changed(dagster_home=str(tmp_path / "after"))
    before.dagster_home_path.rename(after.dagster_home_path)

    with dagster_home.instance(after) as instance:
        assert instance.get_run_by_id(run_id).is_success
        assert len(instance.all_logs(run_id)) > 5

    assert not before.dagster_home_path.exists()
    files = [file.name for file in (after.dagster_home_path / "history").rglob("*.db")]
    assert sorted(files) == ["event_log.db", "runs.db"]


def test_a_run_of_this_process_prints_here_and_leaves_no_file_of_it(tmp_path, capfd):
    @dg.asset
    def one():
        os.write(1, b"seen\n")

    config = PlatformConfig.from_environment({"DAGSTER_HOME": str(tmp_path)})
    with dagster_home.instance_for_a_run_here(config) as instance:
        run = dg.materialize([one], instance=instance)

    assert run.success
    assert "seen" in capfd.readouterr().out.splitlines()
    assert not [file for file in tmp_path.rglob("*") if run.run_id in str(file)]
    with dagster_home.instance(config) as instance:
        assert instance.get_run_by_id(run.run_id).is_success


def test_a_home_that_has_what_runs_print_brought_elsewhere_keeps_it_so(tmp_path):
    (tmp_path / "dagster.yaml").write_text(
        "compute_logs:\n"
        "  module: dagster_aws.s3.compute_log_manager\n"
        "  class: S3ComputeLogManager\n"
        "  config: {bucket: logs}\n"
    )
    config = PlatformConfig.from_environment({"DAGSTER_HOME": str(tmp_path)})

    with dagster_home.instance_for_a_run_here(config) as instance:
        assert type(instance.compute_log_manager).__name__ == "S3ComputeLogManager"
