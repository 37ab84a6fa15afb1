"""What the local environment needs in its AWS: the bucket and the tables, made if missing.

What belongs here: creating them from the same definitions as the template's, and bringing back what
a hard kill of the embedded AWS has cost the disclosure index. What does not: any other environment,
which ``tdnet infra deploy`` prepares.
"""

import logging
from typing import Any

from botocore.exceptions import ClientError

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients, executions, index_table, notices_table
from tdnet_assets.resources.index_feed import catch_up

_LOGGER = logging.getLogger(__name__)

_NO_LOCATION_REGION = "us-east-1"
_EXISTS = (
    "BucketAlreadyOwnedByYou",
    "ResourceInUseException",
)


def bootstrap(config: PlatformConfig) -> None:
    """Create what is missing; safe to repeat, and to run in several processes at once.

    An index that lacks days of the lake is fed with them: after a hard kill the embedded AWS has
    the objects, but the items only as of its last clean stop.

    Args:
        config: connected to the embedded AWS.

    Raises:
        botocore.exceptions.ClientError: something could not be made.
        botocore.exceptions.WaiterError: a table did not become active within a minute.
    """
    _create_bucket(config)
    dynamodb = clients.client(config, "dynamodb")
    _create_table(dynamodb, executions.table_definition(config), executions.TTL_ATTRIBUTE)
    _create_table(dynamodb, index_table.table_definition(config))
    _create_table(dynamodb, notices_table.table_definition(config), notices_table.EXPIRY_ATTRIBUTE)
    _bring_back_index(config)


def _create_bucket(config: PlatformConfig) -> None:
    # That region is S3's default and must not be named.
    location = (
        {}
        if config.aws_region == _NO_LOCATION_REGION
        else {"CreateBucketConfiguration": {"LocationConstraint": config.aws_region}}
    )
    _unless_it_exists(clients.client(config, "s3").create_bucket, Bucket=config.bucket, **location)


def _create_table(
    dynamodb: Any, definition: dict[str, Any], ttl_attribute: str | None = None
) -> None:
    table = definition["TableName"]
    made = _unless_it_exists(dynamodb.create_table, **definition)
    # Asked even when the table was there: its maker may have been killed before this.
    if made is None or made["TableDescription"]["TableStatus"] != "ACTIVE":
        dynamodb.get_waiter("table_exists").wait(
            TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    if ttl_attribute:
        _expire_items(dynamodb, table, ttl_attribute, is_new=made is not None)


def _expire_items(dynamodb: Any, table: str, ttl_attribute: str, *, is_new: bool) -> None:
    if is_new or _never_expires(dynamodb, table):
        dynamodb.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl_attribute},
        )


def _never_expires(dynamodb: Any, table: str) -> bool:
    described = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return bool(described["TimeToLiveStatus"] == "DISABLED")


def _bring_back_index(config: PlatformConfig) -> None:
    try:
        rebuilt = catch_up(config)
    except Exception:
        # The index is only a copy: what ails the lake must not keep the local environment down.
        _LOGGER.exception("the disclosure index is behind: mend it with `tdnet index rebuild`")
        return
    if rebuilt.days:
        _LOGGER.info("%d days of the lake fed to the disclosure index", rebuilt.days)


def _unless_it_exists(create: Any, **arguments: Any) -> dict[str, Any] | None:
    """What AWS says of what was made; None if it was there."""
    try:
        return dict(create(**arguments))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _EXISTS:
            raise
        return None
