"""The DynamoDB tables as the template declares them.

What belongs here: what a lasting table has beyond its keys. What does not: keys and indexes, which
come from the definitions that the local environment creates its tables from too.
"""

from typing import Any

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import executions, index_table, notices_table


def executions_table(config: PlatformConfig) -> dict[str, Any]:
    """CloudFormation properties of the table of execution records, whose items expire."""
    return {
        **_lasting(executions.table_definition(config)),
        "TimeToLiveSpecification": {"AttributeName": executions.TTL_ATTRIBUTE, "Enabled": True},
    }


def disclosures_table(config: PlatformConfig) -> dict[str, Any]:
    """CloudFormation properties of the disclosure index."""
    return _lasting(index_table.table_definition(config))


def notices_table_properties(config: PlatformConfig) -> dict[str, Any]:
    """CloudFormation properties of the table of notices, whose items expire."""
    attribute = notices_table.EXPIRY_ATTRIBUTE
    return {
        **_lasting(notices_table.table_definition(config)),
        "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": True},
    }


def _lasting(definition: dict[str, Any]) -> dict[str, Any]:
    # CreateTable and AWS::DynamoDB::Table spell keys, indexes and billing alike.
    return {
        **definition,
        "DeletionProtectionEnabled": True,
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }
