"""What the code location serves; nothing else is wired anywhere.

What belongs here: the list of assets and resources. What does not: how any of them works.
Importing this module does nothing; Dagster calls :func:`defs` when it loads the location, and the
CLI and the tests call :func:`build_definitions` with a configuration of their own.
"""

import dagster as dg

from tdnet_assets.assets.daily import build_daily_assets
from tdnet_assets.assets.disclosures import DISCLOSURES
from tdnet_assets.assets.documents import DOCUMENTS
from tdnet_assets.assets.listing import LISTING_PAGES
from tdnet_assets.automation.records import RECORD_SENSORS
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.services import connect
from tdnet_assets.resources.executions import ExecutionsResource
from tdnet_assets.resources.lake import LakeResource
from tdnet_assets.resources.metrics import MetricsResource
from tdnet_assets.resources.tdnet import TdnetResource

DAILY_STEPS = (LISTING_PAGES, DISCLOSURES, DOCUMENTS)


@dg.definitions
def defs() -> dg.Definitions:
    """The code location as the environment describes it; local services are started if needed."""
    return build_definitions(connect(PlatformConfig.from_environment()))


def build_definitions(config: PlatformConfig) -> dg.Definitions:
    """The code location for one configuration.

    Every resource depends on the same ``config``, which can be overridden once in the launchpad.
    """
    shared = PlatformConfig.configure_at_launch(**config.values)
    return dg.Definitions(
        assets=[build_daily_assets(DAILY_STEPS)],
        sensors=RECORD_SENSORS,
        resources={
            "config": shared,
            "tdnet": TdnetResource(config=shared),
            "lake": LakeResource(config=shared),
            "executions": ExecutionsResource(config=shared),
            "metrics": MetricsResource(config=shared),
        },
        # A run waits for TDnet, not for the processor: one process, no start-up per step.
        executor=dg.in_process_executor,
    )
