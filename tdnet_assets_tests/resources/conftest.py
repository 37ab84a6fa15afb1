import uuid
from pathlib import Path

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.executions import ExecutionsResource, table_definition


@pytest.fixture
def platform_config(aws_endpoint: str, tmp_path: Path) -> PlatformConfig:
    unique = uuid.uuid4().hex[:12]
    return PlatformConfig(
        environment="local",
        bucket=f"tdnet-{unique}",
        executions_table=f"tdnet_executions_{unique}",
        disclosures_table=f"tdnet_disclosures_{unique}",
        metrics_namespace=f"TDnet/{unique}",
        aws_endpoint_url=aws_endpoint,
        embedded_aws=True,
        home=str(tmp_path),
    )


@pytest.fixture
def executions(platform_config: PlatformConfig) -> ExecutionsResource:
    clients.client(platform_config, "dynamodb").create_table(**table_definition(platform_config))
    return ExecutionsResource(config=platform_config)
