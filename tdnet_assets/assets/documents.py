"""``documents``: every PDF and XBRL archive that a day's disclosures link to.

What belongs here: the asset and its check. What does not: its columns (``tables/documents.py``),
fetching (``resources/source/downloads.py``) and what makes a file acceptable (``tdnet/files.py``).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from time import monotonic
from typing import Any

import dagster as dg

from tdnet_assets.assets.previews import column_metadata, preview
from tdnet_assets.assets.steps import CheckResult, CollectionDay, DailyStep, Materialized
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import StoredTable
from tdnet_assets.resources.source.disclosure_source import ExpectedFile
from tdnet_assets.resources.source.downloads import (
    FAILED,
    GONE,
    STORED,
    Downloads,
    FileOutcome,
    outcome_from_row,
)
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tables.wholeness import Origin

NAME = "documents"
FILES_COMPLETE = "files_complete"
SAY_EVERY_SECONDS = 5.0
"""How often a person who waits hears how far the files are."""

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
    listed = day.read("disclosures")
    before = day.read_own(NAME)
    expected = _expected_files(listed)
    downloads = Downloads(day.source, day.lake, day.date)
    outcomes = _settled_outcomes(day, downloads, expected, before) | day.fetched
    count = _DisclosureCount(day, listed, expected, outcomes)
    missing = [file for file in expected if file.identity not in outcomes]

    def done(outcome: FileOutcome) -> None:
        day.fetched[outcome.identity] = outcomes[outcome.identity] = outcome
        count.done(outcome)

    await downloads.fetch(missing, concurrency=day.concurrency, done=done)
    ordered = [outcomes[identity] for identity in sorted(outcomes)]
    made = day.put(
        NAME,
        DOCUMENTS_TABLE.frame(asdict(outcome) for outcome in ordered),
        [_check(listed, expected, ordered)],
        before=before,
    )
    return replace(made, metadata=_metadata(day, listed, ordered))


def _still_holds(day: CollectionDay, shown: Mapping[str, Any]) -> bool:
    """Whether the lake holds the very files that it held, and none has to be asked for."""
    stored = [found.bytes for found in day.lake.list(layout.documents_prefix(day.date))]
    files, size = shown["pdfs"] + shown["xbrl_archives"], shown.get("bytes")
    if shown["gone"] or (len(stored), sum(stored)) != (files, size):
        return False
    if day.counts_once(NAME):
        day.progress.settled(skipped=shown["disclosures"])
    return True


def _expected_files(listed: StoredTable) -> list[ExpectedFile]:
    """The files that the rows link to, newest rows last; a deleted row's files are still wanted."""
    rows = listed.frame.select("disclosure_id", "status", "pdf_url", "xbrl_url").iter_rows()
    return [
        ExpectedFile(disclosure_id, kind, url.rsplit("/", 1)[1], withdrawn=status == "deleted")
        for disclosure_id, status, pdf_url, xbrl_url in rows
        for kind, url in (("pdf", pdf_url), ("xbrl", xbrl_url))
        if disclosure_id and url
    ]


def _settled_outcomes(
    day: CollectionDay,
    downloads: Downloads,
    expected: list[ExpectedFile],
    before: StoredTable | None,
) -> dict[tuple[str, str], FileOutcome]:
    """Outcomes that need no request: files in the lake, and those that the list calls withdrawn.

    On a day that TDnet lists no more, that is every file.
    """
    rows = before.frame.iter_rows(named=True) if before else ()
    recorded = {outcome.identity: outcome for outcome in map(outcome_from_row, rows)}
    can_ask = day.source.lists(day.date)
    present = {
        day.lake.object_key(found.key): found.bytes
        for found in day.lake.list(layout.documents_prefix(day.date))
    }
    withdrawn = {file.identity for file in expected if file.withdrawn}
    settled = {
        outcome.identity: outcome
        for outcome in recorded.values()
        if (
            outcome.status == STORED
            and outcome.s3_key is not None
            and present.get(outcome.s3_key) == outcome.bytes
        )
        # Never asked for: it may be there when the window is wider.
        or (
            outcome.status == GONE
            and (outcome.attempts or not can_ask)
            and (outcome.identity in withdrawn or not can_ask)
        )
    }
    # A run that was killed left whole objects without rows.
    unrecorded = [
        file
        for file in expected
        if file.identity not in settled
        and day.lake.object_key(layout.document_key(day.date, file.disclosure_id, file.kind))
        in present
    ]
    settled |= {found.identity: found for found in downloads.stored_outcomes(unrecorded)}
    if not can_ask:
        settled |= {
            file.identity: downloads.not_asked(file, recorded.get(file.identity))
            for file in expected
            if file.identity not in settled
        }
    return settled


class _DisclosureCount:
    """Counts disclosures, not files: one has come to its end when its last file has."""

    def __init__(
        self,
        day: CollectionDay,
        listed: StoredTable,
        expected: Iterable[ExpectedFile],
        settled: Iterable[tuple[str, str]],
    ) -> None:
        self._day = day
        done = frozenset(settled)
        self._open = Counter(file.disclosure_id for file in expected if file.identity not in done)
        self._failed: set[str] = set()
        self._files = sum(self._open.values())
        self._left = self._files
        self._failures = 0
        self._said_at = monotonic()
        complete = listed.frame.height - len(self._open)
        new = len(day.new_rows.difference(self._open))
        if day.counts_once(NAME):
            day.progress.settled(collected=new, skipped=complete - new)

    def done(self, outcome: FileOutcome) -> None:
        """One more file has come to its end."""
        progress = self._day.progress
        progress.documents_stored += outcome.status == STORED
        number = outcome.disclosure_id
        if outcome.status == FAILED:
            progress.documents_failed += 1
            self._failed.add(number)
        self._left -= 1
        self._failures += outcome.status == FAILED
        if monotonic() - self._said_at >= SAY_EVERY_SECONDS:
            self._say()
        self._open[number] -= 1
        if not self._open[number]:
            failed = number in self._failed
            progress.settled(collected=not failed, failed=failed)

    def _say(self) -> None:
        self._said_at = monotonic()
        done = self._files - self._left
        self._day.say(f"{self._day.date} documents {done}/{self._files}, {self._failures} failed")


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
    fetched = list(day.fetched.values())
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
