"""The sensor that sends while no session does."""

from datetime import datetime

import dagster as dg
import pytest

from tdnet_assets.automation import notice_sending
from tdnet_assets.automation.notice_sending import Seen
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.notices_table import SENT, NoticesResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.watch_notices import WATCH_NOTICES_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.lake_days import disclosure, put_day
from tdnet_assets_tests.resources.notices.notices import watch_file


@pytest.fixture
def platform(platform: PlatformConfig, tmp_path, hook) -> PlatformConfig:
    return platform.changed(watches=watch_file(tmp_path, hook.address))


def _row(number=0):
    now = datetime.now(TOKYO)
    return disclosure(now.date(), number, disclosed_at=now, first_seen_at=now)


def test_a_new_row_is_told_with_the_next_tick_and_once(platform, tick, hook):
    first = tick("send_notices")
    today = datetime.now(TOKYO).date()
    put_day(LakeResource(config=platform), today, [_row(), _row(1)])

    second = tick("send_notices", first.cursor)
    third = tick("send_notices", second.cursor)

    assert second.skip_message == "1 messages, 2 notices sent, 0 put off"
    assert third.skip_message == "0 messages, 0 notices sent, 0 put off"
    assert len(hook.ids) == 2
    states = {one.state for one in NoticesResource(config=platform).of_day(today)}
    assert states == {SENT}


def test_while_a_session_sends_the_sensor_does_not(platform, tick, hook):
    table = NoticesResource(config=platform)
    put_day(LakeResource(config=platform), datetime.now(TOKYO).date(), [_row()])
    table.beat()

    first = tick("send_notices")
    table.beat()
    second = tick("send_notices", first.cursor)
    killed = tick("send_notices", second.cursor)  # no sign since the tick before

    assert [first.skip_message, second.skip_message] == ["a session sends"] * 2
    assert "messages" in killed.skip_message
    table.beat()
    table.end_beat()
    assert "messages" in tick("send_notices", first.cursor).skip_message


def test_a_broken_watch_file_fails_the_tick_with_its_line(platform, tick, tmp_path):
    (tmp_path / "watches.toml").write_text("[[watches]]\nname = 1\n")

    with pytest.raises(Exception, match="line 2: watch 1: name") as failed:
        tick("send_notices")

    assert failed.type.__name__ in ("WatchFileError", "SensorExecutionError")


def test_what_was_sent_since_asks_for_the_day_s_record_again(platform, tick, hook, monkeypatch):
    today = datetime.now(TOKYO).date()
    monkeypatch.setattr(notice_sending, "_DAYS_BEHIND", 1)
    put_day(LakeResource(config=platform), today, [_row()])
    lake = LakeResource(config=platform)
    lake.write_table("watch_notices", today, WATCH_NOTICES_TABLE.frame([]), {})

    asked = tick("send_notices")

    (request,) = asked.run_requests
    assert (request.job_name, request.partition_key) == ("derivation", str(today))
    assert request.asset_selection == [dg.AssetKey("watch_notices")]


def test_a_cursor_that_cannot_be_read_is_none():
    assert Seen.from_cursor("x") == Seen.from_cursor(None) == Seen()
    assert Seen.from_cursor(Seen("a", "b").to_cursor()) == Seen("a", "b")
