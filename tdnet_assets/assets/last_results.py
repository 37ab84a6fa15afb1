"""What Dagster remembers of an asset's day: shown again where making it again would make the same.

What belongs here: finding the last result of a step that is still the one that is stored. What does
not: whether what is stored is what would be made (``tables/wholeness.py``, from the lake alone).

Nothing is decided by what Dagster remembers: it only saves work. Where it remembers nothing, or the
stored object is another one than it saw, whoever put that, the table is made, and so looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from tdnet_assets.assets.steps import DailyStep, Day

EXECUTION, MADE_IN, STORED_AS = "execution", "made_in", "stored_as"
"""In a materialization's metadata: its run, the run that made it, and S3's mark of the object."""


@dataclass(frozen=True, slots=True)
class LastResult:
    """Version and metadata of a materialization, and what its checks said, to be shown again."""

    version: str
    metadata: Mapping[str, Any]
    evaluations: Sequence[dg.AssetCheckEvaluation]


_ONLY_WARNS = dg.AssetCheckSeverity.WARN
_Evaluations = Mapping[tuple[dg.AssetKey, str, str | None], dg.AssetCheckEvaluation]


class LastResults:
    """The last results of assets in one Dagster instance; remembers the runs that it looked at."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._evaluations: dict[str, _Evaluations] = {}

    def of(self, step: DailyStep[Any], day: Day) -> LastResult | None:
        """The step's last result of the day, if making it again would make just this.

        The table is there in the size that it was put with, made by today's reader from the inputs
        that are stored now, its own checks passed, and it is the object that was shown last.
        """
        origin = day.state.origins.get(step.name)
        current = origin and not origin.result and day.state.is_current(step.name)
        if not origin or not current or not step.recipe.inputs:
            return None
        last = self._last(step, day, origin.version)
        if last is None and step.name in day.state.etags:
            # It says of itself that it is right: whether that is so is not known here.
            day.read_own(step.name)
        return last

    def _last(self, step: DailyStep[Any], day: Day, version: str) -> LastResult | None:
        record = self.materialization(step.spec.key, str(day.date))
        made = record.asset_materialization if record else None
        if record is None or made is None:
            return None
        values = {label: value.value for label, value in made.metadata.items()}
        if values.get(STORED_AS) != day.state.mark(step.name):
            return None
        evaluations = self._passed(step, str(day.date), record.run_id)
        if evaluations is None or not step.still_holds(day, values):
            return None
        zeros = dict.fromkeys(step.counts_of_a_run, 0)
        made_in = values.get(MADE_IN, values[EXECUTION])
        return LastResult(version, {**made.metadata, **zeros, MADE_IN: made_in}, evaluations)

    def materialization(self, key: dg.AssetKey, partition: str) -> dg.EventLogRecord | None:
        """The record of an asset's newest materialization of a partition."""
        wanted = dg.AssetRecordsFilter(key, asset_partitions=[partition])
        return next(iter(self._instance.fetch_materializations(wanted, limit=1).records), None)

    def _passed(
        self, step: DailyStep[Any], partition: str, run_id: str
    ) -> Sequence[dg.AssetCheckEvaluation] | None:
        """What the checks said in the run that materialized; None if any is missing or failed."""
        if run_id not in self._evaluations:
            self._evaluations[run_id] = self._evaluated(run_id)
        of_run = self._evaluations[run_id]
        found = [of_run.get((step.spec.key, name, partition)) for name in step.checks]
        passed = [one for one in found if one and (one.passed or one.severity == _ONLY_WARNS)]
        return passed if len(passed) == len(found) else None

    def _evaluated(self, run_id: str) -> _Evaluations:
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        events = [
            entry.get_dagster_event().asset_check_evaluation_data
            for entry in self._instance.all_logs(run_id, of_type=kind)
        ]
        return {(one.asset_key, one.check_name, one.partition): one for one in events}
