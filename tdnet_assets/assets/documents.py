"""``documents``: every PDF and XBRL archive that a day's disclosures link to.

What belongs here: the asset and its check. What does not: its columns (``tables/documents.py``),
in which order files are fetched (``day_files.py``) and how (``resources/source/downloads.py``), and
what makes a file acceptable (``tdnet/files.py``).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import dagster as dg

from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.assets.steps import (
    CheckResult,
    CollectionDay,
    DailyStep,
    IncompleteDayError,
    Materialized,
)
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import ConflictError, StoredTable
from tdnet_assets.resources.source.disclosure_source import ExpectedFile
from tdnet_assets.resources.source.downloads import FileOutcome
from tdnet_assets.tables.documents import DOCUMENTS_TABLE, FAILED, GONE, STORED
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import Origin

NAME = "documents"
FILES_COMPLETE = "files_complete"

SPEC = dg.AssetSpec(
    NAME,
    deps=RECIPES[NAME].inputs,
    description="The PDFs and XBRL archives of a day, each stored once and whole, and a table of "
    "what became of every file that the list links to.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "parquet"},
    code_version=RECIPES[NAME].reader,
    metadata=column_metadata(DOCUMENTS_TABLE),
)


async def materialize(day: CollectionDay) -> Materialized:
    """Fetch what the lake does not hold yet of the files that the day's rows link to."""
    expect_files(day)
    await day.files.fetch(day.concurrency)
    made = put_documents(day)
    day.files.count_failures()
    return made


def _still_holds(day: CollectionDay, shown: Mapping[str, Any]) -> bool:
    """Whether the lake holds the very files that it held, and none has to be asked for."""
    stored = [found.bytes for found in day.lake.list(layout.documents_prefix(day.date))]
    files, size = shown["pdfs"] + shown["xbrl_archives"], shown.get("bytes")
    if shown["gone"] or (len(stored), sum(stored)) != (files, size):
        return False
    if day.files.listed is None:  # else they are counted
        day.progress.settled(skipped=shown["disclosures"])
    return True


def expect_files(day: CollectionDay) -> None:
    """Have the day's files follow its rows as they are stored."""
    day.files.expect(day.read("disclosures"), lambda: day.read_own(NAME), day.new_rows)
    day.new_rows = frozenset()


def put_documents(day: CollectionDay) -> Materialized:
    """Store what has become of the day's files so far; its check says what is left.

    Raises:
        ConflictError: another writer has stored it meanwhile; the files are to be expected anew.
    """
    files = day.files
    if files.listed is None:
        raise IncompleteDayError(f"no files of {day.date} are expected yet")
    day.versions["disclosures"] = Origin.from_metadata(files.listed.metadata).version
    ordered = [files.outcomes[identity] for identity in sorted(files.outcomes)]
    check = _check(files.listed, list(files.expected.values()), ordered)
    frame = DOCUMENTS_TABLE.frame(asdict(outcome) for outcome in ordered)
    try:
        made = day.put(NAME, frame, [check], before=files.before)
    except ConflictError:
        files.forget()
        raise
    files.before = None
    return replace(made, metadata=_metadata(day, files.listed, ordered))


def _check(
    listed: StoredTable, expected: list[ExpectedFile], outcomes: list[FileOutcome]
) -> CheckResult:
    """Only files of rows that the list calls deleted need not be there."""
    withdrawn = {file.identity for file in expected if file.withdrawn}
    statuses = Counter(outcome.status for outcome in outcomes)
    failed = [outcome for outcome in outcomes if outcome.status == FAILED]
    lost = [
        outcome
        for outcome in outcomes
        if outcome.status == GONE and outcome.identity not in withdrawn
    ]
    problems = [
        f"{len(failed)} of {len(expected)} files could not be stored, {_first(failed)}; "
        "they are asked for again as long as TDnet lists the day"
        if failed
        else "",
        f"{len(lost)} of {len(expected)} files cannot be had any more, {_first(lost)}"
        if lost
        else "",
    ]
    not_asked = len(expected) - len(outcomes)
    if not_asked > 0:
        problems.append(f"{not_asked} of {len(expected)} files are not asked for yet")
    problem = "; ".join(filter(None, problems))
    if not problem and Origin.from_metadata(listed.metadata).result:
        problem = (
            f"the files of all {listed.frame.height} known rows are there, but the day's list is "
            "not complete: see the checks of disclosures"
        )
    return CheckResult(
        FILES_COMPLETE,
        passed=not problem and statuses[STORED] + statuses[GONE] == len(expected),
        description=problem or f"{statuses[STORED]} stored, {statuses[GONE]} gone",
        metadata={
            "expected": len(expected),
            "stored": statuses[STORED],
            "gone": statuses[GONE],
            "failed": statuses[FAILED],
        },
    )


def _first(outcomes: list[FileOutcome]) -> str:
    one = outcomes[0]
    return f"first {one.disclosure_id} {one.kind}: {one.error}"


def _metadata(
    day: CollectionDay, listed: StoredTable, outcomes: list[FileOutcome]
) -> dict[str, Any]:
    kinds = Counter(outcome.kind for outcome in outcomes if outcome.status == STORED)
    fetched = list(day.files.fetched.values())
    stored_now = [outcome for outcome in fetched if outcome.status == STORED]
    troubled = [outcome for outcome in outcomes if outcome.status != STORED]
    return {
        "dagster/partition_row_count": len(outcomes),
        "dagster/uri": day.lake.uri(layout.documents_prefix(day.date)),
        "pdfs": kinds["pdf"],
        "xbrl_archives": kinds["xbrl"],
        "fetched_now": len(stored_now),
        "retried": sum(outcome.attempts > 1 for outcome in fetched),
        "gone": sum(outcome.status == GONE for outcome in outcomes),
        "failed": sum(outcome.status == FAILED for outcome in outcomes),
        "disclosures": listed.frame.height,
        "bytes": sum(outcome.bytes or 0 for outcome in outcomes if outcome.status == STORED),
        "pdf_pages": sum(outcome.pages or 0 for outcome in outcomes),
        "not_stored": preview(
            {
                "disclosure": outcome.disclosure_id,
                "kind": outcome.kind,
                "status": outcome.status,
                "error": outcome.error,
            }
            for outcome in troubled[:10]
        ),
        "object": dg.MetadataValue.url(
            day.lake.console_url(layout.table_key(DOCUMENTS_TABLE.name, day.date))
        ),
    }


DOCUMENTS_STEP = DailyStep(
    spec=SPEC,
    checks={FILES_COMPLETE: "The list is complete, and stored + gone = the files it links to."},
    materialize=materialize,
    still_holds=_still_holds,
    counts_of_a_run=("fetched_now", "retried"),
)
