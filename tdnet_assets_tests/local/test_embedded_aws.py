import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.bootstrap import bootstrap
from tdnet_assets.local.embedded_aws import EmbeddedAws, EmbeddedAwsError
from tdnet_assets.resources.aws import executions, index_table
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.index_feed import catch_up
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.disclosures import disclosures_frame
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.sightings import Disclosure
from tdnet_assets_tests.local.aws_clients import client
from tdnet_assets_tests.local.processes import is_running, listening_addresses, wait_until

LOOPBACK = "0100007F"

Start = Callable[..., EmbeddedAws]


@pytest.fixture
def start(tmp_path: Path) -> Any:
    started: list[EmbeddedAws] = []

    def start(**arguments: Any) -> EmbeddedAws:
        arguments = {"region": DEFAULT_REGION, "keep_state": True, **arguments}
        started.append(embedded_aws.start(tmp_path / "aws", **arguments))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def config_for(endpoint_url: str, bucket: str = "lake") -> PlatformConfig:
    return PlatformConfig(
        bucket=bucket,
        executions_table=f"executions-{bucket}",
        disclosures_table=f"disclosures-{bucket}",
        aws_endpoint_url=endpoint_url,
        embedded_aws=True,
    )


def store_one_of_each(config: PlatformConfig) -> None:
    client(config, "s3").put_object(
        Bucket=config.bucket, Key="documents/1.pdf", Body=b"%PDF-\xff", Metadata={"sha256": "ab"}
    )
    client(config, "dynamodb").put_item(
        TableName=config.executions_table, Item={"execution_id": {"S": "one"}}
    )
    client(config, "cloudwatch").put_metric_data(
        Namespace="TDnet", MetricData=[{"MetricName": "DisclosuresCollected", "Value": 7}]
    )


def stored_object(config: PlatformConfig) -> tuple[bytes, dict[str, str]]:
    answer = client(config, "s3").get_object(Bucket=config.bucket, Key="documents/1.pdf")
    return answer["Body"].read(), answer["Metadata"]


def stored_items(config: PlatformConfig) -> list[Any]:
    return client(config, "dynamodb").scan(TableName=config.executions_table)["Items"]


