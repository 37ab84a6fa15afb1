"""The one place for names: bucket, tables, namespace, addresses, limits.

What belongs here: every setting of the environment, its validation, and the names derived from it.
Nothing else in the project reads the environment or spells a bucket, a table or a namespace; the
resources, the IAM policy, the template, the alarms and the dashboard all take them from here.

What does not: clients and credentials (``resources/aws/clients.py``), and anything that talks to a
network.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from tdnet_assets.tdnet.errors import TdnetAssetsError

ENVIRONMENTS = ("local", "dev", "prod")
DEFAULT_REGION = "ap-northeast-1"
DEFAULT_METRICS_NAMESPACE = "TDnet"
HOME = ".tdnet"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_NAMESPACE = re.compile(r"[A-Za-z0-9._/#:-]{1,255}")
_PREFIX = re.compile(r"([A-Za-z0-9!_.*'()=-]+/)*")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,200}")
_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:]+\]")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
_TRUE, _FALSE = ("yes",), ("", "no")
_ENDPOINT = "AWS_ENDPOINT_URL"
# TDnet's own rule: the day of the disclosure and the 30 days after it, weekends included.
LIVE_WINDOW_DAYS = 31


class ConfigurationError(TdnetAssetsError, ValueError):
    """A setting is missing or wrong; the message names the variable and what to write instead."""


class PlatformConfig(BaseModel, frozen=True, extra="forbid"):
    """Every name and limit that the code location, its policy and its alarms share.

    Read it with :meth:`from_environment`; an object with bad values cannot be made.
    """

    environment: str = Field(
        default="local",
        description="local, dev or prod (TDNET_ENVIRONMENT): part of resource names and the one "
        "metric dimension. Only local starts the embedded AWS and the sample site.",
    )
    bucket: str = Field(description="Bucket of the lake (TDNET_BUCKET).")
    prefix: str = Field(
        default="",
        description="Key prefix inside the bucket, empty or ending in '/' (TDNET_PREFIX).",
    )
    executions_table: str = Field(
        description="DynamoDB table of execution records (TDNET_EXECUTIONS_TABLE)."
    )
    disclosures_table: str = Field(
        description="DynamoDB table of the disclosure index (TDNET_DISCLOSURES_TABLE)."
    )
    notices_table: str = Field(
        default="tdnet_notices_local",
        description="DynamoDB table of what is told to whom (TDNET_NOTICES_TABLE).",
    )
    watches: str = Field(
        default="",
        description="File of the watch-lists (TDNET_WATCHES); empty watches nothing.",
    )
    metrics_namespace: str = Field(
        default=DEFAULT_METRICS_NAMESPACE,
        description="CloudWatch namespace of every metric (TDNET_METRICS_NAMESPACE).",
    )
    tdnet_base_url: str = Field(
        default="",
        description="Where list pages and files are, without a trailing slash (TDNET_BASE_URL); "
        "empty means the sample site, in the local environment only.",
    )
    accept_terms: bool = Field(
        default=False,
        description="The operator has accepted TDnet's terms (TDNET_ACCEPT_TERMS=yes); needed for "
        "any host other than loopback.",
    )
    contact: str = Field(
        default="",
        description="E-mail or URL put in the User-Agent (TDNET_CONTACT); needed for a live host.",
    )
    requests_per_second: float = Field(
        default=1.0,
        description="Requests per second of the whole process (TDNET_REQUESTS_PER_SECOND); "
        "0 means unlimited and is refused for a live host.",
    )
    window_days: int | None = Field(
        default=None,
        ge=1,
        description="Days that the site lists, today in Japan included (TDNET_WINDOW_DAYS): an "
        "older day is not asked for. When unset 31 for a live host, no limit on loopback.",
    )
    first_day: str = Field(
        default="",
        description="First partition, YYYY-MM-DD (TDNET_FIRST_DAY); when unset the lake says it, "
        "which was told at the first start.",
    )
    home: str = Field(
        default=HOME,
        description="Folder of the local state (TDNET_HOME); when unset the nearest .tdnet in the "
        "working directory or above it.",
    )
    dagster_home: str = Field(
        default="",
        description="Dagster's own home (DAGSTER_HOME); empty means the folder 'dagster' in home.",
    )
    aws_region: str = Field(
        default=DEFAULT_REGION, description="AWS region (AWS_REGION, AWS_DEFAULT_REGION)."
    )
    aws_endpoint_url: str = Field(
        default="",
        description="AWS endpoint (AWS_ENDPOINT_URL); empty means AWS itself or what a profile "
        "names, and in the local environment the embedded AWS.",
    )
    aws_service_endpoint_urls: dict[str, str] = Field(
        default_factory=dict,
        description="Endpoints of single services by name, e.g. s3 (AWS_ENDPOINT_URL_S3 …), over "
        "aws_endpoint_url; the embedded AWS takes none.",
    )
    notice_topic: str = Field(
        default="",
        description="ARN of the SNS topic that failed runs are announced to (TDNET_NOTICE_TOPIC); "
        "empty sends no notice.",
    )
    embedded_aws: bool = Field(
        default=False,
        description="The endpoint is our own embedded AWS: fixed keys are used, never the "
        "operator's. Set by the launcher, not by a variable.",
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "PlatformConfig":
        """The configuration that the variables describe.

        Args:
            environ: variables to read; the process's own when None.

        Raises:
            ConfigurationError: a variable is missing or wrong; the message names it.
        """
        return cls.validated(values_from_environment(os.environ if environ is None else environ))

    @classmethod
    def validated(cls, values: Mapping[str, Any]) -> "PlatformConfig":
        """The configuration with these values.

        Raises:
            ConfigurationError: a value is wrong; the message is one line a problem.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            problems = (str(e.get("ctx", {}).get("error", e["msg"])) for e in error.errors())
            raise ConfigurationError("\n".join(problems)) from None

    @field_validator("environment")
    @classmethod
    def _known_environment(cls, value: str) -> str:
        if value not in ENVIRONMENTS:
            raise ConfigurationError(
                f"TDNET_ENVIRONMENT is {value!r}: use one of {', '.join(ENVIRONMENTS)}"
            )
        return value

    @field_validator("bucket")
    @classmethod
    def _valid_bucket(cls, value: str) -> str:
        if not _BUCKET.fullmatch(value) or ".." in value:
            raise ConfigurationError(
                f"TDNET_BUCKET is {value!r}: a bucket name has 3 to 63 lower-case letters, digits, "
                "dots and hyphens"
            )
        return value

    @field_validator("prefix")
    @classmethod
    def _valid_prefix(cls, value: str) -> str:
        value = f"{value.rstrip('/')}/" if value else ""
        if not _PREFIX.fullmatch(value) or "../" in value:
            raise ConfigurationError(
                f"TDNET_PREFIX is {value!r}: use path segments of letters, digits and !_.*'()=- "
                "without a leading slash"
            )
        return value

    @field_validator("executions_table", "disclosures_table", "notices_table")
    @classmethod
    def _valid_table(cls, value: str, info: Any) -> str:
        if not _TABLE.fullmatch(value):
            raise ConfigurationError(
                f"TDNET_{info.field_name.upper()} is {value!r}: a table name has 3 to 255 letters, "
                "digits, '_', '-' and '.'"
            )
        return value

    @field_validator("metrics_namespace")
    @classmethod
    def _valid_namespace(cls, value: str) -> str:
        if not _NAMESPACE.fullmatch(value) or value.startswith((":", "AWS/")):
            raise ConfigurationError(
                f"TDNET_METRICS_NAMESPACE is {value!r}: use 1 to 255 letters, digits and ._/#:- , "
                "not starting with ':' or 'AWS/'"
            )
        return value

    @field_validator("requests_per_second")
    @classmethod
    def _valid_rate(cls, value: float) -> float:
        if not 0 <= value < float("inf"):
            raise ConfigurationError(
                f"TDNET_REQUESTS_PER_SECOND is {value}: use a number of requests, 0 for unlimited"
            )
        return value

    @field_validator("first_day")
    @classmethod
    def _valid_first_day(cls, value: str) -> str:
        today = datetime.now(ZoneInfo("Asia/Tokyo")).date()
        try:
            is_past = not value or date.fromisoformat(value) <= today
        except ValueError:
            is_past = False
        if not is_past or (value and not _DAY.fullmatch(value)):
            raise ConfigurationError(
                f"TDNET_FIRST_DAY is {value!r}: use a day until today in Japan, as YYYY-MM-DD"
            )
        return value

    @field_validator("contact")
    @classmethod
    def _valid_contact(cls, value: str) -> str:
        if not value.isascii() or not (value.isprintable()):
            raise ConfigurationError(
                "TDNET_CONTACT goes into an HTTP header: use an e-mail address or a URL in ASCII"
            )
        return value

    @field_validator("notice_topic")
    @classmethod
    def _valid_topic(cls, value: str) -> str:
        if value and not _TOPIC.fullmatch(value):
            raise ConfigurationError(
                f"TDNET_NOTICE_TOPIC is {value!r}: use the topic's ARN, "
                "arn:aws:sns:REGION:ACCOUNT:NAME, as `tdnet infra deploy` prints it"
            )
        return value

    @field_validator("tdnet_base_url", "aws_endpoint_url")
    @classmethod
    def _valid_address(cls, value: str, info: Any) -> str:
        return cls._valid_url(value, info.field_name.upper())

    @field_validator("aws_service_endpoint_urls")
    @classmethod
    def _valid_addresses(cls, values: dict[str, str]) -> dict[str, str]:
        return {
            service: cls._valid_url(value, f"AWS_ENDPOINT_URL_{service.upper()}")
            for service, value in values.items()
        }

    @classmethod
    def _valid_url(cls, value: str, variable: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or "@" in value
        ):
            # What stands before an @ may be a password, which no message shows.
            seen = re.sub(r"(?<=//).*@", "…@", value)
            raise ConfigurationError(
                f"{variable} is {seen!r}: use http(s)://host[:port]/path "
                "without credentials, query or fragment"
            )
        return value.rstrip("/")

    @model_validator(mode="after")
    def _polite_to_live_hosts(self) -> "PlatformConfig":
        if not self.tdnet_base_url:
            if self.environment != "local":
                raise ConfigurationError(
                    f"TDNET_BASE_URL is not set: the {self.environment} environment has no sample "
                    "site; set it to where the list pages are"
                )
            return self
        if is_loopback(self.tdnet_base_url):
            return self
        host = urlsplit(self.tdnet_base_url).hostname
        if not self.accept_terms:
            raise ConfigurationError(
                f"{host} is a live host: its robots.txt refuses crawlers and its terms restrict "
                "use; read them, then set TDNET_ACCEPT_TERMS=yes to say that you may use it"
            )
        if not self.contact:
            raise ConfigurationError(
                f"{host} is a live host: set TDNET_CONTACT to an e-mail address or URL, so that "
                "its operator can reach you"
            )
        if self.requests_per_second == 0:
            raise ConfigurationError(
                f"{host} is a live host: TDNET_REQUESTS_PER_SECOND=0 (unlimited) is for loopback "
                "only"
            )
        return self

    @property
    def home_path(self) -> Path:
        """The folder of the local state, absolute."""
        return Path(self.home).absolute()

    @property
    def dagster_home_path(self) -> Path:
        """Dagster's home, absolute."""
        return (
            Path(self.dagster_home).absolute() if self.dagster_home else self.home_path / "dagster"
        )

    @property
    def uses_embedded_aws(self) -> bool:
        """Whether AWS is to be the embedded one: local, and no endpoint named."""
        return self.environment == "local" and (self.embedded_aws or not self.aws_endpoint_url)

    def endpoint_url(self, service: str) -> str | None:
        """The endpoint of an AWS service, e.g. ``s3``; None: what the SDK itself resolves."""
        named = {} if self.embedded_aws else self.aws_service_endpoint_urls
        return named.get(service) or self.aws_endpoint_url or None

    @property
    def uses_sample_site(self) -> bool:
        """Whether TDnet is to be the sample site: no address named."""
        return not self.tdnet_base_url

    @property
    def seconds_between_requests(self) -> float:
        """The gap that the request slot keeps, in seconds; 0 when unlimited."""
        return 1.0 / self.requests_per_second if self.requests_per_second else 0.0

    def oldest_listed_day(self, today: date) -> date | None:
        """The oldest day that the site lists when it is ``today`` in Japan; None: no limit."""
        days = self.window_days
        if days is None and not is_loopback(self.tdnet_base_url):
            days = LIVE_WINDOW_DAYS
        return None if days is None else today - timedelta(days=days - 1)

    def changed(self, **values: Any) -> "PlatformConfig":
        """A copy with some values changed, validated like any other."""
        return type(self).validated({**self.values, **values})

    @property
    def values(self) -> dict[str, Any]:
        """Every field by name, as given to the constructor."""
        return {name: getattr(self, name) for name in type(self).model_fields}


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """Who may read over HTTP; beside the platform's settings, which Dagster's UI shows.

    Attributes:
        token: what a reader has to know (``TDNET_READER_TOKEN``); empty: whoever reaches it.
        hosts: names by which it is reached, beside those of loopback (``TDNET_READER_HOSTS``).
        origins: other sites whose pages may ask the API (``TDNET_READER_ORIGINS``); none are.
    """

    token: str = field(default="", repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "ReaderSettings":
        """The settings that the variables describe.

        Args:
            environ: variables to read; the process's own when None.

        Raises:
            ConfigurationError: a variable is wrong; the message names it and never shows the token.
        """
        found = os.environ if environ is None else environ
        token = found.get("TDNET_READER_TOKEN", "")
        if token and not _TOKEN.fullmatch(token):
            raise ConfigurationError(
                f"TDNET_READER_TOKEN has {len(token)} characters: use 16 to 200 letters, digits "
                "and ._~+/=- , e.g. of `openssl rand -hex 24`"
            )
        hosts, origins = (
            tuple(part.strip().lower() for part in found.get(name, "").split(",") if part.strip())
            for name in ("TDNET_READER_HOSTS", "TDNET_READER_ORIGINS")
        )
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ConfigurationError(
                    f"TDNET_READER_HOSTS names {host!r}: use names without scheme and port, "
                    "separated by commas"
                )
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    f"TDNET_READER_ORIGINS names {origin!r}: use origins such as "
                    "https://desk.example, separated by commas"
                )
        return cls(token, hosts, origins)


