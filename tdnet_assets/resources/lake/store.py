"""The lake: immutable objects and daily Parquet tables in one S3 bucket.

What belongs here: how bytes and tables are put, read and listed. obstore carries the objects (an
eighth of boto3's CPU), with credentials from the SDK's own chain. A put says truly what became of
it: what S3 refuses is looked at before anybody is told, because a refusal may be the answer to our
own write whose first answer was lost, or to nothing at all.

What does not: key names (``resources/lake/layout.py``) and what tables contain (``tables/``).
"""

import asyncio
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import stamina
from pydantic import BaseModel, PrivateAttr

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.bucket_access import BucketAccess, bucket_access
from tdnet_assets.resources.lake import layout
from tdnet_assets.tdnet.errors import TdnetAssetsError

if TYPE_CHECKING:
    import polars as pl
    from obstore import GetResult, PutMode
    from obstore.store import ClientConfig, S3Config, S3Store


_PARQUET = "application/vnd.apache.parquet"
# S3's own limit, counted as the strictest servers do: names with their prefix, and values.
_METADATA_LIMIT_BYTES = 2048
_METADATA_PREFIX = "x-amz-meta-"
# Other names and values come back changed, or not at all, from one server or another.
_METADATA_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_METADATA_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")

# What obstore takes for final, or dares not repeat under a condition, is tried this often in all.
_ATTEMPTS = 5
_LONGEST_PAUSE_SECONDS = 2.0
_PASSING_CODES = frozenset(("RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"))
# Of obstore's own tries, which it makes after 5xx only.
_RETRIES = 5
_TRIED_OFTEN = re.compile(rf"after {_RETRIES} retries")
# So long obstore tries by itself; beyond that no fault is passing.
_PATIENCE_SECONDS = 180.0

# Of the XML that S3 answers with, only these: the rest may repeat keys, tokens and signatures.
_S3_CODE = re.compile(r"<Code>([^<]*)</Code>")
_S3_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")


class LakeError(TdnetAssetsError):
    """S3 refused or failed; the message names the object and what to look at."""


class ConflictError(LakeError):
    """Somebody else's object is there: read it, make yours of it anew, and put that.

    Theirs may be made of ours already, where the answer to our put was lost: fold as into a set.
    """


class DamagedObjectError(LakeError):
    """What is stored under a key is not what was put there, and cannot be read.

    Args:
        uri: the object's ``s3://`` address.
        seen: what is wrong with it.
        advice: what to do.
        etag: of the damaged object, for who replaces it; None where it is not there at all.
    """

    def __init__(self, uri: str, seen: str, advice: str, *, etag: str | None) -> None:
        super().__init__(f"{uri}: {seen}; {advice}")
        self.uri = uri
        self.advice = advice
        self.etag = etag


class _NoSuchObjectError(LakeError):
    """There is no such key, in a bucket that is there as far as S3 tells."""


class _UnmetConditionError(LakeError):
    """S3 refused a put for its condition; what is there says whether that is so."""


class _PassingError(LakeError):
    """A fault that another attempt may mend, and that obstore has not tried again itself."""


SIZE = "bytes"
"""In an object's metadata: the size that it was stored with, by which a HEAD shows a cut one."""


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
class ObjectHead:
    """What an object says of itself: its ``Content-Type`` and metadata, etag, size and age."""

    metadata: Mapping[str, str]
    etag: str
    bytes: int
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table's file of one day, with the metadata it was written with and its etag.

    ``footer`` is the key-value metadata inside the file.
    """

    frame: "pl.DataFrame"
    metadata: Mapping[str, str]
    etag: str
    footer: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScannedTable:
    """A table's file of one day as rows that are decoded when they are collected, and its etag."""

    rows: "pl.LazyFrame"
    metadata: Mapping[str, str]
    etag: str


@dataclass(frozen=True, slots=True)
class TableWrite:
    """What became of a table's file: whether it was put, and the digest and etag it has now."""

    changed: bool
    sha256: str
    etag: str


