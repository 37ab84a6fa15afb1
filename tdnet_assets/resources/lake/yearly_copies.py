"""A yearly copy of a daily table, in another order: for questions that would open every day.

What belongs here: what a copy contains, and bringing it up to date. The days are the truth. A copy
says inside its own file which daily files it was made of, so a reader can tell which of its days
still stand, however old it is: rows and statement come and go in one put. A year of a wide table is
in several files, by company, each of which says so of all of the year's days.

What does not: the order of a copy (``tables/``), and when it is made (``assets/``).
"""

import io
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from typing import TypeVar

import polars as pl
import stamina

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.parquet_scans import (
    DATE,
    OpenedFile,
    Schema,
    open_file,
    scan_days,
)
from tdnet_assets.resources.lake.store import (
    ConflictError,
    LakeResource,
    StoredObject,
    StoredTable,
)
from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.table import Table

# A copy costs its footer and some groups of rows: about as much as this many daily files.
FILES_WORTH_A_COPY = 4

_FOOTER = "tdnet.contents"
_READS_AT_ONCE = 8
# A part of a year's reports has 1.5 MB, the links of ten years have one.
_WHOLE_FILE_BYTES = 8 * 1024 * 1024
_ATTEMPTS = 5

_T = TypeVar("_T")


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
    """The copy of a year as it is stored: its rows, what it says of them, the size of its files.

    ``etags`` are those of its files, None of one that is not there.
    """

    frame: pl.DataFrame
    contents: Contents
    bytes: int
    etags: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class OpenedCopy:
    """The copy of a year, or those of its files that were asked for: what it says, and its rows.

    ``is_read`` says that the rows are at hand.
    """

    contents: Contents
    rows: pl.LazyFrame
    is_read: bool


@dataclass(frozen=True, slots=True)
class Update:
    """The days whose daily file was read anew, and those whose daily file is gone."""

    changed: Sequence[date]
    removed: Sequence[date]


@dataclass(frozen=True, slots=True)
class YearlyCopy:
    """The copies of one daily table: their name, the daily table, its columns, and the order.

    A year is in ``parts`` files, by company; or all years are in one file, when they are together.
    """

    lake: LakeResource
    name: str
    source: str
    schema: Schema
    order: Sequence[str]
    row_group_size: int = 8192
    parts: int = 1
    years_together: bool = False

    def key(self, year: int, part: int = 0) -> str:
        """Where the copy of a year is, or a part of it."""
        if self.years_together:
            return layout.whole_table_key(self.name)
        return layout.yearly_table_key(self.name, year, part)

    def open_years(
        self, years: Sequence[int], codes: Collection[str] | None
    ) -> Sequence[OpenedCopy | None]:
        """The copies of some years, opened at once: each costs a request or two of a distant S3.

        Without days where a file is of another layout; None where one is missing.

        Args:
            years: which.
            codes: the companies whose rows are wanted; all when None.
        """
        parts = range(self.parts) if codes is None else sorted(self._parts_of(codes) or {0})
        # Small files are read whole, in one request, where all that is in them may be wanted.
        read_whole = self.years_together or (codes is not None and self.parts > 1)
        end_bytes = _WHOLE_FILE_BYTES if read_whole else None
        opened = self._at_once(
            lambda key: open_file(self.lake, key, self.schema, end_bytes),
            [self.key(year, part) for year in years for part in parts],
        )
        starts = range(0, len(opened), len(parts))
        return [self._together(opened[start : start + len(parts)]) for start in starts]

    def _together(self, files: Sequence[OpenedFile | None]) -> OpenedCopy | None:
        found = [file for file in files if file]
        if len(found) < len(files) or not found:
            return None
        return OpenedCopy(
            self._agreed(self._contents(file.footer) for file in found),
            pl.concat([file.rows for file in found]),
            all(file.is_read for file in found),
        )

    def read(self, year: int) -> StoredCopy:
        """The whole copy of a year; without rows where there is none, or one of other columns.

        Where all years are together, it is the copy of them all.
        """
        keys = [self.key(year, part) for part in range(self.parts)]
        files = self._at_once(self.lake.read_with_head, keys)
        found = [file[0] for file in files if file]
        etags = [file[1].etag if file else None for file in files]
        size = sum(map(len, found))
        contents: Contents = {}
        if len(found) == self.parts:
            # Rows and contents of the same bytes, so that no other writer can come in between.
            contents = self._agreed(self._contents(pl.read_parquet_metadata(one)) for one in found)
        if not contents:
            return StoredCopy(pl.DataFrame(schema=dict(self.schema)), {}, size, etags)
        frames = [pl.read_parquet(io.BytesIO(one), hive_partitioning=False) for one in found]
        # The same columns in another order are those of an earlier version.
        frame = pl.concat([one.select(list(self.schema)) for one in frames])
        return StoredCopy(frame, contents, size, etags)

    def bring_up_to_date(self, year: int) -> Update:
        """Read the daily files that changed since the copy was made; write it if any did.

        Years that are together are brought up to date together.

        Raises:
            ConflictError: others write it again and again.
        """
        for attempt in stamina.retry_context(on=ConflictError, attempts=_ATTEMPTS, timeout=None):
            with attempt:
                return self._bring_up_to_date(year)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _bring_up_to_date(self, year: int) -> Update:
        stored = self.read(year)
        days = () if self.years_together else (date(year, 1, 1), date(year, 12, 31))
        files = daily_files(self.lake, self.source, *days)
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
        rows = pl.concat(frames).sort(self.order, nulls_last=True)
        # The first one last: it is what an older layout has under its name, with all companies.
        for part, etag in reversed(list(enumerate(stored.etags))):
            self.lake.put_parquet(
                self.key(year, part),
                rows.filter(self._part == part) if self.parts > 1 else rows,
                {},
                expected=etag,
                row_group_size=self.row_group_size,
                footer={_FOOTER: self._footer(contents)},
            )

    @property
    def _part(self) -> pl.Expr:
        """Which part a company's rows are in: the code in base 36 spreads them evenly."""
        number = pl.col("code").str.head(4).str.to_integer(base=36, strict=False)
        return number.fill_null(0) % self.parts

    def _parts_of(self, codes: Collection[str]) -> set[int]:
        if self.parts == 1:
            return {0}
        asked = pl.Series("code", list(codes), pl.String).to_frame()
        return set(asked.select(self._part).to_series())

    def _at_once(self, read: Callable[[str], _T], keys: Sequence[str]) -> list[_T]:
        """What is read under some keys, in their order."""
        _ = self.lake.store  # made before the threads share it
        if len(keys) <= 1:
            return [read(key) for key in keys]
        with ThreadPoolExecutor(min(len(keys), _READS_AT_ONCE)) as pool:
            return list(pool.map(read, keys))

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
        return json.dumps({"columns": self._columns(), "parts": self.parts, "days": days})

    def _contents(self, footer: Mapping[str, str]) -> Contents:
        said = json.loads(footer.get(_FOOTER, "{}"))
        # A copy of other columns or another number of parts cannot stand for the days: it is made
        # anew.
        if said.get("columns") != self._columns() or said.get("parts", 1) != self.parts:
            return {}
        return {
            date.fromisoformat(day): ContainedDay(**known) for day, known in said["days"].items()
        }

    def _columns(self) -> dict[str, str]:
        return {name: str(type_) for name, type_ in pl.Schema(self.schema).items()}

    @staticmethod
    def _agreed(contents: Iterable[Contents]) -> Contents:
        """What the files of a year say, where all say the same: else one was put without others."""
        first, *others = contents
        return first if all(one == first for one in others) else {}


