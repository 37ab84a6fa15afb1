"""Dagster's event log of the local environment: one SQLite file, opened once, long texts packed.

What belongs here: how it is opened, and how a text lies in it. What does not: where it is
(``dagster_home.py``). Dagster's own default has a file for every run, writes each event twice, and
opens its database again for each: 12 ms of CPU an event instead of 4. An event is JSON that repeats
itself: packed it is a third as long (``python -m benchmarks.dagster_store``).
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Dialect, Engine, Text, create_engine, event, inspect
from sqlalchemy.pool import ConnectionPoolEntry

LONG_CHARACTERS = 500
"""Names of assets, partitions and kinds of events, which SQL compares, are far below it."""


class PackedText(Text):
    """A text as SQLite has it: a long one compressed, any other as it is.

    What an earlier version has written as text is read like what is packed.
    """

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | bytes | None]:
        """How a value goes into the file."""
        return _packed

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[str | bytes | None], str | None]:
        """How a value comes out of it."""
        return _unpacked


def _packed(text: str | None) -> str | bytes | None:
    if text is None or len(text) < LONG_CHARACTERS:
        return text
    return zlib.compress(text.encode(), level=9)


def _unpacked(stored: str | bytes | None) -> str | None:
    if not isinstance(stored, bytes):
        return stored
    return zlib.decompress(stored).decode()


class OneFileEventLog(ConsolidatedSqliteEventLogStorage):
    """The event log in one file, whose connections are kept."""

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @cached_property
    def _engine(self) -> Engine:
        engine = create_engine(
            self._conn_string,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
            max_overflow=-1,  # a web server's threads do not wait for each other
        )
        engine.dialect.colspecs = {**engine.dialect.colspecs, Text: PackedText}

        @event.listens_for(engine, "connect")
        def prepare(connection: object, entry: ConnectionPoolEntry) -> None:
            # With its write-ahead log the file stays whole; a power cut may cost the last events.
            connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[attr-defined]

        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the file has a table; Dagster asks for each event, the file is asked once."""
        if table_name not in self._tables:
            with self._connect() as connection:
                self._tables.update(inspect(connection).get_table_names())
        return table_name in self._tables

    @cached_property
    def _tables(self) -> set[str]:
        return set()

    def dispose(self) -> None:
        """Close the file; what was written ahead goes into it."""
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()
