"""The page about watch-lists: its commands work as they stand, and its example is valid."""

import os
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.watching.watch_file import read_watch_file
from tdnet_assets_tests.commands import TDNET

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "watch-lists.md"
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_example_is_valid_and_has_every_kind_of_condition():
    watches = read_watch_file((PROJECT / "docs" / "watches.toml").read_text()).watches

    assert len(watches) == 5
    assert any(one.text for one in watches)
    assert any(one.title for one in watches)
    assert any(one.figures for one in watches)
    assert any(one.codes for one in watches)
    assert any(one.quiet for one in watches)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_command_of_the_page_works_in_its_order(tmp_path):
    script = "\n".join(BLOCK.findall(PAGE.read_text()))
    # The sample site lists the month before the present.
    day = str(datetime.now(TOKYO).date() - timedelta(days=1))
    environment = {
        **os.environ,
        "PATH": f"{TDNET.parent}{os.pathsep}{os.environ['PATH']}",
        "TDNET_HOME": str(tmp_path / "home"),
    }

    done = subprocess.run(
        ["/bin/bash", "-euc", script.replace("2026-05-14", day)],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "toyota: codes 72030 -> chat, mail" in done.stdout
    assert "disclosures match surprises" in done.stderr
    assert "codes: " in done.stdout
    assert "toyota does not match: codes" in done.stdout or "toyota matches" in done.stdout
