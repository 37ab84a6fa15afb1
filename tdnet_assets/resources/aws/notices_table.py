"""What is told to whom, in DynamoDB: one item per watch, disclosure, event and destination.

What belongs here: the items, the table's definition, and the conditional writes by which a notice
is told once. What does not: what is due (``tdnet/watching``), and sending (``resources/notices``).

An item is *due* when it matched, *claimed* while a sender sends it, and *sent*, or after a day in
vain *failed*. Each step is a write on the condition that nobody else has taken it, so of two
senders one sends. A claim whose sender fell silent is taken over, and then the message says that
it may have been sent before. Who is silent is for one observer to say, by its own monotonic clock:
here a claim is only the same as before, or not.
"""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.items import from_item, to_item
from tdnet_assets.tdnet.watching.notice_text import Notice

TO_TELL: Final = "due"
CLAIMED: Final = "claimed"
SENT: Final = "sent"
UNDELIVERABLE: Final = "failed"
SETTLED: Final = frozenset((SENT, UNDELIVERABLE))

TURN_INDEX: Final = "by_turn"
NOTICE_DAY_INDEX: Final = "by_date"
EXPIRY_ATTRIBUTE: Final = "ttl"
KEPT_FOR: Final = timedelta(days=90)

_KEY = "notice_id"
# Whose turn it is: only of what is not settled, so that the index stays small.
_TURN = "turn"
# Not the bytes of any notice: a watch's name has no #.
_MARKER = "#table"
_BEAT = "#sender"
_WATCH_SINCE = "#watch"
_WRITES_AT_ONCE = 8
_ERROR_LENGTH = 500
_RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One notice to one destination; times are aware, in UTC.

    Attributes:
        destination: its name in the watch file.
        notice: what is told.
        date: JST day whose list shows the disclosure.
        state: ``due``, ``claimed``, ``sent`` or ``failed``.
        titles: how many earlier titles the disclosure had when it was due.
        seen_at: beginning of the first capture with the row.
        due_at: when it matched.
        not_before: when it may be tried next: not in quiet hours, nor before a pause is over.
        first_tried_at: when it was first claimed.
        sent_at: when the destination had taken it.
        attempts: claims so far.
        claim: the mark of the newest claim; another one whenever it is claimed again.
        repeated: a try before may have been taken; the message says so.
        error: why the last try was in vain.
    """

    destination: str
    notice: Notice
    date: date
    state: str
    titles: int
    seen_at: datetime
    due_at: datetime
    not_before: datetime
    first_tried_at: datetime | None = None
    sent_at: datetime | None = None
    attempts: int = 0
    claim: str = ""
    repeated: bool = False
    error: str = ""

    @property
    def id(self) -> str:
        """Its key: watch, disclosure, event, destination."""
        one = self.notice
        return notice_key(one.watch, one.disclosure_id, one.event, self.destination)

    def values(self) -> dict[str, Any]:
        """The attributes of the item; it expires by this machine's clock."""
        values = {
            _KEY: self.id,
            "watch": self.notice.watch,
            "disclosure_id": self.notice.disclosure_id,
            "event": self.notice.event,
            "destination": self.destination,
            "notice": self.notice.to_text(),
            "date": str(self.date),
            "state": self.state,
            _TURN: turn_of(self.state, self.destination),
            "titles": self.titles,
            "attempts": self.attempts,
            "claim": self.claim,
            "repeated": self.repeated,
            "error": self.error,
            EXPIRY_ATTRIBUTE: int(time.time() + KEPT_FOR.total_seconds()),
        }
        for name in _MOMENTS:
            if (moment := getattr(self, name)) is not None:
                values[name] = _timestamp(moment)
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "NoticeItem":
        """The notice in an item of the attributes :meth:`values`."""
        stored = from_item(item)
        moments = {
            name: datetime.fromisoformat(stored[name]) for name in _MOMENTS if name in stored
        }
        return cls(
            destination=stored["destination"],
            notice=Notice.from_text(stored["notice"]),
            date=date.fromisoformat(stored["date"]),
            state=stored["state"],
            titles=stored["titles"],
            attempts=stored["attempts"],
            claim=stored["claim"],
            repeated=stored["repeated"],
            error=stored["error"],
            **moments,
        )


_MOMENTS = ("seen_at", "due_at", "not_before", "first_tried_at", "sent_at")


@dataclass(frozen=True, slots=True)
class TableMarker:
    """When the table's memory begins, and whether it was brought back from the lake then."""

    made_at: datetime
    restored: bool


