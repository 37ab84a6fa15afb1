"""``disclosure_index``: a day's disclosures in DynamoDB, for look-ups by id, by code and by day.

What belongs here: the asset and its check. What does not: what its items say
(``tables/disclosure_index.py``), how a day becomes
items (``resources/index_feed.py``) and how they are written (``resources/aws/index_table.py``).
"""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

import dagster as dg

from tdnet_assets.assets.previews import column_metadata
from tdnet_assets.assets.steps import (
    CheckResult,
    DailyStep,
    Day,
    IncompleteDayError,
    Materialized,
)
from tdnet_assets.resources.aws.index_table import IndexedDisclosure
from tdnet_assets.resources.index_feed import DayFeed, feed_day
from tdnet_assets.tables.disclosure_index import INDEX_TABLE
from tdnet_assets.tables.recipes import RECIPES

NAME = "disclosure_index"
INDEX_AGREES = "index_agrees"
# A secondary index of DynamoDB trails by less than a second, but nothing promises that.
_INDEX_LAG_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 2.0

_Rows = Mapping[str, IndexedDisclosure]

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="One DynamoDB item per disclosure: read by id, or newest first by code or by day, "
    "in milliseconds. Only what differs is written; `tdnet index rebuild` makes it anew from the "
    "lake, without asking TDnet.",
    group_name=RECIPES[NAME].work,
    kinds={"dynamodb"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(INDEX_TABLE),
)


async def materialize(day: Day) -> Materialized:
    """Make the index hold the day's disclosures, and read back whether it does."""
    fed = await asyncio.to_thread(feed_day, day.lake, day.index, day.date)
    if fed is None:
        raise IncompleteDayError(f"no disclosures of {day.date} yet: materialize them first")
    expected = {row.disclosure_id: row for row in fed.rows}
    found = await _read_back(day, expected)
    check = _check(expected, found)
    if check.fails:
        # Else the register would say that the index holds the day.
        await asyncio.to_thread(day.index.forget_source, day.date)
    return Materialized(fed.source, _metadata(day, fed), [check])


async def _read_back(day: Day, expected: _Rows) -> _Rows:
    """What a user sees of the day, as soon as it is as expected or after waiting long enough."""
    deadline = monotonic() + _INDEX_LAG_SECONDS
    pause = 0.05
    while True:
        found = await asyncio.to_thread(day.index.by_day, day.date)
        by_id = {row.disclosure_id: row for row in found}
        if by_id == expected or monotonic() > deadline:
            return by_id
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _check(expected: _Rows, found: _Rows) -> CheckResult:
    groups = {
        "missing": expected.keys() - found.keys(),
        "too many": found.keys() - expected.keys(),
        "different": {
            number for number in expected.keys() & found if expected[number] != found[number]
        },
    }
    problems = [
        f"{len(ids)} {name} ({', '.join(sorted(ids)[:3])})" for name, ids in groups.items() if ids
    ]
    return CheckResult(
        INDEX_AGREES,
        passed=not problems,
        description=f"the index does not hold the day: {', '.join(problems)}; materialize it again"
        if problems
        else f"{len(found)} items, read back by day",
        metadata={"expected": len(expected), "found": len(found)},
    )


def _metadata(day: Day, fed: DayFeed) -> dict[str, Any]:
    return {
        "dagster/partition_row_count": len(fed.rows),
        "put": fed.write.put,
        "deleted": fed.write.deleted,
        "unchanged": fed.write.unchanged,
        "without_id": fed.without_id,
        "files_stored": sum(row.pdf_stored + row.xbrl_stored for row in fed.rows),
        "table": day.index.config.disclosures_table,
        "console": dg.MetadataValue.url(day.index.console_url()),
    }


DISCLOSURE_INDEX_STEP = DailyStep(
    spec=SPEC,
    checks={INDEX_AGREES: "Read back by day, the index holds just the day's rows that have an id."},
    materialize=materialize,
    counts_of_a_run=("put", "deleted"),
)
