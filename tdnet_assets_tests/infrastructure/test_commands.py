"""``tdnet infra`` as a person uses it."""

import json

import pytest
import yaml
from click.testing import CliRunner

from tdnet_assets.cli.infra import infra
from tdnet_assets.infrastructure.policy import Account, operator_policy, run_policy
from tdnet_assets.infrastructure.template import template
from tdnet_assets_tests.commands import variables

ACCOUNT = "123456789012"


@pytest.fixture
def tdnet_infra(example):
    def invoke(*arguments, **changes):
        environment = {**variables(example), "TDNET_PREFIX": example.prefix}
        environment["TDNET_ENVIRONMENT"] = "dev"
        return CliRunner().invoke(
            infra, arguments, env={**environment, **changes}, catch_exceptions=False
        )

    return invoke


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ((), json.loads),
        pytest.param(("--format", "yaml"), yaml.safe_load, marks=pytest.mark.slow),
    ],
)
def test_template_writes_the_template(tdnet_infra, example, options, read):
    done = tdnet_infra("template", *options)

    assert done.exit_code == 0
    assert read(done.stdout) == template(example)


def test_policy_writes_what_a_run_needs_or_an_operator(tdnet_infra, example):
    here = Account("aws", "ap-northeast-1", ACCOUNT)

    run = tdnet_infra("policy", "--account", ACCOUNT)
    operator = tdnet_infra("policy", "--for", "operator", "--account", ACCOUNT)
    anywhere = tdnet_infra("policy")

    assert json.loads(run.stdout) == run_policy(example, here)
    assert json.loads(operator.stdout) == operator_policy(example, here)
    assert ":*:table/example_executions" in anywhere.stdout


def test_an_account_that_is_none_is_refused(tdnet_infra):
    done = tdnet_infra("policy", "--account", "12345")

    assert done.exit_code == 2
    assert "'12345' is not an account number: it has 12 digits" in done.stderr


def test_a_configuration_that_is_wrong_is_one_line_and_exit_code_2(tdnet_infra):
    done = tdnet_infra("template", TDNET_BUCKET="No Bucket")

    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("tdnet: TDNET_BUCKET is 'No Bucket': ")


def test_deploy_refuses_the_embedded_default(tdnet_infra):
    done = tdnet_infra("deploy", TDNET_ENVIRONMENT="local", AWS_ENDPOINT_URL="")

    assert done.exit_code == 2
    assert "set TDNET_ENVIRONMENT to dev or prod" in done.stderr


@pytest.mark.slow
def test_deploy_brings_the_account_up_to_date_and_then_has_nothing_to_do(tdnet_infra, aws_endpoint):
    # Names of its own: other tests use the same embedded AWS.
    names = {"AWS_ENDPOINT_URL": aws_endpoint, "TDNET_ENVIRONMENT": "prod"}

    first = tdnet_infra("deploy", **names)
    second = tdnet_infra("deploy", **names)

    assert first.exit_code == second.exit_code == 0, first.stderr
    assert "CREATE_COMPLETE      AWS::S3::Bucket" in first.stdout
    assert "NoticeTopicArn     arn:aws:sns:" in first.stdout
    assert second.stdout.startswith("tdnet-prod: no changes\n")
    assert "NoticeTopicArn     arn:aws:sns:" in second.stdout
