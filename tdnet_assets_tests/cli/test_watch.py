"""``tdnet watch``: a file is checked, a watch is tried, a silence is explained."""

from datetime import date, datetime, timedelta

import pytest

from tdnet_assets.resources.aws.notices_table import NoticesResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.due_notices import DueNotices
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.resources.notices.watched_day import read_watched_day
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import run, variables
from tdnet_assets_tests.lake_days import disclosure, put_day
from tdnet_assets_tests.resources.notices.notices import watch_file
from tdnet_assets_tests.resources.notices.receivers import answer

TOYOTA = 'name = "toyota"\nto = ["hook"]\ncodes = ["7203"]\n'
WORDS = 'name = "words"\nto = ["hook"]\ncodes = ["7203"]\ntext = "減損"\nquiet = "22:00-07:00"\n'


@pytest.fixture
def watching(platform, tmp_path, hook):
    """The configuration, with two days in the lake: four disclosures each, one of them Toyota's."""
    config = platform.changed(watches=watch_file(tmp_path, hook.address, TOYOTA, WORDS))
    today = datetime.now(TOKYO).date()
    for day in (today, today - timedelta(days=9)):
        rows = [
            disclosure(day, number, code=code, disclosed_at=datetime.now(TOKYO))
            for number, code in enumerate(("72030", "99840", "13010", "25930"))
        ]
        put_day(LakeResource(config=config), day, rows)
    return config


def _watch(config, *arguments):
    return run(variables(config, TDNET_WATCHES=config.watches), "watch", *arguments)


def _number(day: date, number: int = 0) -> str:
    return f"{day:%Y%m%d}{number:06d}"


def test_a_valid_file_is_said_in_a_line_a_watch_and_one_that_is_not_with_its_lines(
    watching, tmp_path, hook
):
    valid = _watch(watching, "check")

    assert valid.stdout.splitlines() == [
        "toyota: codes 72030 -> hook",
        "words: codes 72030, text 減損 -> hook, quiet 22:00-07:00",
        "hook: webhook (json)",
    ]
    assert valid.returncode == 0
    watch_file(tmp_path, hook.address, TOYOTA.replace("7203", "72X3Y9"), 'name = "w"\n')
    refused = _watch(watching, "check")
    assert refused.returncode == 2
    assert "line 7: watch toyota: codes: '72X3Y9' is not a code" in refused.stderr
    assert "line 9: watch w: to: say where to" in refused.stderr
    nothing = run(variables(watching), "watch", "check")
    assert nothing.returncode == 2
    assert "name one in TDNET_WATCHES" in nothing.stderr


@pytest.mark.slow
def test_a_test_says_what_would_have_been_told_and_sends_nothing_unless_asked(watching, hook):
    today = datetime.now(TOKYO).date()
    before = today - timedelta(days=9)

    lately = _watch(watching, "test", "toyota")
    longer = _watch(watching, "test", "toyota", "--since", str(before))
    silent = _watch(watching, "test", "words", "--send")
    unknown = _watch(watching, "test", "toyta")

    assert [line.split()[3] for line in lately.stdout.splitlines()] == [_number(today)]
    assert "1 disclosures match toyota" in lately.stderr
    assert [line.split()[3] for line in longer.stdout.splitlines()] == [
        _number(before),
        _number(today),
    ]
    assert silent.returncode == 2
    assert "nothing matches, so nothing is sent" in silent.stderr
    assert unknown.returncode == 2
    assert "there are: toyota, words" in unknown.stderr
    assert hook.bodies == []


@pytest.mark.slow
def test_what_is_sent_for_a_test_is_marked_so_and_leaves_no_trace(watching, hook):
    today = datetime.now(TOKYO).date()

    sent = _watch(watching, "test", "toyota", "--send")
    hook.behave = lambda handler: answer(handler, 500)
    refused = _watch(watching, "test", "toyota", "--send")

    assert (sent.returncode, sent.stdout.splitlines()[-1]) == (0, "hook: taken")
    assert b'"test":true' in hook.bodies[0]
    assert "TEST: nothing of this has just been published" in hook.bodies[0].decode()
    assert [one["disclosure_id"] for one in hook.told] == [_number(today)] * 2
    assert refused.returncode == 1
    assert "hook: 127.0.0.1 answered 500" in refused.stdout
    assert NoticesResource(config=watching).of_day(today) == []


@pytest.mark.slow
def test_a_silence_and_a_notice_are_explained(watching):
    today = datetime.now(TOKYO).date()
    number, other = _number(today), _number(today, 1)
    day = read_watched_day(LakeResource(config=watching), today)
    table = NoticesResource(config=watching)
    due = DueNotices(table, LakeResource(config=watching))
    due.add(today, day.subjects(), read_watch_list(watching))
    (notice,) = table.of_day(today)
    claimed = table.claim(notice, datetime.now(TOKYO))
    table.give_up(claimed, error="hooks answered 410", unconfirmed=False)

    told = _watch(watching, "explain", "toyota", number).stdout
    silent = _watch(watching, "explain", "toyota", other).stdout
    waiting = _watch(watching, "explain", "words", number).stdout
    nowhere = _watch(watching, "explain", "toyota", "20990101000000")

    assert "codes: yes; wanted 72030; seen 72030" in told
    assert "failed for good after 1 tries: hooks answered 410" in told
    assert "codes: NO; wanted 72030; seen 99840" in silent
    assert silent.endswith("toyota does not match: codes\n")
    assert "text: not yet; wanted 減損; seen not read yet" in waiting
    assert waiting.endswith("words cannot match yet: text not read\n")
    assert nowhere.returncode == 1
    assert "the lake has no disclosure 20990101000000" in nowhere.stderr
