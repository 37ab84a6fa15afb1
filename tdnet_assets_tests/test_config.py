"""The one place for names: what it reads, what it refuses, and that everything shares it."""

from datetime import date

import dagster as dg
import pytest

from tdnet_assets.config import ConfigurationError, PlatformConfig, is_loopback
from tdnet_assets.definitions import build_definitions
from tdnet_assets.resources.aws.executions import table_definition

LIVE = "https://www.release.tdnet.info/inbs"


def test_the_defaults_are_the_embedded_ones():
    config = PlatformConfig.from_environment({})

    assert config.environment == "local"
    assert config.bucket == "tdnet-local"
    assert config.executions_table == "tdnet_executions_local"
    assert config.disclosures_table == "tdnet_disclosures_local"
    assert config.metrics_namespace == "TDnet"
    assert config.requests_per_second == 1
    assert config.seconds_between_requests == 1
    assert config.uses_embedded_aws
    assert config.uses_sample_site
    assert config.dagster_home_path == config.home_path / "dagster"


def test_the_home_is_the_nearest_one_upward_as_a_repository_is(tmp_path, monkeypatch):
    deep = tmp_path / "checkout" / "notebooks" / "2026"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)

    def home(environ):
        return PlatformConfig.from_environment(environ).home_path

    assert home({}) == deep / ".tdnet"
    (tmp_path / "checkout" / ".tdnet").mkdir()
    assert home({}) == tmp_path / "checkout" / ".tdnet"
    (deep.parent / ".tdnet").write_text("a file is not a home")
    assert home({}) == tmp_path / "checkout" / ".tdnet"
    assert home({"TDNET_HOME": "here"}) == deep / "here"


def test_another_user_s_folder_above_is_not_taken_for_the_home(tmp_path, monkeypatch):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / ".tdnet").mkdir()
    monkeypatch.chdir(inner)
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)

    assert PlatformConfig.from_environment({}).home_path == inner / ".tdnet"


def test_every_variable_reaches_its_field(tmp_path):
    config = PlatformConfig.from_environment(
        {
            "TDNET_ENVIRONMENT": "prod",
            "TDNET_BUCKET": "archive",
            "TDNET_PREFIX": "tdnet/v1",
            "TDNET_EXECUTIONS_TABLE": "runs",
            "TDNET_DISCLOSURES_TABLE": "index",
            "TDNET_METRICS_NAMESPACE": "Archive/TDnet",
            "TDNET_BASE_URL": LIVE + "/",
            "TDNET_ACCEPT_TERMS": "yes",
            "TDNET_CONTACT": "ops@example.com",
            "TDNET_REQUESTS_PER_SECOND": "0.5",
            "TDNET_HOME": str(tmp_path),
            "DAGSTER_HOME": str(tmp_path / "dg"),
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
            "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000/",
            "AWS_REGION": "eu-west-1",
            "TDNET_NOTICE_TOPIC": "arn:aws:sns:eu-west-1:123456789012:tdnet",
            "TDNET_WINDOW_DAYS": "40",
            "TDNET_FIRST_DAY": "2024-02-29",
            "TDNET_NOTICES_TABLE": "told",
            "TDNET_WATCHES": "watches.toml",
        }
    )

    assert config.values == {
        "environment": "prod",
        "bucket": "archive",
        "prefix": "tdnet/v1/",
        "executions_table": "runs",
        "disclosures_table": "index",
        "metrics_namespace": "Archive/TDnet",
        "tdnet_base_url": LIVE,
        "accept_terms": True,
        "contact": "ops@example.com",
        "requests_per_second": 0.5,
        "home": str(tmp_path),
        "dagster_home": str(tmp_path / "dg"),
        "aws_region": "eu-west-1",
        "aws_endpoint_url": "http://127.0.0.1:4566",
        "aws_service_endpoint_urls": {"s3": "http://127.0.0.1:9000"},
        "notice_topic": "arn:aws:sns:eu-west-1:123456789012:tdnet",
        "window_days": 40,
        "first_day": "2024-02-29",
        "notices_table": "told",
        "watches": "watches.toml",
        "embedded_aws": False,
    }
    assert config.seconds_between_requests == 2
    assert not config.uses_embedded_aws


