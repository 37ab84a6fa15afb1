"""Beside a session: rows are told as they are stored, and nothing of it slows who stores them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.notices_table import CLAIMED, SENT
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.watch_desk import WatchDesk
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.lake_days import disclosure
from tdnet_assets_tests.resources.notices import receivers
from tdnet_assets_tests.resources.notices.notices import watch_file

PATIENCE = 30


@pytest.fixture
def today():
    return datetime.now(TOKYO).date()


@pytest.fixture
def lake(platform, tmp_path, hook):
    return LakeResource(config=platform.changed(watches=watch_file(tmp_path, hook.address)))


def _row(day, number=0, **changes):
    """A row that is published in the minute in which it is asked for."""
    now = datetime.now(TOKYO)
    return disclosure(day, number, **{"disclosed_at": now, "first_seen_at": now, **changes})


def _until(condition):
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_row_is_told_once_within_seconds_and_its_retitling_and_deletion_after_it(
    lake, hook, table, today
):
    row = _row(today)
    retitled = replace(row, title="訂正後", previous_titles=(row.title,), status="retitled")
    with WatchDesk(lake, every_seconds=0.2) as desk:
        begun = time.monotonic()
        desk.rows_stored(today, [row])
        _until(lambda: hook.bodies)
        assert hook.at[0] - begun < 10
        desk.rows_stored(today, [row])
        desk.rows_stored(today, [retitled])
        _until(lambda: len(hook.ids) == 2)
        desk.rows_stored(today, [replace(retitled, status="deleted")])
        _until(lambda: len(hook.ids) == 3)
        assert table.last_beat()
        _until(lambda: {one.state for one in table.of_day(today)} == {SENT})

    assert [one["event"] for one in hook.told] == ["published", "retitled-1", "deleted"]
    assert hook.told[1]["previous_title"] == row.title
    assert hook.told[0]["links"]["list"].endswith(f"/I_list_001_{today:%Y%m%d}.html")
    assert table.last_beat() == ""


@pytest.mark.slow
def test_a_burst_is_told_as_fast_as_its_destination_takes_it(lake, hook, today):
    with WatchDesk(lake, every_seconds=20) as desk:
        time.sleep(0.5)  # its first look is over, and the next one far away
        begun = time.monotonic()
        desk.rows_stored(today, [_row(today, number) for number in range(90)])
        _until(lambda: len(hook.ids) == 90)

    assert len(hook.bodies) == 5
    assert hook.at[-1] - begun < 15


def test_handing_over_takes_no_time_whatever_the_destination_and_the_table_do(
    lake, hook, today, platform
):
    hook.behave = receivers.drips
    broken = LakeResource(config=lake.config.changed(aws_endpoint_url="http://127.0.0.1:9"))
    for one in (lake, broken):
        with WatchDesk(one, every_seconds=0.1) as desk:
            time.sleep(0.2)
            begun = time.monotonic()
            for number in range(50):
                desk.rows_stored(today, [_row(today, number)])
            assert time.monotonic() - begun < 0.5
            begun = time.monotonic()
        assert time.monotonic() - begun < 4


def test_what_was_published_before_a_watch_began_is_not_told_and_what_comes_late_is(
    lake, hook, table, today
):
    now = datetime.now(TOKYO)
    long_ago = _row(today, 1, disclosed_at=now - timedelta(hours=3))
    with WatchDesk(lake, every_seconds=0.2) as desk:
        desk.rows_stored(today, [long_ago, _row(today, 2)])
        _until(lambda: hook.bodies)

    assert [one["disclosure_id"][-1] for one in hook.told] == ["2"]


def test_a_watch_file_that_became_invalid_leaves_the_last_valid_one_standing(
    lake, hook, today, tmp_path, caplog
):
    with WatchDesk(lake, every_seconds=0.1) as desk:
        desk.rows_stored(today, [_row(today)])
        _until(lambda: hook.bodies)
        (tmp_path / "watches.toml").write_text("[[watches]]\nname = 1\n")
        desk.rows_stored(today, [_row(today, 1)])
        _until(lambda: len(hook.ids) == 2)

    assert "line 2: watch 1: name" in caplog.text


def test_without_a_watch_file_nothing_is_asked_of_anybody(platform, today):
    nowhere = platform.changed(aws_endpoint_url="http://127.0.0.1:9")
    with WatchDesk(LakeResource(config=nowhere), every_seconds=0.05) as desk:
        desk.rows_stored(today, [_row(today)])
        time.sleep(0.3)


SESSION = """
import sys
from datetime import datetime
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.watch_desk import WatchDesk
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.lake_days import disclosure
import json, time
config = PlatformConfig.validated(json.loads(sys.argv[1]))
now = datetime.now(TOKYO)
today = now.date()
rows = [disclosure(today, n, disclosed_at=now, first_seen_at=now) for n in range(300)]
with WatchDesk(LakeResource(config=config), every_seconds=0.05) as desk:
    print("going", flush=True)
    for count in range(10, 301, 10):
        desk.rows_stored(today, rows[:count])
        time.sleep(0.05)
    time.sleep(60)
"""


@pytest.mark.slow
def test_sessions_killed_at_random_moments_lose_nothing_and_repeat_only_what_they_announce(
    lake, hook, table, today, monkeypatch
):
    monkeypatch.setattr("tdnet_assets.resources.notices.sender._MINUTE", 0.1)
    for life in (0.6, 1.1, 1.7, 2.4):
        session = _session(lake.config)
        time.sleep(life)
        session.send_signal(signal.SIGKILL)
        session.wait()
    last = _session(lake.config)
    try:
        # What the killed ones have claimed is taken over by its next sender, without patience here.
        _until(lambda: len(table.of_day(today)) >= 300)
    finally:
        last.kill()
        last.wait()
    monkeypatch.setattr("tdnet_assets.resources.notices.sender.CLAIM_LEASE", timedelta(seconds=0.3))
    with WatchDesk(lake, every_seconds=0.1):
        _until(lambda: all(one.state == SENT for one in table.of_day(today)))

    assert {one.state for one in table.of_day(today)} == {SENT}
    assert not [one for one in table.of_day(today) if one.state == CLAIMED]
    told = {}
    for one in hook.told:
        told.setdefault(one["id"], []).append(one["repeated"])
    assert len(told) == 300
    assert all(all(repeated[1:]) for repeated in told.values())


def _session(config: PlatformConfig):
    session = subprocess.Popen(
        [sys.executable, "-c", SESSION, json.dumps(config.values)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert session.stdout.readline() == b"going\n"
    return session
