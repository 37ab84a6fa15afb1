"""How a day's assets run: one step, day by day, each asset of each day with its own truth.

What belongs here: the order of work, what one failure may and may not stop, and the events, record
and metrics of a run. Every daily asset is a :class:`DailyStep`; ``definitions.py`` lists them.

Why one step and not one per asset: in a ranged run Dagster skips everything downstream of a failed
step, for all its days. One unreadable row would keep a month of documents from being fetched,
perhaps until TDnet no longer has them. Here a day's events are logged as soon as they are true, so
a run that dies keeps the days it finished; a bad day is failed, and only that day.

What does not belong here: what an asset does (its own module).
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from time import monotonic
from typing import Any

import dagster as dg

from tdnet_assets.assets.cancellation import run_until_interrupted
from tdnet_assets.assets.previews import preview
from tdnet_assets.assets.progress import DayFailure, RunProgress
from tdnet_assets.partitions import DAYS, DAYS_PER_RUN, day_of, trigger_of
from tdnet_assets.resources.aws.executions import Details, ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import MetricsDelivery, MetricsResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.paging import DayNotListedError
from tdnet_assets.resources.source.session import TdnetResource, TdnetSession
from tdnet_assets.tdnet.errors import TdnetAssetsError, TdnetError
from tdnet_assets.tdnet.foreign_text import in_markdown

POOL = "tdnet"
METRICS_DELIVERED = "metrics_delivered"
_INTERRUPTED = "the run was interrupted; materialize the same days again: only the rest is fetched"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one day; a failed one fails the asset's materialization of that day.

    One that only warns is about what was filed, not about how it was collected: it is shown and
    the day stands.
    """

    name: str
    passed: bool
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    only_warns: bool = False


@dataclass(frozen=True, slots=True)
class Materialized:
    """What a step made of a day: metadata for the UI and the results of its checks.

    ``data_version`` changes only when the data does, so that Dagster can tell what is out of date.
    """

    data_version: str
    metadata: Mapping[str, Any]
    checks: Sequence[CheckResult] = ()


class IncompleteDayError(TdnetAssetsError):
    """An asset of a day is not whole: a check failed, or what it is made from is not there."""


@dataclass(slots=True)
class Day:
    """One day of a run, with everything a step needs; ``new_rows`` is set by ``disclosures``."""

    date: date
    tdnet: TdnetSession
    lake: LakeResource
    index: DisclosureIndexResource
    progress: RunProgress
    concurrency: int
    counts_documents: bool
    new_rows: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DailyStep:
    """A daily asset: its spec, the names and meanings of its checks, and how a day is made."""

    spec: dg.AssetSpec
    checks: Mapping[str, str]
    materialize: Callable[[Day], Awaitable[Materialized]]

    @property
    def name(self) -> str:
        """The asset's name."""
        return self.spec.key.to_user_string()

    def check_specs(self) -> list[dg.AssetCheckSpec]:
        """The checks as Dagster declares them."""
        described = {
            **self.checks,
            METRICS_DELIVERED: "CloudWatch accepted the metrics of the run that made this day.",
        }
        return [
            dg.AssetCheckSpec(name, asset=self.spec.key, description=text)
            for name, text in described.items()
        ]


def build_daily_assets(steps: Sequence[DailyStep]) -> dg.AssetsDefinition:
    """The daily assets as one subsettable step that handles one partition or a range."""

    @dg.multi_asset(
        name="daily_collection",
        specs=[step.spec for step in steps],
        check_specs=[spec for step in steps for spec in step.check_specs()],
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.multi_run(DAYS_PER_RUN),
        can_subset=True,
        pool=POOL,
    )
    def daily_collection(  # noqa: PLR0917 - Dagster gives resources by name
        context: dg.AssetExecutionContext,
        tdnet: TdnetResource,
        lake: LakeResource,
        index: DisclosureIndexResource,
        executions: ExecutionsResource,
        metrics: MetricsResource,
    ) -> Iterator[dg.MaterializeResult[None]]:
        selected = [step for step in steps if step.spec.key in context.selected_asset_keys]
        if not selected:
            raise dg.Failure(
                "these checks are evaluated while a day is made: materialize the partition",
                allow_retries=False,
            )
        DailyRun(
            context,
            selected,
            tdnet=tdnet,
            lake=lake,
            index=index,
            executions=executions,
            metrics=metrics,
        ).execute()
        # Every event was logged when it became true, so there is nothing left to yield.
        yield from ()

    return daily_collection