def test_names_carry_the_environment_and_the_bucket_the_account_where_it_is_known():
    config = PlatformConfig.from_environment(
        {
            "TDNET_ENVIRONMENT": "dev",
            "AWS_ACCOUNT_ID": "123456789012",
            "TDNET_BASE_URL": "http://127.0.0.1:1/inbs",
        }
    )

    assert config.bucket == "tdnet-dev-123456789012"
    assert config.executions_table == "tdnet_executions_dev"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"TDNET_ENVIRONMENT": "production"}, "TDNET_ENVIRONMENT is 'production'"),
        ({"TDNET_BUCKET": "Lake"}, "TDNET_BUCKET is 'Lake'"),
        ({"TDNET_PREFIX": "/a"}, "TDNET_PREFIX is '/a/'"),
        ({"TDNET_PREFIX": "a/../b"}, "TDNET_PREFIX"),
        ({"TDNET_EXECUTIONS_TABLE": "a b"}, "TDNET_EXECUTIONS_TABLE is 'a b'"),
        ({"TDNET_METRICS_NAMESPACE": "AWS/TDnet"}, "TDNET_METRICS_NAMESPACE"),
        ({"TDNET_NOTICE_TOPIC": "alerts"}, "TDNET_NOTICE_TOPIC is 'alerts'"),
        ({"TDNET_REQUESTS_PER_SECOND": "fast"}, "TDNET_REQUESTS_PER_SECOND is 'fast'"),
        ({"TDNET_REQUESTS_PER_SECOND": "-1"}, "TDNET_REQUESTS_PER_SECOND is -1"),
        ({"TDNET_REQUESTS_PER_SECOND": "nan"}, "TDNET_REQUESTS_PER_SECOND is nan"),
        ({"TDNET_BASE_URL": "ftp://host/inbs"}, "TDNET_BASE_URL is 'ftp://host/inbs'"),
        ({"TDNET_BASE_URL": "http://user:pw@127.0.0.1/inbs"}, "without credentials"),
        ({"AWS_ENDPOINT_URL": "127.0.0.1:9000"}, "AWS_ENDPOINT_URL is '127.0.0.1:9000'"),
        ({"AWS_ENDPOINT_URL_S3": "s3.local"}, "AWS_ENDPOINT_URL_S3 is 's3.local': use http"),
        ({"TDNET_ACCEPT_TERMS": "maybe"}, "TDNET_ACCEPT_TERMS is 'maybe'"),
        ({"TDNET_ENVIRONMENT": "prod"}, "TDNET_BASE_URL is not set"),
        ({"TDNET_CONTACT": "a\nb"}, "TDNET_CONTACT"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_that_names_the_variable(environ, named):
    with pytest.raises(ConfigurationError, match=named.replace("(", r"\(")) as refusal:
        PlatformConfig.from_environment(environ)

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("address", ["http://me:secret@host/inbs", "http://me:sec/ret@host/inbs"])
def test_a_password_in_an_address_is_not_shown(address):
    with pytest.raises(
        ConfigurationError, match="TDNET_BASE_URL is 'http://…@host/inbs'"
    ) as refusal:
        PlatformConfig.from_environment({"TDNET_BASE_URL": address})

    assert "sec" not in str(refusal.value)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "TDNET_ACCEPT_TERMS=yes"),
        ({"TDNET_ACCEPT_TERMS": "yes"}, "TDNET_CONTACT"),
        (
            {
                "TDNET_ACCEPT_TERMS": "yes",
                "TDNET_CONTACT": "ops@example.com",
                "TDNET_REQUESTS_PER_SECOND": "0",
            },
            "unlimited",
        ),
    ],
)
def test_a_live_host_needs_the_terms_a_contact_and_a_rate(environ, named):
    with pytest.raises(ConfigurationError, match=named):
        PlatformConfig.from_environment({"TDNET_BASE_URL": LIVE, **environ})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080/inbs", True),
        ("http://127.9.9.9/inbs", True),
        ("http://[::1]:80/inbs", True),
        ("http://localhost/inbs", True),
        ("http://localhost.example.com/inbs", False),
        ("http://127.0.0.1.example.com/inbs", False),
        ("http://10.0.0.1/inbs", False),
    ],
)
def test_only_this_machine_counts_as_loopback(url, expected):
    assert is_loopback(url) is expected


def test_all_resources_share_one_config_and_a_launchpad_override_reaches_them_all(tmp_path):
    seen = {}

    @dg.asset(required_resource_keys={"config", "lake", "executions", "metrics", "tdnet"})
    def probe(context: dg.AssetExecutionContext) -> None:
        resources = context.resources
        seen["shared"] = {
            id(resources.config),
            *(
                id(getattr(resources, key).config)
                for key in ("lake", "executions", "metrics", "tdnet")
            ),
        }
        seen["bucket"] = resources.lake.config.bucket

    config = PlatformConfig.from_environment({"TDNET_HOME": str(tmp_path)})
    definitions = dg.Definitions(assets=[probe], resources=build_definitions(config).resources)
    job = definitions.resolve_implicit_global_asset_job_def()
    job.execute_in_process(
        instance=dg.DagsterInstance.ephemeral(),
        run_config={"resources": {"config": {"config": {"bucket": "another-lake"}}}},
    )

    assert len(seen["shared"]) == 1
    assert seen["bucket"] == "another-lake"


