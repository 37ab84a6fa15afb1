"""The lake: immutable objects and daily Parquet tables in one S3 bucket.

What belongs here: how bytes and tables are put, read and listed. obstore carries the objects (an
eighth of boto3's CPU), with credentials from the SDK's own chain.

What does not: key names (``resources/lake/layout.py``) and what tables contain (``tables/``).
"""

import asyncio
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg
from pydantic import PrivateAttr

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.lake import layout
from tdnet_assets.tdnet.errors import TdnetAssetsError

if TYPE_CHECKING:
    import polars as pl
    from obstore.store import S3Config, S3Store


# Of the XML that S3 answers with, only these: the rest may repeat keys, tokens and signatures.
_S3_CODE = re.compile(r"<Code>([^<]*)</Code>")
_S3_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")


class LakeError(TdnetAssetsError):
    """S3 refused or failed; the message names the object and what to look at."""


class _NoSuchObjectError(LakeError):
    """There is no such key, in a bucket that is there as far as S3 tells."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a listing shows it; ``key`` is relative to the prefix.

    ``etag`` is S3's own mark of the content: another one whenever other bytes are put.
    """

    key: str
    bytes: int
    last_modified: datetime
    etag: str


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table's file of one day, with the metadata it was written with and its etag."""

    frame: "pl.DataFrame"
    metadata: Mapping[str, str]
    etag: str


@dataclass(frozen=True, slots=True)
class TableWrite:
    """What became of a table's file: whether it was put, and the digest that it has now."""

    changed: bool
    sha256: str


class LakeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Objects and tables of the configured bucket and prefix."""

    config: dg.ResourceDependency[PlatformConfig]
    _store: Any = PrivateAttr(default=None)

    @property
    def store(self) -> "S3Store":
        """The object store, rooted at the configured prefix; made once."""
        if self._store is None:
            self._store = self._open_store()
        return self._store  # type: ignore[no-any-return]

    def uri(self, key: str) -> str:
        """The ``s3://`` address of a key."""
        return f"s3://{self.config.bucket}/{self.object_key(key)}"

    def object_key(self, key: str) -> str:
        """The key as it is in the bucket, prefix included."""
        return f"{self.config.prefix}{key}"

    def console_url(self, key: str) -> str:
        """Where a person can look at the object: the AWS console, or the endpoint itself."""
        name = quote(self.object_key(key))
        if self.config.aws_endpoint_url:
            return f"{self.config.aws_endpoint_url}/{self.config.bucket}/{name}"
        return (
            f"https://{self.config.aws_region}.console.aws.amazon.com/s3/object/"
            f"{self.config.bucket}?prefix={name}"
        )

    def put_new(
        self, key: str, content: bytes, *, content_type: str, metadata: Mapping[str, str]
    ) -> bool:
        """Store an immutable object with its sha256; False when the key exists already."""
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415 - loaded with the store

        with _explained(self.uri(key)):
            try:
                self.store.put(
                    key,
                    content,
                    mode="create",
                    attributes=_attributes(content, content_type, metadata),
                )
            except AlreadyExistsError:
                return False
        return True

    async def put_new_async(
        self, key: str, content: bytes, *, content_type: str, metadata: Mapping[str, str]
    ) -> bool:
        """:meth:`put_new` for the event loop, in a thread of the loop's own pool.

        A put that has begun ends, also when its task is cancelled: closing the loop waits for it.
        """
        return await asyncio.to_thread(
            self.put_new, key, content, content_type=content_type, metadata=metadata
        )

    def read(self, key: str) -> bytes | None:
        """An object's bytes; None when there is no such key."""
        try:
            with _explained(self.uri(key)):
                return bytes(self.store.get(key).bytes())
        except _NoSuchObjectError:
            return None

    def metadata(self, key: str) -> dict[str, str] | None:
        """The metadata that an object was stored with; None when there is no such key."""
        try:
            with _explained(self.uri(key)):
                attributes = self.store.get(key, options={"head": True}).attributes
        except _NoSuchObjectError:
            return None
        return {str(name): value for name, value in attributes.items()}

    def list(self, prefix: str, *, after: str | None = None) -> Iterator[StoredObject]:
        """Objects below a prefix, by key; those behind ``after`` when it is given."""
        with _explained(self.uri(prefix)):
            for chunk in self.store.list(prefix, offset=after):
                for found in chunk:
                    yield StoredObject(
                        found["path"],
                        found["size"],
                        found["last_modified"],
                        found["e_tag"] or "",
                    )

    def read_table(self, table: str, day: date) -> StoredTable | None:
        """A table's rows of one day; None when that day was never written."""
        import polars as pl  # noqa: PLC0415 - 0.5 s that only a run needs

        key = layout.table_key(table, day)
        try:
            with _explained(self.uri(key)):
                found = self.store.get(key)
                content = bytes(found.bytes())
        except _NoSuchObjectError:
            return None
        metadata = {str(name): value for name, value in found.attributes.items()}
        return StoredTable(
            pl.read_parquet(io.BytesIO(content), hive_partitioning=False),
            metadata,
            found.meta["e_tag"] or "",
        )

    def write_table(
        self, table: str, day: date, frame: "pl.DataFrame", metadata: Mapping[str, str]
    ) -> "TableWrite":
        """Replace a table's file of one day in one put, unless it is already just this.

        The file's bytes depend on the rows only, so an unchanged day is not written again.
        """
        return self.write_parquet(layout.table_key(table, day), frame, metadata)

    def write_parquet(
        self,
        key: str,
        frame: "pl.DataFrame",
        metadata: Mapping[str, str],
        *,
        row_group_size: int | None = None,
        footer: Mapping[str, str] | None = None,
    ) -> "TableWrite":
        """Replace a Parquet file in one put, unless it is already just this.

        Args:
            key: where it is.
            frame: its rows, in the order to be kept.
            metadata: of the object.
            row_group_size: rows of a group, by whose statistics a reader skips it; polars' own
                when None.
            footer: key-value metadata inside the file, which no other put can part from its rows.
        """
        buffer = io.BytesIO()
        # The writer makes a page of each chunk, and chunks only say how the rows came together.
        frame.rechunk().write_parquet(
            buffer,
            compression="zstd",
            statistics=True,
            row_group_size=row_group_size,
            metadata=dict(footer) if footer else None,
        )
        content = buffer.getvalue()
        attributes = _attributes(content, "application/vnd.apache.parquet", metadata)
        write = TableWrite(self.metadata(key) != attributes, attributes["sha256"])
        if not write.changed:
            return write
        with _explained(self.uri(key)):
            self.store.put(key, content, attributes=attributes, use_multipart=False)
        return write

    def _open_store(self) -> "S3Store":
        from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 - brings boto3
        from obstore.store import S3Store  # noqa: PLC0415 - as above

        session = clients.session(self.config)
        if session.get_credentials() is None:
            raise LakeError(
                "no AWS credentials found: set a profile, a role or AWS_ACCESS_KEY_ID, or leave "
                "TDNET_ENVIRONMENT=local and AWS_ENDPOINT_URL unset for the embedded AWS"
            )
        endpoint = self.config.aws_endpoint_url
        settings: S3Config = {
            "region": self.config.aws_region,
            # A dot in the bucket's name would not match the certificate of *.s3.amazonaws.com.
            "virtual_hosted_style_request": not endpoint and "." not in self.config.bucket,
        }
        if endpoint:
            settings["endpoint"] = endpoint
        return S3Store(
            self.config.bucket,
            prefix=self.config.prefix or None,
            config=settings,
            credential_provider=Boto3CredentialProvider(session),
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": "60s"},
            retry_config={"max_retries": 5},
        )


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def _attributes(content: bytes, content_type: str, metadata: Mapping[str, str]) -> dict[str, str]:
    digest = metadata.get("sha256") or sha256(content)
    return {"Content-Type": content_type, **metadata, "sha256": digest}


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn obstore's page-long errors into one line that names the object."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - loaded with the store

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        text = str(error).split("\n\nDebug source", 1)[0]
        said = [found[1] for pattern in (_S3_CODE, _S3_MESSAGE) if (found := pattern.search(text))]
        cause = " ".join(": ".join((text.split("<", 1)[0].strip(" :\n"), *said)).split())
        missing = isinstance(error, FileNotFoundError) and "NoSuchBucket" not in said
        kind = _NoSuchObjectError if missing else LakeError
        # Without the cause's chain: a traceback would print the XML that is left out here.
        raise kind(f"{uri}: {type(error).__name__}: {cause[:500]}") from None
