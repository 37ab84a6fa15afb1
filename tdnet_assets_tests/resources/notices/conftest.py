"""A table of notices."""

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.notices_table import NoticesResource


@pytest.fixture
def table(platform: PlatformConfig) -> NoticesResource:
    return NoticesResource(config=platform)