class LakeResource(BaseModel, frozen=True, extra="forbid"):
    """Objects and tables of the configured bucket and prefix."""

    config: PlatformConfig
    _store: Any = PrivateAttr(default=None)
    _access: Any = PrivateAttr(default=None)

    @property
    def store(self) -> "S3Store":
        """The object store, rooted at the configured prefix; made once."""
        if self._store is None:
            self._store = self._open_store()
        return self._store  # type: ignore[no-any-return]

    @property
    def access(self) -> BucketAccess:
        """Where the bucket is and with whose keys, for obstore and polars alike; found once."""
        if self._access is None:
            self._access = bucket_access(self.config)
        return self._access  # type: ignore[no-any-return]

    def uri(self, key: str) -> str:
        """The ``s3://`` address of a key."""
        return f"s3://{self.config.bucket}/{self.object_key(key)}"

    def object_key(self, key: str) -> str:
        """The key as it is in the bucket, prefix included."""
        return f"{self.config.prefix}{key}"

    def console_url(self, key: str) -> str:
        """Where a person can look at the object: the AWS console, or the endpoint itself."""
        name = quote(self.object_key(key))
        if endpoint := self.config.endpoint_url("s3"):
            return f"{endpoint}/{self.config.bucket}/{name}"
        return (
            f"https://{self.config.aws_region}.console.aws.amazon.com/s3/object/"
            f"{self.config.bucket}?prefix={name}"
        )

    def put_new(
        self, key: str, content: bytes, *, content_type: str, metadata: Mapping[str, str]
    ) -> bool:
        """Store an immutable object with its sha256; False when somebody else's is there.

        Raises:
            LakeError: it is not stored, or nobody knows: nothing answered.
        """
        attributes = self._attributes(key, content, content_type, metadata)
        try:
            self._put(key, content, attributes, "create")
        except ConflictError:
            return False
        return True

    def put_expected(
        self, key: str, content: bytes, *, content_type: str, expected: str | None
    ) -> str:
        """Replace an object, unless somebody else has done so since it was read; its new etag.

        Args:
            key: where it is.
            content: its bytes.
            content_type: of the bytes.
            expected: the etag that was read; None where there was nothing.

        Raises:
            ConflictError: another object is there.
            LakeError: it is not stored, or nobody knows: nothing answered.
        """
        mode: PutMode = "create" if expected is None else {"e_tag": expected}
        return self._put(key, content, self._attributes(key, content, content_type, {}), mode)

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

    def read_end(self, key: str, size: int) -> tuple[bytes, int] | None:
        """The last bytes of an object, so many or all, and how many it has in all.

        None when there is no such key.
        """
        try:
            with _explained(self.uri(key)):
                found = self.store.get(key, options={"range": {"suffix": size}})
                return bytes(found.bytes()), found.meta["size"]
        except _NoSuchObjectError:
            return None

    def read_with_head(self, key: str) -> tuple[bytes, ObjectHead] | None:
        """An object's bytes and what it says of itself; None when there is no such key."""
        try:
            with _explained(self.uri(key)):
                found = self.store.get(key)
                return bytes(found.bytes()), _head_of(found)
        except _NoSuchObjectError:
            return None

    def delete(self, key: str) -> None:
        """Take an object away, for ``tdnet verify --repair``: a run's policy does not allow it."""
        with _explained(self.uri(key)):
            self.store.delete(key)

    def head(self, key: str) -> ObjectHead | None:
        """What an object says of itself; None when there is no such key."""
        try:
            with _explained(self.uri(key)):
                found = self.store.get(key, options={"head": True})
        except _NoSuchObjectError:
            return None
        return _head_of(found)

    def metadata(self, key: str) -> Mapping[str, str] | None:
        """The metadata that an object was stored with; None when there is no such key."""
        found = self.head(key)
        return found.metadata if found else None

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

    def table_head(self, table: str, day: date) -> ObjectHead | None:
        """What a table's file of one day says of itself; None when that day was never written."""
        return self.head(layout.table_key(table, day))

    def read_table(self, table: str, day: date) -> StoredTable | None:
        """A table's rows of one day; None when that day was never written.

        Raises:
            DamagedObjectError: the file is not the one that was put, or no Parquet file.
        """
        import polars as pl  # noqa: PLC0415 - 0.5 s that only a run needs
        from polars.exceptions import PanicException, PolarsError  # noqa: PLC0415 - as above

        found = self._table_file(table, day)
        if found is None:
            return None
        content, head = found
        try:
            frame = pl.read_parquet(io.BytesIO(content), hive_partitioning=False)
            footer = pl.read_parquet_metadata(io.BytesIO(content))
        except (ValueError, OSError, PolarsError, PanicException) as error:
            raise self._damaged(table, day, str(error), head) from error
        return StoredTable(frame, head.metadata, head.etag, footer)

    def scan_table(self, table: str, day: date) -> ScannedTable | None:
        """As :meth:`read_table`, but rows are decoded as far as they are asked for."""
        import polars as pl  # noqa: PLC0415 - 0.5 s that only a run needs

        found = self._table_file(table, day)
        if found is None:
            return None
        content, head = found
        rows = pl.scan_parquet(io.BytesIO(content), hive_partitioning=False)
        return ScannedTable(rows, head.metadata, head.etag)

    def _table_file(self, table: str, day: date) -> tuple[bytes, ObjectHead] | None:
        """The file that was put; a flipped bit may read as other rows: only the digest tells."""
        found = self.read_with_head(layout.table_key(table, day))
        if found is None:
            return None
        content, head = found
        digest = sha256(content)
        if head.metadata.get("sha256", digest) != digest:
            wrong = f"{len(content)} bytes with another sha256 than were put"
            raise self._damaged(table, day, wrong, head)
        return found

    def _damaged(self, table: str, day: date, wrong: str, head: ObjectHead) -> DamagedObjectError:
        return DamagedObjectError(
            self.uri(layout.table_key(table, day)),
            f"no whole Parquet file: {' '.join(wrong.split())[:300]}",
            f"materialize {table} of {day} again; if that ends here too, move the object away",
            etag=head.etag,
        )

    def put_table(
        self,
        table: str,
        day: date,
        frame: "pl.DataFrame | pl.LazyFrame",
        metadata: Mapping[str, str],
        *,
        expected: str | None,
        row_group_size: int | None = None,
        footer: Mapping[str, str] | None = None,
        damaged: bool = False,
    ) -> TableWrite:
        """Replace a table's file of one day, unless somebody else has done so since it was read.

        Nothing is put where just this is stored already: the file's bytes depend on the rows only.

        Args:
            table: its name.
            day: of the file.
            frame: its rows, in the order to be kept; lazy ones are never in memory all at once.
            metadata: of the object.
            expected: the etag that was read; None where there was no file.
            row_group_size: rows that are written at once, and that a reader skips by their
                statistics; polars' own when None.
            footer: key-value metadata inside the file, which no other put can part from its rows.
            damaged: what was read could not be: it is replaced whatever it says that it is.

        Raises:
            ConflictError: another file is there; read it, fold it in and put again.
        """
        return self.put_parquet(
            layout.table_key(table, day),
            frame,
            metadata,
            expected=expected,
            row_group_size=row_group_size,
            footer=footer,
            damaged=damaged,
        )

    def put_parquet(
        self,
        key: str,
        frame: "pl.DataFrame | pl.LazyFrame",
        metadata: Mapping[str, str],
        *,
        expected: str | None,
        row_group_size: int | None = None,
        footer: Mapping[str, str] | None = None,
        damaged: bool = False,
    ) -> TableWrite:
        """:meth:`put_table` of a Parquet file under any key."""
        mode: PutMode = "create" if expected is None else {"e_tag": expected}
        content = _parquet(frame, row_group_size=row_group_size, footer=footer)
        return self._replace(key, content, metadata, mode, damaged=damaged)

    def write_table(
        self, table: str, day: date, frame: "pl.DataFrame", metadata: Mapping[str, str]
    ) -> TableWrite:
        """Replace a table's file of one day whatever it is now, unless it is already just this."""
        return self.write_parquet(layout.table_key(table, day), frame, metadata)

    def write_parquet(
        self, key: str, frame: "pl.DataFrame", metadata: Mapping[str, str]
    ) -> TableWrite:
        """Replace a Parquet file whatever it is now, unless it is already just this.

        Args:
            key: where it is.
            frame: its rows, in the order to be kept.
            metadata: of the object.
        """
        return self._replace(key, _parquet(frame), metadata, "overwrite")

    def _replace(
        self,
        key: str,
        content: bytes,
        metadata: Mapping[str, str],
        mode: "PutMode",
        *,
        damaged: bool = False,
    ) -> TableWrite:
        sized = {**metadata, SIZE: str(len(content))}
        attributes = self._attributes(key, content, _PARQUET, sized)
        digest = attributes["sha256"]
        found = None if damaged else self.head(key)
        if found and (found.metadata, found.bytes) == (attributes, len(content)):
            return TableWrite(changed=False, sha256=digest, etag=found.etag)
        etag = self._put(key, content, attributes, mode)
        return TableWrite(changed=True, sha256=digest, etag=etag)

    def _put(self, key: str, content: bytes, attributes: dict[str, str], mode: "PutMode") -> str:
        """Put an object in one request; its etag.

        Raises:
            ConflictError: the condition does not hold, and what is there is not ours.
            LakeError: S3 refused or failed for another reason, or again and again.
        """
        for attempt in stamina.retry_context(
            on=_PassingError,
            attempts=_ATTEMPTS,
            timeout=_PATIENCE_SECONDS,
            wait_initial=0.1,
            wait_max=_LONGEST_PAUSE_SECONDS,
            wait_jitter=0.1,
        ):
            with attempt:
                try:
                    with _explained(self.uri(key)):
                        # In one part, so that the etag is of the content and the put is one step.
                        put = self.store.put(
                            key, content, attributes=attributes, mode=mode, use_multipart=False
                        )
                except (_UnmetConditionError, _NoSuchObjectError) as refusal:
                    return self._etag_of_ours(key, attributes, mode, refusal)
                return put["e_tag"] or ""
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _etag_of_ours(
        self, key: str, attributes: dict[str, str], mode: "PutMode", refusal: LakeError
    ) -> str:
        """The etag of our object where a put was applied that S3 says it refused.

        A put whose answer was lost is sent again and meets itself. And S3 may answer "conflict"
        while another request is under way, although nothing stands in the way: put again.
        """
        found = self.head(key)
        if found and found.metadata == attributes:
            return found.etag
        expected = mode["e_tag"] if isinstance(mode, dict) else None
        if mode == "overwrite" or (found.etag if found else None) == expected:
            raise _PassingError(str(refusal)) from None
        there = f"is {found.etag} now" if found else "is not there any more"
        raise ConflictError(
            f"{self.uri(key)} {there}: somebody else has written it since it was looked at"
        ) from None

    def _attributes(
        self, key: str, content: bytes, content_type: str, metadata: Mapping[str, str]
    ) -> dict[str, str]:
        digest = metadata.get("sha256") or sha256(content)
        stored = {**metadata, "sha256": digest}
        for name, value in stored.items():
            if not _METADATA_NAME.fullmatch(name) or not _METADATA_VALUE.fullmatch(value):
                raise LakeError(
                    f"{self.uri(key)}: metadata {name!r} cannot be {value[:100]!r}: names are "
                    "lower-case letters, digits and '-', values printable ASCII, not empty and "
                    "without spaces at their ends; keep other texts inside the object"
                )
        size = sum(len(_METADATA_PREFIX) + len(name) + len(value) for name, value in stored.items())
        if size > _METADATA_LIMIT_BYTES:
            raise LakeError(
                f"{self.uri(key)}: {size} bytes of metadata, S3 holds {_METADATA_LIMIT_BYTES}; "
                "keep long texts inside the object"
            )
        return {"Content-Type": content_type, **stored}

    def _open_store(self) -> "S3Store":
        from obstore.store import S3Store  # noqa: PLC0415 - 0.1 s that only a user of it pays

        return S3Store(
            self.config.bucket,
            prefix=self.config.prefix or None,
            config=cast("S3Config", self.access.options),
            credential_provider=self.access.for_obstore,
            client_options=cast("ClientConfig", {**self.access.http_options, "timeout": "60s"}),
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=_PATIENCE_SECONDS),
            },
        )


