"""A table of notices, and a webhook on loopback."""

from collections.abc import Iterator

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.notices_table import NoticesResource
from tdnet_assets_tests.resources.notices.receivers import Receiver, receiving


@pytest.fixture
def table(platform: PlatformConfig) -> NoticesResource:
    return NoticesResource(config=platform)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver
