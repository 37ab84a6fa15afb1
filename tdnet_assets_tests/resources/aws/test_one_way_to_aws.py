"""All clients of a process, boto3, obstore and polars, go one way, whatever the shell says.

Each case is a process of its own: variables and clients' caches are a process's.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.bucket_access import bucket_access
from tdnet_assets_tests.resources.lake.test_store import new_bucket
from tdnet_assets_tests.resources.source.test_session import RawServer, http, raw_server

# Each case starts a process.
pytestmark = pytest.mark.slow

# What every client does, and where nobody answers as AWS would, that it has asked.
_EVERY_CLIENT = """
import sys
import polars as pl
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.lake.parquet_scans import scan_file
from tdnet_assets.resources.lake.store import LakeResource

strict = sys.argv[1] != "from the environment"
config = (
    PlatformConfig.model_validate_json(sys.argv[1]) if strict else PlatformConfig.from_environment()
)

def attempt(act):
    try:
        return act()
    except BaseException as error:  # polars' panics too
        if strict:
            raise
        return f"{type(error).__name__}: {error}"

def client(service):
    return clients.client(config, service, attempts=1, timeout_seconds=5)

lake = LakeResource(config=config)
frame = pl.DataFrame({"a": [1]})
print(attempt(lambda: client("dynamodb").list_tables()["TableNames"]))
print(attempt(lambda: client("cloudwatch").list_metrics()["Metrics"]))
print(attempt(lambda: client("sts").get_caller_identity()["Arn"]))
print(attempt(lambda: client("s3").list_objects_v2(Bucket=config.bucket)["KeyCount"]))
print(attempt(lambda: lake.put_new("made", b"x", content_type="t/p", metadata={})))
print(attempt(lambda: lake.write_parquet("table", frame, {}).changed))
print(attempt(lambda: scan_file(lake, "table", {"a": pl.Int64}).collect()["a"].to_list()))
"""


def every_client(
    config: PlatformConfig | None, tmp_path: Path, *, answers: str = "", **variables: str
) -> list[str]:
    """The lines that a process prints whose clients have all been used once."""
    said = config.model_dump_json() if config else "from the environment"
    done = subprocess.run(
        [sys.executable, "-c", _EVERY_CLIENT, said],
        capture_output=True,
        text=True,
        check=False,
        input=answers,
        timeout=100,
        start_new_session=True,  # no terminal: whoever is asked for a code reads our answers
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "HOME": str(tmp_path),
            "AWS_EC2_METADATA_DISABLED": "true",
            **variables,
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def foreign() -> Iterator[RawServer]:
    """Somebody else's endpoint or proxy, who must hear nothing."""
    with raw_server(http(b"", status=500)) as server:
        yield server


def address(server: RawServer) -> str:
    return server.base_url.removesuffix("/inbs")


def _profile(text: str, tmp_path: Path) -> str:
    path = tmp_path / "config"
    path.write_text(text)
    return str(path)


DIVERSIONS: Mapping[str, Mapping[str, str]] = {
    "S3": {"AWS_ENDPOINT_URL_S3": "FOREIGN"},
    "services": {
        f"AWS_ENDPOINT_URL_{service}": "FOREIGN"
        for service in ("S3", "DYNAMODB", "CLOUDWATCH", "SNS", "STS")
    },
    "all": {"AWS_ENDPOINT_URL": "FOREIGN", "AWS_ENDPOINT": "FOREIGN"},
    "proxies": dict.fromkeys(
        ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), "FOREIGN"
    ),
    "a proxy of the Rust crate": {"AWS_PROXY_URL": "FOREIGN"},
    "profile": {"AWS_CONFIG_FILE": "[default]\nregion = eu-west-1\nendpoint_url = FOREIGN\n"},
    "no such profile": {"AWS_PROFILE": "nobody"},
    "styles": {
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_CONDITIONAL_PUT": "disabled",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_S3_EXPRESS": "true",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
        "AWS_DEFAULT_REGION": "eu-west-1",
    },
    "operator": {"AWS_ACCESS_KEY_ID": "AKIAOPERATOR", "AWS_SECRET_ACCESS_KEY": "secret"},
}


