"""Lazy frames over the lake's Parquet files: polars asks S3 itself, for the bytes that it needs.

What belongs here: how polars reaches the bucket, and how files of many ages become one frame. What
does not: which files answer a question (``catalog.py``), and reading a whole table
(``resources/lake/store.py``).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeError, LakeResource

DATE = "date"

Schema = Mapping[str, pl.DataType | type[pl.DataType]]


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


def read_footer(lake: LakeResource, key: str) -> dict[str, str] | None:
    """The key-value metadata inside a Parquet file; None when there is no such file.

    Raises:
        LakeError: what is there is no whole Parquet file.
    """
    try:
        return pl.read_parquet_metadata(lake.uri(key), **storage_access(lake))
    except FileNotFoundError:
        return None
    except pl.exceptions.ComputeError as error:
        raise LakeError(
            f"{lake.uri(key)}: its footer cannot be read: {error}; delete it and materialize again"
        ) from error


def _scan(lake: LakeResource, keys: Sequence[str], schema: Schema, **hive: Any) -> pl.LazyFrame:
    return pl.scan_parquet(
        [lake.uri(key) for key in keys],
        glob=False,
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
        **hive,
        **storage_access(lake),
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
