"""A message to its destination: an SNS topic, or a webhook that may be signed.

What belongs here: how either is spoken to. What does not: what is due, claims and pauses
(``sender.py``).
"""

import hashlib
import hmac
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.notices.secret_references import SecretError, Secrets
from tdnet_assets.resources.notices.webhooks import DEADLINE_SECONDS, DeliveryError, post
from tdnet_assets.tdnet.watching.notice_text import Message
from tdnet_assets.tdnet.watching.watch_list import Destination

SIGNATURE = "X-TDnet-Signature"
"""``t=SECONDS,v1=HEX``: HMAC-SHA256 over the seconds, a dot, and the body, by the shared secret."""

_SERVER_ERROR = 500


class Delivery:
    """Sends messages; threads may share it."""

    def __init__(
        self, config: PlatformConfig, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._config = config
        self._secrets = Secrets(config)
        self._deadline = deadline_seconds

    def send(self, to: Destination, message: Message) -> None:
        """Send a message; returning means that the destination has taken it.

        Raises:
            DeliveryError: it has not, or nobody knows.
        """
        if to.topic:
            self._publish(to.topic, message)
        else:
            self._post(to, message)

    def _publish(self, topic: str, message: Message) -> None:
        # One attempt: a second one of the SDK's own would be a repetition that nobody announces.
        sns: Any = clients.client(self._config, "sns", timeout_seconds=self._deadline, attempts=1)
        try:
            sns.publish(TopicArn=topic, Subject=message.subject, Message=message.text)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = error.response["Error"]["Code"]
            raise DeliveryError(
                f"SNS refused: {code}", unconfirmed=status >= _SERVER_ERROR
            ) from None
        except BotoCoreError as error:
            # All others are raised before anything has gone out.
            sent = isinstance(error, HTTPClientError)
            raise DeliveryError(f"SNS: {type(error).__name__}", unconfirmed=sent) from None

    def _post(self, to: Destination, message: Message) -> None:
        try:
            address, secret = self._secrets.value(to.address), self._secrets.value(to.secret)
        except SecretError as error:
            raise DeliveryError(str(error)) from None
        headers = {"Content-Type": "application/json"}
        if secret:
            headers[SIGNATURE] = signature(secret, message.body, int(time.time()))
        post(
            address,
            message.body,
            headers,
            host=to.host,
            loopback=self._config.environment == "local",
            deadline_seconds=self._deadline,
        )


def signature(secret: str, body: bytes, seconds: int) -> str:
    """The value of the header :data:`SIGNATURE` for a body sent at a time in epoch seconds."""
    signed = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"