@pytest.mark.parametrize("diversion", DIVERSIONS)
def test_no_variable_leads_anything_away_from_the_embedded_aws(
    aws_endpoint, foreign, tmp_path, diversion
):
    variables = {
        name: value.replace("FOREIGN", address(foreign))
        for name, value in DIVERSIONS[diversion].items()
    }
    if "AWS_CONFIG_FILE" in variables:
        variables["AWS_CONFIG_FILE"] = _profile(variables["AWS_CONFIG_FILE"], tmp_path)
    config = new_bucket(aws_endpoint)

    lines = every_client(config, tmp_path, **variables)

    assert lines[3:] == ["0", "True", "True", "[1]"]
    assert foreign.heads == []


def _asked(server: RawServer) -> list[str]:
    """Method and target of each request, each different one once: polars asks twice."""
    return list(dict.fromkeys(head.split(" HTTP/")[0] for head in server.heads))


KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOPERATOR", "AWS_SECRET_ACCESS_KEY": "secret"}
PROD = {
    "TDNET_ENVIRONMENT": "prod",
    "TDNET_BUCKET": "lake",
    "TDNET_BASE_URL": "http://127.0.0.1:1/inbs",
    **KEYS,
}


@pytest.mark.parametrize("way", ["variables", "profile"])
def test_a_services_own_endpoint_means_the_same_to_every_client(foreign, tmp_path, way):
    with raw_server(http(b"", status=403)) as own:
        if way == "variables":
            variables = {
                "AWS_ENDPOINT_URL": address(foreign),
                "AWS_ENDPOINT_URL_S3": address(own),
            }
        else:
            text = (
                f"[default]\nregion = eu-west-1\nendpoint_url = {address(foreign)}\n"
                f"services = ours\n[services ours]\ns3 =\n  endpoint_url = {address(own)}\n"
            )
            variables = {"AWS_CONFIG_FILE": _profile(text, tmp_path)}
        # A proxy has no business with a process of this machine, whoever named it.
        every_client(None, tmp_path, **PROD, **variables, HTTP_PROXY="http://127.0.0.1:1")

    assert _asked(own) == [
        "GET /lake?list-type=2&encoding-type=url",
        "PUT /lake/made",
        "HEAD /lake/table",
        "GET /lake/table",
    ]
    assert len(foreign.heads) == 3
    assert all(head.startswith("POST / HTTP") for head in foreign.heads)
    region = "eu-west-1" if way == "profile" else "ap-northeast-1"
    for head in own.heads:
        assert "Credential=AKIAOPERATOR/" in head
        assert f"/{region}/s3/aws4_request" in head


def test_a_real_host_is_asked_through_the_proxy_by_every_client(foreign, tmp_path):
    host = "http://s3.example.test"
    with raw_server(http(b"", status=403)) as proxy:
        variables = {"AWS_ENDPOINT_URL": host, "HTTP_PROXY": address(proxy)}
        every_client(None, tmp_path, **PROD, **variables, http_proxy=address(proxy))

    assert [line.split(f" {host}/")[-1] for line in _asked(proxy)[1:]] == [
        "lake?list-type=2&encoding-type=url",
        "lake/made",
        "lake/table",
        "lake/table",
    ]


