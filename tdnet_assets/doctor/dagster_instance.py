"""The Dagster instance: storage, queue, daemons, sensors, and whether the archive is up to date.

What belongs here: what only Dagster's own storage and settings tell. What does not: the settings
that should be there (``deploy/dagster.yaml``, ``local/dagster.yaml``).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

# Dagster has no public names for these.
from dagster._core.instance.config import PoolGranularity
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickStatus
from dagster._daemon.types import DaemonHeartbeat

from tdnet_assets.assets.collection import POOL
from tdnet_assets.automation.day_facts import facts_of_days
from tdnet_assets.automation.due_days import freshness, latest_due_day
from tdnet_assets.automation.records import RECORD_SENSORS
from tdnet_assets.doctor.bucket import BUCKET
from tdnet_assets.doctor.dynamodb import DISCLOSURES_LABEL
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import (
    Check,
    Finding,
    failed,
    listed,
    ok,
    warning,
)
from tdnet_assets.local import dagster_home
from tdnet_assets.resources.day_states import days_of_the_window
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.tdnet.listing import TOKYO

HEARTBEAT_LIMIT: Final = timedelta(minutes=5)
"""Daemons beat every 30 s, but an iteration may take its time; Dagster allows half an hour."""

_INSTANCE: Final = "Dagster instance"
_POOL: Final = "Dagster pool"
_MONITORING: Final = "Dagster run monitoring"
_RETRIES: Final = "Dagster run retries"
_DAEMONS: Final = "Dagster daemons"
_AUTOMATION: Final = "sensors and schedules"
_BACKLOG: Final = "due days"
_SETTINGS: Final = "settings in dagster.yaml as in deploy/dagster.yaml, then restart Dagster"
_ON: Final = (InstigatorStatus.RUNNING, InstigatorStatus.AUTOMATICALLY_RUNNING)


def instance(examination: Examination) -> Iterator[Finding]:
    """There is an instance, and its storage lasts and can be shared."""
    home = examination.config.dagster_home_path
    settings = home / dagster_home.INSTANCE_SETTINGS.name
    if examination.has_stack and not settings.exists():
        yield failed(
            _INSTANCE,
            f"there is no {settings}",
            "set DAGSTER_HOME to the folder of the deployment's dagster.yaml; `tdnet up` and "
            "`tdnet collect` make one",
        )
        return
    storage = examination.instance.event_log_storage
    kind = type(storage).__name__
    # The query goes through to the database: being connected to it is not taken for granted.
    examination.instance.get_runs_count()
    if examination.has_stack and "sqlite" in kind.lower():
        yield warning(
            _INSTANCE,
            f"{kind} in {home}: one machine only, and slow under many runs",
            "use PostgreSQL: see deploy/dagster.yaml",
        )
    else:
        yield ok(_INSTANCE, f"{kind}, home {home}")


def pool(examination: Examination) -> Iterator[Finding]:
    """One run talks to TDnet at a time, because the queue and each worker keep to it."""
    dagster = examination.instance
    if not isinstance(dagster.run_coordinator, dg.QueuedRunCoordinator):
        yield failed(
            _POOL,
            f"runs are started by {type(dagster.run_coordinator).__name__}, which knows no limits",
            f"QueuedRunCoordinator: {_SETTINGS}",
        )
        return
    limits = {one.name: one.limit for one in dagster.event_log_storage.get_pool_limits()}
    settings = dagster.get_concurrency_config().pool_config
    limit = limits.get(POOL, settings.default_pool_limit)
    if limit != 1:
        yield failed(
            _POOL,
            f"the limit of {POOL} is {'not set' if limit is None else limit}, should be 1",
            f"`dagster instance concurrency set {POOL} 1`",
        )
    elif examination.has_stack and settings.pool_granularity != PoolGranularity.OP:
        yield failed(
            _POOL,
            "granularity run: only the queue keeps to the limit, `tdnet collect` passes it by",
            f"granularity: op: {_SETTINGS}",
        )
    else:
        yield ok(_POOL, f"{POOL}: one run at a time")


def monitoring(examination: Examination) -> Iterator[Finding]:
    """A run whose worker died is ended."""
    dagster = examination.instance
    if not dagster.run_monitoring_enabled:
        yield failed(
            _MONITORING, "off: a run whose worker died holds the pool for ever", f"on: {_SETTINGS}"
        )
        return
    longest = dagster.run_monitoring_max_runtime_seconds
    text = f"on, runs end after {longest} s at the latest" if longest else "on"
    if examination.has_stack and not longest:
        yield warning(
            _MONITORING,
            f"{text}, but a run whose whole machine died is never ended",
            f"max_runtime_seconds: {_SETTINGS}",
        )
    else:
        yield ok(_MONITORING, text)


def retries(examination: Examination) -> Iterator[Finding]:
    """A run whose worker died is started again, one that an asset refused is not."""
    dagster = examination.instance
    if not dagster.run_retries_enabled:
        text = "off: a run whose worker died is not started again"
        if examination.has_stack:
            yield warning(_RETRIES, text, f"on: {_SETTINGS}")
        else:
            yield ok(_RETRIES, text)
    elif dagster.run_retries_retry_on_asset_or_op_failure:
        yield warning(
            _RETRIES,
            "on for failed assets too: what they refuse is asked for again and again",
            f"retry_on_asset_or_op_failure: false: {_SETTINGS}",
        )
    else:
        yield ok(_RETRIES, f"at most {dagster.run_retries_max_retries}, of died workers only")


def daemons(examination: Examination) -> Iterator[Finding]:
    """Every daemon that the settings ask for has been heard of lately."""
    dagster = examination.instance
    required = sorted(dagster.get_required_daemon_types())
    heartbeats = dagster.get_daemon_heartbeats()
    problems = list(_daemon_problems(required, heartbeats, examination.clock()))
    if not problems:
        yield ok(_DAEMONS, f"{len(required)} alive")
        return
    # On a developer's machine they run while somebody uses them.
    yield (failed if examination.has_stack else warning)(
        _DAEMONS,
        listed(problems),
        "start the daemon (one only) and read its log"
        if examination.has_stack
        else "`tdnet up` starts them",
    )


def automation(examination: Examination) -> Iterator[Finding]:
    """What runs by itself runs: the records' sensors always, the others as the operator wants."""
    states = {state.instigator_name: state for state in examination.instance.all_instigator_state()}
    serving = _served(examination.definitions)
    running = [name for name, starts in serving.items() if _is_on(states.get(name), starts=starts)]
    off = [name for name in serving if name not in running]
    needed = [sensor.name for sensor in RECORD_SENSORS if sensor.name in off]
    failing = [
        reason
        for name in running
        if name in states and (reason := _failed_tick(examination.instance, states[name]))
    ]
    if needed:
        yield failed(
            _AUTOMATION,
            f"off: {', '.join(needed)}: records of vanished runs are not ended",
            "switch them on in the Dagster UI, under Automation",
        )
    elif failing:
        yield warning(
            _AUTOMATION, f"the last tick failed of {listed(failing)}", "read it in the Dagster UI"
        )
    elif off:
        yield warning(
            _AUTOMATION,
            f"off: {', '.join(off)}",
            "switch on what you want in the Dagster UI, under Automation",
        )
    else:
        yield ok(_AUTOMATION, f"{len(running)} running")


