"""Sending what is due: claims, messages, confirmations, and pauses where a try was in vain.

What belongs here: one pass over what is due, and what is remembered between passes. What does not:
when passes are made (``watch_desk.py``, ``automation/notice_sending.py``), and the protocols
(``delivery.py``).

Every destination has a thread of its own in a pass, so that a slow one keeps nobody waiting, and is
left alone for growing pauses after a try in vain, so that a dead one costs a try now and then.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tdnet_assets.resources.aws.notices_table import CLAIMED, TO_TELL, NoticeItem, NoticesResource
from tdnet_assets.resources.notices.delivery import Delivery
from tdnet_assets.resources.notices.webhooks import DeliveryError
from tdnet_assets.tdnet.watching.notice_text import MOST_NOTICES, message_of
from tdnet_assets.tdnet.watching.watch_list import Destination, WatchList

_LOGGER = logging.getLogger(__name__)

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 900, 3600))
"""After a try in vain, by the number of tries in a row."""
GIVEN_UP_AFTER = timedelta(days=1)
CLAIM_LEASE = timedelta(seconds=120)
"""How long one observer must see a claim unchanged before its sender is taken for dead: far longer
than a message takes."""
LONGEST_CLAIM_SECONDS = 30.0
"""A sender that was suspended for longer since its claim gives it back, and sends nothing."""
_LOOKED_AT = 100
_MINUTE = 60.0


@dataclass(slots=True)
class _Memory:
    """What a sender remembers of a destination, by the monotonic clock."""

    in_vain: int = 0
    held_until: float = 0.0
    sent: list[float] = field(default_factory=list)
    claims: dict[str, tuple[str, float]] = field(default_factory=dict)
    looked_at: float = 0.0

    def may_send(self, now: float, messages_a_minute: int) -> bool:
        """Whether it is not held, and has not had its messages of this minute."""
        self.sent = [moment for moment in self.sent if now - moment < _MINUTE]
        return now >= self.held_until and len(self.sent) < messages_a_minute


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass over the due notices did: messages, notices sent, put off, and given up."""

    messages: int = 0
    sent: int = 0
    put_off: int = 0
    failed: int = 0

    def __add__(self, other: "Pass") -> "Pass":
        return Pass(
            self.messages + other.messages,
            self.sent + other.sent,
            self.put_off + other.put_off,
            self.failed + other.failed,
        )


