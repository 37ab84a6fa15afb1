"""What is due is sent: gathered, at a pace, and again after a try in vain, to a real receiver."""

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as at
from functools import partial
from itertools import pairwise

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.aws_proxy import Answer, proxy
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.notices_table import (
    CLAIMED,
    SENT,
    TO_TELL,
    UNDELIVERABLE,
    NoticesResource,
)
from tdnet_assets.resources.notices.delivery import SIGNATURE, Delivery
from tdnet_assets.resources.notices.sender import CLAIM_LEASE, NoticeSender, Pass
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.watching.watch_list import Destination, QuietHours, Watch, WatchList
from tdnet_assets_tests.automation.topics import Topic
from tdnet_assets_tests.resources.notices import receivers
from tdnet_assets_tests.resources.notices.notices import DAY, item, to_hooks
from tdnet_assets_tests.resources.notices.receivers import answer, receiving


class Clock:
    """A clock that stands still until it is moved; both of a sender's."""

    def __init__(self):
        self.moment = datetime.now(UTC)
        self.seconds = 1_000.0

    def go(self, seconds):
        self.moment += timedelta(seconds=seconds)
        self.seconds += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_sender(platform, table, clock):
    def make(deadline=0.5, table=table):
        delivery = Delivery(platform, deadline_seconds=deadline)
        return NoticeSender(
            table, delivery, clock=lambda: clock.moment, monotonic=lambda: clock.seconds
        )

    return make


@pytest.fixture
def sender(make_sender):
    return make_sender()


def _states(table):
    return sorted(one.state for one in table.of_day(DAY))


def test_a_burst_is_gathered_to_messages_of_twenty_at_the_pace_of_the_destination(
    table, sender, hook, clock
):
    watches = WatchList((), {"hook": Destination("hook", address=hook.address)})
    table.add(item(number) for number in range(45))
    clock.go(1)

    passes = [sender.send_due(watches) for _ in range(2)]
    clock.go(59)
    passes.append(sender.send_due(watches))
    for _ in range(2):
        clock.go(61)
        passes.append(sender.send_due(watches))

    assert [one.sent for one in passes] == [20, 0, 0, 20, 5]
    assert [json.loads(body)["waiting"] for body in hook.bodies] == [25, 5, 0]
    assert len(set(hook.ids)) == len(hook.ids) == 45
    assert _states(table) == [SENT] * 45


@pytest.mark.parametrize(
    ("behaviour", "announced"),
    [
        (partial(answer, status=500), True),
        (partial(answer, status=410), False),
        (receivers.closes, True),
        (receivers.babbles, True),
        (lambda handler: time.sleep(2), True),
    ],
    ids=["500", "410", "closes", "babbles", "slow"],
)
def test_what_was_not_taken_is_sent_again_and_announced_if_it_may_have_been(
    table, sender, hook, clock, behaviour, announced
):
    watches = to_hooks(hook=hook.address)
    table.add([item()])
    hook.behave = behaviour

    assert sender.send_due(watches) == Pass(put_off=1)
    assert sender.send_due(watches) == Pass()
    hook.behave = receivers.ok
    clock.go(31)
    assert sender.send_due(watches) == Pass(messages=1, sent=1)

    assert [one["repeated"] for one in hook.told] == [False, announced]
    assert _states(table) == [SENT]


@pytest.mark.slow
def test_retry_after_is_obeyed_and_pauses_grow_until_a_day_is_over(table, sender, hook, clock):
    watches = to_hooks(hook=hook.address)
    table.add([item()])
    hook.behave = partial(answer, status=429, Retry_After="7000")
    tries = []
    minutes = 0
    while _states(table) == [TO_TELL]:
        if sender.send_due(watches) != Pass():
            tries.append(minutes)
            hook.behave = partial(answer, status=503)
        step = 1 if minutes < 150 else 60  # the pauses no longer grow by then
        minutes += step
        clock.go(60 * step)

    assert _states(table) == [UNDELIVERABLE]
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps[0] == 117
    assert gaps[1:5] == [1, 2, 5, 15]
    assert set(gaps[5:]) <= {*range(60, 121)}
    assert 24 * 60 <= tries[-1] <= 26 * 60
    (failed,) = table.of_day(DAY)
    assert "answered 503" in failed.error
    assert failed.attempts == len(tries)


