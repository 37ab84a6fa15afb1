"""AWS clients, all made from the one config: endpoint, region, credentials, timeouts.

What belongs here: how a client is made. One session of the SDK serves a process: a profile that
asks for a code asks once, and every client has the same keys. What does not: what is asked of AWS
(see the resources), and the clients that are not the SDK's (``bucket_access.py``).
"""

import os
import threading
from functools import cache, lru_cache
from typing import Any, ClassVar, Self

from pydantic import BaseModel, Field, PrivateAttr

from tdnet_assets.config import ConfigurationError, PlatformConfig, is_loopback
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY

# A session makes one client at a time, and is made once however many threads ask.
_lock = threading.RLock()

# Where a session reads its profiles, and which: nowhere. The operator's have no say in the embedded
# AWS, nor has one that AWS_PROFILE names and nobody has.
_NO_PROFILES = {
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "profile": (None, None, None, None),
}


def session(config: PlatformConfig) -> Any:
    """The process's botocore session: the SDK's credential chain, or the embedded AWS's keys."""
    # Part of what a session is: a chain that was read under other variables is another one.
    variables = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    with _lock:
        return _session(config.aws_region, config.embedded_aws, variables)


def credentials(config: PlatformConfig) -> Any:
    """The credentials that the session has found; botocore's own object, which renews itself.

    Raises:
        ConfigurationError: there are none.
    """
    with _lock:
        found = session(config).get_credentials()
    if found is None:
        raise ConfigurationError(
            "no AWS credentials found: set a profile, a role or AWS_ACCESS_KEY_ID, or leave "
            "TDNET_ENVIRONMENT=local and AWS_ENDPOINT_URL unset for the embedded AWS"
        )
    return found


def client(
    config: PlatformConfig,
    service: str,
    *,
    timeout_seconds: float = 30,
    attempts: int = 5,
    **settings: Any,
) -> Any:
    """A client of one AWS service, e.g. ``dynamodb``; make it once per resource and keep it.

    Args:
        config: endpoint, region and whether the keys are those of the embedded AWS.
        service: as the SDK calls it.
        timeout_seconds: how long an answer may take.
        attempts: the first included.
        settings: more of botocore's ``Config``.
    """
    from botocore.config import Config  # noqa: PLC0415 - 0.3 s of a process without AWS calls

    endpoint = config.endpoint_url(service)
    if config.embedded_aws:
        settings |= {"use_fips_endpoint": False, "use_dualstack_endpoint": False}
    wanted = Config(
        connect_timeout=min(5, timeout_seconds),
        read_timeout=timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra="tdnet_assets",
        **settings,
    )
    # A proxy has no business between us and a process of this machine.
    direct = wanted.merge(Config(proxies={}))
    here = endpoint is not None and is_loopback(endpoint)
    with _lock:
        sdk = session(config)
        made = sdk.create_client(service, endpoint_url=endpoint, config=direct if here else wanted)
        if not here and is_loopback(made.meta.endpoint_url):  # by the endpoint_url of a profile
            made = sdk.create_client(service, endpoint_url=endpoint, config=direct)
    return made


@lru_cache(maxsize=8)
def _session(region: str, embedded: bool, _variables: object) -> Any:
    from botocore.session import Session  # noqa: PLC0415 - 0.4 s that a process without AWS need not pay

    made = Session(_NO_PROFILES if embedded else None)
    made.register_component("data_loader", _service_models())
    made.set_config_variable("region", region)
    if embedded:
        made.set_credentials(EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY)
    return made


@cache
def _service_models() -> Any:
    """What the SDK knows of the services: read once, not once a session, which costs 0.1 s each."""
    from botocore.session import Session  # noqa: PLC0415 - as above

    return Session(_NO_PROFILES).get_component("data_loader")


class AwsResource(BaseModel, frozen=True, extra="forbid"):
    """Base of the resources that talk to one AWS service: a client made once, when first needed."""

    service: ClassVar[str]

    config: PlatformConfig
    timeout_seconds: float = Field(default=30, gt=0, description="How long an answer may take.")
    attempts: int = Field(default=5, ge=1, description="Attempts a call, the first included.")
    _client: Any = PrivateAttr(default=None)
    _client_lock: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def client(self) -> Any:
        """The client, which threads may share."""
        with self._client_lock:
            if self._client is None:
                self._client = client(
                    self.config,
                    self.service,
                    timeout_seconds=self.timeout_seconds,
                    attempts=self.attempts,
                )
            return self._client

    def in_a_hurry(self) -> Self:
        """The same for a sensor, whose tick has seconds in all: one short attempt a call."""
        return type(self)(config=self.config, timeout_seconds=3, attempts=1)
