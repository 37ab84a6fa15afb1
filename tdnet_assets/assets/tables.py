"""How a table is described once, for its file and for the Dagster UI alike.

What belongs here: columns with types and descriptions, and what is derived from them. What does
not: the columns of any one table (they stand beside the asset that writes it).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import dagster as dg
import polars as pl


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``sources`` names the upstream (asset, column) pairs it is computed from."""

    name: str
    type: pl.DataType | type[pl.DataType]
    description: str
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A daily table: its folder below ``tables/`` and its columns in order."""

    name: str
    columns: Sequence[Column]

    @property
    def schema(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """Column types by name, in order."""
        return {column.name: column.type for column in self.columns}

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
        """Rows as a frame with just these columns and types."""
        return pl.DataFrame(list(rows), schema=self.schema, orient="row")

    def ui_metadata(self) -> dict[str, Any]:
        """Column schema and lineage in the form that the Dagster UI shows."""
        lineage = {
            column.name: [
                dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=name)
                for asset, name in column.sources
            ]
            for column in self.columns
            if column.sources
        }
        return {
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(column.name, _type_name(column.type), column.description)
                    for column in self.columns
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


def preview(rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """A short table for the UI; every value as text, since titles are not to be trusted as HTML."""
    records = [
        dg.TableRecord({name: "" if value is None else str(value) for name, value in row.items()})
        for row in rows
    ]
    if not records:
        records = [dg.TableRecord({"rows": "none"})]
    return dg.MetadataValue.table(records)


def _type_name(type_: pl.DataType | type[pl.DataType]) -> str:
    return str(type_() if isinstance(type_, type) else type_)
