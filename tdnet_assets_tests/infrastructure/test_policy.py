"""The policies, judged by an independent evaluator against the calls of a recorded run."""

import re

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.infrastructure import names
from tdnet_assets.infrastructure.policy import (
    Account,
    account_of,
    operator_policy,
    reader_policy,
    run_policy,
)
from tdnet_assets.resources.lake import layout
from tdnet_assets_tests.infrastructure.wire import ACCOUNT, Call, Request, UnknownCallError, calls

pytestmark = pytest.mark.slow

HERE = Account("aws", "ap-northeast-1", ACCOUNT)
NEW = (("s3:if-none-match", "*"),)
TOPIC = f"arn:aws:sns:ap-northeast-1:{ACCOUNT}:notices"


@pytest.fixture(params=["run", "operator", "reader"])
def subject(request, recording):
    """A policy and the recorded calls that it is for."""
    if request.param == "run":
        return run_policy(recording.config, HERE), recording.run_calls
    if request.param == "reader":
        return reader_policy(recording.config, HERE), recording.reader_calls
    return operator_policy(recording.config, HERE), recording.operator_calls


def _elsewhere(call: Call, config: PlatformConfig) -> list[Call]:
    """The same call to what is not ours: another namespace, prefix, name, account or region."""
    namespace = config.metrics_namespace
    context = dict(call.context)
    contexts, resources = [], []
    if context.get("cloudwatch:namespace") == namespace:
        contexts += [
            {"cloudwatch:namespace": other}
            for other in (f"{namespace}2", namespace[:-1], "AWS/EC2")
        ]
        contexts.append({})
    if "s3:prefix" in context:
        own = context["s3:prefix"]
        assert own.startswith(config.prefix)
        others = (own.removeprefix(config.prefix), f"other/{own}", "", config.prefix[:-2])
        contexts += [{**context, "s3:prefix": other} for other in others]
        contexts.append({})
    # What is made again and again is replaced too; everything else is only created.
    replaced = [f"/{part}" for part in (layout.TABLES_FOLDER, layout.FIRST_DAY, layout.REFUSALS)]
    if "s3:if-none-match" in context and not any(part in call.resource for part in replaced):
        contexts.append({})
    if call.resource.startswith(f"arn:aws:s3:::{config.bucket}/"):
        resources.append(call.resource.replace(f"/{config.prefix}", "/", 1))
    for name in (
        config.bucket,
        config.executions_table,
        config.disclosures_table,
        config.notices_table,
        names.topic(config),
        names.stack(config),  # as the dashboard is called
    ):
        whole = rf"(?<=[:/]){re.escape(name)}(?=/|$)"
        if re.search(whole, call.resource):
            resources += [
                re.sub(whole, other, call.resource, count=1)
                for other in (f"{name}-other", f"other-{name}", name[:-1])
            ]
    if ACCOUNT in call.resource:
        resources.append(call.resource.replace(ACCOUNT, "210987654321"))
    if HERE.region in call.resource:
        resources.append(call.resource.replace(HERE.region, "ap-southeast-1"))
    if call.action.startswith("iam:"):
        resources.append(call.resource.replace("RunPolicy", "OperatorPolicy"))
        resources.append(call.resource.replace(names.stack(config), "tdnet-prod"))
    return [call.elsewhere(context=tuple(other.items())) for other in contexts] + [
        call.elsewhere(resource=other) for other in resources
    ]


def _permissions(policy):
    """Each permission alone: a policy of one action on one resource."""
    for statement in policy["Statement"]:
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            for action in statement["Action"]:
                alone = {**statement, "Action": action, "Resource": resource}
                yield (action, resource), {**policy, "Statement": [alone]}


def test_every_call_of_a_recorded_run_is_allowed(subject, allowed):
    policy, recorded_calls = subject

    verdicts = allowed((policy, call) for call in recorded_calls)

    refused = [call for call, verdict in zip(recorded_calls, verdicts, strict=True) if not verdict]
    assert not refused, "\n".join(
        f"no permission for {call.action} on {call.resource}, context {dict(call.context)}"
        for call in refused
    )


