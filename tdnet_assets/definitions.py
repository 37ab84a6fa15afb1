"""What the code location serves; nothing else is wired anywhere.

What belongs here: the list of assets and resources. What does not: how any of them works, and which
configuration is meant: Dagster loads ``code_location.py``, which takes the environment's; the CLI
and the tests call :func:`build_definitions` with one of their own.
"""

from collections.abc import Callable

import dagster as dg

from tdnet_assets.assets.collection import build_collection
from tdnet_assets.assets.derivation import build_derivation
from tdnet_assets.assets.disclosure_index import DISCLOSURE_INDEX_STEP
from tdnet_assets.assets.disclosures import DISCLOSURES_STEP
from tdnet_assets.assets.document_texts import DOCUMENT_TEXTS_STEP
from tdnet_assets.assets.documents import DOCUMENTS_STEP
from tdnet_assets.assets.earnings import EARNINGS_STEP
from tdnet_assets.assets.financial_facts import FINANCIAL_FACTS_STEP
from tdnet_assets.assets.forecast_revisions import FORECAST_REVISIONS_STEP
from tdnet_assets.assets.histories import HISTORIES
from tdnet_assets.assets.listing_pages import LISTING_PAGES_STEP
from tdnet_assets.assets.report_figures import REPORT_FIGURES_STEP
from tdnet_assets.assets.report_links import REPORT_LINKS_STEP
from tdnet_assets.assets.watch_notices import WATCH_NOTICES_STEP
from tdnet_assets.automation.freshness import freshness_sensor, with_freshness_policy
from tdnet_assets.automation.jobs import build_jobs
from tdnet_assets.automation.new_disclosures import build_new_disclosures_sensor
from tdnet_assets.automation.notice_sending import build_notice_sending
from tdnet_assets.automation.notices import NOTICE_SENSORS
from tdnet_assets.automation.reconciler import build_reconciler
from tdnet_assets.automation.records import RECORD_SENSORS
from tdnet_assets.automation.schedules import build_schedules
from tdnet_assets.config import PlatformConfig
from tdnet_assets.partitions import days_from, years_from
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import MetricsResource
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.session import TdnetResource

COLLECTION_STEPS = (LISTING_PAGES_STEP, DISCLOSURES_STEP, DOCUMENTS_STEP)
DERIVATION_STEPS = (
    DISCLOSURE_INDEX_STEP,
    FINANCIAL_FACTS_STEP,
    FORECAST_REVISIONS_STEP,
    EARNINGS_STEP,
    REPORT_FIGURES_STEP,
    REPORT_LINKS_STEP,
    DOCUMENT_TEXTS_STEP,
    WATCH_NOTICES_STEP,
)
OWNER = "team:tdnet"
"""Who looks after the assets, as the catalogue shows it."""
DAILY_ASSETS = tuple(step.spec.key for step in (*COLLECTION_STEPS, *DERIVATION_STEPS))


class ConfigResource(PlatformConfig, dg.ConfigurableResource):  # type: ignore[type-arg]
    """The one configuration as Dagster shows it, with a field for each value in the launchpad."""


def build_definitions(config: PlatformConfig) -> dg.Definitions:
    """The code location for one configuration.

    Every resource depends on the same ``config``, which can be overridden once in the launchpad.
    Partitions begin at its ``first_day``, or where that is empty at the earliest day that there is.
    """
    days, years = days_from(config.first_day), years_from(config.first_day)
    collection = build_collection(COLLECTION_STEPS, DERIVATION_STEPS)
    daily = [
        _partitioned(with_freshness_policy(assets), days)
        for assets in (collection, build_derivation(DERIVATION_STEPS))
    ]
    jobs = build_jobs(dg.AssetSelection.assets(*HISTORIES))
    return dg.Definitions(
        assets=[*daily, *(_partitioned(history, years) for history in HISTORIES)],
        jobs=jobs.all,
        schedules=build_schedules(jobs.collect_day, jobs.collection),
        sensors=[
            build_new_disclosures_sensor(jobs.collect_day),
            build_reconciler(jobs.collection, jobs.derivation),
            freshness_sensor,
            build_notice_sending(jobs.derivation),
            *NOTICE_SENSORS,
            *RECORD_SENSORS,
        ],
        resources={
            "config": ConfigResource.configure_at_launch(**config.values),
            "tdnet": _of_the_config(TdnetResource),
            "lake": _of_the_config(LakeResource),
            "index": _of_the_config(DisclosureIndexResource),
            "executions": _of_the_config(ExecutionsResource),
            "metrics": _of_the_config(MetricsResource),
        },
        # A run waits for TDnet, not for the processor: one process, no start-up per step.
        executor=dg.in_process_executor,
    )


def _of_the_config(kind: Callable[..., object]) -> dg.ResourceDefinition:
    """What knows nothing of Dagster, as a resource that has the ``config`` of its run."""
    return dg.ResourceDefinition(
        lambda context: kind(config=context.resources.config),
        required_resource_keys={"config"},
        description=kind.__doc__,
    )


def _partitioned(
    assets: dg.AssetsDefinition, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    return assets.map_asset_specs(
        lambda spec: spec.replace_attributes(partitions_def=partitions, owners=[OWNER])
    )
