"""What a run reports of itself: one record, one delivery of metrics, after its last step.

What belongs here: the counts and failures of a run, and their way into the execution record and to
CloudWatch. What does not: how a day is made (``day_run.py``), and how a record is written
(``resources/aws/executions.py``).

A run of a whole day has two steps, collection and derivation, that Dagster executes one after the
other in one process (the location's executor is the in-process one). They share one report.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from time import monotonic
from typing import Any

import dagster as dg

from tdnet_assets.assets.previews import preview, shown
from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.partitions import day_of, trigger_of
from tdnet_assets.resources.aws.executions import Details, ExecutionsResource
from tdnet_assets.resources.aws.metrics import MetricsDelivery, MetricsResource

_INTERRUPTED = "the run was interrupted; materialize the same days again: only the rest is fetched"

# By run id; a report leaves with its run's last step, or with the process.
_OPEN: dict[str, "RunReport"] = {}


@dataclass(frozen=True, slots=True)
class DayFailure:
    """Why an asset of a day was not materialized; a permanent one is not mended by a retry."""

    day: date
    asset: str
    error_type: str
    message: str
    permanent: bool


def steps_of(context: dg.AssetExecutionContext) -> Collection[str]:
    """The names of a run's steps; the run itself names them only where it is to leave some out."""
    return context.run.step_keys_to_execute or [node.name for node in context.job_def.nodes]


def progress_of(run_id: str) -> RunProgress | None:
    """How far a run of this process is; None before it begins and when it is over."""
    report = _OPEN.get(run_id)
    return report.progress if report else None


@dataclass(slots=True)
class RunReport:
    """The report of one run; the first step opens it, the last one closes it."""

    run_id: str
    days: Sequence[date]
    executions: ExecutionsResource
    metrics: MetricsResource
    progress: RunProgress
    steps_left: int
    failures: list[DayFailure] = field(default_factory=list)
    requests: int = 0
    started: float = field(default_factory=monotonic)

    @classmethod
    def of(
        cls,
        context: dg.AssetExecutionContext,
        executions: ExecutionsResource,
        metrics: MetricsResource,
    ) -> "RunReport":
        """The report of the context's run, opened with its record if this is the first step."""
        run = context.run
        if run.run_id in _OPEN:
            return _OPEN[run.run_id]
        days = [day_of(key) for key in context.partition_keys]
        steps = steps_of(context)
        progress = RunProgress(executions, run.run_id, days=len(days) * len(steps))
        report = cls(run.run_id, days, executions, metrics, progress, len(steps))
        executions.start(
            run.run_id,
            job_name=run.job_name,
            trigger=trigger_of(run.tags),
            root_execution_id=run.root_run_id,
            partition_start=str(days[0]),
            partition_end=str(days[-1]),
            dagster_url=f"/runs/{run.run_id}",
        )
        _OPEN[run.run_id] = report
        return report

    def step_done(self) -> MetricsDelivery | None:
        """A step has come to its end; after the last one the record is final and metrics are sent.

        Returns:
            What became of the metrics, or None while a step is still to come.
        """
        self.steps_left -= 1
        if self.steps_left > 0:
            return None
        delivery = self._publish()
        self._finish("failed" if self.failures else "completed", metrics_error=delivery.error)
        return delivery

    def abort(self, error: BaseException) -> None:
        """The run ends here, by an error that is no day's own or by an interrupt."""
        self._finish("failed" if isinstance(error, Exception) else "canceled", error=error)

    def failure(self, failures: Sequence[DayFailure]) -> dg.Failure:
        """What a step raises for the days that failed in it."""
        return dg.Failure(
            description=self._summary(failures),
            metadata=shown(
                {
                    "failed": preview(
                        {
                            "day": failure.day,
                            "asset": failure.asset,
                            "error": failure.error_type,
                            "message": failure.message[:500],
                        }
                        for failure in failures
                    )
                }
            ),
            allow_retries=not all(failure.permanent for failure in failures),
        )

    def _finish(
        self,
        status: str,
        *,
        error: BaseException | None = None,
        metrics_error: str | None = None,
    ) -> None:
        _OPEN.pop(self.run_id, None)
        self.progress.is_complete = status == "completed"
        error_type = error_message = None
        if error is not None:
            error_type, error_message = type(error).__name__, str(error) or _INTERRUPTED
        elif self.failures:
            error_type = self.failures[0].error_type
            error_message = self._summary(self.failures)
        details: Details = {
            **self.progress.counts,
            "error_type": error_type,
            "error_message": error_message,
            "metrics_error": metrics_error,
        }
        self.executions.record(
            self.run_id, status=status, progress=self.progress.percent, **details
        )

    def _publish(self) -> MetricsDelivery:
        progress = self.progress
        values: dict[str, Any] = {
            "DisclosuresCollected": progress.collected,
            "DisclosuresFailed": progress.failed + progress.rejected,
            "CollectionSuccessRate": progress.success_rate,
            "DocumentsStored": progress.documents_stored,
            "DocumentsFailed": progress.documents_failed,
            "TdnetRequests": self.requests,
            "RunDuration": monotonic() - self.started,
            "PartitionsFailed": len({failure.day for failure in self.failures}),
        }
        return self.metrics.publish(values)

    def _summary(self, failures: Sequence[DayFailure]) -> str:
        days = {failure.day for failure in failures}
        first = failures[0]
        failed = f"{len(days)} of {len(self.days)} days" if len(self.days) > 1 else f"{first.day}"
        where = first.asset if len(self.days) == 1 else f"{first.day} {first.asset}"
        return f"{failed} not complete: {where}: {first.message}"