def test_one_variable_changes_the_name_for_the_writer_the_reader_and_the_table_definition():
    changed = PlatformConfig.from_environment({"TDNET_EXECUTIONS_TABLE": "runs_of_the_archive"})

    assert table_definition(changed)["TableName"] == "runs_of_the_archive"
    resources = build_definitions(changed).resources
    assert resources is not None
    assert resources["config"].data["executions_table"] == "runs_of_the_archive"


def test_a_live_host_lists_31_days_today_included_and_loopback_has_no_limit():
    today = date(2026, 6, 30)
    live = PlatformConfig.from_environment(
        {"TDNET_BASE_URL": LIVE, "TDNET_ACCEPT_TERMS": "yes", "TDNET_CONTACT": "me@example.com"}
    )
    loopback = PlatformConfig.from_environment({"TDNET_BASE_URL": "http://127.0.0.1:8080/inbs"})

    assert live.oldest_listed_day(today) == date(2026, 5, 31)
    assert loopback.oldest_listed_day(today) is None
    assert loopback.changed(window_days=1).oldest_listed_day(today) == today
    assert live.changed(window_days=400).oldest_listed_day(today) == date(2025, 5, 27)


@pytest.mark.parametrize("day", ["2026", "20260601", "1 June 2026", "2026-02-30", "9999-01-01"])
def test_a_first_day_that_is_no_day_until_today_is_refused_by_name(day):
    with pytest.raises(ConfigurationError, match=r"TDNET_FIRST_DAY is .*: use a day until today"):
        PlatformConfig.from_environment({"TDNET_FIRST_DAY": day})


@pytest.mark.parametrize("days", ["0", "-1", "a month", "1.5", "31 "])
def test_a_window_that_is_no_number_of_days_is_refused_by_name(days):
    with pytest.raises(ConfigurationError, match=r"TDNET_WINDOW_DAYS is .*: use a number of days"):
        PlatformConfig.from_environment({"TDNET_WINDOW_DAYS": days})


def test_a_services_own_endpoint_is_before_the_one_of_all_and_the_embedded_aws_takes_neither():
    config = PlatformConfig.from_environment(
        {"AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_S3": "http://one:2"}
    )
    assert config.endpoint_url("s3") == "http://one:2"
    assert config.endpoint_url("dynamodb") == "http://all:1"

    embedded = PlatformConfig.from_environment({"AWS_ENDPOINT_URL_S3": "http://one:2"})
    assert embedded.uses_embedded_aws
    assert embedded.endpoint_url("dynamodb") is None
    started = embedded.changed(aws_endpoint_url="http://127.0.0.1:3", embedded_aws=True)
    assert started.endpoint_url("s3") == "http://127.0.0.1:3"


def test_endpoints_that_the_sdk_is_told_to_ignore_are_ignored():
    config = PlatformConfig.from_environment(
        {
            "AWS_ENDPOINT_URL": "http://all:1",
            "AWS_ENDPOINT_URL_S3": "http://one:2",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        }
    )

    assert (config.aws_endpoint_url, config.endpoint_url("s3")) == ("", None)
    assert config.uses_embedded_aws


def test_the_region_of_a_profile_counts_where_no_variable_names_one(tmp_path):
    file = tmp_path / "config"
    file.write_text(
        "[default]\nregion = eu-west-1\n[profile ops]\nregion = us-west-2\n[profile x]\n"
    )
    prod = {"TDNET_ENVIRONMENT": "prod", "TDNET_BASE_URL": "http://127.0.0.1:1/inbs"}

    def region(**variables: str) -> str:
        known = {"AWS_CONFIG_FILE": str(file), **variables}
        return PlatformConfig.from_environment(known).aws_region

    assert region(**prod) == "eu-west-1"
    assert region(**prod, AWS_PROFILE="ops") == "us-west-2"
    assert region(**prod, AWS_PROFILE="x") == "ap-northeast-1"
    assert region(**prod, AWS_PROFILE="ops", AWS_REGION="eu-north-1") == "eu-north-1"
    assert region(AWS_PROFILE="ops", AWS_ENDPOINT_URL="http://127.0.0.1:1") == "us-west-2"
    assert region(AWS_PROFILE="ops") == "ap-northeast-1"  # the embedded AWS has its own
    file.write_text("region = 1")
    with pytest.raises(ConfigurationError, match="AWS_CONFIG_FILE: Unable to parse config file"):
        region(**prod)
