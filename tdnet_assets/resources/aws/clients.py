"""AWS clients, all made from the one config: endpoint, region, credentials, timeouts.

What belongs here: how a client is made. What does not: what is asked of AWS (see the resources).
"""

import functools
import threading
from typing import Any, ClassVar, Self

import dagster as dg
from pydantic import Field, PrivateAttr

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY


def session(config: PlatformConfig) -> Any:
    """A botocore session: the SDK's own credential chain, or fixed keys for the embedded AWS."""
    import botocore.session  # noqa: PLC0415 - 0.4 s that a process without AWS calls need not pay

    made = botocore.session.get_session()
    made.register_component("data_loader", _service_models())
    made.set_config_variable("region", config.aws_region)
    if config.embedded_aws:
        made.set_credentials(EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY)
    return made


@functools.cache
def _service_models() -> Any:
    """What the SDK knows of the services: read once, not once a session, which costs 0.1 s each."""
    import botocore.session  # noqa: PLC0415 - as above

    return botocore.session.get_session().get_component("data_loader")


def client(
    config: PlatformConfig, service: str, *, timeout_seconds: float = 30, attempts: int = 5
) -> Any:
    """A client of one AWS service, e.g. ``dynamodb``; make it once per resource and keep it.

    Args:
        config: endpoint, region and whether the keys are those of the embedded AWS.
        service: as the SDK calls it.
        timeout_seconds: how long an answer may take.
        attempts: the first included.
    """
    from botocore.config import Config  # noqa: PLC0415 - as above

    return session(config).create_client(
        service,
        endpoint_url=config.aws_endpoint_url or None,
        config=Config(
            connect_timeout=min(5, timeout_seconds),
            read_timeout=timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": attempts},
            user_agent_extra="tdnet_assets",
            # A proxy has no business between us and a process of this machine.
            proxies={} if config.embedded_aws else None,
        ),
    )


class AwsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Base of the resources that talk to one AWS service: a client made once, when first needed."""

    service: ClassVar[str]

    config: dg.ResourceDependency[PlatformConfig]
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