def test_the_same_calls_to_what_is_not_ours_are_denied(subject, allowed, recording):
    policy, recorded_calls = subject
    strangers = [
        stranger for call in recorded_calls for stranger in _elsewhere(call, recording.config)
    ]
    without_limits = {
        call.action for call in recorded_calls if not _elsewhere(call, recording.config)
    }

    verdicts = allowed((policy, stranger) for stranger in strangers)

    wrongly = [call for call, verdict in zip(strangers, verdicts, strict=True) if verdict]
    assert not wrongly
    # IAM knows no limit for them.
    assert without_limits <= {"cloudwatch:GetMetricData", "ssm:DescribeParameters"}


def test_nothing_is_allowed_that_no_recorded_call_needs(subject, allowed):
    policy, recorded_calls = subject
    permissions = list(_permissions(policy))
    questions = [
        (permission, alone, call)
        for permission, alone in permissions
        for call in recorded_calls
        if call.action == permission[0]
    ]

    verdicts = allowed((alone, call) for _, alone, call in questions)

    used = {
        permission
        for (permission, _, _), verdict in zip(questions, verdicts, strict=True)
        if verdict
    }
    assert used == {permission for permission, _ in permissions}


def test_the_recording_has_calls_of_both_clients_to_every_service(recording):
    services = {call.action.split(":")[0] for call in recording.run_calls}
    agents = {request.headers.get("user-agent", "").split("/")[0] for request in recording.run}

    assert services == {"s3", "dynamodb", "cloudwatch", "sns", "secretsmanager", "ssm"}
    assert {"Botocore", "object_store"} <= agents


def test_without_a_topic_nothing_may_be_published(example, allowed):
    publish = Call("sns:Publish", TOPIC)

    assert allowed(
        [
            (run_policy(example, HERE), publish),
            (run_policy(example.changed(notice_topic=TOPIC), HERE), publish),
            (operator_policy(example.changed(notice_topic=TOPIC), HERE), publish),
        ]
    ) == [False, True, False]


def test_a_watch_file_adds_just_what_it_names_to_the_policies(example, tmp_path):
    secret = f"arn:aws:secretsmanager:ap-northeast-1:{ACCOUNT}:secret:hook-a1b2c3"
    hook = '[destinations.d]\nwebhook = "https://h.example.com/"\n'
    rest = '[[watches]]\nname = "w"\nto = ["d"]\ncodes = ["7203"]\n'
    files = {
        "table": hook,
        "topic": f'[destinations.d]\ntopic = "{TOPIC}"\n',
        "secret": f'{hook}secret = "secretsmanager:{secret}"\n',
        "parameter": f'{hook}secret = "ssm:/hook"\n',
        "variable": f'{hook}secret = "env:HOOK"\n',
    }

    def permissions(policy, text=None):
        path = tmp_path / "watches.toml"
        path.write_text(f"{text}{rest}")
        config = example.changed(watches=str(path) if text else "")
        return {permission for permission, _ in _permissions(policy(config, HERE))}

    run = {name: permissions(run_policy, text) for name, text in files.items()}
    table = f"arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table/{example.notices_table}"
    parameter = f"arn:aws:ssm:ap-northeast-1:{ACCOUNT}:parameter/hook"
    assert run["table"] - permissions(run_policy) == {
        *((f"dynamodb:{name}Item", table) for name in ("Delete", "Get", "Put", "Update")),
        ("dynamodb:Query", f"{table}/index/*"),
    }
    assert run["variable"] == run["table"]
    assert run["topic"] - run["table"] == {("sns:Publish", TOPIC)}
    assert run["secret"] - run["table"] == {("secretsmanager:GetSecretValue", secret)}
    assert run["parameter"] - run["table"] == {("ssm:GetParameter", parameter)}
    operator = {name: permissions(operator_policy, text) for name, text in files.items()}
    assert operator["table"] - permissions(operator_policy) == {
        ("dynamodb:Query", f"{table}/index/*")
    }
    assert operator["variable"] == operator["table"]
    assert operator["topic"] - operator["table"] == {("sns:GetTopicAttributes", TOPIC)}
    assert operator["secret"] - operator["table"] == {("secretsmanager:DescribeSecret", secret)}
    assert operator["parameter"] - operator["table"] == {("ssm:DescribeParameters", "*")}
    assert {name: permissions(reader_policy, text) for name, text in files.items()} == (
        dict.fromkeys(files, permissions(reader_policy))
    )


