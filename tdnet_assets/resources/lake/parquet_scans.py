"""Lazy frames over the lake's Parquet files: polars asks S3 itself, for the bytes that it needs.

What belongs here: how polars reaches the bucket, and how files of many ages become one frame. What
does not: which files answer a question (``catalog.py``), and reading a whole table
(``resources/lake/store.py``).
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeError, LakeResource

DATE = "date"

Schema = Mapping[str, pl.DataType | type[pl.DataType]]

# Of a file's end: nearly all footers are shorter, and a small file is no longer.
END_BYTES = 160 * 1024
# Behind the footer stand its length, 4 bytes, and the mark of a Parquet file.
_BEHIND_THE_FOOTER = 8


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A Parquet file: the key-value metadata inside it, and its rows as a lazy frame.

    ``is_read`` says that they are at hand: the file is so small that all of it was read.
    """

    footer: Mapping[str, str]
    rows: pl.LazyFrame
    is_read: bool


def storage_access(lake: LakeResource) -> dict[str, Any]:
    """What polars' readers need for the bucket, as keyword arguments."""
    return {
        "storage_options": {**lake.access.options, **lake.access.http_options},
        "credential_provider": lake.access.for_polars,
    }


def scan_days(lake: LakeResource, table: str, days: Iterable[date], schema: Schema) -> pl.LazyFrame:
    """A table's files of these days as one lazy frame; without days an empty one.

    The columns are those of ``schema``, led by ``date`` where it has none. A file written before a
    column existed has nulls there, and columns that are no more are left out. A filter on ``date``
    keeps the other days' files closed.
    """
    names = list(schema) if DATE in schema else [DATE, *schema]
    keys = [layout.table_key(table, day) for day in days]
    if not keys:
        types = {**schema, DATE: pl.Date}
        return pl.LazyFrame(schema={name: types[name] for name in names})
    hive_schema = {DATE: pl.Date, **_prefix_columns(lake.config, names)}
    in_files = {name: type_ for name, type_ in schema.items() if name != DATE}
    return _scan(lake, keys, in_files, hive_partitioning=True, hive_schema=hive_schema).select(
        names
    )


def scan_file(lake: LakeResource, key: str, schema: Schema) -> pl.LazyFrame:
    """One file as a lazy frame with the columns of ``schema``."""
    return _scan(lake, [key], schema, hive_partitioning=False)


def open_file(
    lake: LakeResource, key: str, schema: Schema, end_bytes: int | None = None
) -> OpenedFile | None:
    """A Parquet file with the columns of ``schema``; None when there is no such file.

    A small file is read in this one request.

    Args:
        lake: where it is.
        key: of the file.
        schema: the columns of its rows.
        end_bytes: how much of its end is read at first: a file of no more is read whole. By default
            as much as a footer may take.

    Raises:
        LakeError: what is there is no whole Parquet file.
    """
    end = lake.read_end(key, end_bytes or END_BYTES)
    if end is None:
        return None
    content, size = end
    needed = int.from_bytes(content[-_BEHIND_THE_FOOTER:-4], "little") + _BEHIND_THE_FOOTER
    if len(content) < min(needed, size):
        content, _ = lake.read_end(key, needed) or end
    try:
        footer = pl.read_parquet_metadata(io.BytesIO(content))
    except pl.exceptions.ComputeError as error:
        raise LakeError(
            f"{lake.uri(key)}: its footer cannot be read: {error}; delete it and materialize again"
        ) from error
    is_read = len(content) == size
    rows = _scan_parquet(content, schema) if is_read else scan_file(lake, key, schema)
    return OpenedFile(footer, rows, is_read)


def _scan(lake: LakeResource, keys: Sequence[str], schema: Schema, **hive: Any) -> pl.LazyFrame:
    return _scan_parquet(
        [lake.uri(key) for key in keys], schema, glob=False, **hive, **storage_access(lake)
    )


def _scan_parquet(source: Any, schema: Schema, **options: Any) -> pl.LazyFrame:
    return pl.scan_parquet(
        source,
        schema=dict(schema),
        missing_columns="insert",
        extra_columns="ignore",
        # What a later version may have widened; a loss of digits is refused.
        cast_options=pl.ScanCastOptions(
            integer_cast="upcast",
            float_cast="upcast",
            datetime_cast=["upcast", "convert-timezone"],
            missing_struct_fields="insert",
            extra_struct_fields="ignore",
        ),
        **options,
    )


def _prefix_columns(config: PlatformConfig, names: Sequence[str]) -> dict[str, type[pl.String]]:
    """Folders of the prefix that look like hive columns too, e.g. ``env=dev/``."""
    folders = [part.split("=", 1)[0] for part in config.prefix.split("/") if "=" in part]
    if taken := sorted(set(folders) & {*names, DATE}):
        raise LakeError(
            f"TDNET_PREFIX is {config.prefix!r}: the folder {taken[0]}=… would be read as a column "
            "of the tables; use a prefix without it"
        )
    return dict.fromkeys(folders, pl.String)
