"""Dagster's event log of the local environment: one SQLite file, opened once, long texts packed.

What belongs here: how it is opened, and how a text lies in it. What does not: where it is
(``dagster_home.py``). Dagster's own default has a file for every run, writes each event twice, and
opens its database again for each: 12 ms of CPU an event instead of 4. An event is JSON that mostly
says what every event says: packed it is a tenth as long (``python -m benchmarks.dagster_store``).
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

# What events have in common, as Dagster writes it. Homes hold texts packed with it: a better one
# would have to stand beside it, to be chosen by the checksum that zlib writes in front of a text.
COMMON_TEXT = (
    b'{"__class__": "TableMetadataEntryData", "records": [{"__class__": "TableRecord", "data": {"'
    b'"schema": {"__class__": "TableSchema", "columns": [{"__class__": "TableColumn", '
    b'"constraints": {"__class__": "TableColumnConstraints", "nullable": true, "other": [], '
    b'"unique": false}, "description": null, "name": "", "type": "string"}], '
    b'"constraints": {"__class__": "TableConstraints", "other": []}}}, "label": "'
    b'{"__class__": "BoolMetadataEntryData", "value": false}'
    b'{"__class__": "FloatMetadataEntryData", "value": '
    b'{"__class__": "JsonMetadataEntryData", "data": {"'
    b'{"__class__": "UrlMetadataEntryData", "url": "http://127.0.0.1:'
    b'/tables/date%3D20/data.parquet"}, "label": "object"}'
    b'{"__class__": "EngineEventData", "error": null, "marker_end": null, "marker_start": null, '
    b'"event_type_value": "RESOURCE_INIT_STARTED", "RESOURCE_INIT_SUCCESS", "STEP_SUCCESS", '
    b'"STEP_START", "PIPELINE_SUCCESS", "PIPELINE_START", "LOGS_CAPTURED", "ENGINE_EVENT", '
    b'{"__class__": "PythonArtifactMetadataEntryData", "module": "tdnet_assets.resources.", "name":'
    b'{"__class__": "AssetMaterializationPlannedData", "asset_key": {"__class__": "AssetKey", '
    b'"path": ["disclosures"]}, "partition": "20", "partitions_subset": null}, '
    b'"event_type_value": "ASSET_MATERIALIZATION_PLANNED", "logging_tags": {}, '
    b'"message": "collect_day intends to materialize asset '
    b'{"__class__": "EventLogEntry", "dagster_event": {"__class__": "DagsterEvent", '
    b'"event_specific_data": {"__class__": "StepMaterializationData", "asset_lineage": [], '
    b'"materialization": {"__class__": "AssetMaterialization", "asset_key": {"__class__": '
    b'"AssetKey", "path": ["financial_facts"]}, "description": null, "metadata_entries": ['
    b'{"__class__": "EventMetadataEntry", "description": null, "entry_data": {"__class__": '
    b'"IntMetadataEntryData", "value": 0}, "label": "dagster/partition_row_count"}, '
    b'{"__class__": "EventMetadataEntry", "description": null, "entry_data": {"__class__": '
    b'"TextMetadataEntryData", "text": "s3://tdnet-local/tables/date=20/data.parquet"}, '
    b'"label": "dagster/uri"}, "label": "execution"}, "label": "stored_as"}, "label": "made_in"}], '
    b'"partition": "20", "tags": {"dagster/code_version": "1", "dagster/data_version": "", '
    b'"dagster/data_version_is_user_provided": "true", "dagster/input_data_version/documents": "", '
    b'"dagster/input_event_pointer/documents": ""}}}, "event_type_value": "ASSET_MATERIALIZATION", '
    b'"message": "Materialized value listing_pages document_texts disclosure_index earnings '
    b"forecast_revisions report_figures report_links watch_notices."
    b'{"__class__": "EventLogEntry", "dagster_event": {"__class__": "DagsterEvent", '
    b'"event_specific_data": {"__class__": "AssetCheckEvaluation", "asset_key": {"__class__": '
    b'"AssetKey", "path": ["earnings"]}, "blocking": null, "check_name": "", "description": "", '
    b'"metadata": {"": {"__class__": "IntMetadataEntryData", "value": 0}}, "partition": "20", '
    b'"severity": {"__enum__": "AssetCheckSeverity.WARN"}, "severity": {"__enum__": '
    b'"AssetCheckSeverity.ERROR"}, "success": true, "target_materialization_data": null}, '
    b'"event_type_value": "ASSET_CHECK_EVALUATION", "logging_tags": {"job_name": "collect_day", '
    b'"op_name": "daily_collection", "resource_fn_name": "None", "resource_name": "None", '
    b'"run_id": "", "step_key": "daily_derivation"}, "message": "Asset check \'\' on \'\' passed. '
    b'Description: \'\'", "pid": 1, "pipeline_name": "collect_day", "solid_handle": {"__class__": '
    b'"SolidHandle", "name": "daily_derivation", "parent": null}, "step_handle": {"__class__": '
    b'"StepHandle", "key": "daily_derivation", "solid_handle": {"__class__": "SolidHandle", '
    b'"name": "daily_derivation", "parent": null}}, "solid_handle": null, "step_handle": null, '
    b'"step_key": null, "step_kind_value": null}, "step_kind_value": "COMPUTE"}, '
    b'"error_info": null, "level": 10, "message": "", "pipeline_name": "collect_day", '
    b'"run_id": "", "step_key": "daily_derivation", "timestamp": 1795723867.9675844, '
    b'"user_message": ""}'
)


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
    packer = zlib.compressobj(zdict=COMMON_TEXT)
    return packer.compress(text.encode()) + packer.flush()


def _unpacked(stored: str | bytes | None) -> str | None:
    if not isinstance(stored, bytes):
        return stored
    return zlib.decompressobj(zdict=COMMON_TEXT).decompress(stored).decode()


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