def values_from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Constructor arguments of :class:`PlatformConfig` from environment variables."""
    environment = environ.get("TDNET_ENVIRONMENT") or "local"
    values: dict[str, Any] = {
        "environment": environment,
        "bucket": environ.get("TDNET_BUCKET") or _default_bucket(environment, environ),
        "executions_table": environ.get("TDNET_EXECUTIONS_TABLE")
        or f"tdnet_executions_{environment}",
        "disclosures_table": environ.get("TDNET_DISCLOSURES_TABLE")
        or f"tdnet_disclosures_{environment}",
        "notices_table": environ.get("TDNET_NOTICES_TABLE") or f"tdnet_notices_{environment}",
        "accept_terms": _yes_or_no("TDNET_ACCEPT_TERMS", environ),
        **_endpoints(environ),
        "home": str(_home(environ)),
    }
    for name, variable in {
        "prefix": "TDNET_PREFIX",
        "watches": "TDNET_WATCHES",
        "metrics_namespace": "TDNET_METRICS_NAMESPACE",
        "notice_topic": "TDNET_NOTICE_TOPIC",
        "tdnet_base_url": "TDNET_BASE_URL",
        "contact": "TDNET_CONTACT",
        "first_day": "TDNET_FIRST_DAY",
        "dagster_home": "DAGSTER_HOME",
    }.items():
        if environ.get(variable):
            values[name] = environ[variable]
    if rate := environ.get("TDNET_REQUESTS_PER_SECOND"):
        try:
            values["requests_per_second"] = float(rate)
        except ValueError:
            raise ConfigurationError(
                f"TDNET_REQUESTS_PER_SECOND is {rate!r}: use a number such as 1 or 0.5"
            ) from None
    if days := environ.get("TDNET_WINDOW_DAYS"):
        if not re.fullmatch(r"[1-9][0-9]{0,4}", days):
            raise ConfigurationError(
                f"TDNET_WINDOW_DAYS is {days!r}: use a number of days such as 31"
            )
        values["window_days"] = int(days)
    embedded = environment == "local" and "aws_endpoint_url" not in values
    values["aws_region"] = (
        environ.get("AWS_REGION")
        or environ.get("AWS_DEFAULT_REGION")
        # The operator's profile has no say in the embedded AWS.
        or (None if embedded else _region_of_profile(environ))
        or DEFAULT_REGION
    )
    return values


def secret_variable(name: str) -> str | None:
    """The variable that a watch file's reference ``env:NAME`` names; None where it is not set."""
    return os.environ.get(name) or None


