"""What Dagster loads: the definitions for the configuration that the environment describes.

What belongs here: what must be there before the definitions are, namely the local services where
they are wanted. What does not: what is served (``definitions.py``). Importing this module does
nothing; Dagster calls :func:`defs` when it loads the code location.
"""

from datetime import datetime

import dagster as dg

from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import build_definitions
from tdnet_assets.local.services import connect
from tdnet_assets.resources.lake.first_day import with_first_day
from tdnet_assets.tdnet.listing import TOKYO


@dg.definitions
def defs() -> dg.Definitions:
    """The code location as the environment describes it; local services are started if needed."""
    config = connect(PlatformConfig.from_environment())
    return build_definitions(with_first_day(config, datetime.now(TOKYO).date()))