@pytest.mark.slow
def test_in_quiet_hours_nothing_is_sent_whatever_was_due_before_them(table, sender, hook, clock):
    clock.moment = datetime(2026, 6, 10, 21, 59, 30, tzinfo=TOKYO)
    quiet = Watch("quiet", ("hook",), quiet=QuietHours(at(22), at(7)))
    watches = WatchList((quiet,), to_hooks(hook=hook.address).destinations)
    due = clock.moment - timedelta(minutes=1)
    by_night = replace(item().notice, watch="quiet")
    table.add(
        item(destination="hook", notice=notice, due_at=due, not_before=due, seen_at=due)
        for notice in (
            *(replace(by_night, disclosure_id=f"20260610{n:06d}") for n in range(120)),
            item(900).notice,
        )
    )
    hook.behave = partial(answer, status=503)
    assert sender.send_due(watches).put_off == 20  # before they begin
    hook.behave = receivers.ok
    told = len(hook.told)

    while clock.moment < datetime(2026, 6, 11, 6, 45, tzinfo=TOKYO):
        clock.go(60 * (1 if clock.moment.hour == 22 else 10))
        sender.send_due(watches)
    at_night = {one["watch"] for one in hook.told[told:]}
    for _ in range(20):
        clock.go(120)
        sender.send_due(watches)

    assert at_night == {"all"}
    assert len(set(hook.ids)) == 121
    assert _states(table) == [SENT] * 121


@pytest.mark.slow
def test_a_table_that_takes_no_writes_for_a_while_loses_nothing_and_repeats_what_it_says(
    platform, table, hook, clock
):
    refused = []

    def full(request, send):
        is_write = any(name in request.headers.get("x-amz-target", "") for name in ("Put", "Upd"))
        if is_write and refused and refused.pop():
            body = b'{"__type": "com.amazonaws#ProvisionedThroughputExceededException"}'
            return Answer(400, [("Content-Type", "application/x-amz-json-1.0")], body)
        return send()

    watches = to_hooks(hook=hook.address)
    with proxy(platform.aws_endpoint_url, full) as address:
        config = platform.changed(aws_endpoint_url=address)
        full_table = NoticesResource(config=config, attempts=2)
        sender = NoticeSender(
            full_table,
            Delivery(platform),
            clock=lambda: clock.moment,
            monotonic=lambda: clock.seconds,
        )
        refused[:] = [True] * 60
        with pytest.raises(ClientError, match="Throughput"):
            full_table.add([item(), item(1)])
        refused.clear()
        full_table.add([item(), item(1)])
        refused[:] = [True] * 60
        with pytest.raises(ClientError, match="Throughput"):
            sender.send_due(watches)  # no claim, so nothing is sent
        assert hook.bodies == []
        # The claims succeed, and what was sent cannot be confirmed.
        refused[:] = [*([True] * 60), False, False]
        with pytest.raises(ClientError, match="Throughput"):
            sender.send_due(watches)
        refused.clear()
        for _ in range(8):
            clock.go(CLAIM_LEASE.total_seconds() / 6)
            sender.send_due(watches)

    assert _states(table) == [SENT, SENT]
    by_id = {}
    for one in hook.told:
        by_id.setdefault(one["id"], []).append(one["repeated"])
    assert sorted(by_id.values()) == [[False, True], [False, True]]


class Turns:
    """Lets senders take one step at a time, in a given order; who is killed stops before a step."""

    def __init__(self, order, killed_at):
        self._order, self._killed_at = list(order), killed_at
        self._changed = threading.Condition()
        self._over = set()
        self._steps = Counter()

    def step(self, name):
        with self._changed:
            if self._steps[name] == self._killed_at.get(name):
                self._over.add(name)
                self._changed.notify_all()
                raise SystemExit
            assert self._changed.wait_for(lambda: self._next() in (name, None), timeout=20)
            if self._order:
                self._order.pop(0)
            self._steps[name] += 1
            self._changed.notify_all()

    def end(self, name):
        with self._changed:
            self._over.add(name)
            self._changed.notify_all()

    def _next(self):
        while self._order and self._order[0] in self._over:
            self._order.pop(0)
        return self._order[0] if self._order else None


