"""The lake's tables in the Glue catalogue, so that Athena queries them with no crawler.

What belongs here: which tables and views Athena sees, and how polars types are called there. What
does not: the columns, and what a view selects (``tables/``).

Partitions are projected: Athena computes them from the range below and asks Glue for none.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from polars.datatypes import DataTypeClass

from tdnet_assets.config import PlatformConfig
from tdnet_assets.infrastructure import names
from tdnet_assets.partitions import FIRST_DAY
from tdnet_assets.resources.lake import layout
from tdnet_assets.tables import ALL_TABLES
from tdnet_assets.tables.document_texts import COMPARABLE_TEXTS_VIEW, comparable_texts_sql
from tdnet_assets.tables.earnings import EARNINGS_VIEW
from tdnet_assets.tables.earnings_summary import EARNINGS_SUMMARY_VIEW, summary_columns_sql
from tdnet_assets.tables.report_links import linked_earnings_sql
from tdnet_assets.tables.table import Column, Partition, Table
from tdnet_assets.tdnet.errors import TdnetAssetsError


@dataclass(frozen=True, slots=True)
class Partitions:
    """How a table's folders are named: the key, its format as Athena writes it, the step."""

    key: str
    format: str
    unit: str
    first: str
    meaning: str


DAILY: Final = Partitions("date", "yyyy-MM-dd", "DAYS", FIRST_DAY, "JST day, YYYY-MM-DD")
YEARLY: Final = Partitions("year", "yyyy", "YEARS", FIRST_DAY[:4], "year of the JST day, YYYY")

_PARTITIONS: Final[dict[Partition, Partitions | None]] = {
    "date": DAILY,
    "year": YEARLY,
    "single": None,
}

TABLES: Final[tuple[tuple[Table, Partitions | None], ...]] = tuple(
    (known, _PARTITIONS[known.partition]) for known in ALL_TABLES if known.partition
)
"""Every table of the bucket; without partitions where it is in one file."""

VIEWS: Final[tuple[tuple[Table, str], ...]] = (
    (EARNINGS_VIEW, linked_earnings_sql()),
    (
        EARNINGS_SUMMARY_VIEW,
        f'SELECT\n  "date",\n{summary_columns_sql()}\nFROM {EARNINGS_VIEW.name}',
    ),
    (COMPARABLE_TEXTS_VIEW, comparable_texts_sql()),
)
"""What is computed when it is read, with the SQL that does so; each is led by the day."""

_SIMPLE_TYPES: Final[dict[type[pl.DataType], str]] = {
    pl.String: "string",
    pl.Categorical: "string",
    pl.Enum: "string",
    pl.Binary: "binary",
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Int8: "tinyint",
    pl.Int16: "smallint",
    pl.Int32: "int",
    pl.Int64: "bigint",
    pl.Float32: "float",
    pl.Float64: "double",
}


class UnmappedTypeError(TdnetAssetsError):
    """A column has a type that Athena has no name for; the message says which."""


def database(config: PlatformConfig) -> dict[str, Any]:
    """CloudFormation properties of the Glue database."""
    return {
        "CatalogId": {"Ref": "AWS::AccountId"},
        "DatabaseInput": {
            "Name": names.glue_database(config),
            "Description": f"TDnet disclosures in s3://{config.bucket}/{config.prefix}",
        },
    }


def table(
    config: PlatformConfig, declared: Table, partitions: Partitions | None, database_reference: str
) -> dict[str, Any]:
    """CloudFormation properties of one table.

    Args:
        config: says where the lake is.
        declared: the table.
        partitions: how its folders are named; None where it has none.
        database_reference: logical id of the database in the template.

    Raises:
        UnmappedTypeError: a column has a type that Athena does not know.
    """
    folder = f"s3://{config.bucket}/{config.prefix}{layout.table_prefix(declared.name)}"
    return {
        "CatalogId": {"Ref": "AWS::AccountId"},
        "DatabaseName": {"Ref": database_reference},
        "TableInput": {
            "Name": declared.name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": _projection(folder, partitions),
            # A string, as Athena's own examples have it; compared as text it is in order.
            "PartitionKeys": [
                {"Name": one.key, "Type": "string", "Comment": one.meaning}
                for one in (partitions,)
                if one
            ],
            "StorageDescriptor": {
                "Location": folder,
                "Columns": [_column(declared, column) for column in declared.columns],
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": (
                        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                    )
                },
            },
        },
    }


