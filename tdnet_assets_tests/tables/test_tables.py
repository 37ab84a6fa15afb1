"""What is said of the tables holds for the files of a day."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables import ALL_TABLES, ALL_VIEWS, japanese_names
from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.document import page
from tdnet_assets.tables.earnings import EARNINGS_COPY

# A day on which many companies report.
DAY = date(2026, 5, 14)


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_keys_and_order_are_columns_and_every_source_is_a_table_s_column(table):
    columns = {f"{one.name}.{name}" for one in ALL_TABLES for name in one.schema}

    assert len(table.schema) == len(table.columns)
    assert {*table.keys, *table.order} <= table.schema.keys()
    sources = {f"{asset}.{name}" for column in table.columns for asset, name in column.sources}
    assert sources <= columns | {"listing_pages.html"}


@pytest.mark.slow
def test_the_rows_of_a_day_have_different_keys_and_stand_in_the_order_that_is_said(site, pipeline):
    site.set_day(DAY, 60)
    assert pipeline.materialize(DAY).success
    copy = yearly_copy(pipeline.lake)
    copy.bring_up_to_date(DAY.year)
    stored = {HISTORY_TABLE.name: copy.read(DAY.year).frame}
    for table in ALL_TABLES:
        if found := pipeline.lake.read_table(table.name, DAY):
            stored[table.name] = found.frame

    assert {name for name, rows in stored.items() if rows.height} >= {
        "disclosures",
        "documents",
        "financial_facts",
        "earnings",
        "forecast_revisions",
        "disclosure_history",
    }
    for table in ALL_TABLES:
        if table.name in stored:
            rows = stored[table.name]
            keys = rows.select(table.keys).filter(pl.any_horizontal(pl.all().is_not_null()))
            assert keys.is_duplicated().sum() == 0, table.name
            in_order = rows.sort(table.order, nulls_last=True, maintain_order=True)
            assert_frame_equal(rows, in_order)


def test_the_page_of_the_documentation_is_what_the_tables_say():
    assert (Path(__file__).parents[2] / "docs" / "tables.md").read_text() == page(), (
        "run: python -m tdnet_assets.tables.document > docs/tables.md"
    )


def test_the_page_says_where_each_table_is():
    said = page()

    keys = {
        "date": layout.table_key("TABLE", DAY),
        "year": layout.yearly_table_key("TABLE", 2026),
        "single": layout.whole_table_key("TABLE"),
    }
    for table in ALL_TABLES:
        if table.partition:
            key = keys[table.partition].replace("TABLE", table.name)
            place = key.replace(str(DAY), "YYYY-MM-DD").replace("2026", "YYYY")
            assert f"## {table.name}\n\n{table.description}\n\n- In `{place}`" in said
    last = layout.yearly_table_key("earnings_history", 2026, EARNINGS_COPY.parts - 1)
    assert f"and, beside it, `data-1.parquet` to `{Path(last).name}`\n" in said
    assert "- In DynamoDB, in the table that `TDNET_DISCLOSURES_TABLE` names\n" in said


def test_every_table_has_a_japanese_name_and_every_name_is_of_something():
    described = [*ALL_TABLES, *ALL_VIEWS]
    columns = {column.name for table in described for column in table.columns}

    assert set(japanese_names.TABLES) == {table.name for table in described}
    assert set(japanese_names.COLUMNS) <= columns
    assert japanese_names.of_column("operating_income_prior") == "営業利益（前期）"
    assert japanese_names.of_column("revenue_change") == "売上高 増減率"
    assert japanese_names.of_column("s3_key") == ""
