"""The folder of the local state: made once, and said so.

What belongs here: making it. What does not: where it is (``config.py``), and what is inside.
"""

import logging

from tdnet_assets.config import PlatformConfig

_LOGGER = logging.getLogger(__name__)


def make(config: PlatformConfig) -> None:
    """Make the home unless it is there; a new one is a new world, so a person is told of it."""
    home = config.home_path
    try:
        home.mkdir(parents=True)
    except FileExistsError:
        return
    # Without any logging set up, which is so in a command, a warning is a line on standard error.
    _LOGGER.warning("new home for local state: %s (TDNET_HOME names another)", home)
