"""What a message says, in each form and language, whatever stands in a title."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.watching.figure_conditions import WatchedFigure
from tdnet_assets.tdnet.watching.notice_text import Notice, message_of, notice_about
from tdnet_assets.tdnet.watching.watch_file import read_watch_file
from tdnet_assets.tdnet.watching.watch_list import Destination, WatchedDisclosure
from tdnet_assets_tests.lake_days import disclosure
from tdnet_assets_tests.tdnet.watching.watch_files import EVERYTHING

DAY = date(2026, 6, 10)
FILE = read_watch_file(EVERYTHING)
LINKS = {"reader": "https://r/1", "list": "https://l/I_list_001_20260610.html"}
HOSTILE = '<!channel> @everyone [x](http://evil) `a` *b* {text} "q" \u202e\n& _c_'


def _notice(number=0, watch=FILE.watches[0], event="published", **changes):
    figure = WatchedFigure(
        "forecast_revision.net_income",
        Decimal(1000),
        Decimal(-700),
        Decimal("-1.7"),
        "to_loss",
        DAY,
    )
    watched = watch if watch.figures else replace(watch, figures=FILE.watches[2].figures)
    subject = WatchedDisclosure(disclosure(DAY, number, **changes), figures=(figure,))
    return notice_about(watched, event, subject, LINKS)


def test_a_message_says_when_who_what_and_by_how_much_in_english_and_japanese():
    notice = _notice(title="業績予想の修正に関するお知らせ")

    english = message_of([notice], Destination("x", topic="t"))
    japanese = message_of([notice], Destination("x", topic="t", language="ja"))

    assert english.subject == "TDnet: 1 disclosure: 13010"
    assert english.text.splitlines() == [
        "TDnet: 1 disclosure",
        "",
        "06-10 08:30 13010 Ｇ－見本商事",
        "業績予想の修正に関するお知らせ",
        "forecast_revision (toyota)",
        "forecast revision · net income · to loss 2026-06-10: 1,000 → -700 (-170.0%)",
        "https://r/1",
        "https://l/I_list_001_20260610.html",
    ]
    assert "開示 1件" in japanese.text
    assert "業績予想の修正 · 親会社株主に帰属する当期純利益 · 赤字転落 2026-06-10" in japanese.text


def test_an_earlier_title_is_told_with_a_retitling_and_with_nothing_else():
    told = [
        _notice(1, event="deleted", title="新", previous_titles=("旧題",)),
        _notice(2, event="retitled-1", title="無題"),
    ]

    text = message_of(told, Destination("x", topic="t")).text

    assert "新" in text
    assert "無題" in text
    assert "formerly" not in text


def test_a_retitling_a_deletion_a_repetition_and_a_test_are_called_so():
    told = [
        _notice(1, event="retitled-1", title="新", previous_titles=("旧題",)),
        _notice(2, event="deleted"),
        replace(_notice(3), repeated=True),
    ]

    text = message_of(told, Destination("x", topic="t"), test=True, waiting=5).text

    assert text.startswith("TEST: nothing of this has just been published\nTDnet: 3 disclosures")
    assert "[new title]" in text
    assert "\n新\nformerly: 旧題\n" in text
    assert "[deleted from the list]" in text
    assert text.count("may have been sent before") == 1
    assert text.endswith("at least 5 more will follow")


def test_a_burst_is_gathered_to_twenty_and_what_follows_is_counted():
    message = message_of([_notice(number) for number in range(50)], Destination("x", topic="t"))

    assert len(message.told) == 20
    assert "at least 30 more will follow" in message.text
    assert len(message.subject) <= 100
    assert message.subject.isascii()


def test_discord_gets_no_more_than_it_takes_and_slack_and_discord_no_markup_of_a_title():
    notices = [_notice(number, title=HOSTILE * 5) for number in range(20)]

    discord = message_of(notices, Destination("x", address="a", form="discord"))
    slack = message_of(notices, Destination("x", address="a", form="slack"))

    content = json.loads(discord.body)
    assert len(content["content"]) <= 2000
    assert 1 <= len(discord.told) < 20
    assert content["allowed_mentions"] == {"parse": []}
    assert "@everyone" not in content["content"]
    assert "\\[x\\]" in content["content"]
    text = json.loads(slack.body)["text"]
    assert "<!channel>" not in text
    assert "&lt;!channel&gt;" in text
    assert "\u202e" not in text + content["content"]
    assert "<https://r/1>" in text


def test_a_template_is_filled_as_data_and_stays_the_json_that_was_meant():
    own = FILE.destination("own")

    body = json.loads(message_of([_notice(title=HOSTILE)], own).body)

    assert body == {"text": "TDnet: 1 disclosure: 13010", "blocks": [{"n": "1", "of": "{x}"}]}


@given(st.text(max_size=400), st.text(max_size=50))
@pytest.mark.parametrize("form", ["json", "plain", "slack", "discord"])
def test_whatever_stands_in_a_title_the_body_is_json_and_the_notice_survives_its_text(
    form, title, name
):
    notice = _notice(title=title, company_name=name)

    message = message_of([notice], Destination("x", address="a", form=form))

    assert isinstance(json.loads(message.body), dict)
    assert Notice.from_text(notice.to_text()) == notice


def test_the_json_body_has_the_facts_of_each_notice():
    body = json.loads(message_of([_notice()], FILE.destination("hook"), waiting=2).body)

    assert (body["kind"], body["test"], body["waiting"]) == ("tdnet.notices", False, 2)
    (one,) = body["notices"]
    assert one["id"] == "toyota/20260610000000/published"
    assert one["published_at"] == "2026-06-10T08:30:00+09:00"
    assert one["figures"][0] == {
        "subject": "forecast_revision.net_income",
        "before": "1,000",
        "after": "-700",
        "rate": "-1.7000",
        "turn": "to_loss",
        "period_end": "2026-06-10",
    }