class NoticesResource(clients.AwsResource):
    """Writes and reads the notices; safe to share between threads.

    Every method raises ``botocore.exceptions.ClientError`` or ``BotoCoreError`` when DynamoDB does
    not answer.
    """

    service: ClassVar[str] = "dynamodb"

    def marker(self) -> TableMarker | None:
        """What the table says of itself; None where it is new, or was lost."""
        values = self._get(_MARKER)
        if not values:
            return None
        return TableMarker(datetime.fromisoformat(values["made_at"]), values[_RESTORED])

    def set_marker(self, now: datetime, *, restored: bool) -> None:
        """Say that the table's memory begins now; the first word stays."""
        said = {"made_at": _timestamp(now), _RESTORED: restored}
        self._put_new({_KEY: _MARKER, **said})

    def watched_since(self, watch: str, digest: str, now: datetime) -> datetime:
        """Since when a watch watches just this: now, if nobody has heard of it before."""
        key = f"{_WATCH_SINCE}/{watch}/{digest}"
        if self._put_new({_KEY: key, "since": _timestamp(now)}):
            return now
        return datetime.fromisoformat(self._get(key)["since"])

    def beat(self) -> None:
        """Say that a session's sender is at work."""
        self.client.put_item(
            TableName=self.config.notices_table,
            Item=to_item({_KEY: _BEAT, "beat": uuid.uuid4().hex}),
        )

    def last_beat(self) -> str:
        """The newest sign of a session's sender; empty when it ended in order."""
        return str(self._get(_BEAT).get("beat", ""))

    def end_beat(self) -> None:
        """Say that the session's sender has ended."""
        self.client.delete_item(TableName=self.config.notices_table, Key=to_item({_KEY: _BEAT}))

    def add(self, notices: Iterable[NoticeItem]) -> int:
        """Put the notices that are not there yet, several at a time; how many were new."""
        with ThreadPoolExecutor(_WRITES_AT_ONCE) as pool:
            return sum(pool.map(self._add, notices))

    def claim(self, seen: NoticeItem, now: datetime) -> NoticeItem | None:
        """Claim a notice as it was seen; None when somebody else has claimed it since.

        One that was claimed when it was seen is taken over: it may have been sent.
        """
        taken_over = seen.state == CLAIMED
        return self._update(
            seen,
            {
                "state": CLAIMED,
                "claim": uuid.uuid4().hex,
                "attempts": seen.attempts + 1,
                "repeated": seen.repeated or taken_over,
                "first_tried_at": _timestamp(seen.first_tried_at or now),
            },
        )

    def confirm(self, claimed: NoticeItem, now: datetime) -> bool:
        """Say that a claimed notice was taken; False when the claim was taken over."""
        changes = {"state": SENT, "sent_at": _timestamp(now), "error": ""}
        return self._update(claimed, changes) is not None

    def release(
        self, claimed: NoticeItem, *, error: str, not_before: datetime, unconfirmed: bool
    ) -> bool:
        """Give a claim back after a try in vain, to be tried again; False when it was taken over.

        Args:
            claimed: as :meth:`claim` gave it.
            error: why, without secrets.
            not_before: when it is tried again.
            unconfirmed: the try may have been taken nevertheless.
        """
        changes = {
            "state": TO_TELL,
            "error": error[:_ERROR_LENGTH],
            "not_before": _timestamp(not_before),
            "repeated": claimed.repeated or unconfirmed,
        }
        return self._update(claimed, changes) is not None

    def defer(self, seen: NoticeItem, until: datetime) -> bool:
        """Let a due notice wait, without a try; False when somebody has claimed it since."""
        changes = {"state": TO_TELL, "not_before": _timestamp(until)}
        return self._update(seen, changes) is not None

    def give_up(self, claimed: NoticeItem, *, error: str, unconfirmed: bool) -> bool:
        """Say that a notice failed for good; False when the claim was taken over."""
        changes = {
            "state": UNDELIVERABLE,
            "error": error[:_ERROR_LENGTH],
            "repeated": claimed.repeated or unconfirmed,
        }
        return self._update(claimed, changes) is not None

    def in_turn(
        self, state: str, destination: str, until: datetime, *, limit: int | None = None
    ) -> list[NoticeItem]:
        """A destination's notices, due or claimed, whose turn is by a moment, in their order.

        The index may trail by a moment: what is then done with them is on a condition.
        """
        turn = turn_of(state, destination)
        return [
            NoticeItem.from_item(item)
            for item in self._query(
                TURN_INDEX,
                "#turn = :key AND #not_before <= :until",
                {"#turn": _TURN, "#not_before": "not_before"},
                {":key": turn, ":until": _timestamp(until)},
                limit,
            )
        ]

    def of_day(self, day: date) -> list[NoticeItem]:
        """All notices about disclosures of a JST day; the index may trail by a moment."""
        return [
            NoticeItem.from_item(item)
            for item in self._query(
                NOTICE_DAY_INDEX, "#date = :key", {"#date": "date"}, {":key": str(day)}, None
            )
        ]

    def get(self, key: str) -> NoticeItem | None:
        """A notice by its key, as of now (a consistent read)."""
        item = self._item(key)
        return NoticeItem.from_item(item) if item else None

    def _add(self, notice: NoticeItem) -> bool:
        return self._put_new(notice.values())

    def _update(self, seen: NoticeItem, changes: Mapping[str, Any]) -> NoticeItem | None:
        """Change an item if its state and claim are still as seen; the item as it is then."""
        turn = turn_of(changes["state"], seen.destination)
        changes = {**changes, **({_TURN: turn} if turn else {})}
        names = {*changes, "state", "claim", _TURN}
        assigned = ", ".join(f"#{name} = :{name}" for name in changes)
        removed = "" if turn else f" REMOVE #{_TURN}"
        wanted = {
            "TableName": self.config.notices_table,
            "Key": to_item({_KEY: seen.id}),
            "ReturnValues": "ALL_NEW",
            "UpdateExpression": f"SET {assigned}{removed}",
            "ConditionExpression": "#state = :seen_state AND #claim = :seen_claim",
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ExpressionAttributeValues": to_item(
                {
                    **{f":{name}": value for name, value in changes.items()},
                    ":seen_state": seen.state,
                    ":seen_claim": seen.claim,
                }
            ),
        }
        client = self.client
        try:
            answer = client.update_item(**wanted)
        except client.exceptions.ConditionalCheckFailedException:
            # The answer to our own write may be lost, and its repetition by the SDK refused.
            stored = self.get(seen.id)
            made = (changes["state"], changes.get("claim", seen.claim))
            return stored if stored and (stored.state, stored.claim) == made else None
        return NoticeItem.from_item(answer["Attributes"])

    def _put_new(self, values: Mapping[str, Any]) -> bool:
        """Put an item where there is none with its key; whether there was none."""
        client = self.client
        try:
            client.put_item(
                TableName=self.config.notices_table,
                Item=to_item(values),
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": _KEY},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _get(self, key: str) -> dict[str, Any]:
        return from_item(self._item(key) or {})

    def _item(self, key: str) -> Mapping[str, Any] | None:
        answer: Mapping[str, Any] = self.client.get_item(
            TableName=self.config.notices_table, Key=to_item({_KEY: key}), ConsistentRead=True
        )
        return answer.get("Item")

    def _query(
        self,
        index: str,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
        limit: int | None,
    ) -> Iterator[Mapping[str, Any]]:
        pages: Iterable[Mapping[str, Any]] = self.client.get_paginator("query").paginate(
            TableName=self.config.notices_table,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_item(values),
            PaginationConfig={"MaxItems": limit, "PageSize": limit},
        )
        for page in pages:
            yield from page["Items"]


def notice_key(watch: str, disclosure_id: str, event: str, destination: str) -> str:
    """The key of an item."""
    return f"{watch}/{disclosure_id}/{event}/{destination}"


def turn_of(state: str, destination: str) -> str | None:
    """Where a notice waits in the index of turns; None for one that is settled."""
    return None if state in SETTLED else f"{state}/{destination}"


def told_events(
    notices: Iterable[NoticeItem],
) -> dict[tuple[str, str, str], dict[str, int]]:
    """By watch, disclosure and destination: the events that are told or due, with the titles."""
    told: dict[tuple[str, str, str], dict[str, int]] = {}
    for one in notices:
        key = (one.notice.watch, one.notice.disclosure_id, one.destination)
        told.setdefault(key, {})[one.notice.event] = one.titles
    return told


def table_definition(config: PlatformConfig) -> dict[str, Any]:
    """CreateTable arguments of the table of notices: the one source for bootstrap and template.

    The TTL setting is no part of CreateTable: switch it on for :data:`EXPIRY_ATTRIBUTE`.
    """
    return {
        "TableName": config.notices_table,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": _KEY, "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"}
            for name in (_KEY, _TURN, "not_before", "date")
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": key, "KeyType": "HASH"},
                    {"AttributeName": order, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, key, order in (
                (TURN_INDEX, _TURN, "not_before"),
                (NOTICE_DAY_INDEX, "date", _KEY),
            )
        ],
    }


def _timestamp(moment: datetime) -> str:
    # One width and one zone for all, so that text order, which DynamoDB sorts by, is time order.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
