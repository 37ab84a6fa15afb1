"""Dagster's own home: where it is, and its settings when there are none yet.

What belongs here: the instance that the CLI and ``tdnet up`` share. What does not: production
settings, which belong to the deployment's own ``dagster.yaml``.
"""

import shutil
from pathlib import Path

import dagster as dg

from tdnet_assets.config import PlatformConfig

SETTINGS = Path(__file__).with_name("dagster.yaml")


def prepare(config: PlatformConfig) -> Path:
    """The Dagster home, with our settings if it has none of its own."""
    home = config.dagster_home_path
    home.mkdir(parents=True, exist_ok=True)
    settings = home / SETTINGS.name
    if not settings.exists():
        shutil.copyfile(SETTINGS, settings)
    return home


def instance(config: PlatformConfig) -> dg.DagsterInstance:
    """The Dagster instance of the home; close it by using it as a context manager."""
    return dg.DagsterInstance.from_config(str(prepare(config)))
