"""Deploying to an account, played by an embedded AWS of the tests' own."""

import json
import re
from datetime import date

import pytest

from tdnet_assets.config import DEFAULT_REGION, ConfigurationError, PlatformConfig
from tdnet_assets.infrastructure import template as templates
from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.infrastructure.deploy import DeploymentError, deploy
from tdnet_assets.infrastructure.glue import TABLES, VIEWS
from tdnet_assets.local import embedded_aws
from tdnet_assets.resources.aws import clients
from tdnet_assets_tests.pipeline import Pipeline

DAY = date(2026, 6, 10)
STACK = "tdnet-dev"


@pytest.fixture
def account(tmp_path, base_url):
    """The dev environment in an account where nothing has been made yet."""
    with embedded_aws.running(tmp_path / "aws", region=DEFAULT_REGION) as service:
        yield PlatformConfig(
            environment="dev",
            bucket="tdnet-dev",
            prefix="lake/",
            executions_table="tdnet_executions_dev",
            disclosures_table="tdnet_disclosures_dev",
            notices_table="tdnet_notices_dev",
            tdnet_base_url=base_url,
            requests_per_second=0,
            home=str(tmp_path / "home"),
            aws_endpoint_url=service.endpoint_url,
            embedded_aws=True,
        )


@pytest.fixture
def shown():
    return []


@pytest.fixture
def deployed(account, shown):
    """Deploys the account's configuration, or a change of it."""

    def make(**changes):
        shown.clear()
        return deploy(account.changed(**changes), shown.append, poll_seconds=0.02)

    return make


def _lines(shown, *parts):
    return [line for line in shown if all(part in line for part in parts)]


@pytest.mark.slow
def test_a_whole_sample_day_runs_on_what_a_deployment_made(
    account, deployed, shown, site, instance
):
    site.set_day(DAY, 12)

    made = deployed()
    pipeline = Pipeline(account, instance)
    result = pipeline.materialize(DAY)
    again = deployed()

    assert made.changed
    assert _lines(shown, "no changes") == [f"{STACK}: no changes"] == shown
    assert not again.changed
    assert again.outputs == made.outputs
    assert result.success, pipeline.failure(result)
    record = pipeline.record(result)
    assert (record.status, record.environment, record.total_count) == ("completed", "dev", 12)
    assert record.metrics_error is None
    assert pipeline.table("disclosures", DAY).height == 12


@pytest.mark.slow
def test_a_deployment_shows_each_change_each_event_and_the_outputs(account, deployed, shown):
    made = deployed()

    for logical_id in templates.template(account)["Resources"]:
        assert _lines(shown, "Add", f" {logical_id}")
        # The emulator shows what an update adds as updated.
        assert _lines(shown, "_COMPLETE", f" {logical_id}")
    assert _lines(shown, "CREATE_COMPLETE", " AWS::S3::Bucket ")
    assert _lines(shown, "CREATE_COMPLETE", "AWS::CloudFormation::Stack")
    assert shown[-1].split() == ["UPDATE_COMPLETE", "AWS::CloudFormation::Stack", STACK]
    assert made.outputs["BucketName"] == "tdnet-dev"
    assert made.outputs["GlueDatabase"] == "tdnet_dev"
    assert made.outputs["NoticeTopicArn"].endswith(":tdnet-dev-notices")
    assert account.changed(notice_topic=made.outputs["NoticeTopicArn"]).notice_topic
    assert ":policy/" in made.outputs["RunPolicyArn"]


def test_what_was_deployed_is_there_under_the_names_of_the_configuration(account, deployed):
    deployed()

    cloudwatch = clients.client(account, "cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{STACK}-")["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in alarms} == {alarm.name(account) for alarm in ALARMS}
    assert {alarm["Namespace"] for alarm in alarms} == {"TDnet"}
    dashboard = cloudwatch.get_dashboard(DashboardName="tdnet-dev")["DashboardBody"]
    assert '"region":"ap-northeast-1"' in dashboard
    assert "${" not in dashboard
    tables = clients.client(account, "glue").get_tables(DatabaseName="tdnet_dev")["TableList"]
    declared = {table.name for table, _ in (*TABLES, *VIEWS)}
    assert {table["Name"] for table in tables} == declared
    (location,) = [
        table["Parameters"]["storage.location.template"]
        for table in tables
        if table["Name"] == "documents"
    ]
    assert location == "s3://tdnet-dev/lake/tables/documents/date=${date}/"


@pytest.mark.slow
def test_a_change_of_the_configuration_changes_what_depends_on_it_and_nothing_else(deployed, shown):
    first = deployed()

    changed = deployed(metrics_namespace="TDnet/Other")

    assert changed.changed
    modified = {line.split()[-1] for line in _lines(shown, "Modify")}
    assert modified == {
        "Dashboard",
        "RunPolicy",
        "OperatorPolicy",
        *(f"{alarm.metric}{alarm.level.title()}" for alarm in ALARMS),
    }
    assert changed.outputs == first.outputs
    assert not deployed(metrics_namespace="TDnet/Other").changed


@pytest.mark.slow
def test_records_outlive_the_stack_and_are_taken_into_the_next_one(account, deployed, shown):
    deployed()
    executions = Pipeline(account, None).executions
    executions.start("kept")
    cloudformation = clients.client(account, "cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    # The emulator imports tables, but no bucket.
    s3 = clients.client(account, "s3")
    for version in s3.list_object_versions(Bucket=account.bucket)["Versions"]:
        s3.delete_object(Bucket=account.bucket, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=account.bucket)

    deployed()

    assert len(_lines(shown, "Import", "AWS::DynamoDB::Table")) == 3
    assert executions.get("kept").status == "running"


@pytest.mark.slow
def test_an_update_that_fails_shows_why_and_can_be_repeated(account, deployed):
    glue = clients.client(account, "glue")
    glue.create_database(DatabaseInput={"Name": "tdnet_dev"})

    with pytest.raises(DeploymentError, match="stack tdnet-dev is UPDATE_ROLLBACK_COMP") as failed:
        deployed()
    glue.delete_database(Name="tdnet_dev")
    mended = deployed()

    assert re.search(r"_FAILED +AWS::Glue::Database .*tdnet_dev already exists", str(failed.value))
    assert mended.changed


@pytest.mark.slow
def test_a_creation_that_fails_shows_why_and_must_be_deleted_first(account, deployed):
    location = {"LocationConstraint": account.aws_region}
    s3 = clients.client(account, "s3")
    s3.create_bucket(Bucket=account.bucket, CreateBucketConfiguration=location)

    with pytest.raises(DeploymentError, match="stack tdnet-dev is ROLLBACK_COMPLETE") as failed:
        deployed()

    assert "'AWS::S3::Bucket' with identifier 'tdnet-dev' already exists" in str(failed.value)
    with pytest.raises(DeploymentError, match=r"takes no update.*delete the stack"):
        deployed()


def test_the_embedded_default_is_not_deployed_to(platform, shown):
    assert platform.uses_embedded_aws

    with pytest.raises(ConfigurationError, match="set TDNET_ENVIRONMENT to dev or prod"):
        deploy(platform, shown.append)

    assert shown == []


@pytest.mark.slow
def test_the_whole_template_is_read_from_the_bucket_one_object_a_version(account, deployed):
    lake = Pipeline(account, None).lake

    deployed()
    (first,) = lake.list("infrastructure/")
    deployed()
    (still,) = lake.list("infrastructure/")
    deployed(metrics_namespace="TDnet/Other")

    assert json.loads(lake.read(first.key)) == templates.template(account)
    assert still == first
    assert len(list(lake.list("infrastructure/"))) == 2
