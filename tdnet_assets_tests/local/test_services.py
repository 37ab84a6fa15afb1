import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.services import (
    ServicesError,
    connect,
    running_services,
    wait_until_stopped,
)
from tdnet_assets.local.services_folder import Services, ServicesFolder
from tdnet_assets_tests.local.aws_clients import client
from tdnet_assets_tests.local.processes import is_running, listening_addresses, wait_until

LOOPBACK = "0100007F"
# Real processes that share nothing with this one, but need not import Dagster each.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tdnet_assets.local.services"])


class User:
    """Another process that uses the services until it is told to leave."""

    def __init__(self, config: PlatformConfig, *, connects: bool = False) -> None:
        self._pipe, theirs = PROCESSES.Pipe()
        self._process: ForkServerProcess = PROCESSES.Process(
            target=_use, args=(config.values, connects, theirs), daemon=True
        )
        self._process.start()

    def config(self) -> PlatformConfig:
        assert self._pipe.poll(60)
        return PlatformConfig(**self._pipe.recv())

    def leave(self) -> None:
        self._pipe.send("leave")
        self._process.join(30)
        assert self._process.exitcode == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.join(30)


def _use(values: dict[str, Any], connects: bool, pipe: Connection) -> None:
    config = PlatformConfig(**values)
    if connects:
        pipe.send(connect(config).values)
        pipe.recv()
        return
    with running_services(config) as running:
        pipe.send(running.values)
        pipe.recv()


@pytest.fixture
def config(tmp_path: Path) -> Iterator[PlatformConfig]:
    config = PlatformConfig.from_environment({"TDNET_HOME": str(tmp_path / "home")})
    yield config
    if services := folder(config).services():
        os.kill(services.supervisor, signal.SIGTERM)
    assert wait_until_stopped(config, 30)


@pytest.fixture
def user(config: PlatformConfig) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def user(**arguments: Any) -> User:
        users.append(User(config, **arguments))
        return users[-1]

    yield user
    for one in users:
        one.kill()


def folder(config: PlatformConfig) -> ServicesFolder:
    return ServicesFolder(config.home_path)


def services_of(config: PlatformConfig) -> Services:
    services = folder(config).services()
    assert services is not None, folder(config).log.read_text()
    return services


def stop(config: PlatformConfig) -> None:
    os.kill(services_of(config).supervisor, signal.SIGTERM)
    assert wait_until_stopped(config, 30)


def starts(config: PlatformConfig) -> int:
    return folder(config).log.read_text().count(" running: ")


def assert_ended(services: Services) -> None:
    wait_until(lambda: not is_running(services.supervisor))
    wait_until(lambda: not is_running(services.aws_process))


def assert_usable(config: PlatformConfig) -> None:
    page = f"{config.tdnet_base_url}/I_main_00.html"
    with urllib.request.urlopen(page, timeout=5) as answer:  # noqa: S310 - the sample site
        assert answer.status == 200
    client(config, "s3").head_bucket(Bucket=config.bucket)
    table = client(config, "dynamodb").describe_table(TableName=config.executions_table)
    assert table["Table"]["TableStatus"] == "ACTIVE"


@pytest.mark.slow
def test_processes_share_the_services_which_end_after_the_last_one_was_killed(
    config: PlatformConfig, user: Callable[..., User]
) -> None:
    first, second = user(), user(connects=True)
    seen = first.config()
    assert seen == second.config()
    assert seen.embedded_aws
    services = services_of(config)

    first.leave()
    assert not wait_until_stopped(config, 4)  # longer than services without users are kept
    assert_usable(seen)
    second.kill()

    assert wait_until_stopped(config, 15)
    assert_ended(services)
    assert starts(config) == 1
    assert not (config.home_path / "local" / "services.json").exists()


@pytest.mark.slow
def test_a_user_that_comes_soon_after_the_last_one_keeps_the_services(
    config: PlatformConfig, user: Callable[..., User]
) -> None:
    with running_services(config):
        services = services_of(config)
    user().config()

    assert services_of(config) == services


