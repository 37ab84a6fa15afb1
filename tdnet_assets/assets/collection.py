"""Collection: the assets that TDnet is asked for, as one step under the pool of its one slot.

What belongs here: how Dagster sees them together, and what is open while they are made. What does
not: how days run (``day_run.py``), and the assets themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import date

import dagster as dg

from tdnet_assets.assets.day_run import DayRun, metrics_check
from tdnet_assets.assets.run_report import RunReport
from tdnet_assets.assets.steps import CollectionDay, DailyStep
from tdnet_assets.assets.stored_checks import log_stored_checks
from tdnet_assets.partitions import DAYS, DAYS_PER_RUN
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import MetricsResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.resources.source.tdnet_source import TdnetSource

NAME = "daily_collection"
POOL = "tdnet"


def build_collection(steps: Sequence[DailyStep[CollectionDay]]) -> dg.AssetsDefinition:
    """The collected assets as one subsettable step that handles one partition or a range."""
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

        async def open_day(stack: AsyncExitStack) -> Callable[[date], CollectionDay]:
            session = await stack.enter_async_context(tdnet.session())

            def count_requests() -> None:
                report.requests += session.counts.requests

            stack.callback(count_requests)
            counts_documents = "documents" in {step.name for step in selected}
            return lambda day: CollectionDay(
                date=day,
                lake=lake,
                index=index,
                progress=report.progress,
                state=read_day_state(lake, index, day),
                say=context.log.info,
                source=TdnetSource(session),
                concurrency=tdnet.concurrency,
                counts_documents=counts_documents,
            )

        DayRun(context, selected, report, metrics_asset=metrics_asset, open_day=open_day).execute()
        # Every event was logged when it became true, so there is nothing left to yield.
        yield from ()

    return daily_collection
