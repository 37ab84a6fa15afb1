"""The operators' handbook: its commands work as they stand, and it knows every alarm."""

import os
import re
import subprocess
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.definitions import build_definitions
from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.local import embedded_aws
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import TDNET

HANDBOOK = Path(__file__).parents[1] / "docs" / "operations.md"
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DAYS = [date(2026, 6, day) for day in (8, 9, 10)]
# A template's settings of these are passed over.
NOT_MADE_BY_THE_EMBEDDED_AWS = (
    "bucket lifecycle",
    "executions table expiry",
    "executions table recovery",
    "disclosures table recovery",
    "notices table expiry",
    "notices table recovery",
)


@pytest.fixture
def environment(tmp_path, site, base_url):
    """An account where nothing has been made yet, and a TDnet that has listed three days."""
    today = datetime.now(TOKYO).date()
    for day in (*DAYS, today - timedelta(days=1), today):
        site.set_day(day, 12)
    with embedded_aws.running(tmp_path / "aws", region=DEFAULT_REGION) as service:
        yield {
            **os.environ,
            "PATH": f"{TDNET.parent}{os.pathsep}{os.environ['PATH']}",
            "TDNET_ENVIRONMENT": "dev",
            "TDNET_BASE_URL": base_url,
            "TDNET_REQUESTS_PER_SECOND": "0",
            "TDNET_HOME": str(tmp_path / "home"),
            "AWS_ENDPOINT_URL": service.endpoint_url,
            "AWS_ACCESS_KEY_ID": EMBEDDED_ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": EMBEDDED_SECRET_KEY,
        }


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_command_of_the_handbook_works_in_its_order(environment, tmp_path):
    commands = [line for block in BLOCK.findall(HANDBOOK.read_text()) for line in block.split("\n")]
    commands = [command for command in commands if command]
    assert len(commands) > 10
    said = {}
    for command in commands:
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said[command] = done.stdout
        # The doctor finds that Dagster was never started, and says so with a 1.
        assert done.returncode == (command == "tdnet doctor"), (command, done.stdout, done.stderr)

    assert "CREATE_COMPLETE" in said["tdnet infra deploy"]
    assert set(re.findall(r"^failed +(\S.*?)  ", said["tdnet doctor"], re.MULTILINE)) == {
        "Dagster instance",
        *NOT_MADE_BY_THE_EMBEDDED_AWS,
    }
    assert len(said["tdnet query --from 2026-06-10 --limit 3"].splitlines()) >= 3
    assert "3 days" in said["tdnet index rebuild"]


def test_the_handbook_explains_every_alarm_and_no_other():
    explained = re.findall(r"^\| `(\w+)-(warning|critical)` \|", HANDBOOK.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted((alarm.metric, alarm.level) for alarm in ALARMS)


def test_the_handbook_names_everything_that_has_to_be_switched_on():
    repository = build_definitions(PlatformConfig.from_environment({})).get_repository_def()
    automations = [*repository.sensor_defs, *repository.schedule_defs]
    off = {one.name for one in automations if one.default_status.value == "STOPPED"}
    named = set(re.findall(r"^\| `(\w+)` \| (?!means)", HANDBOOK.read_text(), re.MULTILINE))
    assert off == named
