"""``disclosures``: one row per disclosure of a day, as the fold of the day's captures.

What belongs here: the asset, its columns, and its checks. What does not: reading a page
(``tdnet/listing.py``) and merging sightings (``tdnet/sightings.py``).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from tdnet_assets.assets.charts import bar_chart
from tdnet_assets.assets.daily import CheckResult, DailyStep, Day, IncompleteDayError, Materialized
from tdnet_assets.assets.tables import Column, Table, preview
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.readings import Reading, fold_captures, readable_pages
from tdnet_assets.resources.lake.store import StoredTable
from tdnet_assets.tdnet.categories import categorize, is_correction
from tdnet_assets.tdnet.listing import normalize_title
from tdnet_assets.tdnet.sightings import Disclosure

# Raise it when the reading of rows changes: every day is then read anew from its raw captures.
READER_VERSION = "2"
SOURCE = "tdnet"
ROWS_COMPLETE = "rows_complete"
NO_REPLACEMENT_CHARACTERS = "no_replacement_characters"
IDS_UNIQUE = "ids_unique"

_KNOWN_FIELDS = tuple(field.name for field in fields(Disclosure))
_JST = pl.Datetime("ms", "Asia/Tokyo")
_UTC = pl.Datetime("us", "UTC")
_PAGE = (("listing_pages", "html"),)

DISCLOSURES_TABLE = Table(
    "disclosures",
    (
        Column(
            "disclosure_id",
            pl.String,
            "14-digit 開示番号; null only for a row never seen before its deletion",
            _PAGE,
        ),
        Column("disclosed_at", _JST, "day of the list and time of the row", _PAGE),
        Column("date", pl.Date, "JST day whose list shows the row", _PAGE),
        Column("code", pl.String, "5-character securities code, never cut", _PAGE),
        Column(
            "company_name", pl.String, "name as listed, at most 10 full-width characters", _PAGE
        ),
        Column("title", pl.String, "title in the company's own spelling", _PAGE),
        Column("title_normalized", pl.String, "title in NFKC, spaces folded", _PAGE),
        Column("category", pl.String, "kind of disclosure, from the title", _PAGE),
        Column("is_correction", pl.Boolean, "whether the title says 訂正", _PAGE),
        Column("exchanges", pl.List(pl.String), "東 名 札 福, GR, PH", _PAGE),
        Column("pdf_url", pl.String, "address of the PDF when first seen", _PAGE),
        Column("xbrl_url", pl.String, "address of the XBRL archive when first seen", _PAGE),
        Column("xbrl_kind", pl.String, "earnings or revision", _PAGE),
        Column("status", pl.String, "active, retitled or deleted", _PAGE),
        Column("previous_titles", pl.List(pl.String), "earlier titles, oldest first", _PAGE),
        Column("history", pl.String, "the row's 更新履歴 as it stands", _PAGE),
        Column("changed_at", _JST, "when TDnet says that the row changed", _PAGE),
        Column("first_seen_at", _UTC, "beginning of the first capture with the row"),
        Column("last_seen_at", _UTC, "beginning of the last stored capture with the row"),
        Column("source", pl.String, "where the row comes from"),
        Column("capture", pl.String, "id of the last stored capture with the row"),
    ),
)

REJECTS_TABLE = Table(
    "rejects",
    (
        Column("page", pl.Int32, "list page, from 1"),
        Column("position", pl.Int32, "row on the page, from 1"),
        Column("reason", pl.String, "why the row could not be read"),
        Column("html", pl.String, "the row as it came"),
        Column("capture", pl.String, "id of the capture"),
    ),
)

SPEC = dg.AssetSpec(
    "disclosures",
    deps=["listing_pages"],
    description="One row per disclosure: id, time, code, company, title, links and history. "
    "Retitled rows keep their old titles; deleted rows keep the id and links of their earlier "
    "sighting. Rows that could not be read are kept in the rejects table and fail the check.",
    group_name="tdnet",
    kinds={"s3", "parquet", "polars"},
    code_version=READER_VERSION,
    metadata=DISCLOSURES_TABLE.ui_metadata(),
)


async def materialize(day: Day) -> Materialized:
    """Fold the captures that the table does not hold yet into it, and check the result."""
    stored = day.lake.read_table(DISCLOSURES_TABLE.name, day.date)
    before = _known(stored)
    reading = _fold_captures(day, before, stored)
    checks = _checks(reading)
    complete = all(check.passed for check in checks)
    write = day.lake.write_table(
        DISCLOSURES_TABLE.name,
        day.date,
        disclosures_frame(reading.known, day.date),
        {"capture": reading.latest.id, "reader": READER_VERSION, "complete": str(complete)},
    )
    _write_rejects(day, reading)
    new = _identities(reading.known) - _identities(before)
    day.new_rows = frozenset(new)
    day.progress.listed(len(reading.known), len(reading.rejects))
    if not day.counts_documents:
        day.progress.settled(collected=len(new), skipped=len(reading.known) - len(new))
    return Materialized(write.sha256, _metadata(day, reading, before, len(new)), checks)


def _fold_captures(day: Day, before: list[Disclosure], stored: StoredTable | None) -> Reading:
    """Incrementally where the table was made by this reader, else from the first capture on."""
    store = CaptureStore(day.lake)
    current = stored is not None and stored.metadata.get("reader") == READER_VERSION
    known = before if current else []
    after = stored.metadata.get("capture") if stored and current else None
    reading = fold_captures(store, store.since(day.date, after), known)
    if reading is not None:
        return reading
    latest = store.latest(day.date)
    if latest is None:
        raise IncompleteDayError(
            f"no capture of {day.date} is in the lake: materialize listing_pages first"
        )
    return Reading(known, latest, readable_pages(store, latest))


def disclosures_frame(known: Iterable[Disclosure], day: date) -> pl.DataFrame:
    """What is known of a day as rows of the table, in their order."""
    return DISCLOSURES_TABLE.frame(_row(seen, day) for seen in known)


def _known(stored: StoredTable | None) -> list[Disclosure]:
    if stored is None:
        return []
    rows: Iterable[dict[str, Any]] = stored.frame.select(*_KNOWN_FIELDS).iter_rows(named=True)
    return [
        Disclosure(
            **{
                **row,
                "previous_titles": tuple(row["previous_titles"]),
                "exchanges": tuple(row["exchanges"]),
            }
        )
        for row in rows
    ]


def _row(seen: Disclosure, day: date) -> dict[str, Any]:
    return {
        **{name: getattr(seen, name) for name in _KNOWN_FIELDS},
        "date": day,
        "title_normalized": normalize_title(seen.title),
        "category": categorize(seen.title),
        "is_correction": is_correction(seen.title),
        "source": SOURCE,
    }


def _write_rejects(day: Day, reading: Reading) -> None:
    key = layout.table_key(REJECTS_TABLE.name, day.date)
    if not reading.rejects and day.lake.metadata(key) is None:
        return  # nothing to say, and nothing older to correct
    rows = (
        {
            "page": reject.page,
            "position": reject.position,
            "reason": reject.reason,
            "html": reject.html,
            "capture": reading.latest.id,
        }
        for reject in reading.rejects
    )
    day.lake.write_table(REJECTS_TABLE.name, day.date, REJECTS_TABLE.frame(rows), {})


def _identities(known: Iterable[Disclosure]) -> set[str]:
    """What a row is recognised by: its number, or time, code and title where it has none."""
    return {seen.disclosure_id or f"{seen.clock:%H:%M} {seen.code} {seen.title}" for seen in known}


def _checks(reading: Reading) -> Sequence[CheckResult]:
    total = reading.latest.total or 0
    rejected, vanished = len(reading.rejects), len(reading.vanished)
    problems = [
        f"{rejected} of {total} rows could not be read, see the rejects table" if rejected else "",
        f"{reading.listed} rows and {rejected} rejects, but 全{total}件"
        if reading.listed + rejected != total
        else "",
        f"{vanished} rows seen earlier are gone from the list without a mark" if vanished else "",
        f"the capture is not complete: {reading.latest.problem}"
        if not reading.latest.complete
        else "",
    ]
    problem = "; ".join(filter(None, problems))
    damaged = [
        seen.disclosure_id or seen.code
        for seen in reading.known
        if "\N{REPLACEMENT CHARACTER}" in f"{seen.title}{seen.company_name}{seen.history}"
    ]
    ids = [seen.disclosure_id for seen in reading.known if seen.disclosure_id]
    repeated = len(ids) - len(set(ids))
    return [
        CheckResult(
            ROWS_COMPLETE,
            passed=not problem,
            description=problem or f"{total} rows, 全{total}件",
            metadata={
                "listed": total,
                "rows": reading.listed,
                "rejects": rejected,
                "vanished": vanished,
            },
        ),
        CheckResult(
            NO_REPLACEMENT_CHARACTERS,
            passed=not damaged,
            description=f"U+FFFD in {', '.join(damaged[:10])}" if damaged else "none",
        ),
        CheckResult(
            IDS_UNIQUE,
            passed=not repeated,
            description=f"{repeated} numbers twice" if repeated else f"{len(ids)} numbers",
        ),
    ]


def _metadata(day: Day, reading: Reading, before: Sequence[Disclosure], new: int) -> dict[str, Any]:
    statuses = Counter(seen.status for seen in reading.known)
    earlier = Counter(seen.status for seen in before)
    minutes = Counter(f"{seen.clock:%H:%M}" for seen in reading.known)
    hours = Counter(f"{seen.clock:%H}" for seen in reading.known)
    busiest = min(minutes, key=lambda minute: (-minutes[minute], minute), default=None)
    categories = Counter(categorize(seen.title) for seen in reading.known)
    return {
        "dagster/partition_row_count": len(reading.known),
        "dagster/uri": day.lake.uri(layout.table_key(DISCLOSURES_TABLE.name, day.date)),
        **DISCLOSURES_TABLE.ui_metadata(),
        "listed": reading.latest.total or 0,
        "new": new,
        "newly_retitled": max(0, statuses["retitled"] - earlier["retitled"]),
        "newly_deleted": max(0, statuses["deleted"] - earlier["deleted"]),
        "retitled": statuses["retitled"],
        "deleted": statuses["deleted"],
        "rejected": len(reading.rejects),
        "with_xbrl": sum(seen.xbrl_url is not None for seen in reading.known),
        "busiest_minute": f"{busiest} ({minutes[busiest]})" if busiest else "none",
        "by_hour": bar_chart(
            "disclosures by hour (JST)",
            {f"{hour:02d}": hours[f"{hour:02d}"] for hour in range(7, 24)},
        ),
        "by_category": preview(
            {"category": category, "disclosures": count}
            for category, count in categories.most_common(8)
        ),
        "latest": preview(
            {
                "time": f"{seen.clock:%H:%M}",
                "code": seen.code,
                "company": seen.company_name,
                "title": seen.title,
                "status": seen.status,
            }
            for seen in reversed(reading.known[-10:])
        ),
        "object": dg.MetadataValue.url(
            day.lake.console_url(layout.table_key(DISCLOSURES_TABLE.name, day.date))
        ),
    }


DISCLOSURES = DailyStep(
    spec=SPEC,
    checks={
        ROWS_COMPLETE: "Rows = 全N件, none unreadable, none gone without a mark.",
        NO_REPLACEMENT_CHARACTERS: "No U+FFFD in names, titles or history.",
        IDS_UNIQUE: "No disclosure number stands twice.",
    },
    materialize=materialize,
)
