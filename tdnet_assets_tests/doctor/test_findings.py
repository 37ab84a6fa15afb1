"""``tdnet doctor`` on an environment in which everything is right, and then one thing is not."""

import fcntl
import json
from datetime import UTC, datetime, timedelta

import pytest

from tdnet_assets.doctor import bucket, data, identity, runner, source, watch
from tdnet_assets.doctor import dynamodb as tables
from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.infrastructure.dashboard import body
from tdnet_assets.infrastructure.dynamodb_tables import executions_table
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.metrics import CATALOGUE
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.first_day import begun_by
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.doctor import faults
from tdnet_assets_tests.doctor.account import (
    EXPECTED_WARNING,
    ROWS,
    forgetful_cloudwatch,
    not_ok,
)
from tdnet_assets_tests.resources.aws.test_metrics import keys_of_a_user


@pytest.fixture
def executions(account):
    return ExecutionsResource(config=account.config)


def test_where_everything_is_right_every_line_is_ok(account):
    lines = account.examined()

    assert not_ok(lines) == {}
    assert lines[EXPECTED_WARNING].status == "warning"
    assert set(lines) == {check.name for check in runner.CHECKS}
    assert "account 000000000000, ap-northeast-1" in lines["identity"].seen
    assert lines["bucket"].seen == "tdnet-dev in ap-northeast-1"
    assert lines["executions table expiry"].seen == "by ttl"
    assert lines["disclosures table recovery"].seen == "point in time enabled"
    assert lines["alarms"].seen.startswith(f"{len(ALARMS)} look at 'TDnet'")
    assert lines["dashboard"].seen.endswith(
        f"shows {len(CATALOGUE) + len(ALARMS)} metrics and alarms"
    )
    assert lines["notice topic"].seen.endswith(":tdnet-dev-notices, 1 subscribed")
    assert lines["metrics"].seen == "DocumentsStored 0 taken by 'TDnet' and read back"
    assert lines["disclosure index"].seen.startswith(f"has the {ROWS} of ")
    assert lines["metrics of runs"].seen.startswith("delivered by all of the last ")
    assert lines["first day"].seen == "not limited: the source lists any day"
    assert lines["Dagster run retries"].seen == "at most 2, of died workers only"
    assert lines["due days"].seen.endswith(" is whole")


def test_tdnet_is_asked_for_one_page(account):
    before = len(account.site.requests)

    account.examined()

    (asked,) = account.site.requests[before:]
    assert "/I_list_001_" in asked.path


BROKEN = [
    (faults.versions_suspended, "bucket versioning", "is Suspended, should be Enabled"),
    (
        faults.public_access_open,
        "bucket public access",
        "BlockPublicPolicy should be on",
    ),
    (faults.encryption_by_another_key, "bucket encryption", "is aws:kms, should be AES256"),
    (faults.plain_http_allowed, "bucket TLS", "does not deny requests without it"),
    (
        faults.owned_by_whoever_writes,
        "bucket ownership",
        "is ObjectWriter, should be",
    ),
    (faults.objects_expire, "bucket lifecycle", "rule tidy deletes current objects"),
    (faults.old_versions_kept_for_ever, "bucket lifecycle", "old-versions is missing or different"),
    (faults.records_kept_for_ever, "executions table expiry", "is off, should be by ttl"),
    (faults.disclosures_expire, "disclosures table expiry", "is by date, should be off"),
    (faults.no_recovery, "disclosures table recovery", "is point in time disabled"),
    (faults.unprotected, "executions table protection", "is off, should be on"),
    (faults.alarm_in_another_namespace, "alarms", "is 'TDnetDataCollector', should be 'TDnet'"),
    (faults.alarm_by_another_dimension, "alarms", "'Name': 'Environment', 'Value': 'dev'"),
    (faults.alarm_that_tells_nobody, "alarms", "tdnet-dev-notices is not told by tdnet-dev-"),
    (faults.alarm_that_tells_somebody_else, "alarms", "tdnet-dev-notices is not told by"),
    (faults.alarm_that_is_silenced, "alarms", "is not told by tdnet-dev-DisclosuresCollected"),
    (faults.alarm_deleted, "alarms", "tdnet-dev-DisclosuresCollected-critical is missing"),
    (faults.dashboard_gone, "dashboard", "there is no tdnet-dev"),
    (faults.dashboard_of_another_namespace, "dashboard", "does not show TDnet/"),
    (faults.vanished_run, "stuck records", "running, but silent: vanished since "),
    (
        faults.record_of_another_hand,
        "stuck records",
        "looked at: ValueError: the item of",
    ),
    (faults.run_without_metrics, "metrics of runs", "by the last run unheard: AccessDenied"),
    (faults.index_lacks_a_disclosure, "disclosure index", f"1 of the lake's {ROWS} are not in"),
    (faults.first_day_that_is_none, "first day", "b'tomorrow' is not a day"),
    (faults.five_runs_at_a_time, "Dagster pool", "the limit of tdnet is 5, should be 1"),
    (faults.sweep_switched_off, "sensors and schedules", "off: execution_record_sweep"),
    (faults.page_of_another_charset, "TDnet", "not UTF-8"),
    (faults.page_gone, "TDnet", "404"),
    (faults.tdnet_overloaded, "TDnet", "answers 503"),
]


