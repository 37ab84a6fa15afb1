"""``tdnet doctor`` on Dagster: settings, daemons, sensors, and days that are due."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from tdnet_assets.doctor import dagster_instance, runner
from tdnet_assets_tests.doctor.account import (
    make_dagster_home,
    not_ok,
)


def test_a_dead_daemon_fails_its_line(account):
    lines = account.examined(dead="SENSOR")

    assert not_ok(lines) == {"Dagster daemons": "failed"}
    assert lines["Dagster daemons"].seen.startswith("SENSOR was last heard of at ")
    assert "start the daemon" in lines["Dagster daemons"].advice


def test_a_daemon_that_never_ran_is_named_though_others_do(account, tmp_path):
    make_dagster_home(account.config.changed(dagster_home=str(tmp_path / "new")))
    with account.other(dagster_home=str(tmp_path / "new")) as examination:
        required = examination.instance.get_required_daemon_types()
        for name in required:
            if name != "SCHEDULER":
                examination.instance.add_daemon_heartbeat(
                    DaemonHeartbeat(datetime.now(UTC).timestamp(), name, "one", [])
                )
        (line,) = dagster_instance.daemons(examination)

    assert (line.status, line.seen) == ("failed", "SCHEDULER was never heard of")


def test_a_daemon_that_only_reports_errors_is_no_living_one(account):
    error = SerializableErrorInfo("DagsterError\n\nOperationalError: no room\n", [], "DagsterError")
    account.hear_daemons()
    account.instance.add_daemon_heartbeat(
        DaemonHeartbeat(datetime.now(UTC).timestamp(), "QUEUED_RUN_COORDINATOR", "one", [error])
    )
    with account.other() as examination:
        (line,) = dagster_instance.daemons(examination)

    assert (line.status, line.seen) == (
        "failed",
        "QUEUED_RUN_COORDINATOR: OperationalError: no room",
    )


def test_a_sensor_whose_last_tick_failed_is_a_warning_with_the_reason(account):
    state = account.switch("failure_notices", on=True)
    account.tick(state, "SensorExecutionError: Error in sensor\n\nNotFound: no such topic\n")
    lines = account.examined()
    account.tick(state)

    assert not_ok(lines) == {"sensors and schedules": "warning"}
    assert lines["sensors and schedules"].seen == (
        "the last tick failed of failure_notices: NotFound: no such topic"
    )


def test_what_the_operator_has_switched_off_is_a_warning(account):
    account.switch("day_close", on=False, schedule=True)
    lines = account.examined()
    account.switch("day_close", on=True, schedule=True)

    assert not_ok(lines) == {"sensors and schedules": "warning"}
    assert lines["sensors and schedules"].seen == "off: day_close"


def test_a_day_that_is_due_and_not_collected_is_a_failure_with_the_command(account):
    def clock():
        return datetime.now(UTC) + timedelta(days=3)

    with account.other(clock=clock) as examination:
        (line,) = dagster_instance.backlog(examination)

    assert line.status == "failed"
    assert "listing_pages: not there; behind for " in line.seen
    assert line.advice.startswith("`tdnet collect 2")


def test_on_a_developer_s_machine_a_day_that_was_not_collected_is_a_warning(account):
    def clock():
        return datetime.now(UTC) + timedelta(days=3)

    with account.other(environment="local", clock=clock) as examination:
        (line,) = dagster_instance.backlog(examination)

    assert line.status == "warning"
    assert "listing_pages: not there; behind for " in line.seen


def test_a_deployment_without_a_dagster_home_is_told_and_none_is_made(account, tmp_path):
    with account.other(dagster_home=str(tmp_path / "none")) as examination:
        lines = account.examined(examination, dagster_instance.CHECKS)

    assert lines["Dagster instance"].status == "failed"
    assert "DAGSTER_HOME" in lines["Dagster instance"].advice
    assert lines["Dagster pool"].seen == "not looked at, because of: Dagster instance"
    assert not (tmp_path / "none").exists()


def test_settings_that_dagster_has_by_default_are_told_from_the_deployed_ones(account, tmp_path):
    (tmp_path / "dagster.yaml").write_text(
        "run_coordinator:\n"
        "  module: dagster._core.run_coordinator\n"
        "  class: DefaultRunCoordinator\n"
        "run_monitoring: {enabled: false}\n"
        "run_retries: {enabled: false}\n"
    )
    with account.other(dagster_home=str(tmp_path)) as examination:
        lines = {
            finding.check: finding
            for finding in runner.examine(examination, dagster_instance.CHECKS)
        }

    assert lines["Dagster pool"].status == lines["Dagster run monitoring"].status == "failed"
    assert "RunCoordinator, which knows no limits" in lines["Dagster pool"].seen
    assert "holds the pool for ever" in lines["Dagster run monitoring"].seen
    assert lines["Dagster run retries"].status == "warning"
    assert "is not started again" in lines["Dagster run retries"].seen
    assert lines["Dagster daemons"].status == "failed"
    assert lines["Dagster daemons"].seen == "none was ever heard of"


@pytest.mark.parametrize(
    ("setting", "changed", "line", "status", "seen"),
    [
        (
            "concurrency",
            {"pools": {"default_limit": 1}},
            "Dagster pool",
            "failed",
            "only the queue",
        ),
        ("concurrency", {"pools": {"granularity": "op"}}, "Dagster pool", "failed", "is not set"),
        ("run_monitoring", {"enabled": True}, "Dagster run monitoring", "warning", "never ended"),
        (
            "run_retries",
            {"enabled": True, "retry_on_asset_or_op_failure": True},
            "Dagster run retries",
            "warning",
            "on for failed assets too",
        ),
    ],
)
def test_each_deployed_setting_of_dagster_is_missed_when_it_is_another(
    account, tmp_path, setting, changed, line, status, seen
):
    settings = yaml.safe_load((account.config.dagster_home_path / "dagster.yaml").read_text())
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({**settings, setting: changed}))
    checks = [check for check in dagster_instance.CHECKS if check.name.startswith("Dagster ")]
    with account.other(dagster_home=str(tmp_path)) as examination:
        lines = {finding.check: finding for finding in runner.examine(examination, checks)}

    assert lines[line].status == status
    assert seen in lines[line].seen
    others = lines.keys() - {line, "Dagster instance", "Dagster daemons"}
    assert {lines[name].status for name in others} == {"ok"}
