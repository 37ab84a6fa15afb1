"""Days as they might be stored, and what might have been tried, for tests of what is made of it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from tdnet_assets.resources.aws.executions import COMPLETED, FAILED, ExecutionRecord
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import DayState, Origin, version_of

STORED_AT = datetime(2026, 6, 11, 0, 0, tzinfo=UTC)


def stored(
    day: date,
    *,
    failed: Mapping[str, tuple[str, ...]] | None = None,
    without: tuple[str, ...] = (),
    at: datetime = STORED_AT,
) -> DayState:
    """A day of which everything is stored and made from what is there, with these failed checks."""
    state = DayState(day)
    for name, recipe in RECIPES.items():
        result = (failed or {}).get(name, ())
        made_from = {one: state.version(one) or "" for one in recipe.inputs}
        version = version_of(f"{name} of {day}", ",".join(result))
        state.origins[name] = Origin(version, recipe.reader, result, made_from, at)
    for name in without:
        state.origins[name] = None
    return state


def tried(
    day: date,
    ended: datetime,
    *,
    status: str = FAILED,
    job: str = "collection",
    seconds: float = 5,
    until: date | None = None,
) -> ExecutionRecord:
    """The record of a run of the day that came to its end at this time."""
    values: dict[str, object] = dict.fromkeys(ExecutionRecord.__dataclass_fields__)
    values |= {
        "execution_id": f"{job} {ended:%H:%M:%S}",
        "status": status,
        "started_at": ended - timedelta(seconds=seconds),
        "updated_at": ended,
        "completed_at": ended if status in (COMPLETED, FAILED, "canceled") else None,
        "partition_start": str(day),
        "partition_end": str(until or day),
        "job_name": job,
        "environment": "local",
        "ttl": 0,
    }
    return ExecutionRecord(**values)  # type: ignore[arg-type]
