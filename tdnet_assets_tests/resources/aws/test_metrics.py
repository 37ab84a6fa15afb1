import logging
import math
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest

from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local.embedded_aws import free_port, running
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY
from tdnet_assets.resources.aws.metrics import (
    CATALOGUE,
    COLLECTION_SUCCESS_RATE,
    DIMENSION,
    DISCLOSURES_COLLECTED,
    DISCLOSURES_FAILED,
    RUN_DURATION,
    MetricsDelivery,
    MetricsResource,
    environment_dimension,
)

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 11, 23, 20, 17, tzinfo=UTC)
# One value of each metric, told apart from every other.
OF_A_RUN: dict[str, float | None] = {
    metric.name: number + 0.5 for number, metric in enumerate(CATALOGUE, start=1)
}


@pytest.fixture
def metrics(platform_config: PlatformConfig) -> MetricsResource:
    return MetricsResource(config=platform_config)


@pytest.fixture
def no_pause_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    # The SDK still makes all of its attempts; only the seconds between them are left out.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def requests_of(metrics: MetricsResource, operation: str) -> list[dict[str, Any]]:
    """The arguments of each request that will be made, filled as they are made."""
    requests: list[dict[str, Any]] = []
    metrics.client.meta.events.register(
        f"provide-client-params.cloudwatch.{operation}",
        lambda params, **_: requests.append(params),
    )
    return requests


def test_the_catalogue_keeps_the_names_that_dashboards_know_and_stays_within_ten() -> None:
    units = {metric.name: metric.unit for metric in CATALOGUE}

    assert len(units) == len(CATALOGUE) <= 10
    assert units["DisclosuresCollected"] == units["DisclosuresFailed"] == "Count"
    assert units["CollectionSuccessRate"] == "Percent"
    assert units["RunDuration"] == "Seconds"
    assert all(metric.meaning.endswith(".") for metric in CATALOGUE)


def test_the_one_dimension_is_the_environment(platform_config: PlatformConfig) -> None:
    production = platform_config.changed(
        environment="prod", tdnet_base_url="http://127.0.0.1:8080/inbs"
    )

    assert environment_dimension(platform_config) == {"Name": "Environment", "Value": "local"}
    assert environment_dimension(production) == {"Name": "Environment", "Value": "prod"}


def test_every_metric_of_a_run_is_sent_in_one_call_and_read_back_by_its_exact_dimension(
    metrics: MetricsResource,
) -> None:
    requests = requests_of(metrics, "PutMetricData")
    moment = datetime.now(UTC)

    delivery = metrics.publish(OF_A_RUN, now=moment)

    assert delivery == MetricsDelivery(sent=tuple(OF_A_RUN), error=None)
    assert delivery.delivered
    assert len(requests) == 1
    minute = moment.replace(second=0, microsecond=0)
    for name, value in OF_A_RUN.items():
        read = metrics.statistics(name, start=moment - MINUTE, end=moment + MINUTE)
        assert read == [(minute, value)]


def test_what_is_on_the_wire_is_the_catalogue_s_unit_and_one_dimension_that_cannot_grow(
    metrics: MetricsResource, platform_config: PlatformConfig
) -> None:
    metrics.publish(OF_A_RUN)

    listed = clients.client(platform_config, "cloudwatch").list_metrics(
        Namespace=platform_config.metrics_namespace
    )["Metrics"]
    assert {metric["MetricName"] for metric in listed} == {metric.name for metric in CATALOGUE}
    assert [metric["Dimensions"] for metric in listed] == [
        [{"Name": DIMENSION, "Value": "local"}]
    ] * len(CATALOGUE)
    datapoints = clients.client(platform_config, "cloudwatch").get_metric_statistics(
        Namespace=platform_config.metrics_namespace,
        MetricName=COLLECTION_SUCCESS_RATE,
        Dimensions=[environment_dimension(platform_config)],
        StartTime=datetime.now(UTC) - 5 * MINUTE,
        EndTime=datetime.now(UTC) + MINUTE,
        Period=60,
        Statistics=["Average"],
    )["Datapoints"]
    assert [(point["Average"], point["Unit"]) for point in datapoints] == [
        (OF_A_RUN[COLLECTION_SUCCESS_RATE], "Percent")
    ]


def test_the_metrics_of_one_environment_are_not_found_in_another(
    metrics: MetricsResource, platform_config: PlatformConfig
) -> None:
    moment = datetime.now(UTC)
    metrics.publish({DISCLOSURES_COLLECTED: 5}, now=moment)
    production = MetricsResource(
        config=platform_config.changed(environment="dev", tdnet_base_url="http://127.0.0.1:1/inbs")
    )
    elsewhere = MetricsResource(
        config=platform_config.changed(metrics_namespace="TDnetDataCollector")
    )
    span = {"start": moment - MINUTE, "end": moment + MINUTE}

    assert metrics.statistics(DISCLOSURES_COLLECTED, **span)
    assert production.statistics(DISCLOSURES_COLLECTED, **span) == []
    assert elsewhere.statistics(DISCLOSURES_COLLECTED, **span) == []


