"""The disclosure index in DynamoDB: one item per disclosure, for look-ups in milliseconds.

What belongs here: the item's shape, the table's definition, replacing a day, and the reads by id,
by code and by day. What does not: where the rows come from (``resources/index_feed.py``) and
when a day is written (``assets/disclosure_index.py``).

The index is a copy of the lake and never the truth. A day is replaced by writing what differs, so
what the table has of the day must be known for sure, and its secondary indexes trail by a moment.
Hence the items are compared by consistent reads of the table itself; and which items a day has is
kept in one more item, the day's register (key ``day:YYYY-MM-DD``). It names an item before that is
written and forgets it after that is deleted: it never misses one, wherever a writer was killed.
Having no code and no date, a register is in no secondary index.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, ClassVar, Final, TypeVar

from pydantic import Field

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.items import Item, from_item, to_item
from tdnet_assets.tdnet.errors import TdnetAssetsError, shown
from tdnet_assets.tdnet.identifiers import is_code, is_disclosure_id
from tdnet_assets.tdnet.listing import TOKYO

KEY: Final = "disclosure_id"
CODE_INDEX: Final = "by_code"
DAY_INDEX: Final = "by_day"
POSITION_ATTRIBUTE: Final = "position"
"""Sort key of both indexes: time in Tokyo, then id; as text it orders all days."""

# Attributes of a register.
_MEMBERS: Final = "disclosure_ids"
_SOURCE: Final = "source"

# Attributes that an item may lack.
_OPTIONAL: Final = ("pdf_key", "xbrl_key", "changed_at")

# DynamoDB's own limits of one call.
_ITEMS_PER_WRITE: Final = 25
_KEYS_PER_READ: Final = 100

# With pauses of up to 5 s this is about a quarter of a minute: longer than a burst, shorter than a
# wrong setting.
_ATTEMPTS: Final = 12
_LONGEST_PAUSE_SECONDS: Final = 5.0

_Element = TypeVar("_Element")


@dataclass(frozen=True, slots=True)
class IndexedDisclosure:
    """What the index says of one disclosure.

    ``date`` is the JST day whose list shows it; ``disclosed_at`` and ``changed_at`` are in
    Asia/Tokyo. ``pdf_key`` and ``xbrl_key`` are keys in the bucket, prefix included, and None where
    the list links no such file; ``pdf_stored`` and ``xbrl_stored`` say whether the file was there
    when the day was last fed. All else is as in the table ``disclosures`` of the lake.
    """

    disclosure_id: str
    date: date
    disclosed_at: datetime
    code: str
    company_name: str
    title: str
    previous_titles: tuple[str, ...]
    category: str
    status: str
    is_correction: bool
    exchanges: tuple[str, ...]
    pdf_key: str | None
    pdf_stored: bool
    xbrl_key: str | None
    xbrl_stored: bool
    changed_at: datetime | None

    @property
    def position(self) -> str:
        """Its place among all others, e.g. ``2026-06-10T15:30:00/20260610567076``."""
        return f"{_timestamp(self.disclosed_at)[:19]}/{self.disclosure_id}"

    def to_item(self) -> Item:
        """The DynamoDB item in the low-level client's form; an attribute that is None is absent."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values[POSITION_ATTRIBUTE] = self.position
        return to_item({n: _storable(value) for n, value in values.items() if value is not None})

    @classmethod
    def from_item(cls, item: Mapping[str, Mapping[str, Any]]) -> "IndexedDisclosure":
        """The disclosure in an item as the low-level client gives it.

        Raises:
            ValueError: an attribute that every write sets is missing.
        """
        values: dict[str, Any] = {**dict.fromkeys(_OPTIONAL), **from_item(item)}
        values.pop(POSITION_ATTRIBUTE, None)
        try:
            values["date"] = date.fromisoformat(values["date"])
            for name in ("previous_titles", "exchanges"):
                values[name] = tuple(values[name])
            for name in ("disclosed_at", "changed_at"):
                if moment := values[name]:
                    values[name] = datetime.fromisoformat(moment).astimezone(TOKYO)
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"the item of disclosure {values.get(KEY)!r} is not of this version ({error}): "
                "feed its day again with `tdnet index rebuild`"
            ) from error