def _home(environ: Mapping[str, str]) -> Path:
    """The home that is named, else the nearest one from here upward, else a new one here."""
    if named := environ.get("TDNET_HOME"):
        return Path(named).absolute()
    here = Path.cwd()
    above = (folder / HOME for folder in (here, *here.parents))
    return next((home for home in above if _is_own_folder(home)), here / HOME)


def _is_own_folder(path: Path) -> bool:
    # What a home holds is executed: one that another user has put above ours is not taken.
    try:
        return path.is_dir() and path.stat().st_uid == os.getuid()
    except OSError:
        return False


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine by its literal name or address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _default_bucket(environment: str, environ: Mapping[str, str]) -> str:
    # Bucket names are global: outside the embedded AWS the account number makes ours unique.
    account = environ.get("AWS_ACCOUNT_ID")
    return (
        f"tdnet-{environment}-{account}"
        if account and environment != "local"
        else (f"tdnet-{environment}")
    )


def _endpoints(environ: Mapping[str, str]) -> dict[str, Any]:
    """The endpoints that the SDK's own variables name, as its documentation has them."""
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return {}
    everywhere = environ.get(_ENDPOINT)
    services = {
        name.removeprefix(f"{_ENDPOINT}_").lower(): address
        for name, address in environ.items()
        if name.startswith(f"{_ENDPOINT}_") and address
    }
    return {
        **({"aws_endpoint_url": everywhere} if everywhere else {}),
        **({"aws_service_endpoint_urls": services} if services else {}),
    }


def _region_of_profile(environ: Mapping[str, str]) -> str | None:
    """The region of the profile in use, by the SDK's own reader of its files."""
    from botocore.configloader import load_config  # noqa: PLC0415 - only who has no other region
    from botocore.exceptions import ConfigNotFound, ConfigParseError  # noqa: PLC0415 - as above

    profile = environ.get("AWS_DEFAULT_PROFILE") or environ.get("AWS_PROFILE") or "default"
    path = environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    try:
        found = load_config(path)["profiles"].get(profile, {}).get("region")
    except ConfigNotFound:
        return None
    except ConfigParseError as error:
        raise ConfigurationError(f"AWS_CONFIG_FILE: {error}") from None
    return str(found) if found else None


def _yes_or_no(variable: str, environ: Mapping[str, str]) -> bool:
    value = environ.get(variable, "").strip().lower()
    if value not in _TRUE + _FALSE:
        raise ConfigurationError(f"{variable} is {value!r}: write yes, or leave it out")
    return value in _TRUE