def test_a_lake_that_has_its_bucket_for_itself_may_be_listed_from_the_top(example, allowed):
    policy = run_policy(example.changed(prefix=""), HERE)
    bucket = f"arn:aws:s3:::{example.bucket}"

    assert allowed(
        [
            (policy, Call("s3:ListBucket", bucket)),
            (policy, Call("s3:ListBucket", bucket, (("s3:prefix", "tables/"),))),
            (policy, Call("s3:ListBucket", f"{bucket}2")),
            (policy, Call("s3:PutObject", f"{bucket}/raw/page", NEW)),
            (policy, Call("s3:DeleteObject", f"{bucket}/raw/page")),
        ]
    ) == [True, True, False, True, False]


@pytest.mark.parametrize("prefix", ["", "team/tdnet/"])
def test_a_run_creates_what_tdnet_sent_and_never_writes_over_it_or_deletes_it(
    example, allowed, prefix
):
    policy = run_policy(example.changed(prefix=prefix), HERE)
    lake = f"arn:aws:s3:::{example.bucket}/{prefix}"
    sent = [f"{lake}raw/listing/date=2026-06-10/x", f"{lake}documents/date=2026-06-10/1.pdf"]

    asked = [
        Call(action, key, context)
        for key in (*sent, f"{lake}tables/x")
        for action, context in (
            ("s3:PutObject", NEW),
            ("s3:PutObject", ()),
            ("s3:PutObject", (("s3:if-match", "etag"),)),
            ("s3:DeleteObject", ()),
        )
    ]

    verdicts = allowed((policy, call) for call in asked)

    granted = {call for call, verdict in zip(asked, verdicts, strict=True) if verdict}
    assert {call for call in granted if "/tables/" not in call.resource} == {
        Call("s3:PutObject", key, NEW) for key in sent
    }
    assert {call.action for call in granted if "/tables/" in call.resource} == {"s3:PutObject"}


def test_every_put_of_a_recorded_run_below_raw_and_documents_creates(recording):
    puts = [call for call in recording.run_calls if call.action == "s3:PutObject"]
    kept = [call for call in puts if "/tables/" not in call.resource]

    assert len(kept) > 10
    assert [call.resource for call in kept if call.context != NEW] == []
    assert len(puts) > len(kept)


def test_the_partition_follows_the_region(example):
    china = account_of(example.changed(aws_region="cn-north-1"), ACCOUNT)

    assert china == Account("aws-cn", "cn-north-1", ACCOUNT)
    assert china.arn("dynamodb", "table/t") == f"arn:aws-cn:dynamodb:cn-north-1:{ACCOUNT}:table/t"
    assert account_of(example) == Account("aws", "ap-northeast-1", "*")


@pytest.mark.parametrize(
    "request_",
    [
        Request("DELETE", "/lake/key", {}, b""),
        Request("POST", "/lake/key?uploads", {}, b""),
        Request("GET", "/lake?acl", {}, b""),
        Request("PUT", "/lake/key", {"x-amz-copy-source": "/other/key"}, b""),
        Request("POST", "/", {"x-amz-target": "AWSGlue.GetTable"}, b"{}"),
        Request("POST", "/", {"x-amz-target": "DynamoDB_20120810.ListTables"}, b"{}"),
    ],
    ids=lambda request_: f"{request_.method} {request_.target}",
)
def test_a_call_that_the_recorder_cannot_name_is_never_overlooked(request_):
    with pytest.raises(UnknownCallError):
        calls([request_], "ap-northeast-1")