def stored_sum(config: PlatformConfig) -> float:
    now = datetime.now(UTC)
    points = client(config, "cloudwatch").get_metric_statistics(
        Namespace="TDnet",
        MetricName="DisclosuresCollected",
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


@pytest.mark.slow
def test_a_clean_stop_keeps_objects_with_metadata_items_and_metrics(start: Start) -> None:
    first = start()
    config = config_for(first.endpoint_url)
    bootstrap(config)
    store_one_of_each(config)
    assert first.stop()

    second = start(preferred_port=first.port)

    assert second.endpoint_url == first.endpoint_url
    assert stored_object(config) == (b"%PDF-\xff", {"sha256": "ab"})
    assert stored_items(config) == [{"execution_id": {"S": "one"}}]
    assert stored_sum(config) == 7


@pytest.mark.slow
def test_after_a_hard_kill_objects_are_left_and_the_bootstrap_makes_the_rest_anew(
    start: Start,
) -> None:
    first = start()
    config = config_for(first.endpoint_url)
    bootstrap(config)
    store_one_of_each(config)
    first.process.kill()
    first.process.wait()

    config = config_for(start().endpoint_url)
    bootstrap(config)

    assert stored_object(config) == (b"%PDF-\xff", {"sha256": "ab"})
    assert stored_items(config) == []


@pytest.mark.slow
def test_after_a_hard_kill_records_are_as_of_the_last_clean_stop(start: Start) -> None:
    first = start()
    config = config_for(first.endpoint_url)
    bootstrap(config)
    store_one_of_each(config)
    first.stop()
    second = start(preferred_port=first.port)
    client(config, "dynamodb").put_item(
        TableName=config.executions_table, Item={"execution_id": {"S": "two"}}
    )
    second.process.kill()
    second.process.wait()

    start(preferred_port=first.port)

    assert stored_items(config) == [{"execution_id": {"S": "one"}}]


def store_day(config: PlatformConfig, day: date, *titles: str) -> None:
    """What a run leaves of a day in the lake, as far as the index is made from it."""
    disclosed_at = datetime(day.year, day.month, day.day, 15, 30, tzinfo=TOKYO)
    known = [
        Disclosure(
            disclosure_id=f"{day:%Y%m%d}{number:06d}",
            disclosed_at=disclosed_at,
            code="72030",
            company_name="見本",
            title=title,
            previous_titles=(),
            exchanges=("東",),
            pdf_url="http://127.0.0.1/inbs/a.pdf",
            xbrl_url=None,
            xbrl_kind=None,
            status="active",
            history="",
            changed_at=None,
            first_seen_at=disclosed_at,
            last_seen_at=disclosed_at,
            capture="20260610T063000.000000Z",
        )
        for number, title in enumerate(titles)
    ]
    frame = disclosures_frame(known)
    LakeResource(config=config).write_table("disclosures", day, frame, {})


def indexed_titles(config: PlatformConfig, day: date) -> list[str]:
    return [row.title for row in DisclosureIndexResource(config=config).by_day(day)]


@pytest.mark.slow
def test_after_a_hard_kill_the_index_is_as_the_lake_is_again(start: Start) -> None:
    first_day, second_day, third_day = (date(2026, 6, day) for day in (10, 11, 12))
    first = start()
    config = config_for(first.endpoint_url)
    bootstrap(config)
    store_day(config, first_day, "one")
    store_day(config, second_day, "two", "three")
    bootstrap(config)
    assert first.stop()
    # Since the last clean stop: a day that changed and a new one, of which the index was told.
    second = start(preferred_port=first.port)
    store_day(config, second_day, "two", "four")
    store_day(config, third_day, "five")
    bootstrap(config)
    assert indexed_titles(config, third_day) == ["five"]
    second.process.kill()
    second.process.wait()

    start(preferred_port=first.port)
    assert indexed_titles(config, third_day) == []
    bootstrap(config)

    assert indexed_titles(config, first_day) == ["one"]
    assert indexed_titles(config, second_day) == ["four", "two"]
    assert indexed_titles(config, third_day) == ["five"]
    assert catch_up(config).days == 0


@pytest.mark.slow
def test_a_killed_embedded_aws_that_never_stopped_cleanly_gets_its_whole_index_back(
    start: Start,
) -> None:
    day = date(2026, 6, 10)
    first = start()
    config = config_for(first.endpoint_url)
    bootstrap(config)
    store_day(config, day, "one", "two")
    bootstrap(config)
    first.process.kill()
    first.process.wait()

    config = config_for(start().endpoint_url)
    bootstrap(config)

    assert indexed_titles(config, day) == ["two", "one"]


@pytest.mark.slow
def test_without_state_nothing_is_left(start: Start) -> None:
    first = start(keep_state=False)
    config = config_for(first.endpoint_url)
    bootstrap(config)
    first.stop()

    again = config_for(start(keep_state=False).endpoint_url)

    assert client(again, "s3").list_buckets()["Buckets"] == []


def test_a_taken_port_is_replaced_by_a_free_one(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]

        assert start(preferred_port=taken).port != taken


@pytest.mark.skipif(not Path("/proc/self/net").exists(), reason="asks Linux's /proc")
def test_it_listens_on_loopback_only(aws_endpoint: str, start: Start) -> None:
    assert listening_addresses(start().process.pid) == {LOOPBACK}


def test_variables_meant_for_another_ministack_do_not_change_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USE_SSL", "1")
    monkeypatch.setenv("AUTH", "true")
    monkeypatch.setenv("SERVICES", "sqs")

    bootstrap(config_for(start().endpoint_url))


def test_it_takes_presigned_urls_made_with_the_clients_keys(platform: PlatformConfig) -> None:
    s3 = client(platform, "s3")
    s3.put_object(Bucket=platform.bucket, Key="a.pdf", Body=b"%PDF")
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": platform.bucket, "Key": "a.pdf"}, ExpiresIn=60
    )

    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the embedded AWS
        assert answer.read() == b"%PDF"


