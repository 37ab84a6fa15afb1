"""Secrets by reference: ``env:NAME``, ``secretsmanager:ARN``, ``ssm:/name``.

What belongs here: getting a secret when it is needed. A secret is in no log, no event and no
message, and is kept in memory for some minutes only, so that a rotated one is taken up.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tdnet_assets.config import PlatformConfig, secret_variable
from tdnet_assets.resources.aws import clients
from tdnet_assets.tdnet.errors import TdnetAssetsError
from tdnet_assets.tdnet.watching.watch_list import is_reference

KEPT_SECONDS = 300.0
_TIMEOUT_SECONDS = 5.0


class SecretError(TdnetAssetsError):
    """A secret cannot be had; the message names the reference, never anything of the secret."""


class Secrets:
    """Gets secrets, and remembers them for a while; threads may share it."""

    def __init__(self, config: PlatformConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, float]] = {}

    def value(self, text: str) -> str:
        """What a text means: itself, or the secret that it names.

        Raises:
            SecretError: there is no such secret, or it cannot be read.
        """
        if not is_reference(text):
            return text
        with self._lock:
            known = self._known.get(text)
            if known is None or self._clock() - known[1] > KEPT_SECONDS:
                known = (self._read(text), self._clock())
                self._known[text] = known
            return known[0]

    def _read(self, reference: str) -> str:
        kind, _, name = reference.partition(":")
        reader = {"env": secret_variable, "secretsmanager": self._managed, "ssm": self._parameter}
        try:
            value = reader[kind](name)
        except (ClientError, BotoCoreError) as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code")
            raise SecretError(
                f"the secret {reference} cannot be read: {code or type(error).__name__}; see that "
                "it is there, and that the run's policy names it (`tdnet infra policy`)"
            ) from None
        if not value:
            raise SecretError(f"the secret {reference} is not set, or is empty")
        return value.strip()

    def _managed(self, arn: str) -> str | None:
        answer = self._client("secretsmanager").get_secret_value(SecretId=arn)
        return answer.get("SecretString")  # type: ignore[no-any-return]

    def _parameter(self, name: str) -> str | None:
        answer = self._client("ssm").get_parameter(Name=name, WithDecryption=True)
        return answer["Parameter"]["Value"]  # type: ignore[no-any-return]

    def _client(self, service: str) -> Any:
        return clients.client(self._config, service, timeout_seconds=_TIMEOUT_SECONDS, attempts=2)
