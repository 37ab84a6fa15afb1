"""What the runs have left: records, the index beside the lake, and the day the archive begins at.

What belongs here: whether records end, metrics arrive, the index follows and every collected day is
a partition. What does not: whether a day is complete, which Dagster knows
(``dagster_instance.py``).
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from tdnet_assets.doctor.bucket import BUCKET
from tdnet_assets.doctor.dynamodb import DISCLOSURES_LABEL, EXECUTIONS_LABEL
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import (
    Check,
    Finding,
    failed,
    listed,
    ok,
    warning,
)
from tdnet_assets.resources.aws.executions import (
    FINAL_STATUSES,
    LEASE,
    PENDING,
    RUNNING,
    ExecutionRecord,
    ExecutionsResource,
)
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.first_day import stored_first_day
from tdnet_assets.resources.lake.store import DamagedObjectError, LakeResource
from tdnet_assets.tdnet.listing import TOKYO

SWEEP_ALLOWANCE: Final = timedelta(minutes=1)
"""Beyond the lease: so long a sweep may take to end the record of a vanished run."""
QUEUE_ALLOWANCE: Final = timedelta(days=1)
"""A queued run may have to wait for a backfill of the whole window, which takes hours."""
RECENT_RECORDS: Final = 20

_STUCK: Final = "stuck records"
_METRICS_OF_RUNS: Final = "metrics of runs"
_INDEX: Final = "disclosure index"
_FIRST_DAY: Final = "first day"
# Far enough for the exchange's longest closure; an older newest day is found by a whole listing.
_RECENT_DAYS: Final = timedelta(days=31)
_TABLE: Final = "disclosures"


def stuck_records(examination: Examination) -> Iterator[Finding]:
    """No running record is silent beyond its lease, and none waits for days."""
    executions = examination.executions
    now = examination.clock()
    running, pending = executions.by_status(RUNNING), executions.by_status(PENDING)
    silent = [
        f"{record.execution_id} since {_moment(record.updated_at)}"
        for record in running
        if record.updated_at < now - LEASE - SWEEP_ALLOWANCE
    ]
    if silent:
        yield failed(
            _STUCK,
            f"running, but silent: {listed(silent)}",
            "the daemon's sensor execution_record_sweep ends them: see whether it runs",
        )
        return
    waiting = [
        f"{record.execution_id} since {_moment(record.started_at)}"
        for record in pending
        if record.updated_at < now - QUEUE_ALLOWANCE
    ]
    if waiting:
        yield warning(
            _STUCK,
            f"queued for more than a day: {listed(waiting)}",
            "see in the Dagster UI what the queue waits for, or cancel the runs",
        )
        return
    yield ok(_STUCK, f"none; {len(running)} running, {len(pending)} pending")


def metrics_of_runs(examination: Examination) -> Iterator[Finding]:
    """The newest ended run has delivered its metrics."""
    recent = _newest_ended(examination.executions)
    undelivered = [record for record in recent if record.metrics_error]
    if not recent:
        yield ok(_METRICS_OF_RUNS, "no run has ended yet")
    elif not undelivered:
        yield ok(_METRICS_OF_RUNS, f"delivered by all of the last {len(recent)} runs")
    elif undelivered[0] is recent[0]:
        yield failed(
            _METRICS_OF_RUNS,
            f"not delivered by the last run {recent[0].execution_id}: {recent[0].metrics_error}",
            "mend what it says; the policy of the runs' role is the first thing to look at",
        )
    else:
        yield warning(
            _METRICS_OF_RUNS,
            f"not delivered by {len(undelivered)} of the last {len(recent)} runs, but by those "
            f"after {undelivered[0].execution_id}",
            "nothing, if its cause has been mended",
        )


def disclosure_index(examination: Examination) -> Iterator[Finding]:
    """The index has just the disclosures that the lake has of its newest day."""
    lake = examination.lake
    day = _newest_day(lake, examination.clock())
    stored = lake.read_table(_TABLE, day) if day else None
    if day is None or stored is None:
        yield ok(_INDEX, "nothing in the lake yet")
        return
    listed_ids = set(stored.frame["disclosure_id"].drop_nulls())
    indexed_ids = {found.disclosure_id for found in examination.index.by_day(day)}
    if listed_ids == indexed_ids:
        yield ok(_INDEX, f"has the {len(listed_ids)} of {day}, the newest day in the lake")
        return
    running = examination.executions.by_status(RUNNING, limit=1)
    # Between the two writes of a run, they differ as a matter of course.
    yield (warning if running else failed)(
        _INDEX,
        f"of {day}, {len(listed_ids - indexed_ids)} of the lake's {len(listed_ids)} are not in "
        f"{examination.config.disclosures_table}, and {len(indexed_ids - listed_ids)} others are"
        + ("; a run is going on" if running else ""),
        f"`tdnet index rebuild --from {day} --to {day}`",
    )


def first_day(examination: Examination) -> Iterator[Finding]:
    """Partitions begin no later than what was collected, or the days before are not shown."""
    config = examination.config
    oldest = CaptureStore(examination.lake).oldest_day()
    try:
        stored = stored_first_day(examination.lake)
    except DamagedObjectError as error:
        yield failed(_FIRST_DAY, str(error), error.advice)
        return
    first, says = stored, "the lake says"
    advice = "reload the code location: it moves the first day when it is loaded"
    if config.first_day:
        first, says = date.fromisoformat(config.first_day), "TDNET_FIRST_DAY says"
        advice = "set TDNET_FIRST_DAY to that day, or unset it and the lake says it"
    elif config.oldest_listed_day(examination.clock().astimezone(TOKYO).date()) is None:
        yield ok(_FIRST_DAY, "not limited: the source lists any day")
        return
    if first is None:
        yield ok(_FIRST_DAY, "not said yet: the lake is told when the code location is loaded")
    elif oldest and oldest < first:
        seen = f"{first}, as {says}, but the lake has lists from {oldest} on"
        yield warning(_FIRST_DAY, f"{seen}: days before are not partitions", advice)
    else:
        yield ok(_FIRST_DAY, f"{first}, as {says}")


def _newest_ended(executions: ExecutionsResource) -> list[ExecutionRecord]:
    ended = [
        record
        for status in FINAL_STATUSES
        for record in executions.by_status(status, limit=RECENT_RECORDS)
    ]
    return sorted(ended, key=lambda record: record.started_at, reverse=True)[:RECENT_RECORDS]


def _newest_day(lake: LakeResource, now: datetime) -> date | None:
    """The newest day that the lake has disclosures of."""
    prefix = layout.table_prefix(_TABLE)
    recently = layout.table_before(_TABLE, now.astimezone(TOKYO).date() - _RECENT_DAYS)
    for after in (recently, None):
        days = [
            layout.day_of_table_key(_TABLE, found.key) for found in lake.list(prefix, after=after)
        ]
        if any(days):
            return max(day for day in days if day)
    return None


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


CHECKS: Final = (
    Check(_STUCK, stuck_records, needs=(EXECUTIONS_LABEL,)),
    Check(_METRICS_OF_RUNS, metrics_of_runs, needs=(EXECUTIONS_LABEL,)),
    Check(_INDEX, disclosure_index, needs=(BUCKET, DISCLOSURES_LABEL, EXECUTIONS_LABEL)),
    Check(_FIRST_DAY, first_day, needs=(BUCKET,)),
)