def test_values_that_are_none_are_not_sent_and_zero_is(metrics: MetricsResource) -> None:
    moment = datetime.now(UTC)

    delivery = metrics.publish({COLLECTION_SUCCESS_RATE: None, DISCLOSURES_FAILED: 0}, now=moment)

    assert delivery.sent == (DISCLOSURES_FAILED,)
    span = {"start": moment - MINUTE, "end": moment + MINUTE}
    assert metrics.statistics(COLLECTION_SUCCESS_RATE, **span) == []
    assert [value for _, value in metrics.statistics(DISCLOSURES_FAILED, **span)] == [0.0]


def test_a_run_with_nothing_to_send_makes_no_call(metrics: MetricsResource) -> None:
    requests = requests_of(metrics, "PutMetricData")

    assert metrics.publish({COLLECTION_SUCCESS_RATE: None}) == MetricsDelivery((), None)
    assert requests == []


def test_the_statistics_of_several_runs_come_by_period_oldest_first(
    metrics: MetricsResource,
) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    for minutes, value in ((7, 3.0), (0, 1.0), (8, 4.0)):
        metrics.publish({DISCLOSURES_COLLECTED: value}, now=hour + minutes * MINUTE)
    span = {"start": hour, "end": hour + timedelta(hours=1)}

    assert metrics.statistics(DISCLOSURES_COLLECTED, **span) == [
        (hour, 1.0),
        (hour + 7 * MINUTE, 3.0),
        (hour + 8 * MINUTE, 4.0),
    ]
    assert metrics.statistics(DISCLOSURES_COLLECTED, period=300, **span) == [
        (hour, 1.0),
        (hour + 5 * MINUTE, 7.0),
    ]
    assert metrics.statistics(DISCLOSURES_COLLECTED, period=3_600, statistic="Maximum", **span) == [
        (hour, 4.0)
    ]


@pytest.mark.parametrize("values", [{"DisclosuresColected": 1.0}, {"Heartbeat": None}])
def test_a_name_outside_the_catalogue_is_a_programming_error(
    metrics: MetricsResource, values: dict[str, float | None]
) -> None:
    (name,) = values
    with pytest.raises(ValueError, match=f"'{name}' is not a metric.*DisclosuresCollected"):
        metrics.publish(values)
    with pytest.raises(ValueError, match=f"'{name}' is not a metric"):
        metrics.statistics(name, start=NOW, end=NOW)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_cloudwatch_does_not_take_raises_and_nothing_is_sent(
    metrics: MetricsResource, value: float
) -> None:
    requests = requests_of(metrics, "PutMetricData")

    with pytest.raises(ValueError, match=r"RunDuration is .*finite numbers only"):
        metrics.publish({DISCLOSURES_COLLECTED: 1, RUN_DURATION: value})

    assert requests == []


def test_times_without_a_zone_and_odd_periods_are_refused(metrics: MetricsResource) -> None:
    naive = datetime(2026, 11, 23, 20, 17)  # noqa: DTZ001 - the case itself

    with pytest.raises(ValueError, match="no time zone"):
        metrics.publish({DISCLOSURES_COLLECTED: 1}, now=naive)
    with pytest.raises(ValueError, match="no time zone"):
        metrics.statistics(DISCLOSURES_COLLECTED, start=naive, end=NOW)
    for period in (0, 30, 90):
        with pytest.raises(ValueError, match=f"period is {period} s"):
            metrics.statistics(DISCLOSURES_COLLECTED, start=NOW, end=NOW, period=period)


