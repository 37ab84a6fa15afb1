"""How an answer is written on standard output: a table for people, CSV, JSON and Parquet for tools.

What belongs here: the four forms, and nothing but data on standard output. What does not: what is
asked (``cli/query.py``). CSV and JSON write times in ISO 8601 with their offset and decimals
exactly, without closing zeros. CSV is for spreadsheets, so text in it can neither compute nor hide
anything; JSON and Parquet have each text exactly.
"""

import csv
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tdnet_assets.tdnet.foreign_text import in_spreadsheet, visible

# Wider than any row: a pipe gets whole cells, a terminal those that fit.
_UNLIMITED_WIDTH = 100_000
# Control characters, invisible marks that reorder text, lone surrogates, unassigned, line ends.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


class _Console(Console):
    """A console that leaves it to us what becomes of a reader that goes away."""

    def on_broken_pipe(self) -> None:
        """Rich itself would end the process with 1."""
        raise BrokenPipeError


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
        "parquet": lambda: frame.write_parquet(sys.stdout.buffer),
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
        return f"{_exact(value)}"
    return "".join(
        _escaped(letter) if unicodedata.category(letter) in _UNSAFE else letter
        for letter in str(value)
    )


def _write_table(frame: pl.DataFrame) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, type_ in frame.schema.items():
        table.add_column(
            name,
            justify="right" if type_.is_numeric() else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in frame.iter_rows():
        # Text, not str: brackets in a title are no markup.
        table.add_row(*(Text(printable(value)) for value in row))
    width = None if sys.stdout.isatty() else _UNLIMITED_WIDTH
    _Console(file=_text_output(), width=width, highlight=False, markup=False, emoji=False).print(
        table
    )


def _write_csv(frame: pl.DataFrame, output: IO[str]) -> None:
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(frame.columns)
    for row in frame.iter_rows():
        writer.writerow([_flat(value) for value in row])


def _write_json(frame: pl.DataFrame, output: IO[str]) -> None:
    separator = "[\n"
    for row in frame.iter_rows(named=True):
        # What JSON leaves as it is must not move the cursor of a terminal or reorder its line.
        text = visible(json.dumps(_plain(row), ensure_ascii=False))
        output.write(f"{separator}{text}")
        separator = ",\n"
    output.write("\n]\n" if frame.height else "[]\n")


def _text_output() -> IO[str]:
    # Titles are Japanese whatever the locale says, and a line ends with LF.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return sys.stdout


def _flat(value: object) -> object:
    """A value for a cell of CSV: lists and structs as JSON, and no text that does anything."""
    if isinstance(value, str):
        return in_spreadsheet(value)
    plain = _plain(value)
    if isinstance(plain, list | dict):
        return visible(json.dumps(plain, ensure_ascii=False))
    return plain


def _plain(value: object) -> Any:
    """A value as JSON has it: times in ISO 8601, exact decimals as text."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return _exact(value) if isinstance(value, Decimal) else value


def _exact(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
