"""Derivation: the assets that are made from the lake alone, as one step that waits for nobody.

What belongs here: how Dagster sees them together. What does not: how days run (``day_run.py``), and
the assets themselves. There is no session and no pool here: derivations of several days run beside
each other and beside the one collection.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import date

import dagster as dg

from tdnet_assets.assets import collection
from tdnet_assets.assets.day_run import DayRun, metrics_check
from tdnet_assets.assets.run_report import RunReport, steps_of
from tdnet_assets.assets.steps import DailyStep, Day
from tdnet_assets.assets.stored_checks import log_stored_checks
from tdnet_assets.partitions import DAYS, DAYS_PER_RUN
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import MetricsResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.store import LakeResource

NAME = "daily_derivation"
LOOK_EVERY_SECONDS = 30
"""How often derivation looks whether its run's collection, which waits for TDnet, is done."""
_LONG_ENOUGH = 1_000_000


def build_derivation(steps: Sequence[DailyStep[Day]]) -> dg.AssetsDefinition:
    """The derived assets as one subsettable step that handles one partition or a range."""
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
    )
    def daily_derivation(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[LakeResource],
        index: dg.ResourceParam[DisclosureIndexResource],
        executions: dg.ResourceParam[ExecutionsResource],
        metrics: dg.ResourceParam[MetricsResource],
    ) -> Iterator[dg.MaterializeResult[None]]:
        selected = [step for step in steps if step.spec.key in context.selected_asset_keys]
        if not selected:
            log_stored_checks(context, lake, index, executions)
            return
        if _collection_comes_first(context):
            context.log.info("TDnet's slot is taken: what is to be collected is waited for")
            # A run that waits is alive; no other step of it can say so.
            executions.progress(context.run.run_id, 0)
            raise dg.RetryRequested(max_retries=_LONG_ENOUGH, seconds_to_wait=LOOK_EVERY_SECONDS)
        report = RunReport.of(context, executions, metrics)

        async def open_day(_: AsyncExitStack) -> Callable[[date], Awaitable[Day]]:
            async def ready(day: date) -> Day:
                return Day(
                    date=day,
                    lake=lake,
                    index=index,
                    progress=report.progress,
                    state=read_day_state(lake, index, day),
                    say=context.log.info,
                )

            return ready

        DayRun(context, selected, report, metrics_asset=metrics_asset, open_day=open_day).execute()
        yield from ()

    return _standing_alone(daily_derivation)


def _collection_comes_first(context: dg.AssetExecutionContext) -> bool:
    """Whether the run's collection is still to be done.

    Its priority puts it first, but while its pool has no slot Dagster would go on without it.
    """
    if collection.NAME not in steps_of(context):
        return False
    stats = context.instance.get_run_step_stats(context.run.run_id, [collection.NAME])
    return not any(one.end_time for one in stats)


def _standing_alone(assets: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The same assets and dependencies, without the wires between this op and collection's.

    Along a wire Dagster would skip derivation as soon as collection yields no output, which it
    never does, or abandon it for every day because of one bad one. What derivation really stands on
    is in the lake; collection's priority lets it go first where a run has both.
    """
    return type(assets).dagster_internal_init(
        **{**assets.get_attributes_dict(), "keys_by_input_name": {}}
    )
