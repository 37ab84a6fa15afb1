"""Where things are in the lake: every key of the bucket, relative to the configured prefix.

What belongs here: names of folders and files. What does not: reading or writing them
(``resources/lake/store.py``), and the bucket and prefix themselves (``config.py``).

Hive folders ``date=YYYY-MM-DD`` let polars, DuckDB and Athena prune by day without a catalogue.
A key is built from dates and validated identifiers only, never from text of a page.
"""

import re
from datetime import UTC, date, datetime

CAPTURE_TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"

ALL_CAPTURES = "raw/listing/"
TABLES_FOLDER = "tables/"
FIRST_DAY = "first_day.txt"
"""Where the archive begins, as YYYY-MM-DD."""
REFUSALS = "refusals.json"
"""What the host has refused, and until when it is left alone: what a session tells the next."""
IMMUTABLE_FOLDERS = ("raw/", "documents/")
"""Folders in which an object is created and never written again."""

_MANIFEST = "manifest.json"
_DAY_IN_KEY = re.compile(r"/date=([0-9]{4}-[0-9]{2}-[0-9]{2})/")


def capture_id(moment: datetime) -> str:
    """The id of a capture begun at this moment, e.g. 20260610T063000.123456Z; sorts by time."""
    return moment.astimezone(UTC).strftime(CAPTURE_TIME_FORMAT)


def capture_time(capture: str) -> datetime:
    """The moment (aware, UTC) that a capture id names."""
    return datetime.strptime(capture, CAPTURE_TIME_FORMAT).replace(tzinfo=UTC)


def captures_prefix(day: date) -> str:
    """Folder of all raw captures of a day."""
    return f"{ALL_CAPTURES}date={day}/"


def capture_of_key(key: str) -> str:
    """The capture id inside a raw key."""
    return key.split("captured_at=", 1)[1].split("/", 1)[0]


def page_key(day: date, capture: str, page: int) -> str:
    """One raw list page, gzip of the bytes as they came."""
    return f"{captures_prefix(day)}captured_at={capture}/page={page:03d}.html.gz"


def manifest_key(day: date, capture: str) -> str:
    """The manifest of a capture; written last, so a capture without one is not finished."""
    return f"{captures_prefix(day)}captured_at={capture}/{_MANIFEST}"


def is_manifest(key: str) -> bool:
    """Whether a raw key is that of a manifest."""
    return key.endswith(f"/{_MANIFEST}")


def given_up_for(key: str) -> str:
    """What is taken away so that a damaged object is had again: of a raw page, its manifest.

    The capture is then no finished one any more; what is left of its pages stays for a person.
    """
    if not key.startswith(ALL_CAPTURES) or is_manifest(key):
        return key
    return f"{key.rpartition('/')[0]}/{_MANIFEST}"


def documents_prefix(day: date) -> str:
    """Folder of a day's PDFs and XBRL archives."""
    return f"documents/date={day}/"


def document_key(day: date, disclosure_id: str, kind: str) -> str:
    """One file of a disclosure; kind is ``pdf`` or ``xbrl``."""
    suffix = {"pdf": "pdf", "xbrl": "zip"}[kind]
    return f"{documents_prefix(day)}{disclosure_id}.{suffix}"


def table_prefix(table: str) -> str:
    """Folder of a table."""
    return f"{TABLES_FOLDER}{table}/"


def table_key(table: str, day: date) -> str:
    """A table's one file of a day."""
    return f"{table_prefix(table)}date={day}/data.parquet"


def table_before(table: str, day: date) -> str:
    """A key that sorts before the table's file of this day and behind those of earlier days.

    It is inside the day's folder: SeaweedFS skips a folder whose bare name it is to start behind,
    and a ``/`` at the end does not reach the server.
    """
    return f"{table_prefix(table)}date={day}/!"


def day_of_table_key(table: str, key: str) -> date | None:
    """The day whose file of the table this key is; None for any other key."""
    day = day_of_key(key)
    return day if day and key == table_key(table, day) else None


def day_of_key(key: str) -> date | None:
    """The day in a key below a folder ``date=YYYY-MM-DD``; None in any other key."""
    found = _DAY_IN_KEY.search(key)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def yearly_table_key(table: str, year: int, part: int = 0) -> str:
    """A file of a year, of a table that is kept by years; most have but one part, the first."""
    name = f"data-{part}" if part else "data"
    return f"{table_prefix(table)}year={year:04d}/{name}.parquet"


def whole_table_key(table: str) -> str:
    """The one file of a table that is kept in one for all days."""
    return f"{table_prefix(table)}data.parquet"


def template_key(digest: str) -> str:
    """A CloudFormation template, by the sha256 of its bytes."""
    return f"infrastructure/{digest}.json"
