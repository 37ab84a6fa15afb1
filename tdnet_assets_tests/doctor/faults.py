"""What a hand can break in a healthy account, each put right again at the end of its block."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.infrastructure.dashboard import body
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets_tests.doctor.account import (
    Account,
    lifecycle_rules,
    put_lifecycle,
)


@contextmanager
def versions_suspended(account: Account) -> Iterator[None]:
    s3, name = account.client("s3"), account.config.bucket
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    yield
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


@contextmanager
def public_access_open(account: Account) -> Iterator[None]:
    s3, name = account.client("s3"), account.config.bucket
    closed = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    s3.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration={**closed, "BlockPublicPolicy": False}
    )
    yield
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=closed)


@contextmanager
def encryption_by_another_key(account: Account) -> Iterator[None]:
    s3, name = account.client("s3"), account.config.bucket
    was = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    yield
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=was)


@contextmanager
def plain_http_allowed(account: Account) -> Iterator[None]:
    s3, name = account.client("s3"), account.config.bucket
    was = s3.get_bucket_policy(Bucket=name)["Policy"]
    s3.delete_bucket_policy(Bucket=name)
    yield
    s3.put_bucket_policy(Bucket=name, Policy=was)


@contextmanager
def owned_by_whoever_writes(account: Account) -> Iterator[None]:
    s3, name = account.client("s3"), account.config.bucket
    was = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    s3.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    yield
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=was)


@contextmanager
def objects_expire(account: Account) -> Iterator[None]:
    rules = lifecycle_rules(account.config)
    tidy = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}}
    put_lifecycle(account.config, [*rules, tidy])
    yield
    put_lifecycle(account.config, rules)


@contextmanager
def old_versions_kept_for_ever(account: Account) -> Iterator[None]:
    rules = lifecycle_rules(account.config)
    put_lifecycle(account.config, rules[1:])
    yield
    put_lifecycle(account.config, rules)


@contextmanager
def records_kept_for_ever(account: Account) -> Iterator[None]:
    dynamodb, table = account.client("dynamodb"), account.config.executions_table
    for enabled in (False, True):
        dynamodb.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": enabled, "AttributeName": "ttl"},
        )
        if not enabled:
            yield


@contextmanager
def disclosures_expire(account: Account) -> Iterator[None]:
    dynamodb, table = account.client("dynamodb"), account.config.disclosures_table
    for enabled in (True, False):
        dynamodb.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": enabled, "AttributeName": "date"},
        )
        if enabled:
            yield


@contextmanager
def no_recovery(account: Account) -> Iterator[None]:
    dynamodb, table = account.client("dynamodb"), account.config.disclosures_table
    for enabled in (False, True):
        dynamodb.update_continuous_backups(
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled},
        )
        if not enabled:
            yield


@contextmanager
def unprotected(account: Account) -> Iterator[None]:
    dynamodb, table = account.client("dynamodb"), account.config.executions_table
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    yield
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)


@contextmanager
def _alarm_changed(account: Account, **changes: Any) -> Iterator[None]:
    cloudwatch = account.client("cloudwatch")
    alarm = ALARMS[0].properties(account.config)
    (found,) = cloudwatch.describe_alarms(AlarmNames=[alarm["AlarmName"]])["MetricAlarms"]
    actions = {name: found[name] for name in ("AlarmActions", "OKActions")}
    cloudwatch.put_metric_alarm(**{**alarm, **actions, **changes})
    yield
    cloudwatch.put_metric_alarm(**alarm, **actions)


def alarm_in_another_namespace(account: Account) -> AbstractContextManager[None]:
    return _alarm_changed(account, Namespace="TDnetDataCollector")


def alarm_by_another_dimension(account: Account) -> AbstractContextManager[None]:
    return _alarm_changed(account, Dimensions=[{"Name": "Stage", "Value": "dev"}])


def alarm_that_tells_nobody(account: Account) -> AbstractContextManager[None]:
    return _alarm_changed(account, AlarmActions=[])


def alarm_that_tells_somebody_else(account: Account) -> AbstractContextManager[None]:
    topic = account.config.notice_topic.replace("dev", "prod")
    return _alarm_changed(account, AlarmActions=[topic])


def alarm_that_is_silenced(account: Account) -> AbstractContextManager[None]:
    return _alarm_changed(account, ActionsEnabled=False)


@contextmanager
def alarm_deleted(account: Account) -> Iterator[None]:
    with _alarm_changed(account):
        account.client("cloudwatch").delete_alarms(AlarmNames=[ALARMS[0].name(account.config)])
        yield


@contextmanager
def run_policy_opened(account: Account) -> Iterator[None]:
    iam = account.client("iam")
    (role,) = iam.list_attached_role_policies(RoleName="dagster")["AttachedPolicies"]
    arn = role["PolicyArn"]
    known = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    was = iam.get_policy_version(PolicyArn=arn, VersionId=known)["PolicyVersion"]["Document"]
    opened = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for statements in (opened, was["Statement"]):
        document = json.dumps({**was, "Statement": statements})
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
        if statements is opened:
            yield


@contextmanager
def dashboard_gone(account: Account) -> Iterator[None]:
    cloudwatch = account.client("cloudwatch")
    was = cloudwatch.get_dashboard(DashboardName="tdnet-dev")["DashboardBody"]
    cloudwatch.delete_dashboards(DashboardNames=["tdnet-dev"])
    yield
    cloudwatch.put_dashboard(DashboardName="tdnet-dev", DashboardBody=was)


@contextmanager
def dashboard_of_another_namespace(account: Account) -> Iterator[None]:
    cloudwatch = account.client("cloudwatch")
    was = cloudwatch.get_dashboard(DashboardName="tdnet-dev")["DashboardBody"]
    other = body(account.config.changed(metrics_namespace="TDnetDataCollector"))
    cloudwatch.put_dashboard(DashboardName="tdnet-dev", DashboardBody=json.dumps(other))
    yield
    cloudwatch.put_dashboard(DashboardName="tdnet-dev", DashboardBody=was)


@contextmanager
def dashboard_with_a_graph_more(account: Account) -> Iterator[None]:
    cloudwatch = account.client("cloudwatch")
    was = cloudwatch.get_dashboard(DashboardName="tdnet-dev")["DashboardBody"]
    more = json.loads(was)
    more["widgets"].append({"properties": {"metrics": [["AWS/Lambda", "Errors"]]}})
    cloudwatch.put_dashboard(DashboardName="tdnet-dev", DashboardBody=json.dumps(more))
    yield
    cloudwatch.put_dashboard(DashboardName="tdnet-dev", DashboardBody=was)


@contextmanager
def vanished_run(account: Account) -> Iterator[None]:
    executions = ExecutionsResource(config=account.config)
    executions.start("vanished", now=datetime.now(UTC) - timedelta(minutes=10))
    yield
    account.forget_record("vanished")


@contextmanager
def record_of_another_hand(account: Account) -> Iterator[None]:
    item = {"execution_id": "strange", "status": "running", "started_at": "2026-02-13T09:00:00Z"}
    account.client("dynamodb").put_item(
        TableName=account.config.executions_table,
        Item={name: {"S": value} for name, value in item.items()},
    )
    yield
    account.forget_record("strange")


@contextmanager
def run_without_metrics(account: Account) -> Iterator[None]:
    executions = ExecutionsResource(config=account.config)
    executions.start("unheard")
    executions.finish("unheard", "completed", metrics_error="AccessDenied: not delivered")
    yield
    account.forget_record("unheard")


@contextmanager
def index_lacks_a_disclosure(account: Account) -> Iterator[None]:
    dynamodb, table = account.client("dynamodb"), account.config.disclosures_table
    day = _latest_collected(account)
    (item, *_) = dynamodb.query(
        TableName=table,
        IndexName="by_day",
        KeyConditionExpression="#date = :day",
        ExpressionAttributeNames={"#date": "date"},
        ExpressionAttributeValues={":day": {"S": day}},
    )["Items"]
    dynamodb.delete_item(TableName=table, Key={"disclosure_id": item["disclosure_id"]})
    yield
    dynamodb.put_item(TableName=table, Item=item)


@contextmanager
def first_day_that_is_none(account: Account) -> Iterator[None]:
    s3, place = account.client("s3"), {"Bucket": account.config.bucket, "Key": "lake/first_day.txt"}
    s3.put_object(**place, Body=b"tomorrow")
    yield
    s3.delete_object(**place)


def _latest_collected(account: Account) -> str:
    keys = [
        found["Key"]
        for found in account.client("s3").list_objects_v2(
            Bucket=account.config.bucket, Prefix="lake/tables/disclosures/"
        )["Contents"]
    ]
    return max(keys).split("date=")[1][:10]


@contextmanager
def five_runs_at_a_time(account: Account) -> Iterator[None]:
    storage = account.instance.event_log_storage
    storage.set_concurrency_slots("tdnet", 5)
    yield
    storage.delete_concurrency_limit("tdnet")


@contextmanager
def sweep_switched_off(account: Account) -> Iterator[None]:
    account.switch("execution_record_sweep", on=False)
    yield
    account.switch("execution_record_sweep", on=True)


@contextmanager
def page_of_another_charset(account: Account) -> Iterator[None]:
    account.site.faults.wrong_charset(r"I_list_001")
    yield
    account.site.faults.clear()


@contextmanager
def page_gone(account: Account) -> Iterator[None]:
    account.site.faults.answer(r"I_list_001", status=404)
    yield
    account.site.faults.clear()


@contextmanager
def tdnet_overloaded(account: Account) -> Iterator[None]:
    account.site.faults.answer(r"I_list_001", status=503)
    yield
    account.site.faults.clear()
