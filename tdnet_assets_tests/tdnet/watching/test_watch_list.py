"""Whether a disclosure is what is watched, and what is then to be told of it."""

from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal

import pytest

from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.watching.figure_conditions import FigureCondition, WatchedFigure
from tdnet_assets.tdnet.watching.watch_file import read_watch_file
from tdnet_assets.tdnet.watching.watch_list import WatchedDisclosure, due_events
from tdnet_assets_tests.lake_days import disclosure
from tdnet_assets_tests.tdnet.watching.watch_files import EVERYTHING

DAY = date(2026, 6, 10)
TOYOTA, BUYBACKS, COLLAPSES = read_watch_file(EVERYTHING).watches


class Texts(dict):
    """Pages by their number."""

    def find(self, query):
        return next((number for number, text in self.items() if query.matches(text)), None)


def _row(**changes):
    return WatchedDisclosure(disclosure(DAY, 1, **changes))


def _figure(subject, before, after, rate=None, turn=None):
    values = (None if one is None else Decimal(str(one)) for one in (before, after, rate))
    return WatchedFigure(subject, *values, turn)


def test_a_code_is_the_whole_code_and_four_characters_are_the_ordinary_share():
    fitting = [
        code for code in ("72030", "72035", "25930", "25935") if TOYOTA.fits(_row(code=code))
    ]

    assert fitting == ["72030", "25935"]


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"title": "自己株式の取得状況に関するお知らせ"}, False),
        ({"title": "ｼﾞｺ自己株式の消却に関するお知らせ"}, True),
        ({"title": "剰余金の配当に関するお知らせ"}, False),
        ({"exchanges": ("名",)}, False),
        ({"exchanges": ("名", "東")}, True),
        ({"xbrl_url": "http://x/1.zip", "xbrl_kind": "earnings"}, False),
        ({"status": "retitled"}, True),
    ],
)
def test_conditions_of_every_kind_must_hold(changes, fits):
    row = _row(**{"title": "自己株式の取得に関するお知らせ", **changes})

    assert BUYBACKS.fits(row) is fits


def test_text_and_figures_match_when_they_are_read_and_not_before():
    row = disclosure(DAY, 1, xbrl_url="http://x/1.zip", xbrl_kind="revision")
    pages = Texts({1: "無関係", 7: "重要な継続企業\nの前 提に関する注記"})
    loss = [_figure("forecast_revision.net_income", 100, 70, "-0.3")]
    cases = [
        (WatchedDisclosure(row), [True, None, None]),
        (WatchedDisclosure(row, pages=Texts()), [True, None, None]),
        (WatchedDisclosure(row, pages=pages), [True, True, None]),
        (WatchedDisclosure(row, pages=Texts({1: "無関係"}), figures=loss), [True, False, True]),
        (WatchedDisclosure(row, pages=pages, figures=loss), [True, True, True]),
    ]

    assert [[one.holds for one in COLLAPSES.verdicts(subject)] for subject, _ in cases] == [
        wanted for _, wanted in cases
    ]
    assert [COLLAPSES.fits(subject) for subject, _ in cases] == [False, False, False, False, True]
    assert [one.seen for one in COLLAPSES.verdicts(cases[4][0])] == [
        "revision",
        "page 7",
        "forecast_revision.net_income 100 to 70 (-30.0%)",
    ]


@pytest.mark.parametrize(
    ("condition", "figure", "met"),
    [
        ("forecast_revision.net_income.change <= -0.3", (100, 70, "-0.3"), True),
        ("forecast_revision.net_income.change < -0.3", (100, 70, "-0.3"), False),
        ("forecast_revision.net_income.change <= -0.3", (100, -5, "-1.05", "to_loss"), True),
        ("forecast_revision.net_income.change <= -0.3", (-5, -9, None, "larger_loss"), False),
        ("forecast_revision.net_income.larger_loss", (-5, -9, None, "larger_loss"), True),
        ("forecast_revision.net_income.to_loss", (-5, -9, None, "larger_loss"), False),
        ("forecast_revision.eps.change <= -0.3", (100, 70, "-0.3"), False),
        ("surprise.net_income <= -0.3", (100, 70, "-0.3"), False),
    ],
)
def test_a_condition_is_met_by_its_own_figure_alone(condition, figure, met):
    subject = "forecast_revision.net_income"

    assert FigureCondition.parse(condition).met_by(_figure(subject, *figure)) is met


def test_a_dividend_has_changed_when_it_is_another_or_was_taken_back():
    changed = FigureCondition.parse("dividend.changed")

    assert changed.met_by(_figure("dividend", 10, 12, "0.2"))
    assert changed.met_by(_figure("dividend", 10, None))
    assert not changed.met_by(_figure("dividend", 10, 10, 0))


def test_what_was_told_is_told_again_only_when_it_is_retitled_or_deleted():
    row = disclosure(DAY, 1, code="72030")
    once = replace(row, title="訂正", previous_titles=("a",), status="retitled")
    twice = replace(once, previous_titles=("a", "b"))
    gone = replace(twice, status="deleted")

    def due(listed, **told):
        return due_events(TOYOTA, WatchedDisclosure(listed), told)

    assert due(row) == ["published"]
    assert due(row, published=0) == []
    assert due(once, published=0) == ["retitled-1"]
    assert due(once) == ["published"]
    assert due(once, published=1) == []
    assert due(twice, **{"published": 0, "retitled-1": 1}) == ["retitled-2"]
    assert due(gone, **{"published": 0, "retitled-1": 1}) == ["retitled-2", "deleted"]
    assert due(gone, published=2, deleted=2) == []
    assert due(gone) == []


def test_a_retitling_is_told_also_when_the_new_title_would_not_match():
    row = disclosure(DAY, 1, title="取消", previous_titles=("自己株式の取得",), status="retitled")

    assert due_events(BUYBACKS, WatchedDisclosure(row), {}) == []
    assert due_events(BUYBACKS, WatchedDisclosure(row), {"published": 0}) == ["retitled-1"]


@pytest.mark.parametrize(
    ("at", "sent_at"),
    [
        ("21:59", "21:59"),
        ("22:00", "+07:00"),
        ("23:30", "+07:00"),
        ("06:59", "07:00"),
        ("07:00", "07:00"),
    ],
)
def test_quiet_hours_go_over_midnight_and_end_on_time(at, sent_at):
    moment = datetime.combine(DAY, time.fromisoformat(at), TOKYO)

    sent = BUYBACKS.quiet.end_of(moment)

    assert f"{'+' if sent.date() > DAY else ''}{sent:%H:%M}" == sent_at
