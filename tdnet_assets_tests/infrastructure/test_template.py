"""The template itself: what an emulator skips without a word is asserted here."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from tdnet_assets.infrastructure.template import (
    LARGEST_BODY_BYTES,
    as_json,
    as_yaml,
    body,
    template,
)
from tdnet_assets.resources.aws.executions import table_definition as executions_definition
from tdnet_assets.resources.aws.index_table import table_definition as disclosures_definition

SNAPSHOT = Path(__file__).with_name("snapshots") / "template.json"
UPDATE = "UPDATE_SNAPSHOTS"
KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def _properties(config, logical_id):
    return template(config)["Resources"][logical_id]["Properties"]


def test_the_template_is_the_committed_snapshot(example):
    text = as_json(example) + "\n"
    if os.environ.get(UPDATE):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(text, encoding="utf-8")

    assert text == SNAPSHOT.read_text(encoding="utf-8"), (
        f"the template has changed: look at the difference, then run {UPDATE}=1 pytest {__file__}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("region", ["ap-northeast-1", "us-east-1"])
def test_cfn_lint_has_nothing_to_say(example, region):
    from cfnlint import api as cfn_lint  # noqa: PLC0415 - 0.6 s, which no other test need pay

    config = example.changed(notice_topic="arn:aws:sns:ap-northeast-1:123456789012:notices")

    assert [str(match) for match in cfn_lint.lint(as_json(config), regions=[region])] == []


@pytest.mark.slow
def test_json_and_yaml_say_the_same_and_every_time_the_same(example):
    assert json.loads(as_json(example)) == template(example)
    assert yaml.safe_load(as_yaml(example)) == template(example)
    assert as_json(example) == as_json(example.changed())


def test_what_a_new_stack_is_made_with_fits_into_a_request_and_lacks_the_catalogue_only(example):
    whole, first = template(example), json.loads(body(example, catalogue=False))

    assert len(body(example, catalogue=False)) < LARGEST_BODY_BYTES
    assert len(body(example)) < 1_000_000  # what CloudFormation reads from S3
    assert json.loads(body(example)) == whole
    missing = whole["Resources"].keys() - first["Resources"].keys()
    assert {whole["Resources"][name]["Type"].rsplit("::", 1)[0] for name in missing} == {
        "AWS::Glue"
    }
    assert whole["Outputs"] == first["Outputs"]


def test_no_account_region_or_partition_is_written_down(example):
    text = as_json(example)

    assert not re.search(r"\b\d{12}\b", text)
    assert "arn:aws" not in text
    assert example.aws_region not in text


def test_every_name_comes_from_the_configuration(example):
    names = {
        "bucket": "other-lake",
        "prefix": "elsewhere/",
        "executions_table": "other_executions",
        "disclosures_table": "other_disclosures",
        "notices_table": "other_notices",
        "metrics_namespace": "Other",
    }
    text = as_json(example.changed(environment="prod", **names))

    for name in names.values():
        assert name in text
    old = r"example[-_]|Example/|tdnet/|tdnet-dev|tdnet_dev"
    assert not re.search(old, text)


def test_the_bucket_is_private_encrypted_versioned_and_loses_nothing_current(example):
    resource = template(example)["Resources"]["Bucket"]
    properties = resource["Properties"]

    assert {name: resource[name] for name in KEPT} == KEPT
    assert properties["BucketName"] == "example-lake"
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert {name for rule in rules for name in rule} == {
        "Id",
        "Status",
        "NoncurrentVersionExpiration",
        "ExpiredObjectDeleteMarker",
        "AbortIncompleteMultipartUpload",
    }
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    assert rules[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert rules[1]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_the_bucket_refuses_requests_without_tls(example):
    (statement,) = _properties(example, "BucketPolicy")["PolicyDocument"]["Statement"]

    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [{"Fn::Sub": "${Bucket.Arn}"}, {"Fn::Sub": "${Bucket.Arn}/*"}]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("logical_id", "definition"),
    [
        ("ExecutionsTable", executions_definition),
        ("DisclosuresTable", disclosures_definition),
    ],
)
def test_tables_are_as_the_code_creates_them_and_safe_from_deletion(
    example, logical_id, definition
):
    resource = template(example)["Resources"][logical_id]
    properties = resource["Properties"]

    assert {name: resource[name] for name in KEPT} == KEPT
    assert definition(example).items() <= properties.items()
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_execution_records_expire_and_disclosures_do_not(example):
    assert _properties(example, "ExecutionsTable")["TimeToLiveSpecification"] == {
        "AttributeName": "ttl",
        "Enabled": True,
    }
    assert "TimeToLiveSpecification" not in _properties(example, "DisclosuresTable")


def test_alarms_and_their_recovery_are_announced_to_the_topic(example):
    resources = template(example)["Resources"]
    actions = [
        (resource["Properties"]["AlarmActions"], resource["Properties"]["OKActions"])
        for resource in resources.values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]

    assert actions == [([{"Ref": "Notices"}], [{"Ref": "Notices"}])] * 10
    assert resources["Notices"]["Type"] == "AWS::SNS::Topic"
    assert template(example)["Outputs"]["NoticeTopicArn"]["Value"] == {"Ref": "Notices"}


def test_the_template_s_policies_are_the_command_s(example):
    (namespace,) = [
        statement["Condition"]
        for statement in _properties(example, "RunPolicy")["PolicyDocument"]["Statement"]
        if statement["Action"] == ["cloudwatch:PutMetricData"]
    ]

    assert namespace == {"StringEquals": {"cloudwatch:namespace": "Example/TDnet"}}
