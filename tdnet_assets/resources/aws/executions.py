"""Execution records in DynamoDB: one item per Dagster run, true whoever writes and in what order.

What belongs here: the record's shape, the table's definition, the conditional writes and the reads.
What does not: when a run reports (assets), what Dagster knows of runs and who has gone silent
(sensors).

A record is a join of everything that was said about its run. ``started_at`` and the descriptive
fields keep the first value, ``updated_at``, progress and counts keep the largest, the status only
rises (pending, running, final), and nothing touches a final record. Writers may therefore race, be
reordered or be repeated by the SDK: all of them end at the same record.

One ending is a guess: that a process has vanished, because nobody has heard of it. The next word of
the run, or Dagster's verdict, takes it back.
"""

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.items import from_item, to_item
from tdnet_assets.tdnet.errors import TdnetAssetsError

PENDING: Final = "pending"
RUNNING: Final = "running"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
CANCELED: Final = "canceled"
STATUSES: Final = (PENDING, RUNNING, COMPLETED, FAILED, CANCELED)
FINAL_STATUSES: Final = frozenset((COMPLETED, FAILED, CANCELED))
UNFINISHED_STATUSES: Final = (PENDING, RUNNING)
TRIGGERS: Final = ("manual", "backfill", "sensor", "schedule")

STATUS_INDEX: Final = "by_status"
PARTITION_INDEX: Final = "by_partition"
TTL_ATTRIBUTE: Final = "ttl"
RETENTION: Final = timedelta(days=90)

LEASE: Final = timedelta(seconds=120)
"""How long one observer must see a record unchanged before its process is taken for dead."""
PROCESS_VANISHED: Final = "ProcessVanished"
"""The ``error_type`` that marks an ending as a guess."""

_SILENT: Final = "the run's process was last heard of at {} and did not end its record"
_NEVER_BEGUN: Final = "the run was deleted in Dagster before it began"
_AGAIN: Final = "materialize the same days again: only the rest is fetched"

ERROR_MESSAGE_LIMIT: Final = 2_000
"""Characters kept of an error message."""

_DONE: Final = 100

# Conditions on the stored record, with the values that they name.
_IS_NOT_FINAL: Final = (
    "(attribute_not_exists(#status) OR #status IN (:is_pending, :is_running))",
    {":is_pending": PENDING, ":is_running": RUNNING},
)
_IS_A_GUESS: Final = (
    "#status IN (:is_failed, :is_canceled) AND #error_type = :is_vanished",
    {":is_failed": FAILED, ":is_canceled": CANCELED, ":is_vanished": PROCESS_VANISHED},
)

# What a guess has written, and a true word takes back.
_GUESSED: Final = ("error_type", "error_message", "completed_at")

# Each refused attempt means that another writer got further, so the bound is only met by a bug.
_ATTEMPTS: Final = 50
_LONGEST_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one write says of a run: the fields that a caller may set; None says nothing.

    Texts keep the first value that was said. Numbers are totals, not increments, and keep the
    largest; they count disclosures. Days are inclusive, ``YYYY-MM-DD``.
    """

    status: str | None = None
    """One of :data:`STATUSES`; a new record is pending."""
    progress: int | None = None
    """Percent, 0 to 100; a completed record always has 100."""
    total_count: int | None = None
    """Listed."""
    collected_count: int | None = None
    """Newly stored."""
    skipped_count: int | None = None
    """Stored before."""
    failed_count: int | None = None
    """With a failed file."""
    rejected_count: int | None = None
    """Rows that could not be read."""
    partition_start: str | None = None
    partition_end: str | None = None
    job_name: str | None = None
    trigger: str | None = None
    """One of :data:`TRIGGERS`."""
    root_execution_id: str | None = None
    """The run that this one retries."""
    error_type: str | None = None
    """Class of the first error."""
    error_message: str | None = None
    """What was seen and what to do, without secrets; cut to 2,000 characters."""
    metrics_error: str | None = None
    """Why metrics were not delivered; cut likewise."""
    dagster_url: str | None = None
    """The run's page in the Dagster UI."""