def _stepping(platform, turns, name):
    """A table and a delivery that wait for their turn before each of their steps."""

    class Table(NoticesResource):
        def in_turn(self, state, destination, until, *, limit=None):
            turns.step(name)
            return super().in_turn(state, destination, until, limit=limit)

        def claim(self, seen, now):
            turns.step(name)
            return super().claim(seen, now)

        def confirm(self, claimed, now):
            turns.step(name)
            return super().confirm(claimed, now)

    class Post(Delivery):
        def send(self, to, message):
            turns.step(name)
            super().send(to, message)

    return Table(config=platform), Post(platform)


@settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_in_any_order_of_their_steps_two_real_senders_one_of_them_killed_tell_once_or_say_so(
    platform, table, hook, data
):
    order = data.draw(st.lists(st.sampled_from("ab"), min_size=4, max_size=24), label="order")
    killed_at = data.draw(
        st.dictionaries(st.just("a"), st.integers(0, 9), max_size=1), label="killed at"
    )
    run = f"hook-{time.monotonic_ns()}"
    table.add(item(number, destination=run) for number in range(2))
    watches, clock = to_hooks(**{run: hook.address}), Clock()
    before, turns = len(hook.told), Turns(order, killed_at)

    def send(name):
        own, post = _stepping(platform, turns, name)
        sender = NoticeSender(
            own, post, clock=lambda: clock.moment, monotonic=lambda: clock.seconds
        )
        try:
            with suppress(SystemExit):
                sender.send_due(watches)
        finally:
            turns.end(name)

    threads = [threading.Thread(target=send, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    later = NoticeSender(
        table, Delivery(platform), clock=lambda: clock.moment, monotonic=lambda: clock.seconds
    )
    for _ in range(8):
        later.send_due(watches)
        clock.go(CLAIM_LEASE.total_seconds() / 6)

    told = {}
    for one in hook.told[before:]:
        told.setdefault(one["id"], []).append(one["repeated"])
    assert len(told) == 2
    for repeated in told.values():
        assert repeated.count(False) <= 1
        if not killed_at:
            assert repeated == [False]
    assert {one.state for one in table.of_day(DAY) if one.destination == run} == {SENT}


@pytest.mark.slow
def test_a_dead_destination_costs_a_try_now_and_then_and_keeps_no_other_waiting(
    table, sender, hook, clock
):
    with receiving() as slow:
        slow.behave = receivers.drips
        watches = to_hooks(slow=slow.address, hook=hook.address)
        table.add(item(number, destination="slow") for number in range(60))
        table.add(item(number) for number in range(60, 100))
        ends = time.monotonic() + 8
        while len(hook.told) < 40 and time.monotonic() < ends:
            done = sender.send_due(watches, seconds=0.3)
            clock.go(1.1 if done.messages else 0)

        assert len(hook.told) == 40
        assert len(slow.bodies) == 1


def test_a_claim_is_taken_over_after_it_was_seen_unchanged_for_the_lease(
    table, make_sender, hook, clock
):
    watches = to_hooks(hook=hook.address)
    table.add([item()])
    table.claim(item(), clock.moment)  # by somebody who was killed then
    sender = make_sender()

    for _ in range(6):
        assert sender.send_due(watches) == Pass()
        clock.go(CLAIM_LEASE.total_seconds() / 6)
    done = sender.send_due(watches)

    assert done.sent == 1
    assert [one["repeated"] for one in hook.told] == [True]


def test_a_sender_that_slept_counts_little_of_it_and_one_that_slept_since_its_claim_sends_nothing(
    platform, table, make_sender, hook, clock
):
    watches = to_hooks(hook=hook.address)
    table.add([item()])
    table.claim(item(), clock.moment)
    sender = make_sender()
    sender.send_due(watches)
    clock.go(10_000)
    assert sender.send_due(watches) == Pass()

    table.add([item(1)])

    class SleepsBehindItsClaims(NoticesResource):
        def claim(self, seen, now):
            claimed = super().claim(seen, now)
            clock.go(31)
            return claimed

    sleepy = make_sender(table=SleepsBehindItsClaims(config=platform))
    assert sleepy.send_due(watches).put_off == 1
    assert hook.bodies == []


@pytest.mark.slow
def test_two_senders_at_once_send_everything_once(table, make_sender, hook, clock):
    watches = to_hooks(hook=hook.address)
    table.add(item(number) for number in range(90))
    clock.go(1)
    senders = [make_sender(5) for _ in range(3)]

    def run(sender):
        for _ in range(6):
            sender.send_due(watches)

    threads = [threading.Thread(target=run, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(hook.ids) == sorted(set(hook.ids))
    assert len(hook.ids) == 90
    assert _states(table) == [SENT] * 90


def test_a_webhook_is_signed_and_its_secret_is_nowhere(
    platform, table, make_sender, hook, monkeypatch, caplog, clock
):
    monkeypatch.setenv("TDNET_HOOK_SECRET", "geheim")
    to = Destination("hook", address=hook.address, secret="env:TDNET_HOOK_SECRET")
    table.add([item()])
    sender = make_sender(5)
    sender.send_due(WatchList((), {"hook": to}))

    stamp, _, mark = hook.headers[0][SIGNATURE].removeprefix("t=").partition(",v1=")
    signed = hmac.new(b"geheim", f"{stamp}.".encode() + hook.bodies[0], hashlib.sha256)
    assert mark == signed.hexdigest()
    assert abs(int(stamp) - time.time()) < 60
    hook.behave = partial(answer, status=400)
    table.add([item(1)])
    clock.go(61)
    sender.send_due(WatchList((), {"hook": to}))
    assert "answered 400" in caplog.text
    assert "geheim" not in caplog.text + str(table.of_day(DAY))


def test_a_secret_that_cannot_be_had_puts_the_notice_off_and_says_which(table, sender):
    to = Destination("hook", address="env:NOT_THERE", host="h.example.com", form="slack")
    table.add([item()])

    assert sender.send_due(WatchList((), {"hook": to})).put_off == 1

    (put_off,) = table.of_day(DAY)
    assert put_off.state == TO_TELL
    assert "env:NOT_THERE is not set" in put_off.error
    assert not put_off.repeated


def test_secrets_of_aws_are_found_by_their_reference(platform, table, make_sender, hook):
    managed = clients.client(platform, "secretsmanager").create_secret(
        Name=f"hook-{platform.bucket}", SecretString=hook.address
    )
    clients.client(platform, "ssm").put_parameter(
        Name=f"/{platform.bucket}/secret", Value="geheim", Type="SecureString"
    )
    to = Destination(
        "hook",
        address=f"secretsmanager:{managed['ARN']}",
        host="127.0.0.1",
        secret=f"ssm:/{platform.bucket}/secret",
    )
    table.add([item()])

    assert make_sender(5).send_due(WatchList((), {"hook": to})).sent == 1
    assert SIGNATURE in hook.headers[0]


def test_a_topic_gets_plain_text_and_one_that_is_gone_is_tried_again(platform, table, make_sender):
    topic = Topic(platform)
    table.add([item(), item(1, destination="gone")])
    watches = WatchList(
        (),
        {
            "hook": Destination("hook", topic=topic.arn, language="ja"),
            "gone": Destination("gone", topic=f"{topic.arn}-gone"),
        },
    )

    done = make_sender(5).send_due(watches)

    assert (done.sent, done.put_off) == (1, 1)
    (message,) = topic.received(1)
    topic.close()
    assert message["Subject"] == "TDnet: 1 disclosure: 72030"
    assert message["Message"].startswith("TDnet: 開示 1件\n\n06-10 15:30 72030 見本\n題 0")
    gone = next(one for one in table.of_day(DAY) if one.destination == "gone")
    assert (gone.state, gone.error, gone.repeated) == (TO_TELL, "SNS refused: NotFound", False)


def test_a_sender_that_was_stopped_begins_nothing_and_gives_back_what_it_had_claimed(
    table, sender, hook
):
    table.add([item()])
    sender.stop()

    assert sender.send_due(to_hooks(hook=hook.address)) == Pass()
    assert _states(table) == [TO_TELL]
    assert CLAIMED not in _states(table)


@pytest.mark.slow
def test_of_ten_thousand_matches_in_a_burst_none_is_lost_or_told_twice(table, sender, hook, clock):
    watches = to_hooks(hook=hook.address)
    assert table.add(item(number) for number in range(10_000)) == 10_000
    clock.go(1)

    for _ in range(25):
        assert sender.send_due(watches).sent == 20
        clock.go(1.1)

    assert len(set(hook.ids)) == len(hook.ids) == 500
    left = {one.id for one in table.in_turn(TO_TELL, "hook", clock.moment)}
    assert len(left) == 9_500
    assert not any(f"{told}/hook" in left for told in hook.ids)
