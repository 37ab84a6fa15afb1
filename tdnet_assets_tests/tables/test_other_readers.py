"""Every table's folder as people read it: polars, DuckDB, pyarrow and pandas, each by its one line.

Where one of the tools cannot be installed its tests are skipped, and say so.
"""

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables import ALL_TABLES, YEARLY_COPIES
from tdnet_assets.tables.document import READERS
from tdnet_assets.tables.table import Table
from tdnet_assets.tdnet.listing import TOKYO

# A day on which many companies report, and the one after it.
DAYS = (date(2026, 5, 14), date(2026, 5, 15))
STORED = tuple(table for table in ALL_TABLES if table.partition)

Columns = dict[str, list[Any]]


def _columns_of(tool: str, found: Any) -> Columns:
    """What a tool gives, as Python values by column."""
    match tool:
        case "polars":
            return found.to_dict(as_series=False)  # type: ignore[no-any-return]
        case "DuckDB":
            return found.to_arrow_table().to_pydict()  # type: ignore[no-any-return]
        case "pyarrow":
            return found.to_pydict()  # type: ignore[no-any-return]
    return {name: found[name].tolist() for name in found.columns}


def _plain(value: Any) -> Any:
    """A value in one form for all tools: pandas has numpy's arrays, and three names for nothing."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if str(value) == "NaT" or (isinstance(value, float) and math.isnan(value)):
        return None
    # Clock and zone as they are shown: a time in Tokyo that comes back in UTC is another one.
    return value.isoformat() if isinstance(value, datetime) else value


def _run(tool: str, folder: Path) -> Any:
    """Run the tool's lines of the documentation; the last line is what a person then has."""
    pytest.importorskip(tool.lower(), reason=f"{tool} does not install here: it was NOT tried")
    names: dict[str, Any] = {}
    *lines, last = READERS[tool].replace("FOLDER", str(folder)).splitlines()
    exec("\n".join(lines), names)  # noqa: S102 - just the lines of our own documentation
    return eval(last, names)  # noqa: S307 - as above


@pytest.fixture(scope="module")
def read() -> Callable[[str, Path], Columns]:
    return lambda tool, folder: _columns_of(tool, _run(tool, folder))


@pytest.fixture
def lake_on_disk(site, pipeline, tmp_path) -> Path:
    """The tables of two days and the yearly copies, downloaded as they are in the bucket."""
    for day in DAYS:
        site.set_day(day, 40)
    assert pipeline.materialize(*DAYS).success
    for copy in YEARLY_COPIES:
        yearly_copy(pipeline.lake, copy).bring_up_to_date(DAYS[0].year)
    written = {found.key.split("/")[1] for found in pipeline.lake.list("tables/")}
    for table in STORED:
        if table.name not in written:  # what could not be read is written only where there is some
            pipeline.lake.write_table(table.name, DAYS[0], table.frame([{}]), {})
    for found in pipeline.lake.list("tables/"):
        file = tmp_path / found.key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pipeline.lake.read(found.key))
    return tmp_path / "tables"


def _expected(table: Table, folder: Path) -> Columns:
    """The files of a table, each read on its own and without its path, and what the path says."""
    files = sorted(folder.glob("**/*.parquet"))
    frames = [pl.read_parquet(file, hive_partitioning=False) for file in files]
    columns = pl.concat(frames).to_dict(as_series=False)
    if table.partition == "single":
        return columns
    said = [file.parent.name.partition("=")[2] for file in files]
    keys = [key for key, frame in zip(said, frames, strict=True) for _ in range(frame.height)]
    return {**columns, str(table.partition): keys}


def _times(table: Table) -> Iterator[str]:
    for name, type_ in table.schema.items():
        if isinstance(type_, pl.Datetime) and type_.time_zone == TOKYO.key:
            yield name


@pytest.mark.slow
def test_every_tool_reads_every_table_s_folder_alike(lake_on_disk, read):
    for tool in READERS:
        for table in STORED:
            folder = lake_on_disk / table.name
            expected = _expected(table, folder)

            found = read(tool, folder)

            about = (tool, table.name)
            assert found.keys() == expected.keys(), about
            if (key := str(table.partition)) in expected:
                assert list(map(str, found.pop(key))) == expected.pop(key), about
            for name, values in expected.items():
                if isinstance(table.schema[name], pl.Datetime) and name not in set(_times(table)):
                    # Of a time that is not one of Tokyo only the moment is promised.
                    assert [one and one.timestamp() for one in map(_moment, found[name])] == [
                        one and one.timestamp() for one in values
                    ], (*about, name)
                else:
                    assert _plain(found[name]) == _plain(values), (*about, name)


def _moment(value: Any) -> Any:
    return None if str(value) == "NaT" else value


@pytest.mark.slow
def test_the_tables_that_are_compared_have_rows_times_of_tokyo_and_decimals(lake_on_disk):
    heights = {
        table.name: len(next(iter(_expected(table, lake_on_disk / table.name).values())))
        for table in STORED
    }

    assert heights["disclosures"] == heights["disclosure_history"] == 80
    assert all(heights[name] for name in ("documents", "financial_facts", "earnings"))
    assert all(heights[name] for name in ("report_figures", "report_figures_history"))
    assert {"disclosed_at", "changed_at"} <= set(_times(STORED[0]))
    values = pl.read_parquet(next((lake_on_disk / "financial_facts").glob("*/*.parquet")))["value"]
    assert values.dtype == pl.Decimal(38, 12)


@pytest.mark.parametrize("table", STORED, ids=lambda table: table.name)
def test_no_table_says_inside_its_file_what_its_path_says(table):
    assert table.partition not in table.schema