class NoticeSender:
    """Sends what is due, in passes; of one process there is one.

    Args:
        table: the notices.
        delivery: speaks to the destinations.
        clock: the present, aware.
        monotonic: seconds that never go back, for everything that is waited for.
    """

    def __init__(
        self,
        table: NoticesResource,
        delivery: Delivery,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._delivery = delivery
        self._clock = clock
        self._monotonic = monotonic
        self._memories: dict[str, _Memory] = {}
        self._going: dict[str, Future[Pass]] = {}
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Begin no further message; what is being sent ends within the delivery's deadline."""
        self._stopping.set()

    def send_due(self, watches: WatchList, *, seconds: float = 30.0) -> Pass:
        """One pass: at most one message to each destination, the destinations beside each other.

        Args:
            watches: which destinations there are.
            seconds: how long it waits for them; who is slower goes on, and is left out of the
                next passes until done.

        Raises:
            botocore.exceptions.ClientError: the table refuses, or ``BotoCoreError``.
        """
        self._going = {name: going for name, going in self._going.items() if not going.done()}
        begun = []
        for to in (watches.destinations or {}).values():
            if to.name not in self._going and not self._stopping.is_set():
                self._going[to.name] = self._begin(to, watches)
                begun.append(self._going[to.name])
        done, _ = wait(begun, timeout=seconds)
        return sum((going.result() for going in done), Pass())

    def _begin(self, to: Destination, watches: WatchList) -> Future[Pass]:
        """A thread that a process at its end does not wait for: the claim tells of what it did."""
        going: Future[Pass] = Future()

        def run() -> None:
            try:
                going.set_result(self._send_to(to, watches))
            except BaseException as error:  # noqa: BLE001 - it is raised where the pass is
                going.set_exception(error)

        threading.Thread(target=run, name=f"notices to {to.name}", daemon=True).start()
        return going

    def _send_to(self, to: Destination, watches: WatchList) -> Pass:
        memory = self._memories.setdefault(to.name, _Memory())
        if not memory.may_send(self._monotonic(), to.messages_a_minute):
            return Pass()
        now = self._clock()
        due = self._table.in_turn(TO_TELL, to.name, now, limit=_LOOKED_AT)
        due += self._abandoned(memory, to.name, now)
        due = [one for one in due if self._may_be_told(one, watches, now)]
        if not due:
            return Pass()
        in_order = sorted(due, key=lambda one: (one.notice.published_at, one.id))
        first = in_order[: _as_many_as_fit(in_order, to)]
        claimed_at = self._monotonic()
        claimed = [mine for one in first if (mine := self._table.claim(one, self._clock()))]
        if not claimed:
            return Pass()
        try:
            self._send(to, claimed, len(in_order) - len(claimed), claimed_at)
        except DeliveryError as error:
            return self._in_vain(memory, claimed, error)
        memory.in_vain = 0
        memory.sent.append(self._monotonic())
        confirmed = sum(self._table.confirm(one, self._clock()) for one in claimed)
        return Pass(messages=1, sent=confirmed)

    def _send(
        self, to: Destination, claimed: Sequence[NoticeItem], waiting: int, claimed_at: float
    ) -> None:
        told = [replace(one.notice, repeated=one.repeated) for one in claimed]
        message = message_of(told, to, waiting=waiting)
        if self._stopping.is_set() or self._monotonic() - claimed_at > LONGEST_CLAIM_SECONDS:
            raise DeliveryError("not tried: this process was about to end, or had been suspended")
        self._delivery.send(to, message)

    def _may_be_told(self, one: NoticeItem, watches: WatchList, now: datetime) -> bool:
        """Whether it is not quiet for its watch: what was due before and is late waits as well."""
        watch = watches.watch(one.notice.watch)
        until = watch.quiet.end_of(now) if watch and watch.quiet else now
        if until > now and one.state == TO_TELL:
            self._table.defer(one, until)
        return until <= now

    def _in_vain(
        self, memory: _Memory, claimed: Sequence[NoticeItem], error: DeliveryError
    ) -> Pass:
        memory.in_vain += 1
        pause = PAUSES[min(memory.in_vain, len(PAUSES)) - 1]
        if error.retry_after is not None:
            pause = max(pause, timedelta(seconds=error.retry_after))
        memory.held_until = self._monotonic() + pause.total_seconds()
        now = self._clock()
        failed = 0
        for one in claimed:
            tried_for = now - (one.first_tried_at or now)
            own_pause = max(pause, PAUSES[min(one.attempts, len(PAUSES)) - 1])
            if tried_for >= GIVEN_UP_AFTER:
                failed += self._table.give_up(one, error=str(error), unconfirmed=error.unconfirmed)
            else:
                self._table.release(
                    one,
                    error=str(error),
                    not_before=now + min(own_pause, GIVEN_UP_AFTER),
                    unconfirmed=error.unconfirmed,
                )
        _LOGGER.warning("%s; %d notices are put off, %d failed", error, len(claimed), failed)
        return Pass(put_off=len(claimed) - failed, failed=failed)

    def _abandoned(self, memory: _Memory, name: str, now: datetime) -> list[NoticeItem]:
        """Claims that this observer has seen unchanged for the whole lease.

        A gap between two looks counts for half of it at most: an observer that was suspended may
        have been so together with the sender.
        """
        seen = self._table.in_turn(CLAIMED, name, now, limit=_LOOKED_AT)
        moment = self._monotonic()
        lease = CLAIM_LEASE.total_seconds()
        gap = min(moment - memory.looked_at, lease / 2)
        claims: dict[str, tuple[str, float]] = {}
        for one in seen:
            claim, seconds = memory.claims.get(one.id, ("", 0.0))
            claims[one.id] = (one.claim, seconds + gap if claim == one.claim else 0.0)
        memory.claims, memory.looked_at = claims, moment
        return [one for one in seen if claims[one.id][1] >= lease]


def _as_many_as_fit(notices: Sequence[NoticeItem], to: Destination) -> int:
    """How many fit into one message, known before any of them is claimed: at its longest."""
    longest = [replace(one.notice, repeated=True) for one in notices[:MOST_NOTICES]]
    return len(message_of(longest, to, waiting=_LOOKED_AT).told)
