"""What can be said of the deployment's files without Docker: they load, agree, and name what is."""

import re
import shlex
from importlib.metadata import requires
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster_aws.ecs import EcsRunLauncher
from dagster_aws.s3.compute_log_manager import S3ComputeLogManager
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage
from packaging.requirements import Requirement

from tdnet_assets.assets.collection import POOL
from tdnet_assets.config import PlatformConfig, ReaderSettings, values_from_environment
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets_tests.deploy.deployment import (
    CHECKOUT,
    CODE_PORT,
    DEPLOY,
    HOME,
    UI_PORT,
    dagster_home,
    services,
    settings,
)

DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
EXAMPLE = dict(
    line.split("=", 1)
    for line in (DEPLOY / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)
# The Dagster settings that a deployment of its own may change without the other one.
OWN_SETTINGS = {"run_launcher"}


@pytest.fixture
def production_home(platform, postgres, tmp_path, monkeypatch):
    """The home that the image has, its variables set, on a real PostgreSQL."""
    variables = {
        **postgres.variables,
        "DAGSTER_LOGS_BUCKET": platform.bucket,
        "AWS_ENDPOINT_URL": platform.aws_endpoint_url,
        "AWS_REGION": platform.aws_region,
        "AWS_DEFAULT_REGION": platform.aws_region,
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return dagster_home(tmp_path / "dagster", "dagster.yaml")


@pytest.mark.deploy
def test_dagster_loads_the_production_settings_and_keeps_runs_in_postgresql(
    production_home, platform
):
    job = dg.GraphDefinition(name="nothing").to_job()
    with dg.DagsterInstance.from_config(str(production_home)) as instance:
        assert isinstance(instance.run_launcher, EcsRunLauncher)
        assert isinstance(instance.compute_log_manager, S3ComputeLogManager)
        assert isinstance(instance.run_coordinator, dg.QueuedRunCoordinator)
        assert instance.telemetry_enabled is False
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_max_resume_run_attempts == 0
        assert (instance.run_retries_enabled, instance.run_retries_max_retries) == (True, 2)
        assert instance.run_retries_retry_on_asset_or_op_failure is False
        concurrency = instance.get_concurrency_config()
        assert concurrency.pool_config.default_pool_limit == 1
        assert concurrency.pool_config.pool_granularity.value == "op"
        run_id = job.execute_in_process(instance=instance).run_id

    with dg.DagsterInstance.from_config(str(production_home)) as again:
        assert again.get_run_by_id(run_id).status == dg.DagsterRunStatus.SUCCESS
        assert isinstance(again.run_storage, PostgresRunStorage)
        assert isinstance(again.event_log_storage, PostgresEventLogStorage)
    # Below its own prefix, so that it may share the lake's bucket.
    lake = LakeResource(config=platform)
    (log,) = lake.list(f"dagster/storage/{run_id}/")
    assert b"Capturing logs for process" in lake.read(log.key)


@pytest.mark.deploy
def test_one_worker_has_the_slot_of_the_pool_even_in_a_database_that_never_saw_it(
    production_home,
):
    with (
        dg.DagsterInstance.from_config(str(production_home)) as instance,
        dg.DagsterInstance.from_config(str(production_home)) as other,
    ):
        instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
        first = instance.event_log_storage.claim_concurrency_slot(POOL, "run 1", "step")
        second = other.event_log_storage.claim_concurrency_slot(POOL, "run 2", "step")
        assert (first.is_claimed, second.is_claimed) == (True, False)
        instance.event_log_storage.free_concurrency_slots_for_run("run 1")
        assert other.event_log_storage.claim_concurrency_slot(POOL, "run 2", "step").is_claimed
        other.event_log_storage.free_concurrency_slots_for_run("run 2")


def test_compose_has_the_same_dagster_settings_but_no_ecs():
    production, compose = settings("dagster.yaml"), settings("compose.dagster.yaml")
    assert production.keys() - compose.keys() == OWN_SETTINGS
    assert compose == {name: production[name] for name in compose}


def test_code_server_webserver_and_daemon_find_each_other():
    parts = services()
    (location,) = settings("workspace.yaml")["load_from"]
    for part in parts.values():
        host, port = (
            part["environment"][location["grpc_server"][key]["env"]] for key in ("host", "port")
        )
        assert (host in parts, port) == (True, CODE_PORT)
        assert {"source": "dagster", "target": f"{HOME}/dagster.yaml"} in part["configs"]
    code = parts["code"]["command"]
    assert code[code.index("--port") + 1] == CODE_PORT
    assert code[code.index("--location-name") + 1] == location["grpc_server"]["location_name"]
    assert parts["webserver"]["ports"] == [f"127.0.0.1:{UI_PORT}:{UI_PORT}"]  # it has no log-in
    # What the image does by itself is what the code service does.
    assert yaml.safe_load(instructions("CMD")[-1]) == code


def test_the_reader_asks_for_a_token_writes_nothing_and_is_reached_from_this_machine_alone():
    reader = settings("compose.yaml")["services"]["reader"]

    assert reader["command"][:2] == ["tdnet", "serve"]
    assert reader["ports"] == ["127.0.0.1:3100:3100"]
    assert (reader["image"], reader["read_only"]) == ("tdnet-assets", True)
    assert ":?" in reader["environment"]["TDNET_READER_TOKEN"]  # compose refuses an empty one
    # What it needs is in the image without its extra: Dagster's webserver brings it.
    shipped = pins(DEPLOY)
    needed = [
        requirement
        for requirement in map(Requirement, requires("tdnet-assets") or [])
        if requirement.marker is not None
        and requirement.marker.evaluate({"extra": "reader"})
        and not requirement.marker.evaluate({"extra": ""})
    ]
    for requirement in needed:
        assert requirement.specifier.contains(shipped[normalized(requirement.name)][0])


def test_every_variable_of_the_files_is_given_by_compose_or_by_the_example():
    asked = set(re.findall(r"\{?env: (\w+)", (DEPLOY / "dagster.yaml").read_text()))
    asked |= set(re.findall(r"env: (\w+)", (DEPLOY / "workspace.yaml").read_text()))
    asked |= set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    assert "TDNET_READER_TOKEN" in asked
    assert asked >= {"DAGSTER_POSTGRES_PASSWORD", "DAGSTER_LOGS_BUCKET", "DAGSTER_CODE_HOST"}
    for part in services().values():
        assert asked - part["environment"].keys() - EXAMPLE.keys() == set()
        assert part["env_file"] == ".env"


def test_the_example_names_real_settings_and_holds_no_secret():
    filled = {
        **EXAMPLE,
        "TDNET_BUCKET": "a-bucket",
        "TDNET_BASE_URL": "https://tdnet.example/inbs",
        "TDNET_ACCEPT_TERMS": "yes",
        "TDNET_CONTACT": "us@example.com",
    }
    config = PlatformConfig.from_environment(filled)
    assert (config.environment, config.bucket) == ("prod", "a-bucket")
    known = {name for name in filled if name.startswith("TDNET_")}
    of_the_reader = {name for name in known if name.startswith("TDNET_READER_")}
    for name in of_the_reader:
        changed = {**filled, name: "desk.example.of.ours"}
        assert ReaderSettings.from_environment(changed) != ReaderSettings(), name
    known -= of_the_reader
    for name in known - {"TDNET_ENVIRONMENT"}:
        changed = {**filled, name: {"TDNET_ACCEPT_TERMS": ""}.get(name, "7")}
        assert values_from_environment(changed) != values_from_environment(filled), name
    assert [
        name for name in EXAMPLE if re.search("PASSWORD|SECRET|KEY", name) and EXAMPLE[name]
    ] == []
    assert ".env" in (DEPLOY / ".gitignore").read_text().splitlines()


def test_the_image_copies_what_exists_and_nothing_else_is_sent_to_its_build():
    sources = [
        source
        for words in map(shlex.split, instructions("COPY"))
        if not words[0].startswith("--from")
        for source in words[:-1]
    ]
    assert "tdnet_assets" in sources
    for source in sources:
        assert (CHECKOUT / source).exists(), source
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == set(sources)
    # The last line that fits a path decides.
    assert ignored.index("tdnet_assets/sample_site") > ignored.index("!tdnet_assets")
    assert instructions("USER")[-1] == "tdnet"


def test_the_image_has_every_requirement_at_the_version_that_is_tested():
    tested, shipped = (pins(path) for path in (CHECKOUT, DEPLOY))
    assert {name: tested.get(name) for name in shipped} == shipped
    needed = [
        requirement
        for requirement in map(Requirement, requires("tdnet-assets") or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": "postgres"})
    ]
    assert needed
    assert {normalized(requirement.name) for requirement in needed} <= shipped.keys()
    assert shipped.keys().isdisjoint({"ministack", "pytest", "arelle-release", "hypothesis"})


def test_every_image_that_is_not_ours_is_named_by_its_exact_version():
    bases = {words.split()[0] for words in instructions("FROM")}
    used = {service.get("image") for service in settings("compose.yaml")["services"].values()}

    images = bases | (used - {"tdnet-assets"})
    assert {image.split(":")[0] for image in images} == {"python", "postgres"}
    for image in images:
        assert re.fullmatch(r"[a-z]+:[0-9]+(\.[0-9]+)+-[a-z-]+", image), image


def test_secrets_beside_the_checkout_never_reach_git():
    lines = (CHECKOUT / ".gitignore").read_text().splitlines()

    assert {".env", ".env.*", "!.env.example"} <= set(lines)


def instructions(name: str) -> list[str]:
    """The arguments of every Dockerfile instruction of that name."""
    return re.findall(rf"^{name} +(.*)$", DOCKERFILE, flags=re.MULTILINE)


def pins(folder: Path) -> dict[str, tuple[str, set[str]]]:
    """The version and the hashes of each package in a folder's requirements.txt."""
    text = (folder / "requirements.txt").read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        pin, *rest = line.split()
        name, _, version = pin.partition("==")
        found[normalized(name)] = version, {word for word in rest if word.startswith("--hash")}
    return found


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()
