"""``disclosures``: one row per disclosure of a day, as the fold of the day's captures.

What belongs here: the asset and its checks. What does not: its columns (``tables/disclosures.py``),
reading a page (``tdnet/listing.py``) and merging sightings (``tdnet/sightings.py``).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any

import dagster as dg

from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.assets.steps import (
    CheckResult,
    CollectionDay,
    DailyStep,
    Day,
    IncompleteDayError,
    Materialized,
)
from tdnet_assets.resources.day_states import listing_origin
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.readings import Reading, fold_captures, readable_pages
from tdnet_assets.resources.lake.store import ConflictError, LakeError, StoredTable
from tdnet_assets.tables.disclosures import (
    DISCLOSURES_TABLE,
    REJECTS_TABLE,
    disclosures_frame,
    known_disclosures,
)
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import READER
from tdnet_assets.tdnet.categories import categorize
from tdnet_assets.tdnet.sightings import Disclosure, in_order

NAME = "disclosures"
ROWS_COMPLETE = "rows_complete"
NO_REPLACEMENT_CHARACTERS = "no_replacement_characters"
IDS_UNIQUE = "ids_unique"
CAPTURES_READABLE = "captures_readable"
CAPTURE, CAPTURES = "capture", "captures"
"""In the object's metadata: the newest capture folded into its rows; in the file's own: all."""

# When the Tokyo Stock Exchange closes: most companies publish in the minutes after it.
_CLOSE = time(15, 30)

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="One row per disclosure: id, time, code, company, title, links and history. "
    "Retitled rows keep their old titles; deleted rows keep the id and links of their earlier "
    "sighting. Rows that could not be read are kept in the rejects table and fail the check.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet", "polars"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(DISCLOSURES_TABLE),
)


async def materialize(day: CollectionDay) -> Materialized:
    """Fold the captures that the table does not hold yet into it, and check the result."""
    stored = day.read_own(NAME)
    before = known_disclosures(stored.frame) if stored else []
    store = CaptureStore(day.lake)
    ids = store.ids(day.date)
    if day.capture and day.capture not in ids:
        raise LakeError(f"the capture {day.capture} of {day.date} was stored, but is not listed")
    reading = _fold_captures(day, store, ids, stored)
    checks = _checks(reading)
    listing = listing_origin(reading.latest, ids)
    day.state.origins["listing_pages"] = listing
    day.versions["listing_pages"] = listing.version if listing else ""
    _put_rejects(day, reading)
    made = day.put(
        NAME,
        disclosures_frame(reading.known),
        checks,
        before=stored,
        metadata={CAPTURE: reading.latest.id},
        footer={CAPTURES: ",".join(ids)},
    )
    if store.ids(day.date) != ids:
        raise ConflictError(f"another capture of {day.date} was stored while this one was folded")
    new = _identities(reading.known) - _identities(before)
    day.new_rows = frozenset(new)
    day.rows_stored(day.date, reading.known)
    day.count_listed(len(reading.known), len(reading.rejects), new=len(new))
    return replace(made, metadata=_metadata(day, reading, before, len(new)))


def _fold_captures(
    day: CollectionDay, store: CaptureStore, ids: Sequence[str], stored: StoredTable | None
) -> Reading:
    """Only what is new where the table was made by this reader, else from the first capture on.

    The table names the captures it holds, so that one which another process stored later under an
    earlier id is missed by nobody: then the order is no longer that of the table, and all are read.
    """
    current = stored is not None and stored.metadata.get(READER) == RECIPES[NAME].reader
    held = set(stored.footer.get(CAPTURES, "").split(",")) if stored and current else set()
    known = known_disclosures(stored.frame) if stored else []
    new = [capture for capture in ids if capture not in held]
    is_behind = bool(held) and all(capture > max(held) for capture in new)
    if is_behind and not new:
        latest = store.latest(day.date)
        if latest is not None and latest.id == ids[-1]:
            return Reading(known, latest, readable_pages(store, latest))
    reading = fold_captures(store, day.date, new, known) if is_behind and new else None
    reading = reading or fold_captures(store, day.date, ids)
    if reading is None:
        raise IncompleteDayError(
            f"no capture of {day.date} is in the lake: materialize listing_pages first"
        )
    # What only a damaged capture showed is known from the table alone.
    lost = _identities(known) - _identities(reading.known) if reading.damaged else set()
    kept = [seen for seen in known if not _identities([seen]).isdisjoint(lost)]
    return replace(reading, known=in_order([*reading.known, *kept])) if kept else reading


def _put_rejects(day: Day, reading: Reading) -> None:
    rows = [
        {
            "page": reject.page,
            "position": reject.position,
            "reason": reject.reason,
            "html": reject.html,
            "capture": reading.latest.id,
        }
        for reject in reading.rejects
    ]
    day.put_beside(REJECTS_TABLE, rows, {})


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
            CAPTURES_READABLE,
            passed=not reading.damaged,
            description=f"{reading.damaged[0]} ({len(reading.damaged)} in all): bring back the "
            "object's earlier version, or delete the manifest to give up what only it shows"
            if reading.damaged
            else "every capture that was needed could be read",
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
    before_close = sum(seen.clock < _CLOSE for seen in reading.known)
    busiest = min(minutes, key=lambda minute: (-minutes[minute], minute), default=None)
    categories = Counter(categorize(seen.title) for seen in reading.known)
    return {
        "dagster/partition_row_count": len(reading.known),
        "dagster/uri": day.lake.uri(layout.table_key(DISCLOSURES_TABLE.name, day.date)),
        "listed": reading.latest.total or 0,
        "new": new,
        "newly_retitled": max(0, statuses["retitled"] - earlier["retitled"]),
        "newly_deleted": max(0, statuses["deleted"] - earlier["deleted"]),
        "retitled": statuses["retitled"],
        "deleted": statuses["deleted"],
        "rejected": len(reading.rejects),
        "with_xbrl": sum(seen.xbrl_url is not None for seen in reading.known),
        "busiest_minute": f"{busiest} ({minutes[busiest]})" if busiest else "none",
        "before_the_close": before_close,
        "after_the_close": len(reading.known) - before_close,
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


def _still_holds(day: CollectionDay, shown: Mapping[str, Any]) -> bool:
    day.count_listed(shown["dagster/partition_row_count"], 0, new=0)
    return True


DISCLOSURES_STEP = DailyStep(
    spec=SPEC,
    checks={
        ROWS_COMPLETE: "Rows = 全N件, none unreadable, none gone without a mark.",
        NO_REPLACEMENT_CHARACTERS: "No U+FFFD in names, titles or history.",
        IDS_UNIQUE: "No disclosure number stands twice.",
        CAPTURES_READABLE: "Every capture that the table is folded from could be read.",
    },
    materialize=materialize,
    still_holds=_still_holds,
    counts_of_a_run=("new", "newly_retitled", "newly_deleted"),
)
