"""Collection: the assets that TDnet is asked for, as one step under the pool of its one slot.

What belongs here: how Dagster sees them together, and what is open while they are made. What does
not: how days run (``day_run.py``), and the assets themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import date

import dagster as dg

from tdnet_assets.assets.collection_session import CollectionSession
from tdnet_assets.assets.day_files import DayFiles
from tdnet_assets.assets.day_run import DayRun, metrics_check
from tdnet_assets.assets.documents import NAME as DOCUMENTS
from tdnet_assets.assets.following_derivation import FollowingDerivation
from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.assets.run_report import RunReport
from tdnet_assets.assets.steps import CollectionDay, DailyStep, Day
from tdnet_assets.assets.stored_checks import log_stored_checks
from tdnet_assets.partitions import DAYS, DAYS_PER_RUN
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import SENSOR_HEARTBEAT, MetricsResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.notices.watch_desk import WatchDesk
from tdnet_assets.resources.source.disclosure_source import DisclosureSource
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.resources.source.tdnet_source import TdnetSource

NAME = "daily_collection"
POOL = "tdnet"
NEWS_TAG = "tdnet/news"
"""Of a run that is for what has just been published: it need not read every page of the list."""


class SessionHeartbeat:
    """Says for each look of a session that somebody has looked, as the sensor does for its own."""

    def __init__(self, metrics: MetricsResource) -> None:
        """Send nothing yet."""
        self._metrics = metrics

    def beat(self, is_good: bool) -> None:
        """Send 1 for a good look, 0 for a failed one; nobody waits for it, a refusal is logged."""
        values = {SENSOR_HEARTBEAT: float(is_good)}
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, lambda: self._metrics.in_a_hurry().publish(values))


def build_collection(
    steps: Sequence[DailyStep[CollectionDay]], derived: Sequence[DailyStep[Day]]
) -> dg.AssetsDefinition:
    """The collected assets as one subsettable step that handles one partition or a range.

    Args:
        steps: of collection.
        derived: those of derivation, which follow while today goes on.
    """
    metrics_asset = steps[0].spec.key

    @dg.multi_asset(
        name=NAME,
        specs=[step.spec for step in steps],
        check_specs=[
            *(spec for step in steps for spec in step.check_specs()),
            metrics_check(metrics_asset),
        ],
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.multi_run(DAYS_PER_RUN),
        can_subset=True,
        pool=POOL,
        # Before derivation, which stands on it in a run of both and is not wired to it (see there).
        op_tags={"dagster/priority": "1"},
    )
    def daily_collection(  # noqa: PLR0917 - Dagster gives resources by name
        context: dg.AssetExecutionContext,
        tdnet: dg.ResourceParam[TdnetResource],
        lake: dg.ResourceParam[LakeResource],
        index: dg.ResourceParam[DisclosureIndexResource],
        executions: dg.ResourceParam[ExecutionsResource],
        metrics: dg.ResourceParam[MetricsResource],
    ) -> Iterator[dg.MaterializeResult[None]]:
        selected = [step for step in steps if step.spec.key in context.selected_asset_keys]
        if not selected:
            log_stored_checks(context, lake, index, executions)
            return
        report = RunReport.of(context, executions, metrics)
        desk = WatchDesk(lake)

        def of_day(day: date, progress: RunProgress, source: DisclosureSource) -> CollectionDay:
            return CollectionDay(
                date=day,
                lake=lake,
                index=index,
                progress=progress,
                state=read_day_state(lake, index, day),
                say=context.log.info,
                source=source,
                concurrency=tdnet.concurrency,
                counts_documents=day not in report.days
                or DOCUMENTS in {step.name for step in selected},
                files=DayFiles(day, lake, source, progress, context.log.info),
                rows_stored=desk.rows_stored,
            )

        def to_derive(day: date) -> Day:
            state = read_day_state(lake, index, day)
            return Day(day, lake, index, report.progress, state, context.log.info)

        async def open_day(
            stack: AsyncExitStack,
        ) -> Callable[[date], Awaitable[CollectionDay]]:
            session = await stack.enter_async_context(tdnet.session())
            source = TdnetSource(session)

            def count_requests() -> None:
                report.requests += session.counts.requests

            stack.callback(count_requests)
            beside = RunProgress(executions, report.run_id, days=1)
            stack.callback(lambda: report.progress.take_in(beside))
            return (
                await stack.enter_async_context(
                    CollectionSession(
                        source,
                        report.days,
                        lambda day: of_day(
                            day, report.progress if day in report.days else beside, source
                        ),
                        say=context.log.info,
                        derivation=FollowingDerivation(derived, to_derive, context.log.info),
                        looked=SessionHeartbeat(metrics).beat,
                        news_suffice=NEWS_TAG in context.run.tags,
                        parts_only=len(selected) < len(steps),
                    )
                )
            ).ready

        run = DayRun(context, selected, report, metrics_asset=metrics_asset, open_day=open_day)
        with desk:
            run.execute()
        # Every event was logged when it became true, so there is nothing left to yield.
        yield from ()

    return daily_collection
