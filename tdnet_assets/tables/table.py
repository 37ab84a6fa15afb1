"""How a table is described once, for its file, Athena, the Dagster UI and the documentation alike.

What belongs here: what can be said of any table. What does not: the columns of one table (the
module that is named after it), and how Dagster shows them (``assets/previews.py``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import polars as pl

Partition = Literal["date", "year", "single"]
"""The key of a table's folders: the day (JST) of the list, or its year; single: it is one file."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: as in the file.
        type: as in the file.
        description: what it means, with the Japanese term where there is one.
        sources: the upstream (asset, column) pairs that it is computed from.
        group: heading that the documentation puts it under, where a table has many columns.
    """

    name: str
    type: pl.DataType | type[pl.DataType]
    description: str
    sources: tuple[tuple[str, str], ...] = ()
    group: str = ""

    @property
    def type_name(self) -> str:
        """The type for a person, e.g. ``List(String)``."""
        return str(self.type() if isinstance(self.type, type) else self.type)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the lake, or of the disclosure index.

    Attributes:
        name: its folder below ``tables/``.
        columns: in the order of the file.
        description: what it holds, in one sentence.
        keys: columns that tell the rows of one file apart, as far as any of them has a value.
        order: columns that a file's rows are sorted by, nulls last; empty where that is not said.
        partition: how its folders are named; None where it is not in the bucket but in DynamoDB.
        view_of: the table that it is computed from when it is read; None where it is stored.
        copy_of: the daily table that it is a copy of, in another order; None where it is no copy.
        parts: of a copy, how many files a year has, each with its share of the companies.
        rows_a_group: of a copy, and of a table that names it, rows that are read together, since
            one company's lie in a few such groups; the fewer, the larger is what a reader has to
            know before he reads.
        name_patterns: how names of columns are built, by pattern, where they are many.
    """

    name: str
    columns: Sequence[Column]
    description: str = field(kw_only=True)
    keys: Sequence[str] = field(kw_only=True)
    order: Sequence[str] = field(default=(), kw_only=True)
    partition: Partition | None = field(default="date", kw_only=True)
    view_of: str | None = field(default=None, kw_only=True)
    copy_of: str | None = field(default=None, kw_only=True)
    parts: int = field(default=1, kw_only=True)
    rows_a_group: int = field(default=8192, kw_only=True)
    name_patterns: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def schema(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """Column types by name, in order."""
        return {column.name: column.type for column in self.columns}

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
        """Rows as a frame with just these columns and types."""
        return pl.DataFrame(list(rows), schema=self.schema, orient="row")


def yearly_copy_of(
    daily: Table,
    name: str,
    *,
    order: Sequence[str],
    rows_a_group: int = 8192,
    parts: int = 1,
    years_together: bool = False,
) -> Table:
    """The yearly copy of a daily table, sorted so that few rows of a year lie together.

    It has the daily table's columns, led by ``date``, which those have in their path. Of a
    narrow table all years can be in one file.
    """
    whose = "" if years_together else "a year's "
    columns = [
        Column("date", pl.Date, "JST day whose list shows it"),
        *(replace(one, sources=((daily.name, one.name),)) for one in daily.columns),
    ]
    return Table(
        name,
        columns,
        description=f"A copy of {whose}`{daily.name}` by company, so that one company's history "
        "is read without opening every day; never the truth.",
        keys=daily.keys,
        order=order,
        partition="single" if years_together else "year",
        copy_of=daily.name,
        rows_a_group=rows_a_group,
        parts=parts,
    )
