import asyncio
import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest

from benchmarks.aws_proxy import Answer, Request, Send, proxy
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.source.disclosure_source import ExpectedFile
from tdnet_assets.resources.source.downloads import Downloads, FileOutcome, outcome_from_row
from tdnet_assets.resources.source.refusals import REFUSALS_BEFORE_THE_DOOR_IS_CLOSED
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.resources.source.tdnet_source import TdnetSource
from tdnet_assets.sample_site.day import SampleRow
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets.tables.documents import FAILED, GONE, STORED
from tdnet_assets_tests.resources.lake.test_store import new_bucket
from tdnet_assets_tests.tdnet.pdf_bombs import crashing_pdf

DAY = date(2026, 6, 10)


@pytest.fixture
def config(aws_endpoint, base_url, tmp_path) -> PlatformConfig:
    return new_bucket(aws_endpoint).changed(
        prefix="team/tdnet",
        tdnet_base_url=base_url,
        requests_per_second=0,
        home=str(tmp_path),
    )


@pytest.fixture
def rows(site: SampleSite) -> Sequence[SampleRow]:
    site.set_day(DAY, 60)
    return site.rows(DAY)


def pdf_of(row: SampleRow, *, withdrawn: bool = False) -> ExpectedFile:
    return ExpectedFile(row.disclosure_id, "pdf", row.pdf_name, withdrawn)


def archive_of(row: SampleRow) -> ExpectedFile:
    assert row.xbrl_name is not None
    return ExpectedFile(row.disclosure_id, "xbrl", row.xbrl_name, withdrawn=False)


def stored_keys(config: PlatformConfig) -> set[str]:
    """What is kept of what TDnet has sent."""
    return {found.key for found in LakeResource(config=config).list("")} - {layout.REFUSALS}


def fetched(
    config: PlatformConfig,
    files: Sequence[ExpectedFile],
    *,
    concurrency: int = 8,
    done: Callable[[FileOutcome], None] | None = None,
) -> list[FileOutcome]:
    """The outcomes in the order in which they were told."""
    outcomes: list[FileOutcome] = []
    tdnet = TdnetResource(
        config=config, attempts=3, backoff_floor_seconds=0.0001, concurrency=concurrency
    )

    async def everything() -> None:
        async with tdnet.session() as session:
            downloads = Downloads(TdnetSource(session), LakeResource(config=config), DAY)
            try:
                await downloads.fetch(files, concurrency=concurrency, done=done or outcomes.append)
            finally:
                # Whatever happened, nobody is left behind who would use the closed session.
                assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(everything())
    return outcomes


@pytest.mark.slow
def test_a_pdf_that_crashes_its_reader_is_stored_and_costs_no_other_file(
    site, config, rows, caplog
):
    files = [pdf_of(row) for row in rows[:4]]
    hostile = crashing_pdf()
    site.faults.send_instead(files[1].name, body=hostile)

    outcomes = fetched(config, files, concurrency=1)

    assert [outcome.status for outcome in outcomes] == [STORED] * 4
    assert [outcome.pages is None for outcome in outcomes] == [False, True, False, False]
    assert LakeResource(config=config).read(_key(files[1])) == hostile
    assert f"{files[1].name}: its pages are not counted" in caplog.text


def stored_outcomes(config: PlatformConfig, files: Sequence[ExpectedFile]) -> list[FileOutcome]:
    async def everything() -> list[FileOutcome]:
        async with TdnetResource(config=config).session() as session:
            downloads = Downloads(TdnetSource(session), LakeResource(config=config), DAY)
            return list(downloads.stored_outcomes(files))

    return asyncio.run(everything())