def yearly_copy(lake: LakeResource, table: Table = HISTORY_TABLE) -> YearlyCopy:
    """The yearly copies that a table describes, in this lake."""
    return YearlyCopy(
        lake,
        table.name,
        table.copy_of or "",
        table.schema,
        table.order,
        table.rows_a_group,
        table.parts,
        years_together=table.partition == "single",
    )


def all_of_them(days: Days) -> Days:
    """The days as they are: none of them can be left out."""
    return days


def scan_copied(
    lake: LakeResource,
    table: Table,
    days: Days,
    *,
    codes: Collection[str] | None,
    narrowed: Callable[[Days], Days] = all_of_them,
) -> pl.LazyFrame:
    """The rows of daily files, from the yearly copies where that saves requests.

    A copy stands for the days whose file is still the one that it was made of; the other days'
    files are opened themselves, of those that may have wanted rows.

    Args:
        lake: where they are.
        table: describes the copies; the columns are its own.
        days: the daily files that are wanted.
        codes: the companies whose rows are wanted, and perhaps others come along; when None all
            are, and most of a copy should be wanted, since the whole of it is read.
        narrowed: of days that no copy stands for, those that may have rows that are wanted.
    """
    copy = yearly_copy(lake, table)
    frames, remaining = [], dict(days)
    days_of: dict[int, set[date]] = {}
    for day in days:
        days_of.setdefault(0 if copy.years_together else day.year, set()).add(day)
    files = copy.parts if codes is None else 1
    years = sorted(
        year for year, found in days_of.items() if len(found) > FILES_WORTH_A_COPY * files
    )
    for year, opened in zip(years, copy.open_years(years, codes), strict=True):
        if opened is None:
            continue
        contents = opened.contents
        true = {day for day in days_of[year] & contents.keys() if contents[day].is_of(days[day])}
        is_cheap = codes is not None or opened.is_read
        if len(true) <= (FILES_WORTH_A_COPY if is_cheap else len(contents) / 2):
            continue
        rows = opened.rows
        if true != contents.keys():
            rows = rows.filter(pl.col(DATE).is_in(sorted(true)))
        frames.append(rows)
        remaining = {day: found for day, found in remaining.items() if day not in true}
    left = narrowed(remaining) if remaining else {}
    return pl.concat([*frames, scan_days(lake, copy.source, left, table.schema)])


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
