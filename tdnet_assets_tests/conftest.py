"""Shared parts of the tests: no real AWS, no live site, one embedded AWS a test process.

A fixture imports what it needs when it is asked for: a test of a parser never waits for Dagster.
"""

import gc
import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tdnet_assets.tdnet.listing import TOKYO

if TYPE_CHECKING:
    import dagster as dg

    from tdnet_assets.config import PlatformConfig
    from tdnet_assets.sample_site.site import SampleSite
    from tdnet_assets_tests.pipeline import Pipeline
    from tdnet_assets_tests.resources.notices.receivers import Receiver

_NUMBERS = itertools.count(1)
NOW = datetime(2026, 6, 30, 20, 0, tzinfo=TOKYO)

# No deadline: a busy machine is not a failure. `make check` tries a tenth of what `make test` does.
hypothesis.settings.register_profile("full", max_examples=100, deadline=None)
hypothesis.settings.register_profile("check", max_examples=10, deadline=None)
hypothesis.settings.load_profile("full")

# What is imported stays: looking for what is left of it costs a sixth of the imports.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was imported to itself: half a million objects, looked at with each collection."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _no_real_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make sure that tests never reach real AWS or the live site."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "TDNET_")) or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from tdnet_assets.config import DEFAULT_REGION
    from tdnet_assets.local import embedded_aws

    with embedded_aws.running(tmp_path_factory.mktemp("aws"), region=DEFAULT_REGION) as aws:
        yield aws.endpoint_url


@pytest.fixture
def site() -> "SampleSite":
    """A sample TDnet whose clock stands at 2026-06-30 20:00 in Tokyo."""
    from tdnet_assets.sample_site.site import SampleSite

    return SampleSite(clock=lambda: NOW)


@pytest.fixture(scope="session")
def endings() -> Iterator[ThreadPoolExecutor]:
    """Where servers end beside the next tests: each takes 0.15 s, in which it only waits."""
    with ThreadPoolExecutor(thread_name_prefix="ending") as pool:
        yield pool


@pytest.fixture
def base_url(site: "SampleSite", endings: ThreadPoolExecutor) -> Iterator[str]:
    from tdnet_assets.sample_site.site import serve

    with ExitStack() as stack:
        yield stack.enter_context(serve(site))
        endings.submit(stack.pop_all().close)


@pytest.fixture
def platform(aws_endpoint: str, base_url: str, tmp_path: Path) -> "PlatformConfig":
    return new_platform(aws_endpoint, base_url, tmp_path / "home")


def new_platform(aws_endpoint: str, base_url: str, home: Path) -> "PlatformConfig":
    """A configuration with names of its own, bucket and tables made, and no request gap."""
    from tdnet_assets.config import PlatformConfig
    from tdnet_assets.local.bootstrap import bootstrap

    name = f"{os.getpid()}-{next(_NUMBERS)}"
    config = PlatformConfig(
        bucket=f"lake-{name}",
        executions_table=f"executions-{name}",
        disclosures_table=f"disclosures-{name}",
        notices_table=f"notices-{name}",
        metrics_namespace=f"TDnet-{name}",
        tdnet_base_url=base_url,
        requests_per_second=0,
        home=str(home),
        aws_endpoint_url=aws_endpoint,
        embedded_aws=True,
    )
    bootstrap(config)
    return config


@pytest.fixture(scope="session")
def instance() -> "Iterator[dg.DagsterInstance]":
    """One ephemeral Dagster instance: making one costs more than most tests."""
    import dagster as dg

    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def pipeline(platform: "PlatformConfig", instance: "dg.DagsterInstance") -> "Pipeline":
    from tdnet_assets_tests.pipeline import Pipeline

    return Pipeline(platform, instance)


@pytest.fixture
def hook() -> "Iterator[Receiver]":
    """A webhook on loopback that takes what it is sent."""
    from tdnet_assets_tests.resources.notices.receivers import receiving

    with receiving() as receiver:
        yield receiver