@pytest.fixture(scope="session")
def guarded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An embedded AWS that checks policies, unlike the shared one."""
    folder = tmp_path_factory.mktemp("guarded_aws")
    with running(folder, region=DEFAULT_REGION, variables={"AUTH": "true"}) as aws:
        yield aws.endpoint_url


def keys_of_a_user(endpoint: str, name: str, policy: str | None) -> dict[str, str]:
    iam = boto3.client(
        "iam",
        endpoint_url=endpoint,
        region_name=DEFAULT_REGION,
        aws_access_key_id=EMBEDDED_ACCESS_KEY,
        aws_secret_access_key=EMBEDDED_SECRET_KEY,
    )
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="metrics", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


def policy_for(namespace: str) -> str:
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudwatch:PutMetricData",'
        f'"Resource":"*","Condition":{{"StringEquals":{{"cloudwatch:namespace":"{namespace}"}}}}}}]}}'
    )


@pytest.mark.parametrize("policy", [None, policy_for("SomethingElse")])
def test_a_refused_delivery_is_returned_and_logged_and_never_raises(
    guarded_aws: str,
    platform_config: PlatformConfig,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    policy: str | None,
) -> None:
    user = f"user-{platform_config.bucket}"
    keys = keys_of_a_user(guarded_aws, user, policy)
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    metrics = MetricsResource(
        config=platform_config.changed(
            aws_endpoint_url=guarded_aws, embedded_aws=False, metrics_namespace="TDnetDataCollector"
        )
    )

    with caplog.at_level(logging.ERROR):
        delivery = metrics.publish({DISCLOSURES_COLLECTED: 2_694, RUN_DURATION: 60})

    assert delivery.sent == ()
    assert not delivery.delivered
    error = delivery.error or ""
    assert error.startswith("AccessDenied")
    assert "metrics DisclosuresCollected, RunDuration were not delivered" in error
    assert "not authorized to perform: cloudwatch:PutMetricData" in error
    assert "cloudwatch:namespace condition is exactly 'TDnetDataCollector'" in error
    assert "tdnet infra policy" in error
    assert keys["AWS_SECRET_ACCESS_KEY"] not in error
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [error]


def test_a_connection_refused_is_returned_and_never_raises(
    platform_config: PlatformConfig, no_pause_between_attempts: None
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    metrics = MetricsResource(config=platform_config.changed(aws_endpoint_url=endpoint))

    delivery = metrics.publish({DISCLOSURES_COLLECTED: 1})

    assert delivery.sent == ()
    error = delivery.error or ""
    assert error.startswith("EndpointConnectionError: metrics DisclosuresCollected")
    assert endpoint in error
    assert f"'{platform_config.metrics_namespace}'" in error
    assert "check the AWS endpoint, region and credentials" in error


def test_missing_credentials_are_returned_and_never_raise(
    platform_config: PlatformConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    metrics = MetricsResource(config=platform_config.changed(embedded_aws=False))

    assert re.match("NoCredentialsError: .*", metrics.publish({RUN_DURATION: 1}).error or "")


@contextmanager
def answering(content_type: str, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """An endpoint that refuses everything with this body, and the requests it has got."""
    requests: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            requests.append(self.path)
            self.send_response(400)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requests
        finally:
            server.shutdown()
            thread.join()


def test_throttling_is_returned_after_the_sdk_has_tried_again(
    platform_config: PlatformConfig, no_pause_between_attempts: None
) -> None:
    body = b'{"__type": "Throttling", "message": "Rate exceeded"}'
    with answering("application/x-amz-json-1.0", body) as (endpoint, requests):
        metrics = MetricsResource(config=platform_config.changed(aws_endpoint_url=endpoint))

        delivery = metrics.publish({DISCLOSURES_COLLECTED: 1})

    assert (delivery.error or "").startswith("Throttling: metrics DisclosuresCollected")
    assert len(requests) > 3


def test_a_proxy_s_error_page_in_another_charset_is_returned_and_never_raises(
    platform_config: PlatformConfig,
) -> None:
    with answering("text/html", "<h1>接続できません</h1>".encode("cp932")) as (endpoint, _):
        metrics = MetricsResource(config=platform_config.changed(aws_endpoint_url=endpoint))

        delivery = metrics.publish({DISCLOSURES_COLLECTED: 1})

    assert "metrics DisclosuresCollected were not delivered" in (delivery.error or "")


def test_a_mistake_in_our_own_code_is_not_taken_for_a_delivery_failure(
    metrics: MetricsResource,
) -> None:
    with pytest.raises(TypeError):
        metrics.publish({DISCLOSURES_COLLECTED: "many"})  # type: ignore[dict-item]


def test_a_refused_delivery_inside_a_dagster_run_is_an_error_in_its_event_log_and_the_run_goes_on(
    platform_config: PlatformConfig, no_pause_between_attempts: None
) -> None:
    deliveries: list[MetricsDelivery] = []
    with socket.socket() as unanswered:
        unanswered.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unanswered.getsockname()[1]}"

        @dg.asset
        def reporting(metrics: dg.ResourceParam[MetricsResource]) -> None:
            deliveries.append(metrics.publish({DISCLOSURES_COLLECTED: 1}))

        with dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                [reporting],
                instance=instance,
                resources={
                    "metrics": MetricsResource(
                        config=platform_config.changed(aws_endpoint_url=endpoint)
                    )
                },
            )
            logged = [
                entry.user_message
                for entry in instance.all_logs(result.run_id)
                if entry.level == logging.ERROR
            ]

    assert result.success
    assert [delivery.error for delivery in deliveries] == logged
    assert "EndpointConnectionError" in logged[0]
