"""A watch file is read as it is meant, or refused with the line of each problem."""

import time
from contextlib import suppress
from datetime import time as clock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.watching.watch_file import WatchFileError, read_watch_file
from tdnet_assets_tests.tdnet.watching.watch_files import EVERYTHING

SLACK = "secretsmanager:arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:slack-a1b2c3"


def _problems(text):
    with pytest.raises(WatchFileError) as refused:
        read_watch_file(text)
    return str(refused.value).splitlines()


def test_everything_that_a_file_may_say_is_read():
    found = read_watch_file(EVERYTHING)

    toyota, buybacks, collapses = found.watches
    assert (toyota.name, toyota.to) == ("toyota", ("mail", "hook"))
    assert toyota.codes == {"72030", "25935"}
    assert (buybacks.categories, buybacks.exchanges, buybacks.xbrl) == (
        {"share_buyback", "dividend"},
        {"東", "PH"},
        False,
    )
    assert buybacks.title.query.matches("自己株式の取得に関するお知らせ")
    assert not buybacks.title.query.matches("自己株式の取得状況に関するお知らせ")
    assert (buybacks.quiet.begins, buybacks.quiet.ends) == (clock(22), clock(7))
    assert (collapses.xbrl, len(collapses.figures)) == ("revision", 4)
    assert found.reader == "https://reader.example.jp"
    assert {one.name: one.language for one in found.destinations.values()} == {
        "mail": "en",
        "hook": "ja",
        "slack": "ja",
        "own": "ja",
    }
    assert found.destination("hook").messages_a_minute == 6
    assert found.topics == ("arn:aws:sns:ap-northeast-1:123456789012:watches",)
    assert [one.partition(":")[0] for one in found.references] == ["env", "secretsmanager"]
    assert len({watch.digest for watch in found.watches}) == 3


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ('name = "toyota"', 'name = "To yota"', 24, "a name has up to 40"),
        ('name = "toyota"', 'nam = "toyota"', 24, "nam: is not known here"),
        ('to = ["slack"]', 'to = ["slak"]', 30, "'slak' is not a destination of the file"),
        ('"25935"', '"2593X5"', 26, "'2593X5' is not a code"),
        ('"share_buyback", ', '"buyback", ', 31, "is 'buyback': use one of"),
        ('exchanges = ["東"', 'exchanges = ["T"', 32, "is 'T': use one of 東"),
        ("xbrl = false", 'xbrl = "no"', 33, "write true, false, or one of"),
        ('"22:00-07:00"', '"22-7"', 35, "as 22:00-07:00"),
        ('"22:00-07:00"', '"22:00-22:00"', 35, "that is all day"),
        ("<= -0.3", "<= -30%", 42, "is not a number"),
        ("<= -0.3", "== -0.3", 42, "compared by one of"),
        ("net_income.change <= -0.3", "net_incom.change <= -0.3", 42, "is not a condition"),
        ('"dividend.changed"', '"dividend.changed > 0"', 42, "compared with nothing"),
        ('"env:TDNET_HOOK_SECRET"', '"geheim"', 10, "a secret never stands in the file"),
        ('host = "hooks.slack.com"', "", 14, "the address is secret: name the one host"),
        (
            f'"{SLACK}"',
            '"https://hooks.slack.com/services/T0/geheim"',
            14,
            "the address of a slack webhook is a secret itself",
        ),
        ("https://hooks.example.com", "http://hooks.example.com", 9, "is plain HTTP"),
        ("https://hooks.example.com", "https://me:pw@hooks.example.com", 9, "before an @"),
        ("arn:aws:sns:ap-northeast-1:123456789012:watches", "watches", 5, "write its ARN"),
        ('form = "plain"', 'form = "teams"', 20, "use one of json, plain"),
        ("{subject}", "{subject.x}", 21, "there is no place"),
        ("{count}", "{0}", 21, "there is no place"),
        ("{{x}}", "{x", 21, "write a brace that is meant as such twice"),
        ("messages_a_minute = 6", "messages_a_minute = 0", 11, "1 to 60"),
        ('name = "buybacks"', 'name = "toyota"', 29, "the name is there twice"),
        ("title = '自己株式 -\"取得状況\"'", "title = '-取得状況'", 34, "title"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(before, after, line, words):
    assert before in EVERYTHING

    problems = _problems(EVERYTHING.replace(before, after, 1))

    assert any(one.startswith(f"line {line}: ") and words in one for one in problems), problems


def test_all_problems_are_told_at_once_and_a_broken_toml_with_its_place():
    text = EVERYTHING.replace("xbrl = false", "xbrl = 1").replace("= 6", '= "6"')

    assert [one.split(":")[0] for one in _problems(text)] == ["line 11", "line 33"]
    assert "line 3" in _problems('language = "ja"\n\n[destinations\n')[0]


@pytest.mark.parametrize(
    "text",
    ["destinations = 3\n", '[destinations]\na = "arn"\n', 'destinations = ["a"]\n'],
)
def test_a_destination_that_is_not_a_table_is_said_so(text):
    assert any("[destinations.NAME]" in problem for problem in _problems(text))


@pytest.mark.parametrize("text", ["watches = 3\n", "watches = [1]\n", '[watches]\nname = "x"\n'])
def test_a_watch_that_is_not_a_table_of_the_list_is_said_so(text):
    assert any("[[watches]]" in problem for problem in _problems(text))


def test_a_secret_that_stands_in_the_file_is_in_no_message():
    for reference in ("env:TDNET_HOOK_SECRET", SLACK):
        for secret in ("xoxb-very-secret", "https://x/very-secret", "https://x/very-secret#"):
            told = _problems(EVERYTHING.replace(f'"{reference}"', f'"{secret}"'))
            assert "very-secret" not in str(told)


def test_a_watch_that_asks_for_nothing_is_refused_and_an_empty_file_watches_nothing():
    text = '[destinations.a]\ntopic = "arn:aws:sns:r:1:n"\n[[watches]]\nname = "x"\nto = ["a"]\n'

    assert "line 4: watch x: name: watches nothing" in _problems(text)[0]
    assert read_watch_file("").watches == ()


def test_other_quiet_hours_are_no_other_watch_and_another_condition_is():
    digests = {
        read_watch_file(EVERYTHING.replace(*change)).watches[1].digest
        for change in (
            ("", ""),
            ("22:00-", "21:00-"),
            ("xbrl = false", "xbrl = true"),
        )
    }

    assert len(digests) == 2


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text):
    with suppress(WatchFileError):
        assert read_watch_file(text).watches == ()


def test_a_long_or_deep_file_is_refused_in_no_time():
    begun = time.process_time()
    for text in ("[" * 100_000, "a = " + "[" * 50_000, "x" * 2_000_000, "[a" + ".b" * 4_000 + "]"):
        assert _problems(text)
    assert time.process_time() - begun < 5