def _head_of(found: "GetResult") -> ObjectHead:
    meta = found.meta
    return ObjectHead(
        metadata=_names_and_values(found.attributes),
        etag=meta["e_tag"] or "",
        bytes=meta["size"],
        last_modified=meta["last_modified"],
    )


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def _parquet(
    frame: "pl.DataFrame | pl.LazyFrame",
    *,
    row_group_size: int | None = None,
    footer: Mapping[str, str] | None = None,
) -> bytes:
    import polars as pl  # noqa: PLC0415 - 0.5 s that only a run needs

    buffer = io.BytesIO()
    write: Any = (
        # The writer makes a page of each chunk, and chunks only say how the rows came together.
        frame.rechunk().write_parquet if isinstance(frame, pl.DataFrame) else frame.sink_parquet
    )
    write(
        buffer,
        compression="zstd",
        # Small groups compress worse; a sixth of the size is worth a tenth of a second a day.
        compression_level=9 if row_group_size else None,
        statistics=True,
        row_group_size=row_group_size,
        metadata=dict(footer) if footer else None,
    )
    return buffer.getvalue()


def _names_and_values(attributes: Mapping[Any, str]) -> dict[str, str]:
    return {str(name): value for name, value in attributes.items()}


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn obstore's page-long errors into one line that names the object."""
    from obstore import exceptions  # noqa: PLC0415 - loaded with the store

    try:
        yield
    except (exceptions.BaseError, FileNotFoundError) as error:
        text = str(error).split("\n\nDebug source", 1)[0]
        said = [found[1] for pattern in (_S3_CODE, _S3_MESSAGE) if (found := pattern.search(text))]
        cause = " ".join(": ".join((text.split("<", 1)[0].strip(" :\n"), *said)).split())
        if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in said:
            kind: type[LakeError] = _NoSuchObjectError
        elif isinstance(error, (exceptions.AlreadyExistsError, exceptions.PreconditionError)):
            kind = _UnmetConditionError
        elif not _TRIED_OFTEN.search(text) and (
            _PASSING_CODES.intersection(said) or "HTTP error" in text
        ):
            kind = _PassingError
        else:
            kind = LakeError
        # Without the cause's chain: a traceback would print the XML that is left out here.
        raise kind(f"{uri}: {type(error).__name__}: {cause[:500]}") from None