class DailyRun:
    """One run over one or many days; :meth:`execute` raises ``dg.Failure`` if any day failed."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        steps: Sequence[DailyStep],
        *,
        tdnet: TdnetResource,
        lake: LakeResource,
        index: DisclosureIndexResource,
        executions: ExecutionsResource,
        metrics: MetricsResource,
    ) -> None:
        self.context = context
        self.steps = steps
        self.tdnet = tdnet
        self.lake = lake
        self.index = index
        self.executions = executions
        self.metrics = metrics
        self.days = [day_of(key) for key in context.partition_keys]
        self.progress = RunProgress(executions, context.run.run_id, days=len(self.days))
        self.failures: list[DayFailure] = []
        self.requests = 0

    def execute(self) -> None:
        """Make every day, then report; the record gets its final status whatever happens."""
        started = monotonic()
        self._start_record()
        try:
            run_until_interrupted(self._make_days)
        except BaseException as error:
            self._finish_record(
                "failed" if isinstance(error, Exception) else "canceled", error=error
            )
            raise
        delivery = self._publish_metrics(monotonic() - started)
        self._finish_record(
            "failed" if self.failures else "completed", metrics_error=delivery.error
        )
        if self.failures:
            raise self._failure()

    async def _make_days(self) -> None:
        _let_interrupts_end_the_loop()
        async with AsyncExitStack() as stack:
            # First of all: waiting for another run's session may take longer than the lease.
            await stack.enter_async_context(self.progress.heartbeat())
            session = await stack.enter_async_context(self.tdnet.session())
            try:
                for day in self.days:
                    await self._make_day(
                        Day(
                            date=day,
                            tdnet=session,
                            lake=self.lake,
                            index=self.index,
                            progress=self.progress,
                            concurrency=self.tdnet.concurrency,
                            counts_documents="documents" in {step.name for step in self.steps},
                        )
                    )
            finally:
                self.requests = session.counts.requests

    async def _make_day(self, day: Day) -> None:
        not_made: set[dg.AssetKey] = set()
        not_whole: set[dg.AssetKey] = set()
        for step in self.steps:
            sources = [dep.asset_key for dep in step.spec.deps]
            if not not_made.isdisjoint(sources):
                not_made.add(step.spec.key)
                continue
            try:
                made = await step.materialize(day)
            except Exception as error:  # noqa: BLE001 - recorded; one day must not cost the others
                self._day_failed(day, step, error)
                not_made.add(step.spec.key)
                continue
            lacking = [key.to_user_string() for key in sources if key in not_whole]
            if not self._log_made(day, step, made, lacking):
                not_whole.add(step.spec.key)
        self.progress.day_done()

    def _log_made(
        self, day: Day, step: DailyStep, made: Materialized, lacking: Sequence[str]
    ) -> bool:
        """Log what was made; whether it is whole: its checks pass, and its sources are whole."""
        failed = [check for check in made.checks if not check.passed and not check.only_warns]
        reasons = [check.description for check in failed]
        # A source's failure has been told; it is repeated only where nothing else is wrong.
        if lacking and not failed:
            reasons = [f"it is made from {', '.join(lacking)}, which is not complete"]
        if not reasons:
            self.context.log_event(
                dg.AssetMaterialization(
                    step.spec.key,
                    partition=str(day.date),
                    metadata={**made.metadata, "execution": self.context.run.run_id},
                    tags=self._version_tags(day.date, step, made.data_version),
                )
            )
        for check in made.checks:
            self._log_check(day.date, step, check)
        if reasons:
            self._day_failed(day, step, IncompleteDayError("; ".join(reasons)))
        return not reasons

    def _version_tags(self, day: date, step: DailyStep, data_version: str) -> dict[str, str]:
        """What Dagster compares to say that a partition is out of date: own and upstream versions.

        It writes them itself only for outputs of a step, which would be made for all days or none.
        """
        tags = {
            "dagster/data_version": data_version,
            "dagster/data_version_is_user_provided": "true",
            "dagster/code_version": step.spec.code_version or "",
        }
        for key in (dep.asset_key for dep in step.spec.deps):
            found = self.context.instance.fetch_materializations(
                dg.AssetRecordsFilter(key, asset_partitions=[str(day)]), limit=1
            )
            for record in found.records:
                upstream = record.asset_materialization
                version = (upstream.tags or {}).get("dagster/data_version") if upstream else None
                if version:
                    name = key.to_user_string()
                    tags[f"dagster/input_data_version/{name}"] = version
                    tags[f"dagster/input_event_pointer/{name}"] = str(record.storage_id)
        return tags

    def _log_check(self, day: date, step: DailyStep, check: CheckResult) -> None:
        self.context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=step.spec.key,
                check_name=check.name,
                passed=check.passed,
                description=in_markdown(check.description),
                metadata=dict(check.metadata),
                severity=dg.AssetCheckSeverity.WARN
                if check.only_warns
                else dg.AssetCheckSeverity.ERROR,
                partition=str(day),
            )
        )

    def _day_failed(self, day: Day, step: DailyStep, error: Exception) -> None:
        self.failures.append(
            DayFailure(
                day=day.date,
                asset=step.name,
                error_type=type(error).__name__,
                message=str(error),
                permanent=isinstance(error, DayNotListedError),
            )
        )
        expected = isinstance(error, TdnetError | IncompleteDayError)
        self.context.log.error(
            f"{day.date} {step.name}: {type(error).__name__}: {error}"
            + ("" if expected else f"\n{''.join(traceback.format_exception(error))}")
        )

    def _start_record(self) -> None:
        run = self.context.run
        self.executions.expire_stale()
        self.executions.start(
            run.run_id,
            job_name=run.job_name,
            trigger=trigger_of(run.tags),
            root_execution_id=run.root_run_id,
            partition_start=str(self.days[0]),
            partition_end=str(self.days[-1]),
            dagster_url=f"/runs/{run.run_id}",
        )

    def _finish_record(
        self,
        status: str,
        *,
        error: BaseException | None = None,
        metrics_error: str | None = None,
    ) -> None:
        error_type = error_message = None
        if error is not None:
            error_type, error_message = type(error).__name__, str(error) or _INTERRUPTED
        elif self.failures:
            error_type, error_message = self.failures[0].error_type, self._summary()
        details: Details = {
            **self.progress.counts,
            "error_type": error_type,
            "error_message": error_message,
            "metrics_error": metrics_error,
        }
        self.executions.record(
            self.context.run.run_id, status=status, progress=self.progress.percent, **details
        )

    def _publish_metrics(self, seconds: float) -> MetricsDelivery:
        progress = self.progress
        delivery = self.metrics.publish(
            {
                "DisclosuresCollected": progress.collected,
                "DisclosuresFailed": progress.failed + progress.rejected,
                "CollectionSuccessRate": progress.success_rate,
                "DocumentsStored": progress.documents_stored,
                "DocumentsFailed": progress.documents_failed,
                "TdnetRequests": self.requests,
                "RunDuration": seconds,
                "PartitionsFailed": len({failure.day for failure in self.failures}),
            }
        )
        result = CheckResult(
            METRICS_DELIVERED,
            passed=delivery.delivered,
            description=delivery.error or f"{len(delivery.sent)} metrics delivered",
            metadata={"namespace": self.metrics.config.metrics_namespace},
        )
        for step in self.steps:
            for day in self.days:
                self._log_check(day, step, result)
        return delivery

    def _summary(self) -> str:
        days = sorted({failure.day for failure in self.failures})
        first = self.failures[0]
        failed = f"{len(days)} of {len(self.days)} days" if len(self.days) > 1 else f"{first.day}"
        where = first.asset if len(self.days) == 1 else f"{first.day} {first.asset}"
        return f"{failed} not complete: {where}: {first.message}"

    def _failure(self) -> dg.Failure:
        return dg.Failure(
            description=self._summary(),
            metadata={
                "failed": preview(
                    {
                        "day": failure.day,
                        "asset": failure.asset,
                        "error": failure.error_type,
                        "message": failure.message[:500],
                    }
                    for failure in self.failures[:DAYS_PER_RUN]
                )
            },
            allow_retries=not all(failure.permanent for failure in self.failures),
        )


def _let_interrupts_end_the_loop() -> None:
    """Cancel the run's task when an interrupt was raised inside a callback of the event loop.

    Dagster turns a cancellation into an exception raised wherever the main thread happens to be;
    inside a callback asyncio would only log it, and the run would go on.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not isinstance(error, Exception) and task is not None:
            task.cancel(str(error))
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
