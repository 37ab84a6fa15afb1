"""How a step of a run treats its days: one after the other, each asset of each with its own truth.

What belongs here: the order of work, what one failure may and may not stop, and the events of a
run. Collection (``collection.py``) and derivation (``derivation.py``) are both built on it.

Why the events are logged by hand: Dagster cannot fail one partition of a ranged step. A step that
raises fails all its days, and everything downstream of it is skipped for all of them: one
unreadable row would keep a month of documents from being fetched. Here a day's events are logged
as soon as they are true, so a run that dies keeps the days it finished, and a bad day is one bad
day. An asset is materialized when it is *whole as it is stored* (``tables/wholeness.py``): in
whichever selection it is made, it is not green on inputs that are not complete.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import date
from typing import Generic, TypeVar

import dagster as dg

from tdnet_assets.assets.cancellation import run_until_interrupted
from tdnet_assets.assets.last_results import EXECUTION, STORED_AS, LastResults
from tdnet_assets.assets.previews import shown
from tdnet_assets.assets.run_report import DayFailure, RunReport
from tdnet_assets.assets.steps import (
    CheckResult,
    DailyStep,
    Day,
    IncompleteDayError,
    Materialized,
)
from tdnet_assets.resources.aws.metrics import MetricsDelivery
from tdnet_assets.resources.lake.store import ConflictError
from tdnet_assets.resources.source.answers import DayNotListedError
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import Origin
from tdnet_assets.tdnet.errors import TdnetAssetsError
from tdnet_assets.tdnet.foreign_text import in_markdown

METRICS_DELIVERED = "metrics_delivered"
TRIES_AGAINST_ANOTHER_WRITER = 5
_LISTING = "listing_pages"

_DayT = TypeVar("_DayT", bound=Day)


def metrics_check(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check that shows what became of a run's metrics; evaluated once a run."""
    return dg.AssetCheckSpec(
        METRICS_DELIVERED,
        asset=asset,
        description="CloudWatch accepted the metrics of the newest run.",
    )


