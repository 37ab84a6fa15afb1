"""What the local environment needs in its AWS: the bucket and the tables, made if missing.

What belongs here: creating them from the same definitions as the template's. What does not: any
other environment, which ``tdnet infra deploy`` prepares.
"""

from typing import Any

from botocore.exceptions import ClientError

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources import aws
from tdnet_assets.resources.executions import TTL_ATTRIBUTE, table_definition

_NO_LOCATION_REGION = "us-east-1"
_EXISTS = (
    "BucketAlreadyOwnedByYou",
    "ResourceInUseException",
)


def bootstrap(config: PlatformConfig) -> None:
    """Create what is missing; safe to repeat, and to run in several processes at once.

    Args:
        config: connected to the embedded AWS.

    Raises:
        botocore.exceptions.ClientError: something could not be made.
        botocore.exceptions.WaiterError: a table did not become active within a minute.
    """
    _create_bucket(config)
    _create_table(config, table_definition(config), TTL_ATTRIBUTE)


def _create_bucket(config: PlatformConfig) -> None:
    # That region is S3's default and must not be named.
    location = (
        {}
        if config.aws_region == _NO_LOCATION_REGION
        else {"CreateBucketConfiguration": {"LocationConstraint": config.aws_region}}
    )
    _unless_it_exists(aws.client(config, "s3").create_bucket, Bucket=config.bucket, **location)


def _create_table(config: PlatformConfig, definition: dict[str, Any], ttl_attribute: str) -> None:
    dynamodb = aws.client(config, "dynamodb")
    name = definition["TableName"]
    _unless_it_exists(dynamodb.create_table, **definition)
    # Asked even when the table was there: its maker may have been killed before the next steps.
    dynamodb.get_waiter("table_exists").wait(
        TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    described = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if described["TimeToLiveStatus"] == "DISABLED":
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl_attribute},
        )


def _unless_it_exists(create: Any, **arguments: Any) -> None:
    try:
        create(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _EXISTS:
            raise