def test_a_file_is_stored_as_it_came_with_all_that_its_row_needs(site, config, rows):
    row = next(row for row in rows if row.xbrl_name)
    before = datetime.now(UTC).replace(microsecond=0)

    pdf, archive = fetched(config, [pdf_of(row), archive_of(row)], concurrency=1)

    lake = LakeResource(config=config)
    content = site.document(row.pdf_name)
    key = f"documents/date={DAY}/{row.disclosure_id}.pdf"
    assert lake.read(key) == content
    assert pdf == FileOutcome(
        disclosure_id=row.disclosure_id,
        kind="pdf",
        status=STORED,
        s3_key=f"{config.prefix}{key}",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        pages=1,
        attempts=1,
        error=None,
        fetched_at=pdf.fetched_at,
    )
    assert before <= pdf.fetched_at <= datetime.now(UTC)
    zipped = site.document(row.xbrl_name)
    assert lake.read(f"documents/date={DAY}/{row.disclosure_id}.zip") == zipped
    assert (archive.kind, archive.pages, archive.bytes) == ("xbrl", None, len(zipped))
    metadata = lake.metadata(f"documents/date={DAY}/{row.disclosure_id}.zip")
    expanded = sum(member.file_size for member in zipfile.ZipFile(io.BytesIO(zipped)).infolist())
    assert metadata is not None
    assert (metadata["Content-Type"], metadata["expanded-bytes"]) == (
        "application/zip",
        str(expanded),
    )


def test_outcomes_of_stored_files_are_found_again_in_the_lake_alone(site, config, rows):
    files = [pdf_of(row) for row in rows[:5]]
    site.faults.close(files[2].name, times=1)
    outcomes = {outcome.identity: outcome for outcome in fetched(config, files[:4])}
    asked = len(site.requests)

    found = stored_outcomes(config, files)

    assert {outcome.identity: outcome for outcome in found} == outcomes
    assert [outcome.attempts for outcome in found] == [1, 1, 2, 1]
    assert len(site.requests) == asked


@pytest.mark.parametrize(
    ("metadata", "seen"),
    [
        ({"bytes": "4"}, "KeyError: 'attempts'"),
        ({"bytes": "four", "attempts": "1", "fetched-at": "2026-06-10"}, "'four'"),
        ({"bytes": "4", "attempts": "1", "fetched-at": "yesterday"}, "'yesterday'"),
    ],
)
def test_an_object_that_something_else_put_there_is_that_files_failure_by_name(
    site, config, rows, metadata, seen
):
    lake = LakeResource(config=config)
    key = f"documents/date={DAY}/{rows[0].disclosure_id}.pdf"
    lake.put_new(key, b"%PDF", content_type="application/pdf", metadata=metadata)

    (found,) = stored_outcomes(config, [pdf_of(rows[0])])
    fetched_anew, good = fetched(config, [pdf_of(rows[0]), pdf_of(rows[1])], concurrency=1)

    assert good.status == STORED
    for outcome in (found, fetched_anew):
        assert (outcome.status, outcome.sha256) == (FAILED, None)
        assert outcome.error.startswith(f"{lake.uri(key)} was not stored by this code")
        assert seen in outcome.error
        assert outcome.error.endswith("move it away and materialize the day again")
    assert lake.read(key) == b"%PDF"


def test_an_outcome_is_read_back_from_its_row(config, rows):
    for outcome in fetched(config, [pdf_of(rows[0])]):
        assert outcome_from_row({**asdict(outcome), "date": DAY}) == outcome
        assert outcome.identity == pdf_of(rows[0]).identity


def test_so_many_files_are_in_flight_at_once_and_no_more(site, config, rows):
    files = [pdf_of(row) for row in rows[:12]]
    site.faults.wait(r"\.pdf$", seconds=0.15)

    outcomes = fetched(config, files, concurrency=4)

    assert {outcome.identity for outcome in outcomes} == {file.identity for file in files}
    assert len(outcomes) == 12
    arrivals = [seen.arrived_at for seen in site.requests]
    together = [sum(0 <= other - at < 0.15 for other in arrivals) for at in arrivals]
    assert max(together) == 4


def test_a_day_without_files_asks_for_nothing(site, config):
    assert fetched(config, []) == []
    assert site.requests == []


