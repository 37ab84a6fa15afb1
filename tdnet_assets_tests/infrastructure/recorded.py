"""A full recorded run of a sample day, and of all else that the code location does by itself."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
from starlette.testclient import TestClient

from tdnet_assets.automation.notices import failure_notices
from tdnet_assets.automation.records import execution_record_sweep
from tdnet_assets.config import PlatformConfig
from tdnet_assets.doctor import dagster_instance, source
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.runner import CHECKS, examine
from tdnet_assets.reader.application import application
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import (
    CATALOGUE,
    FRESHNESS_LAG,
    SENSOR_HEARTBEAT,
    MetricsResource,
)
from tdnet_assets.resources.aws.notices_table import NoticesResource
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.first_day import with_first_day
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.resources.notices.delivery import Delivery
from tdnet_assets.resources.notices.due_notices import DueNotices
from tdnet_assets.resources.notices.sender import NoticeSender
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.resources.source.answers import TransientSourceError
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tdnet.listing import page_name
from tdnet_assets_tests.conftest import NOW
from tdnet_assets_tests.doctor.account import deployed
from tdnet_assets_tests.infrastructure.wire import (
    Call,
    Request,
    calls,
    metric_data,
    recording_proxy,
)
from tdnet_assets_tests.pipeline import Pipeline
from tdnet_assets_tests.resources.notices.notices import item

DAY = date(2026, 6, 10)
BAD_DAY = date(2026, 6, 11)


@dataclass(frozen=True)
class Recording:
    """What went to AWS: as a run of the code location, and as an operator looked at it."""

    config: PlatformConfig
    run: list[Request]
    operator: list[Request]
    reader: list[Request]
    started: datetime

    @property
    def run_calls(self) -> list[Call]:
        return calls(self.run, self.config.aws_region)

    @property
    def operator_calls(self) -> list[Call]:
        return calls(self.operator, self.config.aws_region)

    @property
    def reader_calls(self) -> list[Call]:
        return calls(self.reader, self.config.aws_region)

    @property
    def metric_data(self) -> list[tuple[str, dict]]:
        return metric_data(self.run)


@contextmanager
def recorded(endpoint_url: str, instance: dg.DagsterInstance) -> Iterator[Recording]:
    """Record everything against this endpoint; the environment is deployed there before."""
    site = SampleSite(clock=lambda: NOW)
    site.set_day(DAY, 12)
    site.set_day(BAD_DAY, 8)
    site.faults.malformed_row(BAD_DAY, page=1, position=2, kind="bad_time")
    started = datetime.now(UTC)
    with (
        serve(site) as base_url,
        recording_proxy(endpoint_url) as (address, requests),
        tempfile.TemporaryDirectory() as folder,
    ):
        config = deployed(_with_watches(_config(endpoint_url, base_url), folder))
        through_proxy = config.changed(aws_endpoint_url=address)
        _run(Pipeline(through_proxy, instance))
        _look_in_vain(through_proxy, site)  # as the sensor does
        run = list(requests)
        requests.clear()
        _look(through_proxy, Pipeline(through_proxy, instance))
        _look_in_vain(through_proxy, site)  # as `tdnet doctor` does
        operator = list(requests)
        requests.clear()
        _read(through_proxy)
        yield Recording(config, run, operator, list(requests), started)


def _run(pipeline: Pipeline) -> None:
    """The day, again the unchanged day, a day that fails, and what sensors and schedules add."""
    config = pipeline.config
    with_first_day(config.changed(window_days=31), NOW.date())  # as the code location loads
    assert pipeline.materialize(DAY).success
    assert pipeline.materialize(DAY).success
    assert not pipeline.materialize(BAD_DAY).success
    executions, index = pipeline.executions, DisclosureIndexResource(config=config)
    rows = index.by_day(DAY)
    index.replace_day(DAY, rows[1:])  # as after a correction that moves a row to another day
    yearly_copy(pipeline.lake).bring_up_to_date(DAY.year)
    resources = {"executions": executions}
    # The failures are behind the first of all events.
    with dg.build_sensor_context(pipeline.instance, cursor="0", resources=resources) as context:
        assert "announced: " in str(failure_notices(context).skip_reason)
    with dg.build_sensor_context(pipeline.instance, resources=resources) as context:
        execution_record_sweep(context)
    _tell(config)
    # What only the sensors send, as they send it.
    pipeline.metrics.publish({SENSOR_HEARTBEAT: 1})
    pipeline.metrics.publish({FRESHNESS_LAG: 5_400})


def _look_in_vain(config: PlatformConfig, site: SampleSite) -> None:
    """A look that TDnet refuses, which is remembered."""
    site.faults.answer("I_list", status=503, times=1)
    look = TdnetResource(config=config).look(
        page_name(DAY, 1), if_modified_since=None, timeout_seconds=5
    )
    with suppress(TransientSourceError):
        asyncio.run(look)


def _tell(config: PlatformConfig) -> None:
    """Everything that telling people asks of AWS, by a session and by the sensor."""
    table = NoticesResource(config=config)
    watches = read_watch_list(config)
    DueNotices(table, LakeResource(config=config)).remember(watches)
    table.add([item(), item(1, destination="topic")])
    table.beat()
    assert table.last_beat()
    table.end_beat()
    # Behind the hook's address is nobody: only its secrets are asked for.
    done = NoticeSender(table, Delivery(config)).send_due(watches)
    assert (done.sent, done.put_off) == (1, 1)


def _with_watches(config: PlatformConfig, folder: str) -> PlatformConfig:
    """The configuration with a watch file that names a topic and secrets, which are there."""
    topic = clients.client(config, "sns").create_topic(Name=f"watches-{config.bucket}")
    secret = clients.client(config, "secretsmanager").create_secret(
        Name=f"hook-{config.bucket}", SecretString="https://127.0.0.1:9/"
    )
    name = f"/{config.bucket}/secret"
    clients.client(config, "ssm").put_parameter(Name=name, Value="geheim", Type="SecureString")
    path = Path(folder) / "watches.toml"
    path.write_text(
        f"""[destinations.topic]