def backlog(examination: Examination) -> Iterator[Finding]:
    """Every day of the window that is due is complete."""
    now = examination.clock().astimezone(TOKYO)
    lake = examination.lake
    if CaptureStore(lake).oldest_day() is None:
        yield warning(
            _BACKLOG,
            "nothing was ever collected",
            "`tdnet collect` a first day, or switch on the sensors and schedules",
        )
        return
    found = freshness(
        facts_of_days(
            {*days_of_the_window(lake, lake.config, now), latest_due_day(now)},
            instance=examination.instance,
            lake=lake,
            index=examination.index,
            now=now,
        ),
        now,
    )
    if not found.problems:
        yield ok(_BACKLOG, str(found))
        return
    behind = timedelta(seconds=round(found.lag(now)))
    # On a developer's machine nobody counts on yesterday.
    yield (failed if examination.has_stack else warning)(
        _BACKLOG,
        f"{found}; behind for {behind}",
        f"`tdnet collect {min(found.problems)} --until {max(found.problems)}`, and see in the last "
        "tick of the sensor reconcile why it was not done",
    )


def _daemon_problems(
    required: Iterable[str], heartbeats: Mapping[str, DaemonHeartbeat], now: datetime
) -> Iterator[str]:
    if not heartbeats:
        yield "none was ever heard of"
        return
    for name in required:
        beat = heartbeats.get(name)
        if beat is None:
            yield f"{name} was never heard of"
            continue
        heard = datetime.fromtimestamp(beat.timestamp, UTC)
        if heard < now - HEARTBEAT_LIMIT:
            yield f"{name} was last heard of at {heard:%Y-%m-%d %H:%M:%S}Z"
        elif beat.errors:
            yield f"{name}: {_last_line(beat.errors[0].message)}"


def _served(definitions: dg.Definitions) -> dict[str, bool]:
    """Sensors and schedules by name, and whether they start by themselves."""
    repository = definitions.get_repository_def()
    sensors = {
        one.name: one.default_status == dg.DefaultSensorStatus.RUNNING
        for one in repository.sensor_defs
    }
    schedules = {
        one.name: one.default_status == dg.DefaultScheduleStatus.RUNNING
        for one in repository.schedule_defs
    }
    return sensors | schedules


def _is_on(state: InstigatorState | None, *, starts: bool) -> bool:
    if state is None or state.status == InstigatorStatus.DECLARED_IN_CODE:
        return starts
    return state.status in _ON


def _failed_tick(dagster: dg.DagsterInstance, state: InstigatorState) -> str | None:
    """The name and the reason, when the newest tick failed."""
    ticks = dagster.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    if not ticks or ticks[0].status != TickStatus.FAILURE:
        return None
    error = ticks[0].error
    return f"{state.instigator_name}: {_last_line(error.message) if error else 'no reason given'}"


def _last_line(message: str) -> str:
    """What an error of Dagster's says at its end, which is its cause."""
    return message.strip().splitlines()[-1] if message.strip() else "no message"


CHECKS: Final = (
    Check(_INSTANCE, instance),
    Check(_POOL, pool, needs=(_INSTANCE,)),
    Check(_MONITORING, monitoring, needs=(_INSTANCE,)),
    Check(_RETRIES, retries, needs=(_INSTANCE,)),
    Check(_DAEMONS, daemons, needs=(_INSTANCE,)),
    Check(_AUTOMATION, automation, needs=(_INSTANCE,)),
    Check(_BACKLOG, backlog, needs=(_INSTANCE, BUCKET, DISCLOSURES_LABEL)),
)
