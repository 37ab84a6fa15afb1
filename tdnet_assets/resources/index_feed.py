"""The disclosure index fed from the lake: one day, a range of days, or the days it is behind with.

What belongs here: how a day's rows and files in the lake become items of the index. Nothing here
asks TDnet for anything. What does not: writing the items (``resources/aws/index_table.py``), and
the asset that feeds a day after its disclosures (``assets/disclosure_index.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.index_table import (
    DisclosureIndexResource,
    IndexedDisclosure,
    IndexWrite,
)
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, StoredTable
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.documents import DOCUMENTS_TABLE, STORED
from tdnet_assets.tdnet.listing import TOKYO

_COLUMNS = (
    "disclosure_id",
    "disclosed_at",
    "code",
    "company_name",
    "title",
    "previous_titles",
    "category",
    "status",
    "is_correction",
    "exchanges",
    "pdf_url",
    "xbrl_url",
    "changed_at",
)

Show = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class DayFeed:
    """A day as it was fed: its rows, how many had no id to be found by, and what was written.

    ``source`` is what the register says that it was fed from.
    """

    rows: list[IndexedDisclosure]
    without_id: int
    write: IndexWrite
    source: str


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What a rebuild did: days fed, and the items over all of them."""

    days: int
    write: IndexWrite


def feed_day(lake: LakeResource, index: DisclosureIndexResource, day: date) -> DayFeed | None:
    """Make the index hold what the lake has of a day; None when the lake has nothing of it.

    A row that was deleted before it was ever seen has no id, and so no item.
    """
    listed = lake.read_table(DISCLOSURES_TABLE.name, day)
    if listed is None:
        return None
    documents = lake.read_table(DOCUMENTS_TABLE.name, day)
    files = _stored_files(documents)
    rows = [
        _indexed(day, row, lake, files)
        for row in listed.frame.select(_COLUMNS).iter_rows(named=True)
        if row["disclosure_id"] is not None
    ]
    source = feed_source(listed.etag, documents.etag if documents else None)
    write = index.replace_day(day, rows, source=source)
    return DayFeed(rows, listed.frame.height - len(rows), write, source)


def rebuild(
    config: PlatformConfig,
    first: date | None = None,
    last: date | None = None,
    show: Show = lambda line: None,
) -> Rebuild:
    """Feed every day of the lake again, whatever the index holds; asks TDnet for nothing.

    Args:
        config: with the addresses of running services.
        first: first day (JST); the lake's first when None.
        last: last day, included; the lake's last when None.
        show: gets a line for each day.

    Raises:
        LakeError: the lake cannot be read.
        IndexThrottledError: the table took too long; the days before are done.
    """
    lake = LakeResource(config=config)
    days = [
        day
        for day in _etags(lake, DISCLOSURES_TABLE.name)
        if (first is None or first <= day) and (last is None or day <= last)
    ]
    return _feed(lake, DisclosureIndexResource(config=config), days, show)


def catch_up(config: PlatformConfig, show: Show = lambda line: None) -> Rebuild:
    """Feed the days that the index has not, or not as the lake has them now.

    With nothing to do it costs a listing of either table and a read of the days' registers.
    Arguments and errors as of :func:`rebuild`.
    """
    lake, index = LakeResource(config=config), DisclosureIndexResource(config=config)
    documents = _etags(lake, DOCUMENTS_TABLE.name)
    current = {
        day: feed_source(etag, documents.get(day))
        for day, etag in _etags(lake, DISCLOSURES_TABLE.name).items()
    }
    fed = index.sources(current)
    return _feed(lake, index, [day for day in current if fed.get(day) != current[day]], show)


def _feed(
    lake: LakeResource, index: DisclosureIndexResource, days: list[date], show: Show
) -> Rebuild:
    writes = []
    for day in days:
        fed = feed_day(lake, index, day)
        if fed is None:
            continue  # gone since it was listed
        write = fed.write
        show(f"{day}: {write.put} put, {write.deleted} deleted, {write.unchanged} unchanged")
        writes.append(write)
    total = IndexWrite(
        put=sum(write.put for write in writes),
        deleted=sum(write.deleted for write in writes),
        unchanged=sum(write.unchanged for write in writes),
    )
    return Rebuild(len(writes), total)


def _etags(lake: LakeResource, table: str) -> dict[date, str]:
    """The version of a table's file of each day, in the order of the days."""
    found = (
        (layout.day_of_table_key(table, file.key), file.etag)
        for file in lake.list(layout.table_prefix(table))
    )
    return {day: etag for day, etag in found if day}


def feed_source(disclosures: str, documents: str | None) -> str:
    """What a register says of a day: the e-tags of the tables that it was fed from."""
    return f"{disclosures} {documents or 'none'}"


def _stored_files(documents: StoredTable | None) -> frozenset[tuple[str, str]]:
    """Id and kind of each file that the lake has of the day."""
    if documents is None:
        return frozenset()
    columns = documents.frame.select("disclosure_id", "kind", "status")
    return frozenset(
        (number, kind) for number, kind, status in columns.iter_rows() if status == STORED
    )


def _indexed(
    day: date, row: dict[str, Any], lake: LakeResource, files: frozenset[tuple[str, str]]
) -> IndexedDisclosure:
    links: dict[str, str | bool | None] = {}
    for kind in ("pdf", "xbrl"):
        linked = row.pop(f"{kind}_url") is not None
        key = layout.document_key(day, row["disclosure_id"], kind)
        links[f"{kind}_key"] = lake.object_key(key) if linked else None
        links[f"{kind}_stored"] = (row["disclosure_id"], kind) in files
    changed_at = row["changed_at"]
    return IndexedDisclosure(
        **{
            **row,
            **links,
            "date": day,
            "disclosed_at": row["disclosed_at"].astimezone(TOKYO),
            "changed_at": changed_at and changed_at.astimezone(TOKYO),
            "previous_titles": tuple(row["previous_titles"]),
            "exchanges": tuple(row["exchanges"]),
        }
    )