def view(
    config: PlatformConfig, declared: Table, select: str, database_reference: str
) -> dict[str, Any]:
    """CloudFormation properties of one view, as Athena itself stores those that it makes.

    Args:
        config: names the database.
        declared: the view; in front of its columns is the day.
        select: its SQL.
        database_reference: logical id of the database in the template.

    Raises:
        UnmappedTypeError: a column has a type that Athena does not know.
    """
    columns = (Column(DAILY.key, pl.String, DAILY.meaning), *declared.columns)
    definition = {
        "originalSql": select,
        "catalog": "awsdatacatalog",
        "schema": names.glue_database(config),
        "columns": [{"name": column.name, "type": _sql_type(column.type)} for column in columns],
    }
    encoded = base64.b64encode(json.dumps(definition).encode()).decode()
    return {
        "CatalogId": {"Ref": "AWS::AccountId"},
        "DatabaseName": {"Ref": database_reference},
        "TableInput": {
            "Name": declared.name,
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "ViewOriginalText": f"/* Presto View: {encoded} */",
            "ViewExpandedText": "/* Presto View */",
            "StorageDescriptor": {
                "Columns": [_column(declared, column) for column in columns],
                "SerdeInfo": {},
            },
        },
    }


def _sql_type(type_: pl.DataType | type[pl.DataType] | DataTypeClass) -> str:
    """What Athena's SQL calls a polars type, e.g. ``array(varchar)``."""
    match type_:
        case pl.List():
            return f"array({_sql_type(type_.inner)})"
        case pl.Struct():
            fields = (f"{field.name} {_sql_type(field.dtype)}" for field in type_.fields)
            return f"row({', '.join(fields)})"
    hive = type_name(type_)
    return {"string": "varchar", "timestamp": "timestamp(3)", "int": "integer"}.get(hive, hive)


def type_name(type_: pl.DataType | type[pl.DataType] | DataTypeClass) -> str:
    """What Glue and Athena call a polars type, e.g. ``array<string>``; times become UTC there.

    Raises:
        UnmappedTypeError: Athena has no such type.
    """
    match type_:
        case pl.List():
            return f"array<{type_name(type_.inner)}>"
        case pl.Struct():
            fields = (f"{field.name}:{type_name(field.dtype)}" for field in type_.fields)
            return f"struct<{','.join(fields)}>"
        case pl.Decimal():
            return f"decimal({type_.precision},{type_.scale})"
        case pl.Datetime() if type_.time_unit != "ns":  # Athena reads milli- and microseconds
            return "timestamp"
    kind = type_ if isinstance(type_, type) else type(type_)
    if kind not in _SIMPLE_TYPES:
        raise UnmappedTypeError(f"Athena has no type for {type_}: store the column as another one")
    return _SIMPLE_TYPES[kind]


def _column(declared: Table, column: Column) -> dict[str, str]:
    try:
        type_ = type_name(column.type)
    except UnmappedTypeError as error:
        raise UnmappedTypeError(f"column {column.name} of {declared.name}: {error}") from None
    # Glue takes no more than 255 characters of a comment.
    return {"Name": column.name, "Type": type_, "Comment": column.description[:255]}


def _projection(folder: str, partitions: Partitions | None) -> dict[str, str]:
    described = {"EXTERNAL": "TRUE", "classification": "parquet"}
    if partitions is None:
        return described
    key = f"projection.{partitions.key}"
    return {
        **described,
        "projection.enabled": "true",
        f"{key}.type": "date",
        f"{key}.format": partitions.format,
        f"{key}.interval": "1",
        f"{key}.interval.unit": partitions.unit,
        # NOW is UTC: until 09:00 in Tokyo its day is already Athena's tomorrow.
        f"{key}.range": f"{partitions.first},NOW+1DAYS",
        "storage.location.template": f"{folder}{partitions.key}=${{{partitions.key}}}/",
    }
