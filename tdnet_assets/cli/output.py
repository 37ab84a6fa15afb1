"""How an answer is written on standard output: a table for people, CSV, JSON and Parquet for tools.

What belongs here: the four forms, and nothing but data on standard output. What does not: what is
asked (``cli/query.py``). CSV and JSON write times in ISO 8601 with their offset and decimals
exactly, without closing zeros. CSV is for spreadsheets, so text in it can neither compute nor hide
anything; JSON and Parquet have each text exactly.
"""

import csv
import io
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO

import polars as pl
from rich.cells import cell_len, set_cell_size

from tdnet_assets.tables.written_values import exact, in_csv, in_json
from tdnet_assets.tdnet.foreign_text import visible

# Wider than any row: a pipe gets whole cells, a terminal those that fit.
_UNLIMITED_WIDTH = 100_000
_GAP = "  "
# In which order columns give way to the width of a terminal, and the width that is left to them.
# All others (codes, days, times, values) are shown whole or, wider than the screen, folded by it.
_SHRINKING = {
    "title": 12,
    "line": 24,
    "text": 8,
    "category": 6,
    "status": 6,
    "company_name": 10,
    "consolidation": 6,
    "result_forecast": 6,
    "element": 16,
    "unit": 4,
}
# Where that is not enough, columns are left out: these, then any other from the right, then those
# that say which row it is.
_FIRST_LEFT_OUT = (
    "text",
    "consolidation",
    "period_start",
    "unit",
    "result_forecast",
    "status",
    "category",
    "document_type",
)
_LAST_LEFT_OUT = ("company_name", "period_end", "disclosure_id")
_FIRM = (
    "disclosed_at",
    "published_at",
    "date",
    "code",
    "title",
    "line",
    "page",
    "element",
    "item",
    "value",
)
# Control characters, invisible marks that reorder text, lone surrogates, unassigned, line ends.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def write(frame: pl.DataFrame, format_: str, shown: Sequence[str]) -> None:
    """Write a frame to standard output.

    A reader that has enough and goes away, as ``head`` does, ends the process quietly with 0.

    Args:
        frame: the answer.
        format_: table, csv, json or parquet.
        shown: columns of the table; the other forms have all.
    """
    writers: dict[str, Callable[[], None]] = {
        "table": lambda: _write_table(frame.select(shown)),
        "csv": lambda: _write_csv(frame, _text_output()),
        "json": lambda: _write_json(frame, _text_output()),
        "parquet": lambda: _write_parquet(frame),
    }
    try:
        writers[format_]()
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def printable(value: object) -> str:
    """A value as one line of text that can do a terminal no harm."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return f"{exact(value)}"
    if isinstance(value, float):
        return f"{value:.3f}"  # ratios, which a person reads; the other forms have each digit
    text = str(value)
    if text.isprintable():  # nearly all are, and are not looked at letter by letter
        return text
    return "".join(
        _escaped(letter) if unicodedata.category(letter) in _UNSAFE else letter for letter in text
    )


def _write_table(frame: pl.DataFrame) -> None:
    rows = [[printable(value) for value in row] for row in frame.iter_rows()]
    natural = {
        name: max(cell_len(name), *(cell_len(row[place]) for row in rows), 0)
        for place, name in enumerate(frame.columns)
    }
    output = _text_output()
    screen = shutil.get_terminal_size().columns if output.isatty() else _UNLIMITED_WIDTH
    widths = fitted(natural, screen)
    is_number = {name: frame.schema[name].is_numeric() for name in widths}
    places = [frame.columns.index(name) for name in widths]

    # Not rich's table: of a thousand rows it would take a second.
    def line(cells: Sequence[str]) -> str:
        return _GAP.join(
            _cell(cells[place], width, at_the_right=is_number[name])
            for place, (name, width) in zip(places, widths.items(), strict=True)
        )

    rule = "─" * (sum(widths.values()) + len(_GAP) * (len(widths) - 1))
    output.writelines(f"{one}\n" for one in (line(frame.columns), rule, *map(line, rows)))


def _cell(text: str, width: int, *, at_the_right: bool) -> str:
    """A text in so many cells of a terminal."""
    free = width - cell_len(text)
    if free < 0:
        return f"{set_cell_size(text, width - 1)}…"
    return f"{' ' * free}{text}" if at_the_right else f"{text}{' ' * free}"


def fitted(natural: Mapping[str, int], width: int) -> dict[str, int]:
    """The columns of a table that fit into a terminal, with their widths.

    Args:
        natural: the width of each column's widest cell, its name included, in cells.
        width: of the terminal, in cells.
    """
    widths = dict(natural)
    excess = sum(widths.values()) + len(_GAP) * (len(widths) - 1) - width
    for name, least in _SHRINKING.items():
        if excess > 0 and widths.get(name, 0) > least:
            cut = min(excess, widths[name] - least)
            widths[name] -= cut
            excess -= cut
    if excess > 0 and (spared := _spared(list(natural))) is not None:
        return fitted({name: natural[name] for name in natural if name != spared}, width)
    return widths


def _spared(names: Sequence[str]) -> str | None:
    """The column that is missed least; None when all are needed."""
    others = (name for name in reversed(names) if name not in {*_FIRM, *_LAST_LEFT_OUT})
    order = (*_FIRST_LEFT_OUT, *others, *_LAST_LEFT_OUT)
    return next((name for name in order if name in names), None)


def _write_csv(frame: pl.DataFrame, output: IO[str]) -> None:
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(frame.columns)
    for row in frame.iter_rows():
        writer.writerow([in_csv(value) for value in row])


def _write_json(frame: pl.DataFrame, output: IO[str]) -> None:
    separator = "[\n"
    for row in frame.iter_rows(named=True):
        # What JSON leaves as it is must not move the cursor of a terminal or reorder its line.
        text = visible(json.dumps(in_json(row), ensure_ascii=False))
        output.write(f"{separator}{text}")
        separator = ",\n"
    output.write("\n]\n" if frame.height else "[]\n")


def _write_parquet(frame: pl.DataFrame) -> None:
    # Through memory: polars takes a reader that goes away for a file that cannot be written.
    content = io.BytesIO()
    frame.write_parquet(content)
    sys.stdout.buffer.write(content.getbuffer())


def _text_output() -> IO[str]:
    # Titles are Japanese whatever the locale says, and a line ends with LF.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return sys.stdout


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