@dataclass(frozen=True, kw_only=True)
class ExecutionRecord(Report):
    """What is known of one run. Times are aware, in UTC, to the millisecond."""

    execution_id: str
    status: str
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None
    environment: str
    ttl: int
    """When DynamoDB may delete the record, in epoch seconds."""

    @property
    def is_final(self) -> bool:
        """Whether the run has ended; unless that is a guess, the record never changes again."""
        return self.status in FINAL_STATUSES

    @property
    def is_guess(self) -> bool:
        """Whether the record has only been ended because nobody has heard of the run."""
        return self.is_final and self.error_type == PROCESS_VANISHED

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "ExecutionRecord":
        """The record in a DynamoDB item as the low-level client gives it (``{"S": …}``).

        Raises:
            ValueError: an attribute that every write sets is missing.
        """
        stored = from_item(item)
        values = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        for name in (field.name for field in fields(cls) if field.default is MISSING):
            if name not in values:
                raise ValueError(
                    f"the item of execution {values.get('execution_id')!r} has no {name}: "
                    "something other than this module wrote it"
                )
        for name in ("started_at", "updated_at", "completed_at"):
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        return cls(**values)


Details = dict[str, Any]
"""What is said of a run: fields of a :class:`Report` by name."""


class ExecutionConflictError(TdnetAssetsError):
    """A write was refused again and again although the stored record is not final."""


@dataclass(frozen=True)
class _Write:
    """One update in the record's own terms: what keeps its first value, what only grows.

    ``status`` None says nothing about the status, which is the same as ``pending``.
    """

    status: str | None
    first: Mapping[str, str | int]
    greatest: Mapping[str, str | int]

    @classmethod
    def of(cls, report: Report, moment: datetime, environment: str) -> "_Write":
        """The write that says this at that moment."""
        said = {name: value for name, value in asdict(report).items() if value is not None}
        status = said.pop("status", None)
        texts = {name: value for name, value in said.items() if isinstance(value, str)}
        numbers = {name: value for name, value in said.items() if name not in texts}
        for name in ("error_message", "metrics_error"):
            if name in texts:
                texts[name] = _bounded(texts[name])
        if status == COMPLETED:
            numbers["progress"] = _DONE
        expiry = int((moment + RETENTION).timestamp())
        return cls(
            status,
            {"started_at": _timestamp(moment), "ttl": expiry, "environment": environment, **texts},
            {"updated_at": _timestamp(moment), **numbers},
        )

    @property
    def tells_of_life(self) -> bool:
        """Whether it takes a guess back: that a run was queued says nothing of its end."""
        return self.status not in (None, PENDING)

    def joined_with(self, stored: Mapping[str, Any]) -> "_Write":
        """The same write with every growing value raised to at least the stored one."""
        raised = {
            name: max(value, stored.get(name, value)) for name, value in self.greatest.items()
        }
        return _Write(self.status, self.first, raised)

    def adds_nothing_to(self, stored: Mapping[str, Any]) -> bool:
        """Whether the stored record, which is not final, already says everything said here."""
        return (
            self.status in (None, PENDING, stored.get("status"))
            and all(name in stored for name in self.first)
            and all(stored.get(name) == value for name, value in self.greatest.items())
        )

    def update(self, *, over_guess: bool = False) -> dict[str, Any]:
        """The UpdateItem arguments, without table and key.

        They are for a record that is not final or, ``over_guess``, for one whose ending is a guess:
        what the guess has written is then replaced or removed.
        """
        plain: dict[str, str | int] = dict(self.greatest)
        once = dict(self.first)
        if self.status in FINAL_STATUSES:
            # The join makes updated_at the latest time seen, so no run ends before it started.
            plain["completed_at"] = plain["updated_at"]
        # Not final, or a guess, says the condition: the stored rank is at most that of running.
        (plain if self.tells_of_life else once)["status"] = self.status or PENDING
        if over_guess:
            plain |= {name: once.pop(name) for name in _GUESSED if name in once}
        removed = [name for name in _GUESSED if over_guess and name not in plain]
        assignments = [f"#{name} = if_not_exists(#{name}, :{name})" for name in once]
        assignments += [f"#{name} = :{name}" for name in plain]
        removal = f" REMOVE {', '.join(f'#{name}' for name in removed)}" if removed else ""
        condition, constants = _IS_A_GUESS if over_guess else _IS_NOT_FINAL
        grown = [f"(attribute_not_exists(#{name}) OR #{name} <= :{name})" for name in self.greatest]
        return {
            "UpdateExpression": f"SET {', '.join(assignments)}{removal}",
            "ConditionExpression": " AND ".join([condition, *grown]),
            "ExpressionAttributeNames": {f"#{name}": name for name in (*once, *plain, *removed)},
            "ExpressionAttributeValues": to_item(
                {f":{name}": value for name, value in (once | plain).items()} | constants
            ),
        }


