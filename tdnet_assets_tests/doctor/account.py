"""A dev environment in which everything is as it should be, for the doctor to look at."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from tdnet_assets.automation.due_days import latest_due_day
from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.definitions import build_definitions
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import Check, Finding
from tdnet_assets.doctor.runner import CHECKS, examine
from tdnet_assets.infrastructure.bucket_properties import bucket
from tdnet_assets.infrastructure.deploy import deploy
from tdnet_assets.local import embedded_aws
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.executions import TTL_ATTRIBUTE
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.pipeline import Pipeline

ROWS = 4
DEPLOYED_SETTINGS = Path(__file__).parents[2] / "deploy" / "dagster.yaml"
# Of the deployed settings, those that need neither a database nor AWS.
SHARED_SETTINGS = ("run_coordinator", "concurrency", "run_monitoring", "run_retries")


# SQLite is what a test can have; the doctor says so of any deployment.
EXPECTED_WARNING = "Dagster instance"


def not_ok(lines: Mapping[str, Finding]) -> dict[str, str]:
    """The status of each line that is not as it should be."""
    return {
        name: line.status
        for name, line in lines.items()
        if line.status != "ok" and name != EXPECTED_WARNING
    }


@dataclass
class Account:
    """The environment, and what its parts are looked at with."""

    config: PlatformConfig
    site: SampleSite
    instance: dg.DagsterInstance
    examination: Examination

    def client(self, service: str) -> Any:
        return self.examination.client(service)

    def examined(
        self,
        examination: Examination | None = None,
        checks: Sequence[Check] = CHECKS,
        *,
        dead: str = "",
    ) -> dict[str, Finding]:
        """Every line by its name; each daemon has just been heard of, but for the dead one."""
        self.hear_daemons(dead)
        findings = list(examine(examination or self.examination, checks))
        lines = {finding.check: finding for finding in findings}
        assert len(lines) == len(findings)
        return lines

    @contextmanager
    def other(self, **options: Any) -> Iterator[Examination]:
        """An examination of a changed configuration, or with other options."""
        names = ("clock", "refusal", "wait_seconds")
        kept = {name: options.pop(name) for name in names if name in options}
        config = self.config.changed(**options) if options else self.config
        with Examination(
            config, self.examination.definitions, **{"wait_seconds": 0, **kept}
        ) as examination:
            yield examination

    def hear_daemons(self, dead: str = "") -> None:
        now = datetime.now(UTC)
        for name in self.instance.get_required_daemon_types():
            heard = now - timedelta(minutes=10) if name == dead else now
            self.instance.add_daemon_heartbeat(DaemonHeartbeat(heard.timestamp(), name, "one", []))

    def switch(self, name: str, *, on: bool, schedule: bool = False) -> InstigatorState:
        """Switch a sensor or a schedule on or off, as the UI does it."""
        location = RegisteredCodeLocationOrigin("tdnet_assets")
        origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
        state = InstigatorState(
            origin,
            InstigatorType.SCHEDULE if schedule else InstigatorType.SENSOR,
            InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED,
            ScheduleInstigatorData("0 0 * * *") if schedule else None,
        )
        known = self.instance.get_instigator_state(state.instigator_origin_id, state.selector_id)
        change = (
            self.instance.update_instigator_state if known else self.instance.add_instigator_state
        )
        change(state)
        return state

    def tick(self, state: InstigatorState, error: str | None = None) -> None:
        """Let a sensor have ticked, with an error or without."""
        self.instance.create_tick(
            TickData(
                instigator_origin_id=state.instigator_origin_id,
                instigator_name=state.instigator_name,
                instigator_type=state.instigator_type,
                status=TickStatus.FAILURE if error else TickStatus.SKIPPED,
                timestamp=datetime.now(UTC).timestamp(),
                error=SerializableErrorInfo(error, [], "Error") if error else None,
                selector_id=state.selector_id,
            )
        )

    def forget_record(self, execution_id: str) -> None:
        self.client("dynamodb").delete_item(
            TableName=self.config.executions_table, Key={"execution_id": {"S": execution_id}}
        )


@contextmanager
def healthy_account(folder: Path) -> Iterator[Account]:
    """Deployed, collected and running; its AWS checks policies, and lets its root do all."""
    now = datetime.now(TOKYO)
    # Which day is due changes at seven: both are there.
    days = sorted({latest_due_day(now), now.date() - timedelta(days=1)})
    site = SampleSite(clock=lambda: datetime.now(TOKYO))
    for day in (*days, now.date()):
        site.set_day(day, ROWS)
    with (
        serve(site) as base_url,
        embedded_aws.running(
            folder / "aws", region=DEFAULT_REGION, variables={"AUTH": "true"}
        ) as service,
    ):
        config = deployed(
            PlatformConfig(
                environment="dev",
                bucket="tdnet-dev",
                prefix="lake/",
                executions_table="tdnet_executions_dev",
                disclosures_table="tdnet_disclosures_dev",
                notices_table="tdnet_notices_dev",
                tdnet_base_url=base_url,
                requests_per_second=0,
                home=str(folder / "home"),
                aws_endpoint_url=service.endpoint_url,
                embedded_aws=True,
            )
        )
        make_dagster_home(config)
        with Examination(config, build_definitions(config), wait_seconds=0) as examination:
            account = Account(config, site, examination.instance, examination)
            for name in ("new_disclosures", "reconcile", "freshness"):
                account.switch(name, on=True)
            for name in ("day_close", "window_reread"):
                account.switch(name, on=True, schedule=True)
            for day in days:
                result = Pipeline(config, account.instance).materialize(day)
                assert result.success
            yield account


def deployed(config: PlatformConfig) -> PlatformConfig:
    """Deploy, do what else an operator does, and what the emulator's CloudFormation leaves out."""
    topic = _deploy(config)["NoticeTopicArn"]
    config = config.changed(notice_topic=topic)
    policy = _deploy(config)["RunPolicyArn"]
    clients.client(config, "sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=topic.replace(":sns:", ":sqs:")
    )
    iam = clients.client(config, "iam")
    iam.create_role(RoleName="dagster", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    iam.attach_role_policy(RoleName="dagster", PolicyArn=policy)
    dynamodb = clients.client(config, "dynamodb")
    for table in (config.executions_table, config.disclosures_table, config.notices_table):
        dynamodb.update_continuous_backups(
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    for table in (config.executions_table, config.notices_table):
        dynamodb.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE},
        )
    put_lifecycle(config, lifecycle_rules(config))
    return config