def test_a_failed_start_says_what_the_log_says(start: Start, tmp_path: Path) -> None:
    (tmp_path / "aws" / "aws.lock").mkdir(parents=True)

    with pytest.raises(EmbeddedAwsError, match=r"(?s)ended with code 1; .*aws\.log:.*IsADirectory"):
        start()


@pytest.mark.slow
def test_the_next_one_waits_until_the_former_one_has_saved_its_state(start: Start) -> None:
    first = start()
    config = config_for(first.endpoint_url)
    bootstrap(config)
    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(start)
        with pytest.raises(TimeoutError):
            starting.result(timeout=1.5)
        store_one_of_each(config)
        first.stop()
        second = starting.result()

    assert stored_items(config_for(second.endpoint_url)) == [{"execution_id": {"S": "one"}}]


PARENT = """
import sys, time
from pathlib import Path
from tdnet_assets.local import embedded_aws
aws = embedded_aws.start(Path(sys.argv[1]), region="ap-northeast-1", keep_state=True)
print(aws.process.pid, aws.port, flush=True)
time.sleep(600)
"""


def test_it_ends_with_its_killed_parent_and_the_next_one_finds_its_state(
    start: Start, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "aws")], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        pid, port = (int(number) for number in parent.stdout.readline().split())
        config = config_for(f"http://127.0.0.1:{port}")
        bootstrap(config)
        store_one_of_each(config)
        os.kill(parent.pid, signal.SIGKILL)

    # At once: it has to wait until the former one has saved what it had.
    config = config_for(start(preferred_port=port).endpoint_url)

    assert stored_items(config) == [{"execution_id": {"S": "one"}}]
    wait_until(lambda: not is_running(pid))


def test_the_bootstrap_makes_bucket_and_tables_and_can_run_in_parallel(aws_endpoint: str) -> None:
    config = config_for(aws_endpoint, bucket=f"parallel-{os.getpid()}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(bootstrap, [config] * 4))
    bootstrap(config)

    location = client(config, "s3").get_bucket_location(Bucket=config.bucket)
    assert location["LocationConstraint"] == "ap-northeast-1"
    dynamodb = client(config, "dynamodb")
    for definition in (
        executions.table_definition(config),
        index_table.table_definition(config),
    ):
        table = dynamodb.describe_table(TableName=definition["TableName"])["Table"]
        assert table["TableStatus"] == "ACTIVE"
        assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {
            index["IndexName"] for index in definition["GlobalSecondaryIndexes"]
        }
    expiry = dynamodb.describe_time_to_live(TableName=config.executions_table)
    assert expiry["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "ttl",
    }
    # A disclosure is for ever.
    expiry = dynamodb.describe_time_to_live(TableName=config.disclosures_table)
    assert expiry["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}


def test_the_bootstrap_finishes_what_a_killed_one_began(aws_endpoint: str) -> None:
    config = config_for(aws_endpoint, bucket=f"begun-{os.getpid()}")
    dynamodb = client(config, "dynamodb")
    dynamodb.create_table(**executions.table_definition(config))

    bootstrap(config)

    expiry = dynamodb.describe_time_to_live(TableName=config.executions_table)
    assert expiry["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    client(config, "s3").head_bucket(Bucket=config.bucket)


def test_the_bootstrap_works_in_the_region_that_must_not_be_named(aws_endpoint: str) -> None:
    config = config_for(aws_endpoint, bucket=f"virginia-{os.getpid()}").changed(
        aws_region="us-east-1"
    )

    bootstrap(config)

    client(config, "s3").head_bucket(Bucket=config.bucket)
