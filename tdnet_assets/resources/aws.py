"""AWS clients, all made from the one config: endpoint, region, credentials, timeouts.

What belongs here: how a client is made. What does not: what is asked of AWS (see the resources).
"""

import threading
from typing import Any, ClassVar

import dagster as dg
from pydantic import PrivateAttr

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY


def session(config: PlatformConfig) -> Any:
    """A boto3 session: the SDK's own credential chain, or fixed keys for the embedded AWS."""
    import boto3  # noqa: PLC0415 - 0.5 s that a process without AWS calls need not pay

    if config.embedded_aws:
        return boto3.Session(
            aws_access_key_id=EMBEDDED_ACCESS_KEY,
            aws_secret_access_key=EMBEDDED_SECRET_KEY,
            region_name=config.aws_region,
        )
    return boto3.Session(region_name=config.aws_region)


def client(config: PlatformConfig, service: str) -> Any:
    """A boto3 client of one service, e.g. ``dynamodb``; make it once per resource and keep it."""
    from botocore.config import Config  # noqa: PLC0415 - as above

    return session(config).client(
        service,
        endpoint_url=config.aws_endpoint_url or None,
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 5},
            user_agent_extra="tdnet_assets",
            # A proxy has no business between us and a process of this machine.
            proxies={} if config.embedded_aws else None,
        ),
    )


class AwsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Base of the resources that talk to one AWS service: a client made once, when first needed."""

    service: ClassVar[str]

    config: dg.ResourceDependency[PlatformConfig]
    _client: Any = PrivateAttr(default=None)
    _client_lock: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def client(self) -> Any:
        """The boto3 client, which threads may share."""
        with self._client_lock:
            if self._client is None:
                self._client = client(self.config, self.service)
            return self._client
