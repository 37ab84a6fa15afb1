"""What was told to whom, why somebody was not told, and that no secret is shown with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import html
from starlette.testclient import TestClient

from tdnet_assets.config import PlatformConfig
from tdnet_assets.reader.application import application
from tdnet_assets.reader.notice_pages import NOTICE_DAYS
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.watch_notices import WATCH_NOTICES_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.lake_days import disclosure, put_day
from tdnet_assets_tests.resources.notices.notices import item, watch_file

pytestmark = pytest.mark.slow
HOOK = "https://hooks.example.com/services/T000/geheim"
TOYOTA = 'name = "toyota"\nto = ["hook"]\ncodes = ["7203"]\n'
WORDS = 'name = "words"\nto = ["hook"]\ntitle = "決算"\ntext = "減損"\n'


def _notice(listed, *, watch="toyota", **changes):
    seen = datetime.now(UTC)
    told = replace(item().notice, watch=watch, disclosure_id=listed.disclosure_id)
    values = dict.fromkeys(WATCH_NOTICES_TABLE.schema) | {
        "watch": watch,
        "disclosure_id": listed.disclosure_id,
        "event": "published",
        "destination": "hook",
        "code": listed.code,
        "company_name": listed.company_name,
        "title": listed.title,
        "published_at": listed.disclosed_at,
        "seen_at": seen,
        "due_at": seen,
        "state": "due",
        "attempts": 0,
        "repeated": False,
        "error": "",
        "titles": 0,
        "notice": told.to_text(),
    }
    return values | changes


@pytest.fixture
def told(platform: PlatformConfig, tmp_path):
    """A day of four disclosures, of which notices were sent, put off, and given up."""
    config = platform.changed(watches=watch_file(tmp_path, HOOK, TOYOTA, WORDS))
    lake, today = LakeResource(config=config), datetime.now(TOKYO).date()
    rows = [
        disclosure(today, number, code=code)
        for number, code in enumerate(("72030", "99840", "13010", "25930"))
    ]
    put_day(lake, today, rows)
    sent_at = rows[0].disclosed_at + timedelta(seconds=41)
    notices = [
        _notice(rows[0], state="sent", attempts=1, sent_at=sent_at, seconds=41.0),
        _notice(
            rows[1],
            watch="words",
            state="failed",
            attempts=9,
            error=f"hooks.example.com answered 410: b'no such hook: {HOOK}'",
        ),
        _notice(rows[2], watch="words", event="retitled-2", title="<b>訂正</b>", repeated=True),
    ]
    lake.write_table("watch_notices", today, WATCH_NOTICES_TABLE.frame(notices), {})
    with TestClient(application(config), base_url="http://127.0.0.1") as client:
        yield client, rows


def said(answer):
    """The text of a page, its cells apart."""
    assert answer.status_code == 200, answer.text[:2000]
    texts = html.fromstring(answer.content).itertext()
    return " ".join(" ".join(texts).split())


def numbers(answer):
    """The disclosures whose notices a page shows."""
    assert answer.status_code == 200, answer.text[:2000]
    links = html.fromstring(answer.content).xpath(
        "//tbody//th[contains(@class, 'title')]/a[2]/@href"
    )
    return {link.rpartition("/")[2] for link in links}


def test_what_was_told_stands_with_its_times_and_states_in_both_languages(told):
    client, _ = told

    japanese = said(client.get("/notices?lang=ja"))
    english = said(client.get("/notices?lang=en"))

    assert "送信済 1 · 送信待ち 1 · 失敗 1 · 発表から送信まで 中央値 41秒" in japanese
    assert "表題変更 2" in japanese
    assert "再送の可能性" in japanese
    assert "sent 1 · due 1 · failed 1 · from publication: median 41 s" in english
    assert "toyota → hook" in english
    assert "9 tries: hooks.example.com answered 410" in english


def test_an_address_that_may_be_a_secret_is_shown_to_its_host_only(told):
    client, _ = told

    page = client.get("/notices?lang=en").text

    assert "https://hooks.example.com/…" in page
    assert "geheim" not in page
    assert "T000" not in page


def test_notices_are_filtered_by_watch_state_and_company(told):
    client, rows = told
    for query, shown in (
        ("watch=words", {rows[1].disclosure_id, rows[2].disclosure_id}),
        ("state=failed", {rows[1].disclosure_id}),
        ("code=7203", {rows[0].disclosure_id}),
        (f"id={rows[2].disclosure_id}", {rows[2].disclosure_id}),
        ("watch=other", set()),
    ):
        assert numbers(client.get(f"/notices?{query}")) == shown, query
    assert client.get("/notices?state=lost").status_code == 400
    assert client.get("/notices?id=123").status_code == 400


def test_older_notices_than_those_of_the_last_days_are_shown_by_their_number(told, platform):
    client, rows = told
    lake, today = LakeResource(config=platform), datetime.now(TOKYO).date()
    oldest, older = (
        disclosure(today - timedelta(days=back), 0, code="72030")
        for back in (NOTICE_DAYS - 1, NOTICE_DAYS)
    )
    for listed in (oldest, older):
        notices = WATCH_NOTICES_TABLE.frame([_notice(listed)])
        lake.write_table("watch_notices", listed.disclosed_at.date(), notices, {})

    usual = numbers(client.get("/notices"))
    asked = numbers(client.get(f"/notices?id={older.disclosure_id}"))

    assert usual == {one.disclosure_id for one in (*rows[:3], oldest)}
    assert asked == {older.disclosure_id}


def test_a_silence_is_explained_by_the_condition_that_did_not_hold(told):
    client, rows = told
    silent = rows[3].disclosure_id

    japanese = said(client.get(f"/notices?watch=toyota&id={silent}&lang=ja"))
    waiting = said(client.get(f"/notices?watch=words&id={rows[0].disclosure_id}&lang=ja"))
    matched = said(client.get(f"/notices?watch=toyota&id={rows[0].disclosure_id}&lang=ja"))
    unknown = said(client.get(f"/notices?watch=nobody&id={silent}&lang=en"))
    nowhere = said(client.get("/notices?watch=toyota&id=20990101000000&lang=en"))

    assert "なぜ知らせなかったか" in japanese
    assert "コード いいえ 72030 25930" in japanese
    assert "まだ判断できません" in waiting
    assert "本文 未読 減損 not read yet" in waiting
    assert "なぜ知らせたか" in matched
    assert "コード はい 72030 72030" in matched
    assert "has no such watch" in unknown
    assert "The lake has no disclosure of this number." in nowhere


def test_without_a_watch_file_the_page_says_how_to_begin(empty_reader):
    assert "監視リストがありません" in said(empty_reader.get("/notices?lang=ja"))
    assert "TDNET_WATCHES" in said(empty_reader.get("/notices?lang=en"))