PLACES = [
    ({}, "https://lake.s3.ap-northeast-1.amazonaws.com"),
    ({"AWS_REGION": "us-gov-west-1"}, "https://lake.s3.us-gov-west-1.amazonaws.com"),
    (
        {"AWS_REGION": "us-east-2", "AWS_USE_FIPS_ENDPOINT": "true"},
        "https://lake.s3-fips.us-east-2.amazonaws.com",
    ),
    (
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        "https://lake.s3.dualstack.ap-northeast-1.amazonaws.com",
    ),
    (
        {"AWS_ENDPOINT_URL": "https://one", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        "https://lake.s3.ap-northeast-1.amazonaws.com",
    ),
    ({"AWS_CONFIG_FILE": "[default]\ns3 =\n  addressing_style = path\n"}, None),
]


@pytest.mark.parametrize(("variables", "endpoint"), PLACES)
def test_obstore_and_polars_are_told_the_address_that_boto3_would_ask(
    monkeypatch, tmp_path, variables, endpoint
):
    for name, value in {**PROD, **variables}.items():
        monkeypatch.setenv(name, _profile(value, tmp_path) if name == "AWS_CONFIG_FILE" else value)
    config = PlatformConfig.from_environment()

    options = bucket_access(config).options

    assert options["aws_endpoint_url_s3"] == (endpoint or "https://s3.ap-northeast-1.amazonaws.com")
    assert options["aws_virtual_hosted_style_request"] == ("true" if endpoint else "false")
    assert options["aws_region"] == config.aws_region


def _role(tmp_path: Path, lifetime: timedelta) -> tuple[str, Path]:
    """A profile whose keys come from a program, and the file of one line for each time it ran."""
    runs, program = tmp_path / "runs", tmp_path / "keys.py"
    program.write_text(
        "import datetime, json, pathlib\n"
        f"runs = pathlib.Path({str(runs)!r})\n"
        "with runs.open('a') as file: file.write('run\\n')\n"
        f"lifetime = datetime.timedelta(seconds={lifetime.seconds})\n"
        "end = datetime.datetime.now(datetime.UTC) + lifetime\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': 'embedded', 'SecretAccessKey': 'embedded',"
        " 'SessionToken': 'T', 'Expiration': end.isoformat()}))\n"
    )
    return _profile(f"[default]\ncredential_process = {sys.executable} {program}\n", tmp_path), runs


def test_keys_are_never_kept_past_their_own_end(monkeypatch, tmp_path):
    profile, runs = _role(tmp_path, timedelta(minutes=20))
    monkeypatch.setenv("AWS_CONFIG_FILE", profile)
    config = PlatformConfig.from_environment(
        {"TDNET_BUCKET": "lake", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    )
    begun = datetime.now(UTC)

    access = bucket_access(config)
    for_obstore, (named, ends_at) = access.for_obstore(), access.for_polars()

    minutes = (for_obstore["expires_at"] - begun) / timedelta(minutes=1)
    assert 19.9 < minutes < 20.5
    assert ends_at == int(for_obstore["expires_at"].timestamp())
    assert for_obstore["token"] == named["aws_session_token"] == "T"
    assert runs.read_text() == "run\n"


def test_keys_that_end_soon_are_fetched_anew_and_keys_without_an_end_never(monkeypatch, tmp_path):
    profile, runs = _role(tmp_path, timedelta(minutes=5))  # botocore renews them 10 minutes before
    monkeypatch.setenv("AWS_CONFIG_FILE", profile)
    config = PlatformConfig.from_environment(
        {"TDNET_BUCKET": "lake", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    )
    access = bucket_access(config)
    first = access.for_obstore()["expires_at"]

    assert access.for_obstore()["expires_at"] > first
    assert len(runs.read_text().splitlines()) > 1

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert bucket_access(config).for_obstore()["expires_at"] is None
    assert bucket_access(config).for_polars()[1] is None


def test_one_chain_of_credentials_serves_every_client_of_a_process(aws_endpoint, tmp_path):
    profile, runs = _role(tmp_path, timedelta(hours=1))
    config = new_bucket(aws_endpoint).changed(embedded_aws=False)

    lines = every_client(config, tmp_path, AWS_CONFIG_FILE=profile)

    assert lines[3:] == ["0", "True", "True", "[1]"]
    assert runs.read_text() == "run\n"


def test_a_profile_that_asks_for_a_code_asks_once(aws_endpoint, tmp_path):
    profile = _profile(
        "[profile base]\naws_access_key_id = embedded\naws_secret_access_key = embedded\n"
        "[default]\nsource_profile = base\nmfa_serial = arn:aws:iam::000000000000:mfa/me\n"
        "role_arn = arn:aws:iam::000000000000:role/reader\n",
        tmp_path,
    )
    config = new_bucket(aws_endpoint).changed(embedded_aws=False)

    # A second question would find no answer.
    lines = every_client(
        config,
        tmp_path,
        answers="123456\n",
        AWS_CONFIG_FILE=profile,
        AWS_ENDPOINT_URL_STS=aws_endpoint,
    )

    assert lines[3:] == ["0", "True", "True", "[1]"]
    assert "assumed-role/reader" in lines[2]


def test_threads_that_ask_at_once_share_one_session(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    config = PlatformConfig.from_environment(
        {"TDNET_BUCKET": "lake", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    )

    assert clients.session(config) is clients.session(config.changed(prefix="other"))
    assert clients.session(config) is not clients.session(config.changed(aws_region="eu-west-1"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    assert clients.credentials(config).access_key == "AKIAOTHER"