@pytest.mark.parametrize(
    ("broken", "line", "seen"), BROKEN, ids=[each[0].__name__ for each in BROKEN]
)
def test_what_is_broken_fails_its_line_and_no_other(account, broken, line, seen):
    with broken(account):
        lines = account.examined()

    assert not_ok(lines) == {line: "failed"}
    assert seen in lines[line].seen
    assert lines[line].advice


def test_a_namespace_that_was_changed_without_a_deployment_is_seen_by_all_that_watch(account):
    with account.other(metrics_namespace="TDnetDataCollector") as examination:
        lines = account.examined(examination)

    assert not_ok(lines) == {"run policy": "failed", "alarms": "failed", "dashboard": "failed"}
    assert "Condition of SendMetrics is" in lines["run policy"].seen
    assert "and 7 more" in lines["alarms"].seen
    assert all("tdnet infra deploy" in lines[name].advice for name in not_ok(lines))


def test_a_caller_who_may_not_send_metrics_gets_the_remedy(account, monkeypatch):
    statement = {"Effect": "Allow", "NotAction": "cloudwatch:PutMetricData", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    keys = keys_of_a_user(account.config.aws_endpoint_url, "operator", json.dumps(policy))
    for name, value in keys.items():
        monkeypatch.setenv(name, value)

    # A user is refused without TLS, which the emulator does not speak; its root is not.
    with faults.plain_http_allowed(account), account.other(embedded_aws=False) as examination:
        lines = account.examined(examination)

    assert not_ok(lines) == {"metrics": "failed", "bucket TLS": "failed"}
    assert lines["metrics"].seen.startswith("AccessDenied")
    assert "condition is exactly 'TDnet'" in lines["metrics"].advice
    assert ":user/operator" in lines["identity"].seen


def test_a_run_policy_that_another_hand_has_written_is_told_by_what_differs(account):
    with faults.run_policy_opened(account):
        lines = account.examined()

    assert not_ok(lines) == {"run policy": "failed"}
    assert "SendMetrics is missing" in lines["run policy"].seen
    assert lines["run policy"].advice == "`tdnet infra deploy`"


def test_a_caller_who_may_see_nothing_gets_a_line_for_each_refusal(account, monkeypatch):
    keys = keys_of_a_user(account.config.aws_endpoint_url, "stranger", None)
    for name, value in keys.items():
        monkeypatch.setenv(name, value)

    with account.other(embedded_aws=False) as examination:
        lines = account.examined(examination)

    failing = {name for name, line in lines.items() if line.status == "failed"}
    assert {"bucket", "executions table", "alarms", "dashboard", "run policy"} <= failing
    assert "AccessDenied" in lines["alarms"].seen
    assert "`tdnet infra policy --for operator`" in lines["alarms"].advice
    assert lines["bucket versioning"].seen == "not looked at, because of: bucket"
    assert lines["TDnet"].status == lines["Dagster pool"].status == "ok"
    assert not any(secret in line.seen for line in lines.values() for secret in keys.values())


@pytest.mark.parametrize(
    ("minutes", "seen"), [(10, "600 s ahead of AWS"), (-2, "120 s behind AWS")]
)
def test_a_clock_that_is_wrong_is_told_by_aws_s_own(account, minutes, seen):
    def clock():
        return datetime.now(UTC) + timedelta(minutes=minutes)

    with account.other(clock=clock) as examination:
        lines = account.examined(examination, identity.CHECKS)

    assert lines["clock"].status == "failed"
    assert seen in lines["clock"].seen
    assert "NTP" in lines["clock"].advice
    assert lines["identity"].status == "ok"


def test_a_table_with_another_key_and_no_index_fails_and_what_reads_it_is_not_looked_at(account):
    dynamodb = account.client("dynamodb")
    definition = executions_table(account.config)
    dynamodb.create_table(
        TableName="other",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "status", "KeyType": "HASH"},
            {"AttributeName": "started_at", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("status", "started_at", "partition_start")
        ],
        GlobalSecondaryIndexes=[definition["GlobalSecondaryIndexes"][1]],
    )
    try:
        with account.other(executions_table="other") as examination:
            lines = account.examined(examination)
    finally:
        dynamodb.delete_table(TableName="other")

    line = lines["executions table"]
    assert line.status == "failed"
    assert "key is status (S HASH) + started_at (S RANGE), should be execution_id" in line.seen
    assert "index by_status is missing" in line.seen
    assert "by_partition" not in line.seen
    assert "TDNET_EXECUTIONS_TABLE" in line.advice
    assert lines["stuck records"].seen == "not looked at, because of: executions table"
    assert lines["disclosures table"].status == "ok"


