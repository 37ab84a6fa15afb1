"""What all checks look with: the configuration, the clock, clients and Dagster's own storage.

What belongs here: things that are made once an examination. What does not: any judgement.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import dagster as dg

from tdnet_assets.config import PlatformConfig
from tdnet_assets.infrastructure.policy import Account
from tdnet_assets.local import dagster_home
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import MetricsResource
from tdnet_assets.resources.lake.store import LakeResource

# A person waits, and a service that does not answer is a finding: no long patience.
TIMEOUT_SECONDS: Final = 10.0
ATTEMPTS: Final = 2


def present() -> datetime:
    """This machine's clock, in UTC."""
    return datetime.now(UTC)


class Examination:
    """One examination; a context manager, which closes what it has opened.

    Args:
        config: connected to running services where it wants the embedded ones.
        definitions: what the code location serves under this configuration.
        refusal: why the configured TDnet may not be asked; None when it may.
        wait_seconds: how long a metric is waited for.
        clock: the machine's clock, aware.
    """

    def __init__(
        self,
        config: PlatformConfig,
        definitions: dg.Definitions,
        *,
        refusal: str | None = None,
        wait_seconds: float = 120,
        clock: Callable[[], datetime] = present,
    ) -> None:
        self.config = config
        self.definitions = definitions
        self.refusal = refusal
        self.wait_seconds = wait_seconds
        self.clock = clock
        self._clients: dict[str, Any] = {}

    @property
    def has_stack(self) -> bool:
        """Whether there should be a stack: the local environment lives without."""
        return not self.config.uses_embedded_aws

    def client(self, service: str) -> Any:
        """The boto3 client of a service, with little patience; made once."""
        if service not in self._clients:
            self._clients[service] = clients.client(
                self.config, service, timeout_seconds=TIMEOUT_SECONDS, attempts=ATTEMPTS
            )
        return self._clients[service]

    @cached_property
    def caller(self) -> dict[str, Any]:
        """Who asks, as STS answers: ``Arn``, ``Account``.

        Raises:
            botocore.exceptions.ClientError: STS refuses, or ``BotoCoreError``: no answer.
        """
        answer: dict[str, Any] = self.client("sts").get_caller_identity()
        return answer

    @property
    def account(self) -> Account:
        """The account that the caller belongs to, for ARNs; errors as of :attr:`caller`."""
        partition = self.client("sts").meta.partition
        return Account(partition, self.config.aws_region, self.caller["Account"])

    @cached_property
    def executions(self) -> ExecutionsResource:
        """The execution records, with little patience."""
        return ExecutionsResource(
            config=self.config, timeout_seconds=TIMEOUT_SECONDS, attempts=ATTEMPTS
        )

    @cached_property
    def index(self) -> DisclosureIndexResource:
        """The disclosure index, with little patience."""
        return DisclosureIndexResource(
            config=self.config, timeout_seconds=TIMEOUT_SECONDS, attempts=ATTEMPTS
        )

    @cached_property
    def metrics(self) -> MetricsResource:
        """What sends and reads metrics, with little patience."""
        return MetricsResource(
            config=self.config, timeout_seconds=TIMEOUT_SECONDS, attempts=ATTEMPTS
        )

    @cached_property
    def lake(self) -> LakeResource:
        """The lake."""
        return LakeResource(config=self.config)

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance of the configured home; only the local environment makes a home."""
        if not self.has_stack:
            return dagster_home.instance(self.config)
        return dg.DagsterInstance.from_config(str(self.config.dagster_home_path))

    def __enter__(self) -> "Examination":
        return self

    def __exit__(self, *_: object) -> None:
        if "instance" in self.__dict__:
            self.instance.dispose()
