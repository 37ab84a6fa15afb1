"""``disclosures``: one row per disclosure of a day, as the fold of the day's captures.

What belongs here: the asset and its checks. What does not: its columns (``tables/disclosures.py``),
reading a page (``tdnet/listing.py``) and merging sightings (``tdnet/sightings.py``).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from tdnet_assets.assets.charts import bar_chart
from tdnet_assets.assets.daily import CheckResult, DailyStep, Day, IncompleteDayError, Materialized
from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.readings import Reading, fold_captures, readable_pages
from tdnet_assets.resources.lake.store import StoredTable
from tdnet_assets.tables.disclosures import (
    DISCLOSURES_TABLE,
    REJECTS_TABLE,
    disclosures_frame,
    known_disclosures,
)
from tdnet_assets.tdnet.categories import categorize
from tdnet_assets.tdnet.sightings import Disclosure

# Raise it when the reading of rows changes: every day is then read anew from its raw captures.
READER_VERSION = "2"
ROWS_COMPLETE = "rows_complete"
NO_REPLACEMENT_CHARACTERS = "no_replacement_characters"
IDS_UNIQUE = "ids_unique"


SPEC = dg.AssetSpec(
    "disclosures",
    deps=["listing_pages"],
    description="One row per disclosure: id, time, code, company, title, links and history. "
    "Retitled rows keep their old titles; deleted rows keep the id and links of their earlier "
    "sighting. Rows that could not be read are kept in the rejects table and fail the check.",
    group_name="tdnet",
    kinds={"s3", "parquet", "polars"},
    code_version=READER_VERSION,
    metadata=column_metadata(DISCLOSURES_TABLE),
)


async def materialize(day: Day) -> Materialized:
    """Fold the captures that the table does not hold yet into it, and check the result."""
    stored = day.lake.read_table(DISCLOSURES_TABLE.name, day.date)
    before = known_disclosures(stored.frame) if stored else []
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
        **column_metadata(DISCLOSURES_TABLE),
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


DISCLOSURES_STEP = DailyStep(
    spec=SPEC,
    checks={
        ROWS_COMPLETE: "Rows = 全N件, none unreadable, none gone without a mark.",
        NO_REPLACEMENT_CHARACTERS: "No U+FFFD in names, titles or history.",
        IDS_UNIQUE: "No disclosure number stands twice.",
    },
    materialize=materialize,
)