class DayRun(Generic[_DayT]):
    """One step of a run over its days; :meth:`execute` raises ``dg.Failure`` if any day failed."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        steps: Sequence[DailyStep[_DayT]],
        report: RunReport,
        *,
        metrics_asset: dg.AssetKey,
        open_day: Callable[[AsyncExitStack], Awaitable[Callable[[date], Awaitable[_DayT]]]],
    ) -> None:
        """Prepare the step.

        Args:
            context: of Dagster's op.
            steps: the selected ones, in their order.
            report: of the run.
            metrics_asset: which asset shows what became of the run's metrics.
            open_day: what has to be open while days are made; gives what makes a day ready, which
                may take as long as the day goes on.
        """
        self.context = context
        self.steps = steps
        self.report = report
        self.metrics_asset = metrics_asset
        self.open_day = open_day
        self.failures: list[DayFailure] = []
        self._last_results = LastResults(context.instance)
        self._pointers: dict[tuple[str, date], str | None] = {}

    def execute(self) -> None:
        """Make every day, then report; the record gets its final status whatever happens."""
        try:
            self._run_loop()
        except BaseException as error:
            self.report.abort(error)
            raise
        self.report.failures += self.failures
        if delivery := self.report.step_done():
            self._log_delivery(delivery)
        if self.failures:
            raise self.report.failure(self.failures)

    def _run_loop(self) -> None:
        # From the start: waiting for another run's session may take longer than the lease.
        with self.report.progress.heartbeat():
            run_until_interrupted(self._make_days)

    async def _make_days(self) -> None:
        _let_interrupts_end_the_loop()
        async with AsyncExitStack() as stack:
            ready = await self.open_day(stack)
            for date_ in self.report.days:
                try:
                    day = await ready(date_)
                except Exception as error:  # noqa: BLE001 - recorded; it costs no other day
                    self._day_failed(date_, self.steps[0], error)
                    self.report.progress.day_done(made=False)
                else:
                    await self._make_day(day)

    async def _make_day(self, day: _DayT) -> None:
        not_made: set[str] = set()
        day.state.recipes = {**RECIPES, **{step.name: step.recipe for step in self.steps}}
        for step in self.steps:
            if not not_made.isdisjoint(step.recipe.inputs):
                not_made.add(step.name)
                continue
            day.versions.clear()
            try:
                if last := self._last_results.of(step, day):
                    made = Materialized(last.version, last.metadata)
                    evaluations = last.evaluations
                else:
                    made = await make(step, day)
                    evaluations = [
                        _evaluation(step.spec.key, day.date, check) for check in made.checks
                    ]
            except Exception as error:  # noqa: BLE001 - recorded; one day must not cost the others
                self._day_failed(day.date, step, error)
                not_made.add(step.name)
                continue
            self._log_made(day, step, made, evaluations)
        failures = [*self.report.failures, *self.failures]
        is_listed = not any((one.day, one.asset) == (day.date, _LISTING) for one in failures)
        self.report.progress.day_done(made=is_listed and len(not_made) < len(self.steps))

    def _log_made(
        self,
        day: _DayT,
        step: DailyStep[_DayT],
        made: Materialized,
        evaluations: Sequence[dg.AssetCheckEvaluation],
    ) -> None:
        """Log what was made: as a materialization if it is whole, else as the day's failure."""
        failed = [check for check in made.checks if check.fails]
        made_from = day.made_from(step.recipe)
        day.state.origins[step.name] = Origin(
            made.version, step.recipe.reader, tuple(check.name for check in failed), made_from
        )
        # A check says more than its name; an input's own failure is told where it happened.
        reasons = [check.description for check in failed] or [
            f"it is {lack.reason}" for lack in day.state.lacks(step.name)
        ]
        if not reasons:
            self.context.log_event(
                dg.AssetMaterialization(
                    step.spec.key,
                    partition=str(day.date),
                    metadata=shown(
                        {
                            **made.metadata,
                            EXECUTION: self.report.run_id,
                            STORED_AS: day.state.mark(step.name),
                        }
                    ),
                    tags=self._version_tags(day.date, step, made.version, made_from),
                )
            )
            self._pointers.pop((step.name, day.date), None)
        for evaluation in evaluations:
            self.context.log_event(evaluation)
        if reasons:
            self._day_failed(day.date, step, IncompleteDayError("; ".join(reasons)))

    def _version_tags(
        self, day: date, step: DailyStep[_DayT], version: str, made_from: dict[str, str]
    ) -> dict[str, str]:
        """What Dagster compares to say that a partition is out of date: own and upstream versions.

        It writes them itself only for outputs of a step, which would be made for all days or none.
        """
        tags = {
            "dagster/data_version": version,
            "dagster/data_version_is_user_provided": "true",
            "dagster/code_version": step.spec.code_version or "",
        }
        for name, input_version in made_from.items():
            tags[f"dagster/input_data_version/{name}"] = input_version
            if pointer := self._pointer(name, day):
                tags[f"dagster/input_event_pointer/{name}"] = pointer
        return tags

    def _pointer(self, asset: str, day: date) -> str | None:
        """Where an asset's newest materialization of the day is in the event log."""
        if (asset, day) not in self._pointers:
            record = self._last_results.materialization(dg.AssetKey(asset), str(day))
            self._pointers[asset, day] = str(record.storage_id) if record else None
        return self._pointers[asset, day]

    def _log_delivery(self, delivery: MetricsDelivery) -> None:
        result = CheckResult(
            METRICS_DELIVERED,
            passed=delivery.delivered,
            description=delivery.error or f"{len(delivery.sent)} metrics delivered",
            metadata={"namespace": self.report.metrics.config.metrics_namespace},
        )
        self.context.log_event(_evaluation(self.metrics_asset, self.report.days[-1], result))

    def _day_failed(self, day: date, step: DailyStep[_DayT], error: Exception) -> None:
        self.failures.append(
            DayFailure(
                day=day,
                asset=step.name,
                error_type=type(error).__name__,
                message=str(error),
                permanent=isinstance(error, DayNotListedError),
            )
        )
        expected = isinstance(error, TdnetAssetsError)
        self.context.log.error(
            f"{day} {step.name}: {type(error).__name__}: {error}"
            + ("" if expected else f"\n{''.join(traceback.format_exception(error))}")
        )


def _evaluation(asset: dg.AssetKey, day: date, check: CheckResult) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=check.name,
        passed=check.passed,
        description=in_markdown(check.description),
        metadata=shown(check.metadata),
        severity=dg.AssetCheckSeverity.WARN if check.only_warns else dg.AssetCheckSeverity.ERROR,
        partition=str(day),
    )


async def make(step: DailyStep[_DayT], day: _DayT) -> Materialized:
    """Make a step's table; made again from what is there then, if another writer was faster."""
    for _ in range(TRIES_AGAINST_ANOTHER_WRITER - 1):
        try:
            return await step.materialize(day)
        except ConflictError as conflict:
            day.say(f"{day.date} {step.name}: {conflict}; made again")
            day.refresh()
    return await step.materialize(day)


def _let_interrupts_end_the_loop() -> None:
    """Cancel the run's task when an interrupt was raised inside a callback of the event loop.

    Dagster turns a cancellation into an exception raised wherever the main thread happens to be;
    inside a callback asyncio would only log it, and the run would go on.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if (
            isinstance(error, BaseException)
            and not isinstance(error, Exception)
            and task is not None
        ):
            task.cancel(str(error))
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
