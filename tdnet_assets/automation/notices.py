"""Failure notices: each failed run is announced once to the SNS topic of the configuration.

What belongs here: what a notice says, and that none is lost. What does not: the runs' records
(``records.py``).

Why not Dagster's run-failure sensor: it moves its cursor on when the announcement raises, so that
a topic that was out of reach for a minute would have cost a notice. This one goes on from the last
failure that SNS has taken, and its tick fails as long as SNS refuses, which the UI shows. Failures
are found by their event, whatever job they belong to (a backfill's is ``__ASSET_JOB``).
"""

from dataclasses import dataclass
from typing import Any

import dagster as dg

from tdnet_assets.automation.day_runs import is_of, location_of
from tdnet_assets.config import PlatformConfig
from tdnet_assets.partitions import partitions_of, trigger_of
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.executions import FAILED, ExecutionRecord, ExecutionsResource

NOTICES_A_TICK = 10
# SNS refuses a longer subject, and more than 256 KB in all.
_SUBJECT_LENGTH = 100
_REASON_LENGTH = 4_000
_TRIES_READ = 10


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to the topic."""

    subject: str
    message: str


def notice_of(
    environment: str, run: dg.DagsterRun, reason: str, record: ExecutionRecord | None
) -> Notice:
    """What is told of a failed run: its days, the reason, and where to look.

    The record's own words are more exact than Dagster's, where the run could still write them.
    """
    first, last = partitions_of(run.tags) or ("no day", "no day")
    days = first if first == last else f"{first} to {last}"
    if record and record.error_message:
        reason = f"{record.error_type}: {record.error_message}"
    lines = [
        f"The {trigger_of(run.tags)} run of {days} failed.",
        "",
        reason[:_REASON_LENGTH],
        "",
        f"Run in Dagster: /runs/{run.run_id}",
        f"Record: tdnet status {run.run_id}",
    ]
    subject = f"TDnet {environment}: {days} failed"
    return Notice(subject[:_SUBJECT_LENGTH], "\n".join(lines))


@dg.sensor(
    description="Announces every failed run to the SNS topic of the configuration "
    "(TDNET_NOTICE_TOPIC), but what a sensor asks for again and fails for the same reason only "
    "once; without a topic nothing is sent.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
)
def failure_notices(
    context: dg.SensorEvaluationContext, executions: dg.ResourceParam[ExecutionsResource]
) -> dg.SensorResult:
    """One notice a failed run, less those that repeat; none of those before the first tick."""
    config = executions.config
    cursor = _storage_id(context.cursor)
    if cursor is None or not config.notice_topic:
        off = "" if config.notice_topic else "no topic is configured, nothing is announced; "
        skip = f"{off}failures from now on count"
        return dg.SensorResult(skip_reason=skip, cursor=_newest_failure(context.instance))
    return _announce(context, config, executions, cursor)


def _announce(
    context: dg.SensorEvaluationContext,
    config: PlatformConfig,
    executions: ExecutionsResource,
    cursor: int,
) -> dg.SensorResult:
    """Announce the failures behind the cursor, until SNS refuses one.

    Raises:
        botocore.exceptions.ClientError: the first of them was refused, or ``BotoCoreError``.
    """
    sns: Any = None
    announced: list[str] = []
    for event in _failures(context.instance, limit=NOTICES_A_TICK, after=cursor):
        run = context.instance.get_run_by_id(event.run_id)
        ours = run is not None and is_of(run, location_of(context))
        if run is not None and ours and _is_news(run, executions):
            sns = sns or clients.client(config, "sns", timeout_seconds=5, attempts=2)
            try:
                _publish(sns, config, run, _message(event), executions)
            except Exception as error:
                if not announced:
                    raise  # nothing was told, so the cursor of the tick before is still right
                context.log.exception(f"the failure of run {run.run_id} was not announced")
                reason = f"{len(announced)} announced, then {error}; tried again with the next tick"
                return dg.SensorResult(skip_reason=reason, cursor=str(cursor))
            announced.append(run.run_id)
        cursor = event.storage_id
    reason = f"announced: {', '.join(announced)}" if announced else "no run has failed"
    return dg.SensorResult(skip_reason=reason, cursor=str(cursor))


def _is_news(run: dg.DagsterRun, executions: ExecutionsResource) -> bool:
    """Whether a failure says something: not a sensor's run that failed just as the try before it.

    What fails is asked for again each hour, for as long as TDnet lists the day.
    """
    record = executions.get(run.run_id)
    if record is None or trigger_of(run.tags) != "sensor" or record.partition_start is None:
        return True
    tries = executions.by_partition(record.partition_start, limit=_TRIES_READ)
    earlier = (one for one in tries if one.is_final and one.started_at < record.started_at)
    before = next(earlier, None)
    return (
        before is None
        or before.status != FAILED
        or (before.error_type, before.error_message) != (record.error_type, record.error_message)
    )


def _publish(
    sns: Any,
    config: PlatformConfig,
    run: dg.DagsterRun,
    reason: str,
    executions: ExecutionsResource,
) -> None:
    notice = notice_of(config.environment, run, reason, executions.get(run.run_id))
    sns.publish(TopicArn=config.notice_topic, Subject=notice.subject, Message=notice.message)


def _failures(
    instance: dg.DagsterInstance, *, limit: int, after: int | None
) -> list[dg.EventLogRecord]:
    """Events of failed runs: the oldest behind ``after``, or the newest of all."""
    wanted = dg.RunStatusChangeRecordsFilter(
        event_type=dg.DagsterEventType.RUN_FAILURE, after_storage_id=after
    )
    found = instance.fetch_run_status_changes(wanted, limit=limit, ascending=after is not None)
    return list(found.records)


def _storage_id(cursor: str | None) -> int | None:
    """The event in a cursor; one that cannot be read is none."""
    try:
        return int(cursor or "")
    except ValueError:
        return None


def _newest_failure(instance: dg.DagsterInstance) -> str:
    newest = _failures(instance, limit=1, after=None)
    return str(newest[0].storage_id if newest else 0)


def _message(event: dg.EventLogRecord) -> str:
    said = event.event_log_entry.dagster_event
    return (said.message if said else None) or "see the run's events in Dagster"


NOTICE_SENSORS: list[dg.SensorDefinition] = [failure_notices]