def _deploy(config: PlatformConfig) -> Mapping[str, str]:
    return deploy(config, lambda line: None, poll_seconds=0.02).outputs


def lifecycle_rules(config: PlatformConfig) -> list[dict[str, Any]]:
    """The template's rules as S3's own interface spells them."""
    rules = []
    for declared in bucket(config)["LifecycleConfiguration"]["Rules"]:
        rule = dict(declared)
        rule["ID"] = rule.pop("Id")
        if rule.pop("ExpiredObjectDeleteMarker", False):
            rule["Expiration"] = {"ExpiredObjectDeleteMarker": True}
        rules.append({"Filter": {"Prefix": ""}, **rule})
    return rules


def put_lifecycle(config: PlatformConfig, rules: list[dict[str, Any]]) -> None:
    clients.client(config, "s3").put_bucket_lifecycle_configuration(
        Bucket=config.bucket, LifecycleConfiguration={"Rules": rules}
    )


@contextmanager
def forgetful_cloudwatch() -> Iterator[str]:
    """The address of a CloudWatch that takes every metric and has none to show yet."""
    body = b'{"MetricDataResults": []}'

    class Forgetful(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def make_dagster_home(config: PlatformConfig) -> None:
    """A Dagster home with the deployed settings, on SQLite."""
    settings = yaml.safe_load(DEPLOYED_SETTINGS.read_text())
    home = config.dagster_home_path
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(
        yaml.safe_dump({name: settings[name] for name in SHARED_SETTINGS})
    )
