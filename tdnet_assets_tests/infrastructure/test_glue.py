"""Athena's view of the lake."""

import base64
import importlib
import io
import json
import pkgutil

import polars as pl
import pytest

from tdnet_assets import tables
from tdnet_assets.infrastructure.glue import (
    DAILY,
    TABLES,
    VIEWS,
    UnmappedTypeError,
    table,
    type_name,
)
from tdnet_assets.infrastructure.template import template
from tdnet_assets.partitions import FIRST_DAY
from tdnet_assets.resources.lake import layout
from tdnet_assets.tables.disclosure_index import INDEX_TABLE
from tdnet_assets.tables.table import Column, Table
from tdnet_assets_tests.infrastructure.recorded import DAY


def _input(config, name):
    (found,) = [
        resource["Properties"]["TableInput"]
        for resource in template(config)["Resources"].values()
        if resource["Type"] == "AWS::Glue::Table"
        and resource["Properties"]["TableInput"]["Name"] == name
    ]
    return found


def test_every_table_that_is_declared_is_in_the_catalogue():
    modules = [
        importlib.import_module(f"{tables.__name__}.{found.name}")
        for found in pkgutil.iter_modules(tables.__path__)
    ]
    declared = {
        value.name
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Table) and value.view_of is None
    }

    # The index is in DynamoDB.
    assert {known.name for known, _ in TABLES} == declared - {INDEX_TABLE.name}


def test_partitions_are_projected_where_the_lake_puts_the_days(example):
    described = _input(example, "disclosures")
    parameters = described["Parameters"]

    assert described["PartitionKeys"] == [
        {"Name": "date", "Type": "string", "Comment": "JST day, YYYY-MM-DD"}
    ]
    assert "date" not in {one["Name"] for one in described["StorageDescriptor"]["Columns"]}
    assert parameters["projection.enabled"] == "true"
    assert parameters["projection.date.type"] == "date"
    assert parameters["projection.date.format"] == "yyyy-MM-dd"
    assert parameters["projection.date.interval.unit"] == "DAYS"
    # Athena's NOW is UTC: an 08:30 disclosure in Tokyo is on its tomorrow.
    assert parameters["projection.date.range"] == f"{FIRST_DAY},NOW+1DAYS"
    file = f"s3://example-lake/tdnet/{layout.table_key('disclosures', DAY)}"
    folder = parameters["storage.location.template"].replace("${date}", str(DAY))
    assert file == f"{folder}data.parquet"
    assert (
        described["StorageDescriptor"]["Location"] == "s3://example-lake/tdnet/tables/disclosures/"
    )


def test_the_yearly_copy_is_projected_by_year(example):
    described = _input(example, "disclosure_history")

    assert [key["Name"] for key in described["PartitionKeys"]] == ["year"]
    assert described["Parameters"]["projection.year.format"] == "yyyy"
    assert described["Parameters"]["projection.year.interval.unit"] == "YEARS"
    folder = described["Parameters"]["storage.location.template"].replace("${year}", "2026")
    file = f"s3://example-lake/tdnet/{layout.yearly_table_key('disclosure_history', 2026)}"
    assert file == f"{folder}data.parquet"
    types = {one["Name"]: one["Type"] for one in described["StorageDescriptor"]["Columns"]}
    assert types["date"] == "date"


@pytest.mark.parametrize(
    ("polars_type", "expected"),
    [
        (pl.String, "string"),
        (pl.Categorical(), "string"),
        (pl.Enum(["a", "b"]), "string"),
        (pl.Boolean, "boolean"),
        (pl.Int8(), "tinyint"),
        (pl.Int16(), "smallint"),
        (pl.Int32, "int"),
        (pl.Int64, "bigint"),
        (pl.Float32(), "float"),
        (pl.Float64, "double"),
        (pl.Binary, "binary"),
        (pl.Date, "date"),
        (pl.Datetime("ms", "Asia/Tokyo"), "timestamp"),
        (pl.Datetime("us"), "timestamp"),
        (pl.Decimal(38, 12), "decimal(38,12)"),
        (pl.List(pl.String), "array<string>"),
        (
            pl.List(pl.Struct({"axis": pl.String, "values": pl.List(pl.Decimal(20, 3))})),
            "array<struct<axis:string,values:array<decimal(20,3)>>>",
        ),
    ],
    ids=str,
)
def test_polars_types_have_athena_s_names(polars_type, expected):
    assert type_name(polars_type) == expected


@pytest.mark.parametrize(
    "type_", [pl.Time, pl.Datetime("ns"), pl.UInt64, pl.Duration("ms"), pl.Null]
)
def test_a_type_that_athena_cannot_read_is_refused_with_its_column(example, type_):
    strange = Table("strange", (Column("odd", type_, "none"),), description="none", keys=("odd",))

    with pytest.raises(UnmappedTypeError, match="column odd of strange: Athena has no type for"):
        table(example, strange, DAILY, "Database")


@pytest.mark.parametrize(("declared", "select"), VIEWS, ids=lambda one: getattr(one, "name", ""))
def test_a_view_is_stored_as_athena_stores_its_own(example, declared, select):
    described = _input(example, declared.name)
    text = described["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    said = json.loads(base64.b64decode(text))

    assert described["TableType"] == "VIRTUAL_VIEW"
    assert described["Parameters"]["presto_view"] == "true"
    assert (said["originalSql"], said["schema"]) == (select, "tdnet_dev")
    names = ["date", *declared.schema]
    assert [column["name"] for column in said["columns"]] == names
    assert [one["Name"] for one in described["StorageDescriptor"]["Columns"]] == names
    types = {column["name"]: column["type"] for column in said["columns"]}
    expected = {
        "date": "varchar",
        "disclosed_at": "timestamp(3)",
        "is_current": "boolean",
        "revenue": "decimal(38,12)",
        "page": "integer",
        "text_normalized": "varchar",
    }
    shared = expected.keys() & types.keys()
    assert len(shared) >= 3
    assert {name: types[name] for name in shared} == {name: expected[name] for name in shared}
    if "other_forecasts" in types:
        assert types["untagged"] == "array(varchar)"
        assert "members array(row(axis varchar, member varchar" in types["other_forecasts"]


@pytest.mark.parametrize("declared", [known for known, _ in TABLES], ids=lambda one: one.name)
def test_the_catalogue_describes_the_file_that_polars_writes(example, declared):
    file = io.BytesIO()
    declared.frame([]).write_parquet(file)
    written = pl.read_parquet_schema(io.BytesIO(file.getvalue()))
    described = _input(example, declared.name)
    keys = {key["Name"] for key in described["PartitionKeys"]}

    assert {one["Name"]: one["Type"] for one in described["StorageDescriptor"]["Columns"]} == {
        name: type_name(type_) for name, type_ in written.items() if name not in keys
    }
