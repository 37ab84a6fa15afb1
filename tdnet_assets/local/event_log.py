"""Dagster's event log of the local environment: one SQLite file, opened once.

What belongs here: how it is opened. What does not: where it is (``dagster_home.py``). Dagster's own
default has a file for every run, writes each event twice, and opens its database again for each:
12 ms of CPU an event instead of 4 (``python -m benchmarks.dagster_store``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry


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

        @event.listens_for(engine, "connect")
        def prepare(connection: object, entry: ConnectionPoolEntry) -> None:
            # With its write-ahead log the file stays whole; a power cut may cost the last events.
            connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[attr-defined]

        return engine

    def dispose(self) -> None:
        """Close the file; what was written ahead goes into it."""
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()
