"""A notice is told once, whoever writes and in what order."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from tdnet_assets.resources.aws.notices_table import (
    CLAIMED,
    SENT,
    TO_TELL,
    UNDELIVERABLE,
    NoticeItem,
    NoticesResource,
    told_events,
)
from tdnet_assets_tests.resources.notices.notices import DAY, item

NOW = datetime.now(UTC)
FAR = NOW + timedelta(days=400)


@pytest.fixture
def table(platform) -> NoticesResource:
    return NoticesResource(config=platform)


def test_an_item_says_everything_of_a_notice_again(table):
    one = item(first_tried_at=NOW, sent_at=NOW, attempts=3, repeated=True, error="x", claim="c")

    table.add([one])

    assert table.get(one.id) == one
    assert table.of_day(DAY) == [one]


def test_what_is_there_is_never_put_again(table):
    one = item()

    assert table.add([one, item(1)]) == 2
    claimed = table.claim(one, NOW)
    assert table.add([one, item(2)]) == 1

    assert table.get(one.id) == claimed


def _sender(table, sent, name, to):
    """A sender that may be stopped before any of its steps: look, claim, send, confirm."""
    seen = table.in_turn(TO_TELL, to, FAR) or table.in_turn(CLAIMED, to, FAR)
    yield
    claimed = [mine for one in seen if (mine := table.claim(one, NOW))]
    yield
    sent += [(one.id, one.repeated, name) for one in claimed]
    yield
    for one in claimed:
        table.confirm(one, NOW)


ORDERS = [
    [0 if place in firsts else 1 for place in range(8)] for firsts in combinations(range(8), 4)
]


@pytest.mark.slow
def test_of_two_senders_one_sends_in_every_order_of_their_steps(table):
    """A claim that the other one saw is taken for an abandoned one here, without any patience."""
    for number, order in enumerate(ORDERS):
        to, sent = f"hook-{number}", []
        table.add([item(destination=to)])
        senders = [_sender(table, sent, name, to) for name in "ab"]
        for turn in order:
            next(senders[turn], None)

        assert Counter(repeated for _, repeated, _ in sent)[False] == 1, order
    assert len(ORDERS) == 70
    assert {one.state for one in table.of_day(DAY)} == {SENT}


def test_a_sender_killed_at_any_step_loses_nothing_and_what_is_repeated_says_so(table):
    for steps in range(5):
        to, sent = f"hook-{steps}", []
        table.add([item(destination=to)])
        killed, other = (_sender(table, sent, name, to) for name in ("killed", "other"))
        for _ in range(steps):
            next(killed, None)
        for _ in range(4):
            next(other, None)

        repeated = [repeated for _, repeated, name in sent if name == "other"]
        assert repeated == ([] if steps == 4 else [steps >= 2]), steps
    assert {one.state for one in table.of_day(DAY)} == {SENT}


def test_who_was_taken_over_can_neither_confirm_nor_release_nor_give_up(table):
    table.add([item()])
    first = table.claim(item(), NOW)
    second = table.claim(first, NOW)

    assert second.repeated
    assert second.attempts == 2
    assert not table.confirm(first, NOW)
    assert not table.release(first, error="", not_before=NOW, unconfirmed=False)
    assert not table.give_up(first, error="", unconfirmed=False)
    assert table.confirm(second, NOW)


def test_a_try_in_vain_waits_for_its_turn_and_one_that_failed_has_none(table):
    table.add([item(), item(1)])
    first, second = (table.claim(item(number), NOW) for number in (0, 1))
    later = NOW + timedelta(hours=1)

    assert table.release(first, error="busy" * 500, not_before=later, unconfirmed=True)
    assert table.give_up(second, error="gone", unconfirmed=False)

    assert table.in_turn(TO_TELL, "hook", later - timedelta(seconds=1)) == []
    (due,) = table.in_turn(TO_TELL, "hook", later)
    assert (due.repeated, len(due.error), due.attempts) == (True, 500, 1)
    assert {one.state for one in table.of_day(DAY)} == {TO_TELL, UNDELIVERABLE}
    assert table.in_turn(CLAIMED, "hook", FAR) == []


def test_a_write_whose_answer_was_lost_is_known_for_one_s_own(table):
    table.add([item()])
    claimed = table.claim(item(), NOW)
    table.confirm(claimed, NOW)

    assert table.confirm(claimed, NOW)  # as the SDK's second attempt
    assert not table.confirm(replace(claimed, claim="another"), NOW)


def test_the_marks_of_the_table_keep_their_first_word_and_are_no_notices(table):
    assert table.marker() is None
    table.set_marker(NOW, restored=False)
    table.set_marker(FAR, restored=True)
    since = [
        table.watched_since("w", digest, at) for digest, at in (("a", NOW), ("a", FAR), ("b", FAR))
    ]

    assert (table.marker().made_at, table.marker().restored) == (NOW, False)
    assert since == [NOW, NOW, FAR]
    assert table.last_beat() == ""
    table.beat()
    first = table.last_beat()
    table.beat()
    assert "" != first != table.last_beat()
    table.end_beat()
    assert table.last_beat() == ""
    assert table.of_day(DAY) == []


def test_what_was_told_is_by_watch_disclosure_and_destination():
    found = told_events([item(titles=1), item(destination="mail"), item(3)])

    assert found["all", "20260610000000", "hook"] == {"published": 1}
    assert len(found) == 3
    assert isinstance(item(), NoticeItem)