topic = "{topic["TopicArn"]}"
[destinations.hook]
webhook = "secretsmanager:{secret["ARN"]}"
host = "127.0.0.1"
secret = "ssm:{name}"
[[watches]]
name = "all"
to = ["topic", "hook"]
exchanges = ["東"]
"""
    )
    return config.changed(watches=str(path))


def _look(config: PlatformConfig, pipeline: Pipeline) -> None:
    """What `tdnet status`, `query`, `index` and `doctor`, and a reader of the lake ask."""
    executions, index = ExecutionsResource(config=config), DisclosureIndexResource(config=config)
    (record,) = executions.by_status("completed", limit=1)
    assert executions.get(record.execution_id) == record
    first = index.by_day(DAY)[0]
    assert index.get(first.disclosure_id) == first
    assert index.by_code(first.code)
    assert list(pipeline.lake.list("tables/"))
    assert pipeline.table("disclosures", DAY).height == 12
    NoticesResource(config=config).of_day(DAY)  # as `tdnet watch explain` does
    for folder in (layout.TABLES_FOLDER, *layout.IMMUTABLE_FOLDERS):
        pipeline.lake.delete(f"{folder}damaged")  # as `tdnet verify --repair` does
    metrics = MetricsResource(config=config)
    for metric in CATALOGUE:
        metrics.statistics(
            metric.name,
            start=datetime.now(UTC) - timedelta(hours=1),
            end=datetime.now(UTC) + timedelta(minutes=1),
        )
    _examine(config)


def _read(config: PlatformConfig) -> None:
    """All that the pages and the API of the reader ask."""
    with TestClient(application(config), base_url="http://127.0.0.1") as client:
        found = client.get(f"/api/v1/disclosures?from={DAY}&to={DAY}").json()["items"]
        row = next(one for one in found if one["pdf_url"])
        for address in (
            "/",
            "/status",
            f"/days/{DAY}",
            f"/companies/{row['code']}",
            f"/disclosures/{row['disclosure_id']}",
            f"/api/v1/documents/{row['disclosure_id']}.pdf",
            f"/search?q=の&from={DAY}&to={DAY}",
            f"/notices?watch=all&id={row['disclosure_id']}",
        ):
            assert client.get(address).status_code == 200, address
        # The first look at the days of the window goes on in the background.
        assert client.get("/api/v1/days").status_code == 200


def _examine(config: PlatformConfig) -> None:
    """All that `tdnet doctor` asks AWS."""
    elsewhere = (*source.CHECKS, *dagster_instance.CHECKS)
    checks = [check for check in CHECKS if check not in elsewhere]
    with Examination(config, dg.Definitions(), wait_seconds=0) as examination:
        found = {finding.check: finding.seen for finding in examine(examination, checks)}
    # A check that ended early may have asked for less than it needs.
    assert found.keys() == {check.name for check in checks}
    assert not [seen for seen in found.values() if "looked at" in seen]


def _config(endpoint_url: str, base_url: str) -> PlatformConfig:
    name = f"recorded-{os.getpid()}"
    return PlatformConfig(
        environment="dev",
        bucket=name,
        prefix="lake/",
        executions_table=f"executions-{name}",
        disclosures_table=f"disclosures-{name}",
        notices_table=f"notices-{name}",
        metrics_namespace=f"TDnet-{name}",
        tdnet_base_url=base_url,
        requests_per_second=0,
        aws_endpoint_url=endpoint_url,
        embedded_aws=True,
    )
