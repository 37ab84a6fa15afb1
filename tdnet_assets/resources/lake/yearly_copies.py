"""A yearly copy of a daily table, in another order: for questions that would open every day.

What belongs here: what a copy contains, and bringing it up to date. The days are the truth. A copy
says inside its own file which daily files it was made of, so a reader can tell which of its days
still stand, however old it is: rows and statement come and go in one put.

What does not: the order of a copy (``tables/``), and when it is made (``assets/``).
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date

import polars as pl

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.parquet_scans import (
    DATE,
    OpenedFile,
    Schema,
    open_file,
    scan_days,
)
from tdnet_assets.resources.lake.store import LakeResource, StoredObject, StoredTable
from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.table import Table

# A copy costs its footer and some groups of rows: about as much as this many daily files.
FILES_WORTH_A_COPY = 4

_FOOTER = "tdnet.contents"
_READS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ContainedDay:
    """The daily file that a copy's rows of one day were read from."""

    etag: str
    rows: int

    def is_of(self, found: StoredObject) -> bool:
        """Whether the daily file is still the one that was read."""
        return bool(self.etag) and self.etag == found.etag


Contents = Mapping[date, ContainedDay]
Days = Mapping[date, StoredObject]


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """The copy of a year as it is stored: its rows, what it says of them, the size of its file."""

    frame: pl.DataFrame
    contents: Contents
    bytes: int


@dataclass(frozen=True, slots=True)
class Update:
    """The days whose daily file was read anew, and those whose daily file is gone."""

    changed: Sequence[date]
    removed: Sequence[date]


