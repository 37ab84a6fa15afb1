"""The way to the bucket for the clients that are not the SDK's: obstore and polars.

What belongs here: where requests for the bucket go and with whose keys. Both are as the SDK has
them, so that all clients of a process mean the same bucket: the SDK is asked, because it alone
knows what its variables and profiles say of endpoints, FIPS, dual stacks and styles of address.

What does not: the SDK's own clients (``clients.py``), and what is asked of the bucket
(``resources/lake/``).
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tdnet_assets.config import PlatformConfig, is_loopback
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.embedded_keys import EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY

if TYPE_CHECKING:
    from obstore.store import S3Credential


# A client of the SDK takes 40 ms to make, and whoever asks several questions opens as many lakes.
_ADDRESSES: dict[tuple[object, str, str | None], str] = {}


class Keys(NamedTuple):
    """Keys as they are now, and when they end (UTC); None: they do not."""

    access_key: str
    secret_key: str
    token: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """Where the bucket is, how it is reached over HTTP, and its keys.

    The options have the names of the Rust crate object_store, which obstore and polars share.
    """

    options: Mapping[str, str]
    http_options: Mapping[str, str]
    keys: Callable[[], Keys]

    def for_obstore(self) -> "S3Credential":
        """The keys as obstore asks for them, again before they end."""
        keys = self.keys()
        return {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "token": keys.token,
            "expires_at": keys.expires_at,
        }

    def for_polars(self) -> tuple[dict[str, str], int | None]:
        """The keys as polars asks for them, again when they end."""
        keys = self.keys()
        named = {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
        if keys.token:
            named["aws_session_token"] = keys.token
        return named, int(keys.expires_at.timestamp()) if keys.expires_at else None


def bucket_access(config: PlatformConfig) -> BucketAccess:
    """The way to the configured bucket.

    Raises:
        ConfigurationError: there are no credentials.
    """
    if config.embedded_aws:  # without the SDK, which takes half a second to load
        address, keys = f"{config.aws_endpoint_url}/{config.bucket}", _embedded_keys
    else:
        credentials = clients.credentials(config)
        # By the session: what it knows of variables and profiles is what an address is made of.
        asked_of = (clients.session(config), config.bucket, config.endpoint_url("s3"))
        address = _ADDRESSES.get(asked_of) or _ADDRESSES.setdefault(asked_of, _address(config))
        keys = partial(_keys_now, credentials)
    endpoint = address.removesuffix(f"/{config.bucket}")
    # Said of everything that a variable of the shell would else decide for the Rust crate.
    options = {
        # Under this name nothing overrides it; AWS_ENDPOINT_URL_S3 does under any other.
        "aws_endpoint_url_s3": endpoint,
        "aws_virtual_hosted_style_request": str(endpoint == address).lower(),
        "aws_region": config.aws_region,
        "aws_conditional_put": "etag",
        "aws_skip_signature": "false",
        "aws_s3_express": "false",
    }
    http_options = {"allow_http": str(endpoint.startswith("http://")).lower()}
    if is_loopback(endpoint):
        # A proxy that is not used for this host: so none is, whatever HTTP_PROXY says.
        http_options |= {"proxy_url": endpoint, "proxy_excludes": urlsplit(endpoint).hostname or ""}
    return BucketAccess(options, http_options, keys)


def _address(config: PlatformConfig) -> str:
    """The bucket's own address, as the SDK would ask for it; nothing is sent."""
    from botocore import UNSIGNED  # noqa: PLC0415 - 0.3 s that the embedded AWS need not pay
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415 - as above
    from botocore.compat import HTTPHeaders  # noqa: PLC0415 - as above
    from urllib3 import HTTPResponse  # noqa: PLC0415 - as above

    asked: list[str] = []

    def answer(request: Any, **_: object) -> Any:
        asked.append(request.url)
        nothing = HTTPResponse(io.BytesIO(), preload_content=False)
        return AWSResponse(request.url, 200, HTTPHeaders(), nothing)

    s3 = clients.client(config, "s3", signature_version=UNSIGNED)
    s3.meta.events.register("before-send.s3.HeadBucket", answer)
    s3.head_bucket(Bucket=config.bucket)
    return asked[0].rstrip("/")


def _embedded_keys() -> Keys:
    return Keys(EMBEDDED_ACCESS_KEY, EMBEDDED_SECRET_KEY, None, None)


def _keys_now(credentials: Any) -> Keys:
    # A role's are fetched when they are first needed, and say only then when they end. The end is
    # read before the keys: should they be renewed in between, it is too early rather than too late.
    credentials.get_frozen_credentials()
    expires_at = getattr(credentials, "_expiry_time", None)
    keys = credentials.get_frozen_credentials()
    # obstore takes no other time zone, of which botocore has its own.
    end = expires_at.astimezone(UTC) if expires_at else None
    return Keys(keys.access_key, keys.secret_key, keys.token, end)
