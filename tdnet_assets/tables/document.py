"""The tables as a page of the documentation: ``python -m tdnet_assets.tables.document``.

What belongs here: how the page is written. What does not: anything that it says of a table.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from tdnet_assets.tables import ALL_TABLES, ALL_VIEWS, japanese_names
from tdnet_assets.tables.table import Column, Table

_FOLDERS = {"date": "date=YYYY-MM-DD/", "year": "year=YYYY/", "single": ""}
_HEAD = """# Tables

*[Documentation](README.md)*

Generated from `tdnet_assets/tables/`: change a table there, then run
`python -m tdnet_assets.tables.document > docs/tables.md`.

Days and years are those of the list in Tokyo (JST). Where a table is in the bucket is given below
the configured prefix; its folders are columns too, for every tool, and stand in no file again.
*From* names the asset and column that a column is made from. What a table is for is in the
[README](../README.md), what the words mean in [concepts.md](concepts.md).

## How to read a table

`FOLDER` is the table's own, e.g. `tables/disclosures`: in a copy on disk, or in the bucket as
`s3://BUCKET/tables/disclosures` with the tool's own settings for S3.
"""

READERS = {
    "polars": """import polars

polars.read_parquet("FOLDER")""",
    "DuckDB": """import duckdb

duckdb.sql("SET TimeZone = 'Asia/Tokyo'")
duckdb.sql("FROM 'FOLDER/**/*.parquet'")""",
    "pyarrow": """import pyarrow.dataset

pyarrow.dataset.dataset("FOLDER", partitioning="hive").to_table()""",
    "pandas": """import pandas

pandas.read_parquet("FOLDER")""",
}
"""Each tool's lines in Python; the last one is the whole table, with its folders as columns."""

_KEY_TYPES = """
The folder's `date` is a date for polars and DuckDB, and a text (`YYYY-MM-DD`) for pyarrow, for
Athena and, as a category, for pandas. DuckDB shows times in the zone of its session.
"""

_COLUMNS = {table.name: frozenset(table.columns) for table in ALL_TABLES}


def page() -> str:
    """The page, in Markdown."""
    return "\n".join(
        [
            _HEAD,
            *_readers(),
            *(line for table in (*ALL_TABLES, *ALL_VIEWS) for line in _table(table)),
        ]
    )


def _readers() -> Iterator[str]:
    for tool, lines in READERS.items():
        yield f"{tool}:\n\n```python\n{lines}\n```\n"
    yield _KEY_TYPES.lstrip()


def _table(table: Table) -> Iterator[str]:
    yield f"## {table.name}\n"
    yield f"{table.description}\n"
    yield f"- {_place(table)}"
    yield f"- In Japanese: {japanese_names.TABLES[table.name]}"
    yield f"- Key: {_names(table.keys)}"
    if table.order:
        yield f"- Sorted by {_names(table.order)}"
    yield ""
    if table.name_patterns:
        yield from _grid(
            ("name", "meaning"), [(f"`{name}`", said) for name, said in table.name_patterns.items()]
        )
    same = _COLUMNS.get(table.view_of or "", frozenset())
    own = [column for column in table.columns if column not in same]
    if len(own) < len(table.columns):
        yield f"Every other column is that of `{table.view_of}`.\n"
    for group, columns in groupby(own, key=lambda column: column.group):
        if group:
            yield f"### {group}\n"
        yield from _grid(("column", "日本語", "type", "meaning", "from"), map(_row, columns))


def _place(table: Table) -> str:
    if table.view_of is not None:
        return f"A view of `{table.view_of}`, computed when it is read"
    if table.partition is None:
        return "In DynamoDB, in the table that `TDNET_DISCLOSURES_TABLE` names"
    place = f"In `tables/{table.name}/{_FOLDERS[table.partition]}data.parquet`"
    if table.parts == 1:
        return place
    return f"{place} and, beside it, `data-1.parquet` to `data-{table.parts - 1}.parquet`"


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _row(column: Column) -> tuple[str, ...]:
    sources = _names(f"{asset}.{name}" for asset, name in column.sources)
    term = japanese_names.of_column(column.name)
    return f"`{column.name}`", term, f"`{column.type_name}`", column.description, sources


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _line(head)
    yield _line(("---",) * len(head))
    yield from map(_line, rows)
    yield ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