@pytest.mark.parametrize(
    ("answer", "outcome", "attempts"),
    [
        ((404, False), FAILED, 1),
        ((410, False), FAILED, 1),
        ((404, True), GONE, 1),
        ((410, True), GONE, 1),
        ((403, False), FAILED, 1),
        ((403, True), GONE, 1),
        ((401, True), FAILED, 1),
        ((400, True), FAILED, 1),
        ((500, True), FAILED, 3),
        ((429, True), FAILED, 3),
    ],
)
def test_only_a_file_of_a_withdrawn_row_that_tdnet_has_no_more_is_gone(
    site, config, rows, answer, outcome, attempts
):
    status, withdrawn = answer
    site.faults.answer(r"\.pdf$", status=status)

    (made,) = fetched(config, [pdf_of(rows[0], withdrawn=withdrawn)])

    assert (made.status, made.attempts) == (outcome, attempts)
    assert (made.s3_key, made.bytes, made.sha256, made.pages) == (None, None, None, None)
    assert f"answers {status}" in (made.error or "")
    assert len(site.requests) == attempts
    assert stored_keys(config) == set()


def test_one_bad_file_costs_none_of_the_others(site, config, rows):
    files = [pdf_of(row) for row in rows[:6]]
    site.faults.html_instead(files[1].name)
    site.faults.answer(files[3].name, status=404)
    site.faults.truncate_file(files[4].name, times=1)

    outcomes = {outcome.identity: outcome for outcome in fetched(config, files)}

    assert [outcomes[file.identity].status for file in files] == [
        STORED,
        FAILED,
        STORED,
        FAILED,
        STORED,
        STORED,
    ]
    assert [outcomes[file.identity].attempts for file in files] == [1, 3, 1, 1, 2, 1]
    stored = [found.key for found in LakeResource(config=config).list("documents/")]
    assert len(stored) == 4


def test_a_file_that_is_called_unchanged_though_it_was_never_had_is_a_failed_one(
    site, config, rows
):
    first, second = (pdf_of(row) for row in rows[:2])
    site.faults.answer(first.name, status=304)

    found = {one.disclosure_id: one for one in fetched(config, [first, second])}

    assert found[first.disclosure_id].status == FAILED
    assert f"{first.name}: 304 without being asked" in found[first.disclosure_id].error
    assert found[second.disclosure_id].status == STORED


@pytest.mark.slow
def test_a_bomb_is_refused_as_an_archive_and_never_stored(site, config, rows):
    row = next(row for row in rows if row.xbrl_name)
    site.faults.zip_bomb(row.xbrl_name)

    (outcome,) = fetched(config, [archive_of(row)])

    assert (outcome.status, outcome.s3_key) == (FAILED, None)
    assert stored_keys(config) == set()


def test_a_file_that_another_run_stored_meanwhile_is_taken_as_it_is_there(site, config, rows):
    row = rows[0]
    (first,) = fetched(config, [pdf_of(row)])
    site.faults.small_pdf_instead(row.pdf_name, size=700)

    (second,) = fetched(config, [pdf_of(row)])

    assert second == first
    lake = LakeResource(config=config)
    assert lake.read(f"documents/date={DAY}/{row.disclosure_id}.pdf") == site.document(row.pdf_name)


def test_a_file_that_cannot_be_put_is_one_failed_file_and_the_others_are_stored(config, rows):
    files = [pdf_of(row) for row in rows[:12]]
    refused = files[4].disclosure_id

    def pass_on(request: Request, send: Send) -> Answer:
        if request.method == "PUT" and refused in request.target:
            return Answer(400, [], b"<Error><Code>InvalidRequest</Code></Error>")
        return send()

    with proxy(config.aws_endpoint_url, pass_on) as address:
        outcomes = fetched(config.changed(aws_endpoint_url=address), files)

    by_identity = {outcome.identity: outcome for outcome in outcomes}
    failed = by_identity.pop(files[4].identity)
    assert {outcome.status for outcome in by_identity.values()} == {STORED}
    assert failed.status == FAILED
    assert failed.error.startswith(f"s3://{config.bucket}/")
    assert f"{refused}.pdf: GenericError: " in failed.error
    assert "InvalidRequest" in failed.error


def test_a_put_that_the_wire_breaks_once_is_no_failure_of_its_file(config, rows):
    broken: set[str] = set()

    def pass_on(request: Request, send: Send) -> Answer | None:
        if request.method != "PUT" or request.target in broken:
            return send()
        broken.add(request.target)
        return None

    with proxy(config.aws_endpoint_url, pass_on) as address:
        outcomes = fetched(
            config.changed(aws_endpoint_url=address), [pdf_of(row) for row in rows[:12]]
        )

    assert [outcome.status for outcome in outcomes] == [STORED] * 12
    assert len(broken) == 12