class ExecutionsResource(clients.AwsResource):
    """Writes and reads execution records; safe to share between threads.

    Works inside Dagster and when constructed directly, e.g.
    ``ExecutionsResource(config=PlatformConfig.from_environment())``. Every method raises
    ``botocore.exceptions.ClientError`` or ``BotoCoreError`` when DynamoDB does not answer.
    """

    service: ClassVar[str] = "dynamodb"

    def record(
        self, execution_id: str, *, now: datetime | None = None, **said: Any
    ) -> ExecutionRecord:
        """Joins what is said here with the stored record; makes the record when there is none.

        The write that brings the final status must not come before ``metrics_error`` and the last
        counts: it closes the record. Losing the race to another final write is not an error.

        Args:
            execution_id: the Dagster run id.
            now: time of the event, aware; the present when None.
            said: fields of a :class:`Report`.

        Returns:
            The record as stored: with this write in it or, when the run had ended before, as that
            final write left it.

        Raises:
            ValueError: a value is out of its range; the message says what was seen.
            TypeError: a report has no such field.
            ExecutionConflictError: refused beyond reason; the record is not final.
        """
        report = Report(**said)
        _validate(execution_id, report)
        moment = _whole_milliseconds(now)
        return self._join(execution_id, _Write.of(report, moment, self.config.environment))

    def start(self, execution_id: str, **details: Any) -> ExecutionRecord:
        """Says that the run is running; ``details`` as for :meth:`record`."""
        return self.record(execution_id, status=RUNNING, **details)

    def progress(self, execution_id: str, progress: int, **details: Any) -> ExecutionRecord:
        """Says how far the running run is, in percent, which also renews its lease."""
        return self.record(execution_id, status=RUNNING, progress=progress, **details)

    def finish(self, execution_id: str, status: str, **details: Any) -> ExecutionRecord:
        """Ends the run with a final status; the first final write wins.

        Raises:
            ValueError: the status is not one of :data:`FINAL_STATUSES`, or as :meth:`record`.
        """
        if status not in FINAL_STATUSES:
            raise ValueError(f"{status!r} is not a final status: use completed, failed or canceled")
        return self.record(execution_id, status=status, **details)

    def get(self, execution_id: str) -> ExecutionRecord | None:
        """The record as of now (a consistent read), or None when there is none."""
        item = self._item(execution_id)
        return ExecutionRecord.from_item(item) if item else None

    def by_status(
        self, status: str, *, newest_first: bool = True, limit: int | None = None
    ) -> list[ExecutionRecord]:
        """Records with this status by ``started_at``; an index may trail by a moment.

        Raises:
            ValueError: the status is not one of :data:`STATUSES`.
        """
        _validate_status(status)
        return list(self._query(STATUS_INDEX, "status", status, newest_first, limit))

    def by_partition(
        self, partition_start: str, *, newest_first: bool = True, limit: int | None = None
    ) -> list[ExecutionRecord]:
        """Records whose first day is this one (``YYYY-MM-DD``) by ``started_at``."""
        return list(
            self._query(PARTITION_INDEX, "partition_start", partition_start, newest_first, limit)
        )

    def unfinished(self) -> list[ExecutionRecord]:
        """Every record that is pending or running, pending ones first, newest first in each."""
        return [record for status in UNFINISHED_STATUSES for record in self.by_status(status)]

    def presume_vanished(
        self, silent: ExecutionRecord, now: datetime | None = None
    ) -> ExecutionRecord | None:
        """Ends a record as a guess: as failed, or as canceled if its run had not begun.

        Whoever calls has seen the record unchanged for :data:`LEASE`, and may be wrong: the run's
        own word and Dagster's verdict are still taken. ``updated_at`` stays as last heard.

        Args:
            silent: the record as it was seen; written to since, it lives on.
            now: time of the verdict, aware; the present when None.

        Returns:
            The record that this call ended, or None.
        """
        if silent.is_final:
            return None
        heard = _timestamp(silent.updated_at)
        status, message = (
            (CANCELED, _NEVER_BEGUN)
            if silent.status == PENDING
            else (FAILED, _SILENT.format(heard))
        )
        names = ("status", "updated_at", *_GUESSED)
        ended, _ = self._update(
            silent.execution_id,
            {
                "UpdateExpression": "SET #status = :status, #error_type = :error_type, "
                "#error_message = :error_message, #completed_at = :completed_at",
                "ConditionExpression": "#status = :seen AND #updated_at = :heard",
                "ExpressionAttributeNames": {f"#{name}": name for name in names},
                "ExpressionAttributeValues": to_item(
                    {
                        ":status": status,
                        ":error_type": PROCESS_VANISHED,
                        ":error_message": f"{message}; {_AGAIN}",
                        ":completed_at": max(heard, _timestamp(_whole_milliseconds(now))),
                        ":seen": silent.status,
                        ":heard": heard,
                    }
                ),
            },
        )
        return ended

    def _join(self, execution_id: str, write: _Write) -> ExecutionRecord:
        over_guess = False
        for attempt in range(_ATTEMPTS):
            if attempt:
                # Spread over a growing span: many writers of one record must not march in step.
                longest = min(0.001 * 2**attempt, _LONGEST_PAUSE_SECONDS)
                time.sleep(random.uniform(0, longest))  # noqa: S311 - no secret
            written, refused_by = self._update(execution_id, write.update(over_guess=over_guess))
            if written is not None:
                return written
            if refused_by is None:  # it expired between the refusal and its report
                over_guess = False
                continue
            stored, values = ExecutionRecord.from_item(refused_by), from_item(refused_by)
            write = write.joined_with(values)
            over_guess = stored.is_guess and write.tells_of_life
            if not over_guess and (stored.is_final or write.adds_nothing_to(values)):
                return stored
        raise ExecutionConflictError(
            f"execution record {execution_id} refused {_ATTEMPTS} writes in a row; "
            f"last tried: status {write.status}, {dict(write.greatest)}"
        )

    def _update(
        self, execution_id: str, update: Mapping[str, Any]
    ) -> tuple[ExecutionRecord | None, Mapping[str, Any] | None]:
        """The written record, or None and the item, if any, that refused the condition."""
        client = self.client
        try:
            answer = client.update_item(
                TableName=self.config.executions_table,
                Key=to_item({"execution_id": execution_id}),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **update,
            )
        except client.exceptions.ConditionalCheckFailedException as refusal:
            # Not every server that speaks DynamoDB's language sends the item along.
            return None, refusal.response.get("Item") or self._item(execution_id)
        return ExecutionRecord.from_item(answer["Attributes"]), None

    def _item(self, execution_id: str) -> Mapping[str, Any] | None:
        """The item as of now, by a consistent read."""
        answer: Mapping[str, Any] = self.client.get_item(
            TableName=self.config.executions_table,
            Key=to_item({"execution_id": execution_id}),
            ConsistentRead=True,
        )
        return answer.get("Item")

    def _query(
        self, index: str, attribute: str, value: str, newest_first: bool, limit: int | None
    ) -> Iterator[ExecutionRecord]:
        pages: Iterable[Mapping[str, Any]] = self.client.get_paginator("query").paginate(
            TableName=self.config.executions_table,
            IndexName=index,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": attribute},
            ExpressionAttributeValues=to_item({":value": value}),
            ScanIndexForward=not newest_first,
            PaginationConfig={"MaxItems": limit},
        )
        for page in pages:
            yield from map(ExecutionRecord.from_item, page["Items"])