@dataclass(frozen=True, slots=True)
class IndexWrite:
    """What replacing a day did, in items; ``put`` are new or changed ones."""

    put: int
    deleted: int
    unchanged: int


class IndexThrottledError(TdnetAssetsError):
    """DynamoDB left items of a batch unprocessed again and again."""


class DisclosureIndexResource(clients.AwsResource):
    """Writes and reads the disclosure index; safe to share between threads.

    Works inside Dagster and when constructed directly, e.g.
    ``DisclosureIndexResource(config=PlatformConfig.from_environment())``. Every method raises
    ``botocore.exceptions.ClientError`` or ``BotoCoreError`` when DynamoDB does not answer.
    """

    service: ClassVar[str] = "dynamodb"

    backoff_floor_seconds: float = Field(
        default=0.05,
        description="Longest first pause before unprocessed items are sent again; it doubles.",
    )

    def replace_day(
        self, day: date, rows: Iterable[IndexedDisclosure], *, source: str | None = None
    ) -> IndexWrite:
        """Make the index hold just these rows of the day, writing only what differs.

        A call that was cut off leaves some items as they were and is mended by the next one. A row
        that another day has taken over since stays with that day. Two writers of the same day at
        once may leave a mixture of both: Dagster's pool keeps it to one.

        Args:
            day: JST day.
            rows: every row of the day that has an id; their order has no meaning.
            source: what the rows were read from; :meth:`sources` tells it later.

        Raises:
            ValueError: a row is of another day, twice there, or not a row of TDnet's.
            IndexThrottledError: the table took too long to take the items.
        """
        wanted = {row.disclosure_id: row.to_item() for row in _validated(day, rows)}
        registered, known_source = self._register(day)
        stored = self._items(wanted)
        changed = [item for number, item in wanted.items() if stored.get(number) != item]
        # The register knows what the index may not show yet; the index shows what a foreign hand
        # has put there.
        vanished = (registered | self._listed_ids(day)) - wanted.keys()
        self._add_to_register(day, wanted.keys() - registered)
        self._put(changed)
        deleted = sum(self._delete(number, day) for number in sorted(vanished))
        if vanished or source != known_source:
            self._settle_register(day, vanished, source)
        return IndexWrite(len(changed), deleted, len(wanted) - len(changed))

    def get(self, disclosure_id: str) -> IndexedDisclosure | None:
        """The disclosure as of now (a consistent read), or None when the index has none.

        Raises:
            ValueError: this is not a disclosure id.
        """
        if not is_disclosure_id(disclosure_id):
            raise ValueError(f"{shown(disclosure_id)} is not a disclosure id: use its 14 digits")
        answer = self.client.get_item(
            TableName=self.config.disclosures_table,
            Key=to_item({KEY: disclosure_id}),
            ConsistentRead=True,
        )
        item = answer.get("Item")
        return IndexedDisclosure.from_item(item) if item else None

    def by_code(
        self, code: str, *, limit: int = 50, before: str | None = None
    ) -> list[IndexedDisclosure]:
        """The newest disclosures of a security code, newest first; may trail by a moment.

        Args:
            code: 5 characters, e.g. 72030.
            limit: how many at most.
            before: only those before this :attr:`~IndexedDisclosure.position`, for the next page
                that of the last one seen; a day (``YYYY-MM-DD``) gives those before that day.

        Raises:
            ValueError: this is not a code, or the limit is below 1.
        """
        if not is_code(code):
            raise ValueError(
                f"{shown(code)} is not a security code: use its 5 characters, as 72030"
            )
        if limit < 1:
            raise ValueError(f"limit is {limit}: ask for 1 or more")
        items = self._query(CODE_INDEX, "code", code, limit=limit, before=before)
        return [IndexedDisclosure.from_item(item) for item in items]

    def by_day(self, day: date) -> list[IndexedDisclosure]:
        """Every disclosure of a JST day, newest first; may trail by a moment."""
        items = self._query(DAY_INDEX, "date", str(day))
        return [IndexedDisclosure.from_item(item) for item in items]

    def sources(self, days: Iterable[date]) -> dict[date, str]:
        """What the days were last fed from, consistently; without days never fed to their end."""
        keys = {_register_key(day): day for day in days}
        registers = self._read(keys, names=(KEY, _SOURCE))
        fed = [values for values in map(from_item, registers) if _SOURCE in values]
        return {keys[values[KEY]]: values[_SOURCE] for values in fed}

    def forget_source(self, day: date) -> None:
        """Say no more what the day was fed from: it has to be fed again."""
        self._update_register(day, "REMOVE #source", {}, {"#source": _SOURCE})

    def console_url(self) -> str:
        """Where a person can look at the table: the AWS console, or the endpoint itself."""
        config = self.config
        return config.endpoint_url("dynamodb") or (
            f"https://{config.aws_region}.console.aws.amazon.com/dynamodbv2/home"
            f"?region={config.aws_region}#item-explorer?table={config.disclosures_table}"
        )

    def _register(self, day: date) -> tuple[frozenset[str], str | None]:
        """The ids of the items that the day may have, and what it was last fed from."""
        register = from_item(next(iter(self._read([_register_key(day)])), {}))
        return frozenset(register.get(_MEMBERS, ())), register.get(_SOURCE)

    def _add_to_register(self, day: date, ids: Iterable[str]) -> None:
        if members := set(ids):
            self._update_register(day, f"ADD {_MEMBERS} :ids", {":ids": members})

    def _settle_register(self, day: date, gone: Iterable[str], source: str | None) -> None:
        expressions: list[str] = []
        values: dict[str, Any] = {}
        if members := set(gone):
            expressions.append(f"DELETE {_MEMBERS} :gone")
            values[":gone"] = members
        if source is None:
            expressions.append("REMOVE #source")
        else:
            expressions.append("SET #source = :source")
            values[":source"] = source
        self._update_register(day, " ".join(expressions), values, {"#source": _SOURCE})

    def _update_register(
        self,
        day: date,
        expression: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> None:
        # Additions to and removals from a set join with those of other writers, as a put would not.
        optional = {
            "ExpressionAttributeValues": to_item(values),
            "ExpressionAttributeNames": names,
        }
        self.client.update_item(
            TableName=self.config.disclosures_table,
            Key=to_item({KEY: _register_key(day)}),
            UpdateExpression=expression,
            **{name: value for name, value in optional.items() if value},
        )

    def _items(self, ids: Iterable[str]) -> dict[str, Item]:
        return {item[KEY]["S"]: item for item in self._read(ids)}

    def _listed_ids(self, day: date) -> frozenset[str]:
        items = self._query(DAY_INDEX, "date", str(day), names=(KEY,))
        return frozenset(item[KEY]["S"] for item in items)

    def _read(self, keys: Iterable[str], names: Sequence[str] = ()) -> Iterator[Item]:
        """The items with these keys as of now, in no order; only some attributes when named."""
        for batch in _batches(list(keys), _KEYS_PER_READ):
            wanted = {
                "Keys": [to_item({KEY: key}) for key in batch],
                "ConsistentRead": True,
                **_projection(names),
            }
            answers = self._until_processed(self.client.batch_get_item, wanted, "UnprocessedKeys")
            for answer in answers:
                yield from answer["Responses"].get(self.config.disclosures_table, ())

    def _put(self, items: Sequence[Item]) -> None:
        for batch in _batches(items, _ITEMS_PER_WRITE):
            requests = [{"PutRequest": {"Item": item}} for item in batch]
            for _ in self._until_processed(
                self.client.batch_write_item, requests, "UnprocessedItems"
            ):
                pass

    def _until_processed(
        self, operation: Callable[..., Mapping[str, Any]], requests: object, left: str
    ) -> Iterator[Mapping[str, Any]]:
        """The answers to a batch, which is sent again until DynamoDB leaves nothing of it."""
        pending: Mapping[str, Any] = {self.config.disclosures_table: requests}
        for attempt in range(_ATTEMPTS):
            if attempt:
                longest = min(self.backoff_floor_seconds * 2**attempt, _LONGEST_PAUSE_SECONDS)
                time.sleep(random.uniform(0, longest))  # noqa: S311 - no secret
            answer = operation(RequestItems=pending)
            yield answer
            pending = answer.get(left) or {}
            if not pending:
                return
        raise IndexThrottledError(
            f"table {self.config.disclosures_table} left items unprocessed {_ATTEMPTS} times in a "
            "row: look at its throttled requests and its account limits, then feed the day again"
        )

    def _delete(self, disclosure_id: str, day: date) -> bool:
        """Delete an item if it is still this day's; whether it was."""
        client = self.client
        try:
            client.delete_item(
                TableName=self.config.disclosures_table,
                Key=to_item({KEY: disclosure_id}),
                ConditionExpression="#date = :day",
                ExpressionAttributeNames={"#date": "date"},
                ExpressionAttributeValues=to_item({":day": str(day)}),
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _query(
        self,
        index: str,
        attribute: str,
        value: str,
        *,
        limit: int | None = None,
        before: str | None = None,
        names: Sequence[str] = (),
    ) -> Iterator[Item]:
        projection = _projection(names)
        expressed = {"#key": attribute, **projection.pop("ExpressionAttributeNames", {})}
        values = {":value": value}
        condition = "#key = :value"
        if before is not None:
            condition += " AND #position < :before"
            expressed["#position"] = POSITION_ATTRIBUTE
            values[":before"] = before
        pages: Iterable[Mapping[str, Any]] = self.client.get_paginator("query").paginate(
            TableName=self.config.disclosures_table,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=expressed,
            ExpressionAttributeValues=to_item(values),
            ScanIndexForward=False,
            # The page's size too: otherwise up to 1 MB is read for the one newest item.
            PaginationConfig={"MaxItems": limit, "PageSize": limit},
            **projection,
        )
        for page in pages:
            yield from page["Items"]


def table_definition(config: PlatformConfig) -> dict[str, Any]:
    """CreateTable arguments of the disclosure index: the one source for bootstrap and template."""
    return {
        "TableName": config.disclosures_table,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"}
            for name in (KEY, "code", "date", POSITION_ATTRIBUTE)
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": attribute, "KeyType": "HASH"},
                    {"AttributeName": POSITION_ATTRIBUTE, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, attribute in ((CODE_INDEX, "code"), (DAY_INDEX, "date"))
        ],
    }


def _validated(day: date, rows: Iterable[IndexedDisclosure]) -> Iterator[IndexedDisclosure]:
    seen = set()
    for row in rows:
        problem = "is there twice" if row.disclosure_id in seen else _problem(day, row)
        if problem is not None:
            raise ValueError(
                f"a row of {day} cannot be indexed: {shown(row.disclosure_id)} {problem}"
            )
        seen.add(row.disclosure_id)
        yield row


def _problem(day: date, row: IndexedDisclosure) -> str | None:
    """Why the row cannot be one of the day's, or None."""
    if not is_disclosure_id(row.disclosure_id):
        return "is not a disclosure id"
    if not is_code(row.code):
        return f"has the code {shown(row.code)}"
    if row.date != day:
        return f"is of {row.date}"
    if row.disclosed_at.tzinfo is None:
        return "has a time without a zone"
    return None


def _register_key(day: date) -> str:
    return f"day:{day}"


def _projection(names: Sequence[str]) -> dict[str, Any]:
    if not names:
        return {}
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in names),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }


def _batches(elements: Sequence[_Element], size: int) -> Iterator[Sequence[_Element]]:
    return (elements[start : start + size] for start in range(0, len(elements), size))


def _timestamp(moment: datetime) -> str:
    # One zone for all, so that text order, which DynamoDB sorts by, is time order.
    return moment.astimezone(TOKYO).isoformat()


def _storable(value: Any) -> Any:
    if isinstance(value, datetime):
        return _timestamp(value)
    return str(value) if isinstance(value, date) else value
