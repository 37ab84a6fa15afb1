"""The CloudFormation template: everything that an environment needs in its account.

What belongs here: what is in the stack and how its parts refer to each other. What does not: the
parts themselves (the other modules of this package), and deploying it (``deploy.py``).

The same configuration gives the same text, byte by byte. Account, region and partition are left to
CloudFormation. Data outlives the stack: bucket and tables are kept when it is deleted.
"""

import json
from typing import Any, Final

from tdnet_assets.config import PlatformConfig
from tdnet_assets.infrastructure import (
    alarms,
    bucket_properties,
    dashboard,
    dynamodb_tables,
    glue,
    names,
    policy,
)

FORMAT_VERSION: Final = "2010-09-09"
LARGEST_BODY_BYTES: Final = 51_200
"""What CloudFormation takes in a request; a larger one it reads from S3."""

RUN_POLICY_OUTPUT: Final = "RunPolicyArn"
OPERATOR_POLICY_OUTPUT: Final = "OperatorPolicyArn"
READER_POLICY_OUTPUT: Final = "ReaderPolicyArn"
TOPIC_OUTPUT: Final = "NoticeTopicArn"

_BUCKET: Final = "Bucket"
_TOPIC: Final = "Notices"
_DATABASE: Final = "Database"

_Resource = dict[str, Any]


def template(config: PlatformConfig, *, catalogue: bool = True) -> dict[str, Any]:
    """The template of a configuration, in JSON's own types.

    Args:
        config: names of everything.
        catalogue: with the Glue tables; what is left without them fits into one request.

    Raises:
        tdnet_assets.infrastructure.glue.UnmappedTypeError: Athena cannot read a table's column.
    """
    return {
        "AWSTemplateFormatVersion": FORMAT_VERSION,
        "Description": f"TDnet disclosures, environment {config.environment}",
        "Resources": {
            **_data(config),
            **_policies(config),
            **_watch(config),
            **(_catalogue(config) if catalogue else {}),
        },
        "Outputs": _outputs(config),
    }


def as_json(config: PlatformConfig) -> str:
    """The template as JSON text for people: indented, in ASCII."""
    return json.dumps(template(config), indent=2)


def body(config: PlatformConfig, *, catalogue: bool = True) -> str:
    """The template as CloudFormation gets it, on one line; arguments as of :func:`template`."""
    return json.dumps(template(config, catalogue=catalogue), separators=(",", ":"))


def as_yaml(config: PlatformConfig) -> str:
    """The template as YAML text."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - only when it is asked for

    return str(yaml.safe_dump(template(config), sort_keys=False, allow_unicode=False, width=100))


def _data(config: PlatformConfig) -> dict[str, _Resource]:
    return {
        _BUCKET: _kept("AWS::S3::Bucket", bucket_properties.bucket(config)),
        "BucketPolicy": _resource(
            "AWS::S3::BucketPolicy", bucket_properties.bucket_policy(_BUCKET)
        ),
        "ExecutionsTable": _kept("AWS::DynamoDB::Table", dynamodb_tables.executions_table(config)),
        "DisclosuresTable": _kept(
            "AWS::DynamoDB::Table", dynamodb_tables.disclosures_table(config)
        ),
        "NoticesTable": _kept(
            "AWS::DynamoDB::Table", dynamodb_tables.notices_table_properties(config)
        ),
    }


def _policies(config: PlatformConfig) -> dict[str, _Resource]:
    # No names: a named policy could be in one region's stack only, and never be replaced.
    return {
        name: _resource(
            "AWS::IAM::ManagedPolicy",
            {
                "Description": f"{description} ({names.stack(config)})",
                "PolicyDocument": _substituted(document),
            },
        )
        for name, description, document in (
            (
                policy.RUN_POLICY,
                "What the TDnet code location does in AWS",
                policy.run_policy(config, policy.OF_THE_STACK),
            ),
            (
                "OperatorPolicy",
                "Looking at TDnet runs, disclosures and metrics",
                policy.operator_policy(config, policy.OF_THE_STACK),
            ),
            (
                "ReaderPolicy",
                "Reading TDnet disclosures over HTTP: tdnet serve",
                policy.reader_policy(config, policy.OF_THE_STACK),
            ),
        )
    }


def _watch(config: PlatformConfig) -> dict[str, _Resource]:
    topic = {"Ref": _TOPIC}
    return {
        _TOPIC: _resource("AWS::SNS::Topic", {"TopicName": names.topic(config)}),
        **{
            f"{alarm.metric}{alarm.level.title()}": _resource(
                "AWS::CloudWatch::Alarm",
                {**alarm.properties(config), "AlarmActions": [topic], "OKActions": [topic]},
            )
            for alarm in alarms.ALARMS
        },
        "Dashboard": _resource(
            "AWS::CloudWatch::Dashboard",
            {
                "DashboardName": names.dashboard(config),
                "DashboardBody": {
                    "Fn::Sub": json.dumps(dashboard.body(config), separators=(",", ":"))
                },
            },
        ),
    }


def _catalogue(config: PlatformConfig) -> dict[str, _Resource]:
    return {
        _DATABASE: _resource("AWS::Glue::Database", glue.database(config)),
        **{
            f"{_logical_id(table.name)}GlueTable": _resource(
                "AWS::Glue::Table", glue.table(config, table, partitions, _DATABASE)
            )
            for table, partitions in glue.TABLES
        },
        **{
            f"{_logical_id(view.name)}GlueView": _resource(
                "AWS::Glue::Table", glue.view(config, view, select, _DATABASE)
            )
            for view, select in glue.VIEWS
        },
    }


def _outputs(config: PlatformConfig) -> dict[str, Any]:
    topic_advice = (
        "Topic of alarms and notices: subscribe to it"
        if config.notice_topic
        else "Topic of alarms: subscribe to it; for notices of failed runs too, set "
        "TDNET_NOTICE_TOPIC to it and deploy again"
    )
    values = {
        "BucketName": ("Bucket of the lake", {"Ref": _BUCKET}),
        RUN_POLICY_OUTPUT: ("Attach to the role that runs Dagster", {"Ref": policy.RUN_POLICY}),
        OPERATOR_POLICY_OUTPUT: ("Attach to who looks at it", {"Ref": "OperatorPolicy"}),
        READER_POLICY_OUTPUT: ("Attach to the role that runs the reader", {"Ref": "ReaderPolicy"}),
        TOPIC_OUTPUT: (topic_advice, {"Ref": _TOPIC}),
        "GlueDatabase": ("Database in Athena", names.glue_database(config)),
    }
    return {
        name: {"Description": description, "Value": value}
        for name, (description, value) in values.items()
    }


def _resource(type_: str, properties: dict[str, Any]) -> _Resource:
    return {"Type": type_, "Properties": properties}


def _kept(type_: str, properties: dict[str, Any]) -> _Resource:
    return {
        "Type": type_,
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def _substituted(node: Any) -> Any:
    """The same structure with every string that names a pseudo parameter left to ``Fn::Sub``."""
    if isinstance(node, dict):
        return {key: _substituted(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_substituted(value) for value in node]
    if isinstance(node, str) and "${AWS::" in node:
        return {"Fn::Sub": node}
    return node


def _logical_id(table: str) -> str:
    return "".join(part.title() for part in table.split("_"))
