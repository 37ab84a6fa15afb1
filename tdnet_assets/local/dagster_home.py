"""Dagster's own home: where it is, and its settings when there are none yet.

What belongs here: the instance that the CLI and ``tdnet up`` share. What does not: production
settings, which belong to the deployment's own ``dagster.yaml``.
"""

import json
import re
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._serdes import ConfigurableClassData

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local import home

# The events' folder has to be absolute: Dagster takes it from the process's working directory.
_EVENTS = re.compile(r"^( *base_dir: ).*( # written anew where the home has moved)$", re.MULTILINE)

INSTANCE_SETTINGS = Path(__file__).with_name("dagster.yaml")


def prepare(config: PlatformConfig) -> Path:
    """The Dagster home, with our settings if it has none of its own."""
    if not config.dagster_home:
        home.make(config)
    folder = config.dagster_home_path
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / INSTANCE_SETTINGS.name
    before = settings.read_text() if settings.exists() else None
    events = json.dumps(str(folder / "history"))  # as YAML quotes it too
    now = _EVENTS.sub(
        lambda line: f"{line[1]}{events}{line[2]}", before or INSTANCE_SETTINGS.read_text()
    )
    if now != before:
        settings.write_text(now)
    return folder


def instance(config: PlatformConfig) -> dg.DagsterInstance:
    """The Dagster instance of the home; close it by using it as a context manager."""
    return dg.DagsterInstance.from_config(str(prepare(config)))


def instance_for_a_run_here(config: PlatformConfig) -> dg.DagsterInstance:
    """The same for a run in this process: what it prints stays where this process prints.

    Dagster would lead it through files that four processes beside show, and leave three of them a
    run; settings that have it brought to another place than files are followed.
    """
    ref = InstanceRef.from_dir(str(prepare(config)))
    if ref.compute_logs_data.class_name == LocalComputeLogManager.__name__:
        kind = NoOpComputeLogManager
        ref = ref._replace(
            compute_logs_data=ConfigurableClassData(kind.__module__, kind.__name__, "{}\n")
        )
    return dg.DagsterInstance.from_ref(ref)
