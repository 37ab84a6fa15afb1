"""Execution records as lines for a person."""

from collections.abc import Iterator
from dataclasses import fields

from tdnet_assets.cli.progress_display import counts
from tdnet_assets.resources.aws.executions import STATUSES, ExecutionRecord, ExecutionsResource


def as_lines(record: ExecutionRecord) -> Iterator[str]:
    """Every field that has a value, one a line."""
    width = max(len(field.name) for field in fields(record))
    for field in fields(record):
        value = getattr(record, field.name)
        if value is not None:
            yield f"{field.name:<{width}}  {value}"


def newest(executions: ExecutionsResource, limit: int) -> Iterator[str]:
    """The newest records, one a line."""
    records = [
        record for status in STATUSES for record in executions.by_status(status, limit=limit)
    ]
    records.sort(key=lambda record: record.started_at, reverse=True)
    if not records:
        yield f"no executions yet in {executions.config.executions_table}"
    for record in records[:limit]:
        days = record.partition_start or "?"
        if record.partition_end not in (None, record.partition_start):
            days = f"{days} to {record.partition_end}"
        yield (
            f"{record.started_at:%Y-%m-%d %H:%M:%S}Z  {record.status:<9}  "
            f"{record.progress or 0:>3} %  {days}  {counts(record)}  {record.execution_id}"
        )
        if record.error_message:
            yield f"    {record.error_type}: {record.error_message}"