@pytest.mark.slow
def test_five_processes_that_come_at_once_start_one_supervisor(
    config: PlatformConfig, user: Callable[..., User]
) -> None:
    configs = [one.config() for one in [user() for _ in range(5)]]

    assert all(one == configs[0] for one in configs)
    assert starts(config) == 1, folder(config).log.read_text()
    assert len(folder(config).bootstrapped()) == 1
    assert_usable(configs[0])


@pytest.mark.slow
def test_users_that_come_while_the_services_stop_get_new_ones(config: PlatformConfig) -> None:
    with running_services(config) as first:
        before = services_of(config)
    # Its end begins at some time in the next seconds; from then on, they come all the time.
    wait_until(lambda: not (config.home_path / "local" / "services.json").exists(), 15)

    with running_services(config) as second:
        assert_usable(second)
        after = services_of(config)

    assert_ended(before)
    assert after.supervisor != before.supervisor
    assert second == first


@pytest.mark.slow
def test_users_that_come_while_a_signal_stops_the_services_get_new_ones(
    config: PlatformConfig,
) -> None:
    with running_services(config):
        before = services_of(config)
        for _ in range(2):
            os.kill(services_of(config).supervisor, signal.SIGTERM)
            wait_until(lambda: folder(config).services() is None)
            with running_services(config) as again:
                assert_usable(again)

        assert services_of(config).supervisor != before.supervisor
    assert_ended(before)


@pytest.mark.slow
def test_state_and_addresses_survive_a_restart(config: PlatformConfig) -> None:
    with running_services(config) as first:
        client(first, "s3").put_object(
            Bucket=first.bucket, Key="a.pdf", Body=b"%PDF", Metadata={"sha256": "ab"}
        )
        client(first, "dynamodb").put_item(
            TableName=first.executions_table, Item={"execution_id": {"S": "one"}}
        )
        stop(config)

    with running_services(config) as second:
        assert second == first
        answer = client(second, "s3").get_object(Bucket=second.bucket, Key="a.pdf")
        assert (answer["Body"].read(), answer["Metadata"]) == (b"%PDF", {"sha256": "ab"})
        items = client(second, "dynamodb").scan(TableName=second.executions_table)["Items"]
        assert items == [{"execution_id": {"S": "one"}}]


@pytest.mark.slow
def test_a_killed_supervisor_leaves_no_process_and_no_loss(config: PlatformConfig) -> None:
    with running_services(config) as first:
        before = services_of(config)
        client(first, "dynamodb").put_item(
            TableName=first.executions_table, Item={"execution_id": {"S": "one"}}
        )
        os.kill(before.supervisor, signal.SIGKILL)
        wait_until(lambda: not folder(config).has_supervisor())

        with running_services(config) as second:
            items = client(second, "dynamodb").scan(TableName=second.executions_table)["Items"]

    assert items == [{"execution_id": {"S": "one"}}]
    assert_ended(before)


@pytest.mark.slow
def test_a_killed_embedded_aws_is_started_again_with_tables_for_users_at_work(
    config: PlatformConfig,
) -> None:
    with running_services(config) as running:
        before = services_of(config)
        os.kill(before.aws_process, signal.SIGKILL)
        wait_until(lambda: folder(config).services() not in (before, None))

        assert_usable(running)
        assert services_of(config).supervisor == before.supervisor


@pytest.mark.slow
def test_an_embedded_aws_that_keeps_ending_is_given_up_and_the_log_says_so(
    config: PlatformConfig,
) -> None:
    with running_services(config.changed(aws_endpoint_url="http://127.0.0.1:9")):
        for _ in range(4):
            before = services_of(config)
            os.kill(before.aws_process, signal.SIGKILL)
            wait_until(
                lambda before=before: (
                    folder(config).services() not in (before, None)
                    or not is_running(before.supervisor)
                )
            )
        assert not is_running(before.supervisor)
    assert "ended by itself 4 times" in folder(config).log.read_text()


def test_services_that_cannot_start_are_refused_with_the_end_of_the_log(
    config: PlatformConfig,
) -> None:
    state = config.home_path / "local" / "aws"
    state.parent.mkdir(parents=True)
    state.write_text("a file where a folder must be")

    with pytest.raises(ServicesError, match=r"(?s)code 1; the end of .*supervisor\.log:.*exists"):
        connect(config)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/net").exists(), reason="asks Linux's /proc")