def test_a_lake_that_takes_nothing_ends_the_asking_and_every_file_says_why(site, config, rows):
    files = [pdf_of(row) for row in rows]

    outcomes = fetched(config.changed(bucket="nobodys-bucket"), files, concurrency=5)

    assert [outcome.status for outcome in outcomes] == [FAILED] * 60
    assert 20 <= len(site.requests) <= 24
    reasons = [outcome.error or "" for outcome in outcomes]
    assert sum("NoSuchBucket" in reason for reason in reasons) == len(site.requests)
    unasked = [reason for reason in reasons if reason.startswith("not asked for: the lake has ")]
    assert len(unasked) == 60 - len(site.requests)


def test_a_caller_that_cannot_go_on_ends_the_whole_fetch(site, config, rows):
    def done(_: FileOutcome) -> None:
        raise ZeroDivisionError

    site.faults.wait(rows[1].pdf_name, seconds=30)
    with pytest.raises(ZeroDivisionError):
        fetched(config, [pdf_of(row) for row in rows[:20]], concurrency=2, done=done)

    assert len(site.requests) == 2


def test_a_cancelled_fetch_leaves_whole_objects_and_the_next_one_gets_the_rest(site, config, rows):
    files = [pdf_of(row) for row in rows[:20]]
    site.faults.wait(r"\.pdf$", seconds=0.02)
    told: list[FileOutcome] = []

    def done(outcome: FileOutcome) -> None:
        told.append(outcome)
        if len(told) == 7:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        fetched(config, files, concurrency=3, done=done)
    lake = LakeResource(config=config)
    stored = {found.key for found in lake.list("documents/")}
    assert 7 <= len(stored) < 20
    left = [file for file in files if lake.read(_key(file)) is None]
    asked = len(site.requests)

    fetched(config, left)

    assert len(site.requests) - asked == len(left) == 20 - len(stored)
    for file in files:
        assert lake.read(_key(file)) == site.document(file.name)


def _key(file: ExpectedFile) -> str:
    return f"documents/date={DAY}/{file.disclosure_id}.pdf"


def test_when_tdnet_asks_to_stay_away_the_other_files_fail_without_a_request(site, config, rows):
    files = [pdf_of(row) for row in rows]
    site.faults.answer(files[4].name, status=429, retry_after="86400")

    outcomes = {outcome.identity: outcome for outcome in fetched(config, files, concurrency=1)}

    assert len(site.requests) == 5
    statuses = [outcomes[file.identity].status for file in files]
    assert statuses == [STORED] * 4 + [FAILED] * 56
    assert "asks to wait 86400 s" in (outcomes[files[4].identity].error or "")
    assert (outcomes[files[-1].identity].error or "").startswith("not asked for, because earlier")


def test_a_file_that_was_not_asked_for_is_never_gone_whatever_others_were_answered(
    site, config, rows
):
    site.faults.answer(r"\.pdf$", status=403)
    files = [pdf_of(row) for row in rows[:20]]
    withdrawn = pdf_of(rows[20], withdrawn=True)

    *_, last = fetched(config, [*files, withdrawn], concurrency=1)

    assert (last.identity, last.attempts) == (withdrawn.identity, 0)
    assert last.status == FAILED


@pytest.mark.parametrize("status", [503, 429, 403])
def test_a_site_that_refuses_every_file_is_asked_a_few_times_only(site, config, rows, status):
    site.faults.answer(r"\.(pdf|zip)$", status=status)
    files = [pdf_of(row) for row in rows if row.pdf_name]

    first = fetched(config, files)
    asked = len(site.requests)
    second = fetched(config, files)

    assert len(files) > 20
    assert {outcome.status for outcome in (*first, *second)} == {FAILED}
    # What was under way when the door was closed, with it.
    assert asked <= REFUSALS_BEFORE_THE_DOOR_IS_CLOSED + 8
    # The next session asks whether it is open again, with what may be in flight at once.
    assert len(site.requests) - asked <= 8
    not_asked = [outcome for outcome in second if not outcome.attempts]
    assert len(not_asked) >= len(files) - 8
    assert "not asked for, because earlier" in (not_asked[-1].error or "")