def test_a_table_that_costs_by_the_hour_and_indexes_that_are_others_are_said(account):
    dynamodb = account.client("dynamodb")
    definition = executions_table(account.config)
    throughput = {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
    indexes = [{**index, **throughput} for index in definition["GlobalSecondaryIndexes"]]
    indexes[0]["Projection"] = {"ProjectionType": "KEYS_ONLY"}
    indexes[1]["KeySchema"] = indexes[1]["KeySchema"][:1]
    dynamodb.create_table(
        TableName="other",
        BillingMode="PROVISIONED",
        KeySchema=definition["KeySchema"],
        AttributeDefinitions=definition["AttributeDefinitions"],
        GlobalSecondaryIndexes=indexes,
        **throughput,
    )
    try:
        with account.other(executions_table="other") as examination:
            (line,) = tables.CHECKS[0].look(examination)
    finally:
        dynamodb.delete_table(TableName="other")

    assert line.status == "failed"
    assert line.seen == (
        "other: billing is PROVISIONED, should be PAY_PER_REQUEST; "
        "index by_status has KEYS_ONLY of each item only; index by_partition is by "
        "partition_start (S HASH), should be partition_start (S HASH) + started_at (S RANGE)"
    )


def test_what_is_not_there_at_all_says_how_it_is_made(account):
    with account.other(bucket="missing", disclosures_table="missing") as examination:
        lines = account.examined(examination)

    assert lines["bucket"].seen == "there is no missing"
    assert "TDNET_BUCKET" in lines["bucket"].advice
    assert lines["disclosures table"].seen == "there is no missing in ap-northeast-1"
    assert lines["disclosures table"].advice.startswith("`tdnet infra deploy` creates it")
    failing = {name for name, line in lines.items() if line.status == "failed"}
    assert failing == {"bucket", "disclosures table", "run policy"}


def test_a_bucket_in_another_region_is_said(account):
    with account.other(aws_region="eu-west-1") as examination:
        lines = account.examined(examination, (*identity.CHECKS, bucket.EXISTENCE))

    assert lines["bucket"].seen == (
        "tdnet-dev is in ap-northeast-1, the configuration says eu-west-1"
    )
    assert lines["bucket"].status == "failed"


def test_without_credentials_what_needs_aws_says_so_once_and_all_else_is_looked_at(account):
    with account.other(embedded_aws=False) as examination:
        lines = account.examined(examination)

    assert "NoCredentialsError" in lines["identity"].seen
    assert lines["identity"].status == "failed"
    assert lines["metrics"].seen == "not looked at, because of: identity"
    assert lines["bucket lifecycle"].seen == "not looked at, because of: bucket"
    assert lines["due days"].seen == "not looked at, because of: bucket, disclosures table"
    assert lines["TDnet"].status == lines["Dagster daemons"].status == "ok"


def test_a_host_whose_terms_are_not_accepted_is_not_asked(account):
    before = len(account.site.requests)

    with account.other(refusal="set TDNET_ACCEPT_TERMS=yes") as examination:
        lines = account.examined(examination, source.CHECKS)

    assert lines["TDnet terms"].status == "failed"
    assert lines["TDnet terms"].seen == "set TDNET_ACCEPT_TERMS=yes"
    assert lines["TDnet"].seen == "not looked at, because of: TDnet terms"
    assert len(account.site.requests) == before
    assert not_ok(lines) == {"TDnet terms": "failed", "TDnet": "warning"}


def test_a_site_that_does_not_answer_is_told_by_its_address(account):
    with account.other(tdnet_base_url="http://127.0.0.1:9/inbs") as examination:
        lines = account.examined(examination, source.CHECKS)

    assert not_ok(lines) == {"TDnet": "failed"}
    assert "http://127.0.0.1:9/inbs" in lines["TDnet"].advice


def test_while_a_run_goes_on_an_index_that_lags_is_a_warning(account, executions):
    executions.start("going on")
    with faults.index_lacks_a_disclosure(account):
        lines = account.examined()
    account.forget_record("going on")

    assert not_ok(lines) == {"disclosure index": "warning"}
    assert lines["disclosure index"].seen.endswith("; a run is going on")


def test_a_dashboard_that_shows_more_than_ours_is_a_warning(account):
    with faults.dashboard_with_a_graph_more(account):
        lines = account.examined()

    assert not_ok(lines) == {"dashboard": "warning"}
    assert lines["dashboard"].seen == "tdnet-dev also shows AWS/Lambda/Errors"


def test_a_notice_topic_that_is_not_there_is_named(account):
    with account.other(notice_topic=f"{account.config.notice_topic}-gone") as examination:
        (line,) = watch.notice_topic(examination)

    assert line.status == "failed"
    assert line.seen.endswith(":tdnet-dev-notices-gone")
    assert "TDNET_NOTICE_TOPIC" in line.advice


def _watch_file(folder, *destinations):
    path = folder / "watches.toml"
    names = [f"d{number}" for number in range(len(destinations))]
    tables = [
        f"[destinations.{name}]\n{text}\n" for name, text in zip(names, destinations, strict=True)
    ]
    path.write_text(
        "".join(tables) + f'[[watches]]\nname = "w"\nto = {json.dumps(names)}\ncodes = ["7203"]\n'
    )
    return str(path)


def test_watches_are_looked_at_with_all_that_they_name(account, tmp_path, monkeypatch):
    topic = account.config.notice_topic
    secret = account.client("secretsmanager").create_secret(
        Name="watched-hook", SecretString="https://h.example.com/geheim"
    )["ARN"]
    account.client("ssm").put_parameter(Name="/watched/hook", Value="geheim", Type="SecureString")

    def finding(*destinations):
        with account.other(watches=_watch_file(tmp_path, *destinations)) as examination:
            (line,) = watch.watches(examination)
        assert "geheim" not in str(line)
        return line

    def hook(reference):
        return f'webhook = "https://h.example.com/"\nsecret = "{reference}"'

    managed = f'webhook = "secretsmanager:{secret}"\nhost = "h.example.com"'
    gone = managed.replace(secret, f"{secret}-gone")
    assert finding(managed, hook("ssm:/watched/hook")).seen == "1 watches, 2 destinations"
    assert finding(managed, hook("ssm:/watched/hook")).status == "ok"
    assert finding(managed, gone).status == "failed"
    assert f"there is no secret secretsmanager:{secret}-gone" in finding(managed, gone).seen
    assert "ssm:/watched/none" in finding(hook("ssm:/watched/none")).seen
    unset = finding(hook("env:WATCHED_HOOK"))
    assert (unset.status, unset.seen) == ("warning", "not set here: env:WATCHED_HOOK")
    monkeypatch.setenv("WATCHED_HOOK", "geheim")
    assert finding(hook("env:WATCHED_HOOK")).status == "ok"
    missing = finding(f'topic = "{topic}-none"')
    assert missing.status == "failed"
    assert missing.seen == f"there is no {topic}-none"
    account.client("secretsmanager").delete_secret(SecretId=secret)
    assert finding(managed).status == "failed"


def test_a_watch_file_that_is_not_valid_fails_with_its_line(account, tmp_path):
    (tmp_path / "watches.toml").write_text('[[watches]]\nname = "w"\n')
    with account.other(watches=str(tmp_path / "watches.toml")) as examination:
        lines = account.examined(examination, [watch.WATCHES])

    assert "line 1: watch w: to: say where to" in lines["watches"].seen


def test_an_alarm_that_rings_is_a_warning_that_names_it(account):
    cloudwatch = account.client("cloudwatch")
    name = "tdnet-dev-FreshnessLag-critical"
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="late")
    lines = account.examined()
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="complete")

    assert not_ok(lines) == {"alarms": "warning"}
    assert lines["alarms"].seen.endswith(f"; in ALARM: {name}")