def test_who_waits_for_the_services_to_start_leaves_the_processor_to_them(
    config: PlatformConfig,
) -> None:
    elsewhere = config.changed(aws_endpoint_url="http://127.0.0.1:9")  # where nothing is made
    before = time.thread_time()

    with running_services(elsewhere):
        took = time.thread_time() - before

    assert starts(config) == 1
    assert took < 0.2, took


def test_the_services_listen_on_loopback_only(config: PlatformConfig) -> None:
    with running_services(config):
        services = services_of(config)

        assert listening_addresses(services.supervisor) == {LOOPBACK}
        assert listening_addresses(services.aws_process) == {LOOPBACK}


@pytest.mark.slow
def test_the_supervisor_is_out_of_reach_of_ctrl_c_and_its_file_is_private(
    config: PlatformConfig,
) -> None:
    with running_services(config):
        assert os.getsid(services_of(config).supervisor) != os.getsid(0)
        file = config.home_path / "local" / "services.json"
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_each_users_own_names_are_made(config: PlatformConfig) -> None:
    other = config.changed(bucket="another-lake", executions_table="other_executions")

    with running_services(config) as first, running_services(other) as second:
        assert_usable(first)
        assert_usable(second)

    assert first.aws_endpoint_url == second.aws_endpoint_url


@pytest.mark.slow
def test_the_operators_addresses_and_rate_are_kept(config: PlatformConfig) -> None:
    own_aws = config.changed(aws_endpoint_url="http://127.0.0.1:9", requests_per_second=2)
    own_site = config.changed(tdnet_base_url="http://127.0.0.1:9/inbs")

    with running_services(own_aws) as connected:
        assert connected.aws_endpoint_url == "http://127.0.0.1:9"
        assert not connected.embedded_aws
        assert connected.tdnet_base_url == services_of(config).tdnet_base_url
        assert connected.requests_per_second == 2
    with running_services(own_site) as connected:
        assert connected.tdnet_base_url == "http://127.0.0.1:9/inbs"
        assert connected.requests_per_second == 1
        assert connected.aws_endpoint_url == services_of(config).aws_endpoint_url


@pytest.mark.slow
def test_the_sample_site_is_asked_faster_than_a_live_host(config: PlatformConfig) -> None:
    with running_services(config) as connected:
        assert connected.requests_per_second == 50


@pytest.mark.parametrize(
    "named",
    [
        {"aws_endpoint_url": "http://127.0.0.1:9", "tdnet_base_url": "http://127.0.0.1:9/inbs"},
        {"environment": "dev", "tdnet_base_url": "http://127.0.0.1:9/inbs"},
    ],
)
def test_nothing_is_started_or_written_where_it_is_not_wanted(
    config: PlatformConfig, named: dict[str, Any]
) -> None:
    named_config = config.changed(**named)

    assert connect(named_config) is named_config
    with running_services(named_config) as running:
        assert running is named_config
    assert not config.home_path.exists()


@pytest.mark.slow
def test_a_connected_configuration_is_left_as_it_is(
    config: PlatformConfig, platform: PlatformConfig
) -> None:
    assert connect(platform) is platform
    with running_services(config) as connected:
        assert connect(connected) is connected


@pytest.mark.slow
def test_threads_that_connect_at_once_get_the_same_addresses(config: PlatformConfig) -> None:
    seen: list[PlatformConfig] = []

    def use() -> None:
        with running_services(config) as running:
            seen.append(running)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 4
    assert all(one == seen[0] for one in seen)
    assert starts(config) == 1


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("tdnet_assets.local.services", ["boto3", "botocore", "starlette", "uvicorn", "ministack"]),
        ("tdnet_assets.local.supervisor", ["dagster", "boto3", "starlette"]),
        ("tdnet_assets.local.embedded_aws", ["dagster", "boto3", "ministack"]),
    ],
)
def test_importing_brings_nothing_large(module: str, unwanted: list[str]) -> None:
    program = f"import {module}, json, sys; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.check_output([sys.executable, "-c", program])

    assert not set(unwanted) & set(json.loads(output))
