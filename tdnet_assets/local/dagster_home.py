"""Dagster's own home: where it is, and its settings when there are none yet.

What belongs here: the instance that the CLI and ``tdnet up`` share. What does not: production
settings, which belong to the deployment's own ``dagster.yaml``.
"""

import shutil
from pathlib import Path

import dagster as dg

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import home

INSTANCE_SETTINGS = Path(__file__).with_name("dagster.yaml")


def prepare(config: PlatformConfig) -> Path:
    """The Dagster home, with our settings if it has none of its own."""
    if not config.dagster_home:
        home.make(config)
    folder = config.dagster_home_path
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / INSTANCE_SETTINGS.name
    if not settings.exists():
        shutil.copyfile(INSTANCE_SETTINGS, settings)
    return folder


def instance(config: PlatformConfig) -> dg.DagsterInstance:
    """The Dagster instance of the home; close it by using it as a context manager."""
    return dg.DagsterInstance.from_config(str(prepare(config)))
