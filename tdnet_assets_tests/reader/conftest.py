"""A lake with collected days, and a reader of it: one for all tests of a process."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from starlette.testclient import TestClient

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.reader.application import application
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.sample_site.site import serve
from tdnet_assets_tests.e2e import browser
from tdnet_assets_tests.reader import example_lake

LOOPBACK = "http://127.0.0.1"


@dataclass(frozen=True)
class Collected:
    """Three days of the sample site, newest first, the oldest not whole, and a company's years."""

    config: PlatformConfig
    days: list[date]

    @property
    def lake(self) -> LakeResource:
        return LakeResource(config=self.config)


@pytest.fixture(scope="session")
def collected(aws_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collected]:
    site = example_lake.site_of_today()
    name = f"reader-{os.getpid()}"
    with serve(site) as base_url, dg.DagsterInstance.ephemeral() as instance:
        config = PlatformConfig(
            bucket=f"lake-{name}",
            executions_table=f"executions-{name}",
            disclosures_table=f"disclosures-{name}",
            tdnet_base_url=base_url,
            requests_per_second=0,
            home=str(tmp_path_factory.mktemp("reader")),
            aws_endpoint_url=aws_endpoint,
            embedded_aws=True,
        )
        bootstrap(config)
        days = example_lake.collect(config, instance, site)
        example_lake.write_history(LakeResource(config=config))
        yield Collected(config, days)


@pytest.fixture
def reader(collected: Collected) -> Iterator[TestClient]:
    with TestClient(application(collected.config), base_url=LOOPBACK) as client:
        yield client


@pytest.fixture
def empty_reader(platform: PlatformConfig) -> Iterator[TestClient]:
    """A reader of a lake in which nothing is yet."""
    with TestClient(application(platform), base_url=LOOPBACK) as client:
        yield client


@pytest.fixture(scope="session")
def chromium() -> str:
    found = browser.chromium()
    if found is None:
        pytest.skip("the pages are NOT opened in a browser: there is no Chromium on the PATH")
    return found


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile"
