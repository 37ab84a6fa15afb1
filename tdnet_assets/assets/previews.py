"""Tables and figures as a materialization's metadata shows them to a person.

What belongs here: a table's columns for the Dagster UI, short tables, numbers as text. What does
not: what a table is (``tables/``). A number that is metadata of its own is plotted by the UI.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

import dagster as dg

from tdnet_assets.tables.table import Table
from tdnet_assets.tdnet.foreign_text import visible

_MOST_ROWS = 10


def column_metadata(table: Table) -> dict[str, Any]:
    """A table's column schema and lineage in the form that the Dagster UI shows."""
    lineage = {
        column.name: [
            dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=name)
            for asset, name in column.sources
        ]
        for column in table.columns
        if column.sources
    }
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(column.name, column.type_name, column.description)
                for column in table.columns
            ]
        ),
        "dagster/column_lineage": dg.TableColumnLineage(lineage),
    }


def amount(value: Decimal | None) -> str:
    """An exact number for a person: thousands set apart, no idle zeros; empty for None."""
    if value is None:
        return ""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(rate: Decimal | None) -> str:
    """A fraction as a signed percentage, e.g. +25.2%; empty where there is none."""
    return "" if rate is None else f"{rate * 100:+.1f}%"


def preview(rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue | None:
    """The first ten rows for the UI, which shows cells as text, not as Markdown; None without any.

    Dagster's store keeps it for every run.
    """
    records = [
        dg.TableRecord(
            {name: "" if value is None else visible(str(value)) for name, value in row.items()}
        )
        for row in islice(rows, _MOST_ROWS)
    ]
    return dg.MetadataValue.table(records) if records else None


def shown(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as an event has it: without what there is nothing to show of."""
    return {label: value for label, value in metadata.items() if value is not None}
