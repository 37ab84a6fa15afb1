import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets_tests.resources.lake.test_store import new_bucket


@pytest.fixture
def bucket(aws_endpoint: str) -> PlatformConfig:
    """A lake of its own, without tables."""
    return new_bucket(aws_endpoint)