def test_while_a_run_talks_to_tdnet_it_is_not_asked(account):
    before = len(account.site.requests)
    with (account.config.home_path / "tdnet-session.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = account.examined(checks=source.CHECKS)

    assert not_ok(lines) == {"TDnet": "warning"}
    assert lines["TDnet"].seen == "not asked: a run is talking to TDnet"
    assert len(account.site.requests) == before


def test_an_old_refusal_of_metrics_that_is_mended_is_a_warning(account, executions):
    long_ago = datetime.now(UTC) - timedelta(days=2)
    executions.start("before", now=long_ago)
    executions.finish("before", "completed", metrics_error="AccessDenied: ...", now=long_ago)
    lines = account.examined()
    account.forget_record("before")

    assert not_ok(lines) == {"metrics of runs": "warning"}
    assert "not delivered by 1 of the last " in lines["metrics of runs"].seen


def test_a_run_that_waits_for_days_is_a_warning(account, executions):
    executions.record("waiting", status="pending", now=datetime.now(UTC) - timedelta(days=2))
    lines = account.examined()
    account.forget_record("waiting")

    assert not_ok(lines) == {"stuck records": "warning"}
    assert "queued for more than a day: waiting since " in lines["stuck records"].seen


def test_a_probe_that_is_taken_but_not_yet_shown_is_a_warning(account):
    with forgetful_cloudwatch() as address, account.other(aws_endpoint_url=address) as examination:
        (line,) = watch.metrics(examination)

    assert line.status == "warning"
    assert "taken by 'TDnet', not yet readable after 0 s" in line.seen
    assert "run `tdnet doctor` again" in line.advice


def test_the_probe_can_set_off_no_alarm_and_changes_no_graph(account):
    graphs = [
        widget["properties"]
        for widget in body(account.config)["widgets"]
        if widget["type"] == "metric"
    ]

    assert watch.PROBE not in {alarm.metric for alarm in ALARMS}
    assert {graph["stat"] for graph in graphs if graph["metrics"][0][1] == watch.PROBE} == {"Sum"}


def test_a_policy_that_nobody_has_and_topics_that_nobody_hears_are_warnings(account):
    iam, sns = account.client("iam"), account.client("sns")
    (role,) = iam.list_attached_role_policies(RoleName="dagster")["AttachedPolicies"]
    (heard,) = sns.list_subscriptions_by_topic(TopicArn=account.config.notice_topic)[
        "Subscriptions"
    ]
    iam.detach_role_policy(RoleName="dagster", PolicyArn=role["PolicyArn"])
    sns.unsubscribe(SubscriptionArn=heard["SubscriptionArn"])
    lines = account.examined()
    iam.attach_role_policy(RoleName="dagster", PolicyArn=role["PolicyArn"])
    sns.subscribe(TopicArn=heard["TopicArn"], Protocol="sqs", Endpoint=heard["Endpoint"])

    assert not_ok(lines) == {
        "run policy": "warning",
        "alarm topic": "warning",
        "notice topic": "warning",
    }
    assert lines["run policy"].seen.endswith("is attached to nobody")
    assert lines["notice topic"].seen.startswith("nobody is subscribed to arn:aws:sns:")


def test_days_that_were_collected_before_the_first_partition_are_said(account):
    today = datetime.now(TOKYO).date()
    oldest = CaptureStore(account.examination.lake).oldest_day()
    hidden = f"but the lake has lists from {oldest} on: days before are not partitions"
    (check,) = [check for check in data.CHECKS if check.name == "first day"]

    def looked_at(**changes):
        with account.other(**changes) as examination:
            (finding,) = check.look(examination)
            return finding.status, finding.seen, finding.advice

    assert looked_at(window_days=31) == (
        "ok",
        "not said yet: the lake is told when the code location is loaded",
        "",
    )
    assert looked_at(first_day=str(oldest)) == ("ok", f"{oldest}, as TDNET_FIRST_DAY says", "")
    assert looked_at(first_day=str(today)) == (
        "warning",
        f"{today}, as TDNET_FIRST_DAY says, {hidden}",
        "set TDNET_FIRST_DAY to that day, or unset it and the lake says it",
    )
    lake = account.examination.lake
    begun_by(lake, today)
    try:
        assert looked_at(window_days=31) == (
            "warning",
            f"{today}, as the lake says, {hidden}",
            "reload the code location: it moves the first day when it is loaded",
        )
        begun_by(lake, oldest)
        assert looked_at(window_days=31) == ("ok", f"{oldest}, as the lake says", "")
    finally:
        account.client("s3").delete_object(Bucket=account.config.bucket, Key="lake/first_day.txt")
