"""``tdnet doctor`` as a person starts it, and on a machine of a new user."""

import json
import os
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from tdnet_assets.cli.doctor import doctor
from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import build_definitions
from tdnet_assets.doctor import runner
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.local.services import wait_until_stopped
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import run, variables
from tdnet_assets_tests.doctor import faults
from tdnet_assets_tests.doctor.account import not_ok


def test_an_environment_that_was_never_deployed_lacks_all_of_its_stack(account):
    with account.other(environment="prod") as examination:
        lines = account.examined(examination)

    assert not_ok(lines) == dict.fromkeys(
        ("run policy", "alarms", "dashboard", "alarm topic"), "failed"
    )
    assert lines["run policy"].seen == "there is no stack tdnet-prod that has one"
    assert lines["alarm topic"].seen.startswith("there is no arn:aws:sns:")
    assert f"and {len(ALARMS) - 3} more" in lines["alarms"].seen


def _environment(account, **changes):
    config = account.config
    return variables(
        config,
        **{
            "TDNET_ENVIRONMENT": config.environment,
            "TDNET_PREFIX": config.prefix,
            "TDNET_NOTICE_TOPIC": config.notice_topic,
            **changes,
        },
    )


@pytest.fixture
def tdnet_doctor(account):
    def invoke(*arguments, **changes):
        account.hear_daemons()
        environment = _environment(account, **changes)
        return CliRunner().invoke(doctor, arguments, env=environment, catch_exceptions=False)

    return invoke


@pytest.mark.slow
def test_the_command_writes_a_line_a_check_and_exits_with_0_when_nothing_failed(account):
    account.hear_daemons()

    done = run(_environment(account), "doctor", "--wait", "5")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "ok       bucket                         tdnet-dev in ap-northeast-1" in lines
    shown = [line for line in lines[:-1] if not line.startswith(" ")]
    assert [line[9:].split("  ")[0].strip() for line in shown] == [
        check.name for check in runner.CHECKS
    ]
    assert lines[-1] == f"{len(runner.CHECKS) - 1} ok, 1 warning, 0 failed"
    assert any(line.strip().startswith("-> use PostgreSQL") for line in lines)


def test_the_command_exits_with_1_when_a_line_failed_and_has_a_machine_form(account, tdnet_doctor):
    with faults.dashboard_gone(account):
        done = tdnet_doctor("--json")

    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert said["environment"] == "dev"
    assert list(said) == ["environment", "counts", "findings"]
    assert [found["check"] for found in said["findings"]] == [check.name for check in runner.CHECKS]
    assert {tuple(found) for found in said["findings"]} == {("check", "status", "seen", "advice")}
    assert said["counts"] == {"ok": len(runner.CHECKS) - 2, "warning": 1, "failed": 1}
    (failing,) = [finding for finding in said["findings"] if finding["status"] == "failed"]
    assert failing == {
        "check": "dashboard",
        "status": "failed",
        "seen": "there is no tdnet-dev",
        "advice": "`tdnet infra deploy` makes it",
    }


def test_the_command_looks_at_all_but_tdnet_when_its_terms_are_not_accepted(tdnet_doctor):
    done = tdnet_doctor("--json", TDNET_BASE_URL="https://www.release.tdnet.info/inbs")

    assert done.exit_code == 1
    findings = {found["check"]: found for found in json.loads(done.stdout)["findings"]}
    assert "TDNET_ACCEPT_TERMS=yes" in findings["TDnet terms"]["seen"]
    assert findings["TDnet"]["seen"] == "not looked at, because of: TDnet terms"
    assert {name for name, found in findings.items() if found["status"] == "failed"} == {
        "TDnet terms"
    }


def test_the_command_refuses_a_configuration_that_is_wrong_otherwise(tdnet_doctor):
    done = tdnet_doctor(TDNET_BUCKET="No Bucket")

    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("tdnet: TDNET_BUCKET is 'No Bucket': ")


@pytest.mark.slow
def test_the_local_environment_has_no_stack_and_that_is_no_failure(platform, site):
    site.set_day(datetime.now(TOKYO).date() - timedelta(days=1), 3)
    with Examination(platform, build_definitions(platform), wait_seconds=0) as examination:
        lines = {finding.check: finding for finding in runner.examine(examination)}

    assert not [line for line in lines.values() if line.status == "failed"]
    assert {name for name, line in lines.items() if line.status == "warning"} == {
        "stack",
        "Dagster daemons",
        "sensors and schedules",
        "due days",
    }
    assert "bucket versioning" in lines["stack"].seen
    assert lines["Dagster daemons"].advice == "`tdnet up` starts them"
    assert lines["executions table expiry"].status == lines["metrics"].status == "ok"
    assert lines["disclosure index"].seen == "nothing in the lake yet"
    elsewhere = {check.name for check in runner.CHECKS if check not in runner.STACK_CHECKS}
    assert set(lines) == elsewhere | {"stack"}


@pytest.mark.slow
def test_a_new_user_s_machine_has_warnings_that_say_why_and_no_failure(tmp_path):
    home = str(tmp_path / "home")
    done = run({**os.environ, "TDNET_HOME": home}, "doctor", "--json")
    assert wait_until_stopped(PlatformConfig.from_environment({"TDNET_HOME": home}), 30)

    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["environment"] == "local"
    assert {found["check"] for found in said["findings"] if found["status"] != "ok"} == {
        "stack",
        "Dagster daemons",
        "sensors and schedules",
        "due days",
    }
    assert all(found["advice"] for found in said["findings"] if found["status"] != "ok")
