"""Clients for assertions, kept: making one costs more than asking it."""

from functools import cache
from typing import Any

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients


def client(config: PlatformConfig, service: str) -> Any:
    return _client(config.aws_endpoint_url, config.aws_region, service)


@cache
def _client(endpoint_url: str, region: str, service: str) -> Any:
    config = PlatformConfig(
        bucket="any",
        executions_table="any",
        disclosures_table="any",
        aws_endpoint_url=endpoint_url,
        aws_region=region,
        embedded_aws=True,
    )
    return clients.client(config, service)