@dataclass(frozen=True, slots=True)
class YearlyCopy:
    """The copies of one daily table: their name, the daily table, its columns, and the order."""

    lake: LakeResource
    name: str
    source: str
    schema: Schema
    order: Sequence[str]
    row_group_size: int = 8192

    def key(self, year: int) -> str:
        """Where the copy of a year is."""
        return layout.yearly_table_key(self.name, year)

    def contents(self, year: int) -> Contents:
        """The days in the copy of a year, by its footer; none where there is no usable copy."""
        opened = self.open(year)
        return self.contents_of(opened) if opened else {}

    def open(self, year: int) -> OpenedFile | None:
        """The copy of a year; None where there is none."""
        return open_file(self.lake, self.key(year), self.schema)

    def contents_of(self, opened: OpenedFile) -> Contents:
        """The days in a copy; none where it is of other columns."""
        return self._contents(opened.footer)

    def read(self, year: int) -> StoredCopy:
        """The whole copy of a year; without rows where there is none, or one of other columns."""
        content = self.lake.read(self.key(year)) or b""
        # Rows and contents of the same bytes, so that no other writer can come in between.
        contents = self._contents(pl.read_parquet_metadata(content)) if content else {}
        if not contents:
            return StoredCopy(pl.DataFrame(schema=dict(self.schema)), {}, len(content))
        frame = pl.read_parquet(io.BytesIO(content), hive_partitioning=False)
        # The same columns in another order are those of an earlier version.
        return StoredCopy(frame.select(list(self.schema)), contents, len(content))

    def bring_up_to_date(self, year: int) -> Update:
        """Read the daily files that changed since the copy was made; write it if any did."""
        stored = self.read(year)
        files = daily_files(self.lake, self.source, date(year, 1, 1), date(year, 12, 31))
        known = {
            day for day, was in stored.contents.items() if day in files and was.is_of(files[day])
        }
        update = Update(
            changed=[day for day in files if day not in known],
            removed=sorted(stored.contents.keys() - files.keys()),
        )
        if update.changed or update.removed:
            self._write(year, stored, known, self._read_days(update.changed))
        return update

    def _write(
        self, year: int, stored: StoredCopy, known: set[date], read: Mapping[date, StoredTable]
    ) -> None:
        contents = {day: stored.contents[day] for day in known} | {
            day: ContainedDay(table.etag, table.frame.height) for day, table in read.items()
        }
        frames = [
            stored.frame.filter(pl.col(DATE).is_in(sorted(known))),
            *(self._conformed(table.frame, day) for day, table in read.items()),
        ]
        self.lake.write_parquet(
            self.key(year),
            pl.concat(frames).sort(self.order, nulls_last=True),
            {},
            row_group_size=self.row_group_size,
            footer={_FOOTER: self._footer(contents)},
        )

    def _read_days(self, days: Sequence[date]) -> dict[date, StoredTable]:
        _ = self.lake.store  # made before the threads share it
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            tables = pool.map(lambda day: self.lake.read_table(self.source, day), days)
            # A file that went away since it was listed is as good as never listed.
            return {day: table for day, table in zip(days, tables, strict=True) if table}

    def _conformed(self, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        """A daily file of any age with just the columns of today."""
        missing = [
            pl.lit(day if name == DATE else None, dtype=type_).alias(name)
            for name, type_ in self.schema.items()
            if name not in frame.columns
        ]
        return frame.with_columns(missing).select(list(self.schema)).cast(pl.Schema(self.schema))

    def _footer(self, contents: Contents) -> str:
        days = {str(day): asdict(contents[day]) for day in sorted(contents)}
        return json.dumps({"columns": self._columns(), "days": days})

    def _contents(self, footer: Mapping[str, str]) -> Contents:
        said = json.loads(footer.get(_FOOTER, "{}"))
        # A copy made with other columns cannot stand for the days: it is made anew.
        if said.get("columns") != self._columns():
            return {}
        return {
            date.fromisoformat(day): ContainedDay(**known) for day, known in said["days"].items()
        }

    def _columns(self) -> dict[str, str]:
        return {name: str(type_) for name, type_ in pl.Schema(self.schema).items()}


def yearly_copy(lake: LakeResource, table: Table = HISTORY_TABLE) -> YearlyCopy:
    """The yearly copies that a table describes, in this lake."""
    return YearlyCopy(
        lake, table.name, table.copy_of or "", table.schema, table.order, table.rows_a_group
    )


def all_of_them(days: Days) -> Days:
    """The days as they are: none of them can be left out."""
    return days


def scan_copied(
    lake: LakeResource,
    table: Table,
    days: Days,
    *,
    few: bool,
    narrowed: Callable[[Days], Days] = all_of_them,
) -> pl.LazyFrame:
    """The rows of daily files, from the yearly copies where that saves requests.

    A copy stands for the days whose file is still the one that it was made of; the other days'
    files are opened themselves, of those that may have wanted rows.

    Args:
        lake: where they are.
        table: describes the copies; the columns are its own.
        days: the daily files that are wanted.
        few: whether few rows of each day are wanted, as of some companies; else most of a copy
            should be wanted, since the whole of it is read.
        narrowed: of days that no copy stands for, those that may have rows that are wanted.
    """
    copy = yearly_copy(lake, table)
    frames, remaining = [], dict(days)
    days_of = {year: {day for day in days if day.year == year} for year in {d.year for d in days}}
    years = sorted(year for year, found in days_of.items() if len(found) > FILES_WORTH_A_COPY)
    for year, opened in zip(years, _opened(copy, years), strict=True):
        of_year = days_of[year]
        if opened is None:
            continue
        contents = copy.contents_of(opened)
        true = {day for day in of_year & contents.keys() if contents[day].is_of(days[day])}
        enough = FILES_WORTH_A_COPY if few or opened.is_read else len(contents) / 2
        if len(true) <= enough:
            continue
        rows = opened.rows
        if true != contents.keys():
            rows = rows.filter(pl.col(DATE).is_in(sorted(true)))
        frames.append(rows)
        remaining = {day: found for day, found in remaining.items() if day not in true}
    left = narrowed(remaining) if remaining else {}
    return pl.concat([*frames, scan_days(lake, copy.source, left, table.schema)])


def _opened(copy: YearlyCopy, years: Sequence[int]) -> Sequence[OpenedFile | None]:
    """The copies of some years, opened at once: each costs a request or two of a distant S3."""
    if len(years) <= 1:
        return [copy.open(year) for year in years]
    _ = copy.lake.store  # made before the threads share it
    with ThreadPoolExecutor(min(len(years), _READS_AT_ONCE)) as pool:
        return list(pool.map(copy.open, years))


def daily_files(
    lake: LakeResource, table: str, first: date | None = None, last: date | None = None
) -> dict[date, StoredObject]:
    """A table's files of the days from ``first`` to ``last``, both included, in their order."""
    found = {}
    after = layout.table_before(table, first) if first else None
    for stored in lake.list(layout.table_prefix(table), after=after):
        day = layout.day_of_table_key(table, stored.key)
        if day is None:
            continue
        if last and day > last:
            break
        found[day] = stored
    return found