def table_definition(config: PlatformConfig) -> dict[str, Any]:
    """CreateTable arguments of the executions table: the one source for bootstrap and template.

    The TTL setting is no part of CreateTable: switch it on for :data:`TTL_ATTRIBUTE`.
    """
    return {
        "TableName": config.executions_table,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "execution_id", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("execution_id", "status", "partition_start", "started_at")
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": attribute, "KeyType": "HASH"},
                    {"AttributeName": "started_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, attribute in (
                (STATUS_INDEX, "status"),
                (PARTITION_INDEX, "partition_start"),
            )
        ],
    }


def _validate(execution_id: str, report: Report) -> None:
    if not execution_id:
        raise ValueError("execution_id is empty: it must be the Dagster run id")
    if report.status is not None:
        _validate_status(report.status)
    if report.trigger is not None and report.trigger not in TRIGGERS:
        raise ValueError(f"trigger is {report.trigger!r}: use one of {', '.join(TRIGGERS)}")
    progress = report.progress
    if progress is not None and not (isinstance(progress, int) and 0 <= progress <= _DONE):
        raise ValueError(f"progress is {progress!r}: it is a whole percentage from 0 to {_DONE}")
    counts = {name: value for name, value in vars(report).items() if name.endswith("_count")}
    for name, count in counts.items():
        if count is not None and not (isinstance(count, int) and count >= 0):
            raise ValueError(f"{name} is {count!r}: it is a whole number from 0 up")


def _validate_status(status: str) -> None:
    if status not in STATUSES:
        raise ValueError(f"status is {status!r}: use one of {', '.join(STATUSES)}")


def _bounded(text: str) -> str:
    if len(text) <= ERROR_MESSAGE_LIMIT:
        return text
    return text[: ERROR_MESSAGE_LIMIT - 1] + "…"


def _whole_milliseconds(moment: datetime | None) -> datetime:
    if moment is None:
        moment = datetime.now(UTC)
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment} has no time zone: pass an aware datetime")
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _timestamp(moment: datetime) -> str:
    # Always the same width and zone, so that text order, which DynamoDB compares by, is time order.
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
