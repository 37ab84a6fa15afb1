"""The failures of earlier collectors, each replayed through the real code location.

The parser's own incidents stand in ``tdnet/test_listing.py``, the record's in
``resources/test_executions.py``; here is what they do to a materialized day.
"""

from datetime import date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from tdnet_assets.catalog import scan_disclosures
from tdnet_assets.definitions import DAILY_ASSETS
from tdnet_assets.resources.aws.metrics import MetricsResource
from tdnet_assets.sample_site.page import list_page
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import start, variables
from tdnet_assets_tests.local.processes import wait_until
from tdnet_assets_tests.resources.aws.test_metrics import answering

ASSETS = [key.to_user_string() for key in DAILY_ASSETS]
DAY = date(2026, 6, 10)
WEEKEND = date(2026, 6, 13)


def _documents_requested(site, since=0):
    return [seen.path for seen in site.requests[since:] if seen.path.endswith((".pdf", ".zip"))]


def test_names_with_full_width_prefixes_arrive_without_replacement_characters(site, pipeline):
    site.set_day(DAY, 180)

    result = pipeline.materialize(DAY, select=["listing_pages", "disclosures"])

    names = pipeline.table("disclosures", DAY)["company_name"].to_list()
    assert any(name.startswith("Ｇ－") for name in names)
    assert not any("\N{REPLACEMENT CHARACTER}" in name for name in names)
    assert sorted(names) == sorted(row.company_name for row in site.rows(DAY))
    assert pipeline.checks(result, "no_replacement_characters") == {str(DAY): True}


def test_bytes_in_another_charset_are_refused_and_kept(site, pipeline):
    site.set_day(DAY, 30)
    site.faults.wrong_charset(r"I_list_001")

    result = pipeline.materialize(DAY)

    assert not result.success
    assert "not UTF-8" in pipeline.failure(result)
    (raw,) = [key for key in pipeline.objects() if key.endswith(".html.gz")]
    assert f"raw/listing/date={DAY}/" in raw
    assert raw in pipeline.failure(result)


@pytest.mark.slow
def test_2694_rows_over_27_pages_become_2694_keys(site, pipeline):
    site.set_day(DAY, 2694)

    result = pipeline.materialize(DAY, select=["listing_pages", "disclosures"])

    assert result.success
    ids = pipeline.table("disclosures", DAY)["disclosure_id"]
    assert ids.drop_nulls().n_unique() == ids.drop_nulls().len()
    assert ids.len() == 2694
    assert sum("I_list" in seen.path for seen in site.requests) == 27
    assert pipeline.record(result).total_count == 2694


@pytest.mark.slow
def test_an_unreadable_row_costs_only_itself_and_fails_the_check(site, pipeline):
    site.set_day(DAY, 450)
    site.faults.malformed_row(DAY, page=3, position=7, kind="bad_time")

    result = pipeline.materialize(DAY)

    assert not result.success
    assert pipeline.table("disclosures", DAY).height == 449
    (reject,) = pipeline.table("rejects", DAY).to_dicts()
    assert (reject["page"], reject["position"]) == (3, 7)
    assert "25:61" in reject["html"]
    assert pipeline.checks(result, "rows_complete") == {str(DAY): False}
    assert pipeline.materialized(result) == {"listing_pages": [str(DAY)]}
    # The good rows' documents are fetched all the same: TDnet will not have them for ever.
    pdfs = pipeline.table("documents", DAY).filter(pl.col("kind") == "pdf")
    assert set(pdfs["status"]) == {"stored"}
    assert pdfs.height >= 440
    assert pipeline.checks(result, "files_complete") == {str(DAY): False}
    record = pipeline.record(result)
    assert (record.status, record.rejected_count, record.total_count) == ("failed", 1, 450)


@pytest.mark.slow
def test_the_rejects_are_cleared_when_the_row_can_be_read_again(site, pipeline):
    site.set_day(DAY, 30)
    site.faults.malformed_row(DAY, page=1, position=2, kind="missing_cell")
    pipeline.materialize(DAY)
    site.faults.clear()
    site.publish(DAY, 1)

    result = pipeline.materialize(DAY)

    assert result.success
    assert pipeline.table("rejects", DAY).height == 0
    assert pipeline.table("disclosures", DAY).height == 31


def test_a_page_with_neither_a_table_nor_the_empty_day_text_is_a_failure(site, pipeline):
    site.set_day(DAY, 30)
    site.faults.bare_page(r"I_list_001")

    result = pipeline.materialize(DAY)

    assert not result.success
    assert pipeline.materialized(result) == {}


def test_a_day_without_disclosures_is_a_success_with_no_rows(pipeline):
    result = pipeline.materialize(WEEKEND)

    assert result.success
    assert pipeline.table("disclosures", WEEKEND).height == 0
    assert pipeline.materialized(result) == {name: [str(WEEKEND)] for name in ASSETS}
    record = pipeline.record(result)
    assert (record.status, record.total_count, record.progress) == ("completed", 0, 100)


@pytest.mark.slow
def test_a_missing_page_in_the_middle_is_a_failure_that_keeps_the_rows_before_it(site, pipeline):
    site.set_day(DAY, 450)
    site.faults.answer(r"I_list_002", status=404)

    result = pipeline.materialize(DAY)

    assert not result.success
    assert "page 2 of 5" in pipeline.failure(result)
    assert pipeline.table("disclosures", DAY).height == 100
    assert "disclosures" not in pipeline.materialized(result)


@pytest.mark.parametrize("after_page", [1, 2])
def test_rows_added_while_paging_are_all_there_once(site, pipeline, after_page):
    site.set_day(DAY, 250)
    site.faults.grow_after(DAY, page=after_page, rows=3, times=2)

    result = pipeline.materialize(DAY, select=["listing_pages", "disclosures"])

    assert result.success
    table = pipeline.table("disclosures", DAY)
    assert table.height == len(site.rows(DAY))
    listed = {row.disclosure_id for row in site.rows(DAY)}
    assert set(table["disclosure_id"].drop_nulls()) <= listed
    assert table["disclosure_id"].drop_nulls().is_unique().all()


def test_a_list_that_never_settles_is_a_failure_whose_rows_are_kept(site, pipeline):
    site.set_day(DAY, 150)
    site.faults.grow_after(DAY, page=1, rows=1, times=None)

    result = pipeline.materialize(DAY, select=["listing_pages", "disclosures"])

    assert not result.success
    assert "not complete after 6 readings" in pipeline.failure(result)
    assert pipeline.table("disclosures", DAY).height >= 150


@pytest.mark.slow
def test_a_row_that_is_not_on_its_page_is_a_failure_and_the_others_are_kept(site, pipeline):
    site.set_day(DAY, 150)
    whole = list_page(DAY, 2, site.rows(DAY))
    first = whole.index(b"<tr", whole.index(b"main-list-table"))
    behind = whole.index(b"</tr>", first) + len(b"</tr>")
    site.faults.send_instead(r"I_list_002", whole[:first] + whole[behind:])

    result = pipeline.materialize(DAY)

    assert not result.success
    assert "announces rows 101 to 150, 1 more than it holds" in pipeline.failure(result)
    assert pipeline.table("disclosures", DAY).height == 149


@pytest.mark.slow
def test_a_second_materialization_asks_for_no_document_and_writes_nothing(site, pipeline):
    site.set_day(DAY, 130)
    first = pipeline.materialize(DAY)
    before, requests = pipeline.objects(), len(site.requests)

    second = pipeline.materialize(DAY)

    assert first.success
    assert second.success
    assert pipeline.objects() == before
    assert _documents_requested(site, since=requests) == []
    assert len(site.requests) - requests == 2
    record = pipeline.record(second)
    assert (record.collected_count, record.skipped_count) == (0, 130)


@pytest.mark.slow
def test_a_changed_day_costs_a_new_capture_and_the_new_files_only(site, pipeline):
    site.set_day(DAY, 30)
    pipeline.materialize(DAY)
    before, requests = pipeline.objects(), len(site.requests)
    (added,) = site.publish(DAY, 1)

    result = pipeline.materialize(DAY)

    names = {name for name in (added.pdf_name, added.xbrl_name) if name}
    asked = {path.rsplit("/", 1)[1] for path in _documents_requested(site, since=requests)}
    assert asked == names
    new = set(pipeline.objects()) - set(before)
    assert {key.split("/")[0] for key in new} == {"raw", "documents"}
    record = pipeline.record(result)
    assert (record.collected_count, record.skipped_count) == (1, 30)


@pytest.mark.slow
def test_deleted_and_retitled_rows_are_recorded_and_nothing_is_lost(site, pipeline):
    site.set_day(DAY, 40)
    pipeline.materialize(DAY)
    active = [row for row in site.rows(DAY) if row.state == "active"]
    gone, renamed = active[3], active[4]
    files = {key for key in pipeline.objects() if key.startswith("documents/")}
    site.delete(gone.disclosure_id, at=datetime(2026, 6, 12, 16, 56, tzinfo=TOKYO))
    site.retitle(renamed.disclosure_id, "新しい表題", at=datetime(2026, 6, 12, 17, 1, tzinfo=TOKYO))

    result = pipeline.materialize(DAY)

    assert result.success
    table = pipeline.table("disclosures", DAY)
    (deleted,) = table.filter(pl.col("disclosure_id") == gone.disclosure_id).to_dicts()
    assert deleted["status"] == "deleted"
    assert deleted["title"] == gone.title
    assert deleted["pdf_url"].endswith(gone.pdf_name)
    assert deleted["changed_at"] == datetime(2026, 6, 12, 16, 56, tzinfo=TOKYO)
    assert deleted["first_seen_at"] < deleted["last_seen_at"]
    (retitled,) = table.filter(pl.col("disclosure_id") == renamed.disclosure_id).to_dicts()
    assert retitled["status"] == "retitled"
    assert retitled["title"] == "新しい表題"
    assert retitled["previous_titles"] == [renamed.title]
    assert files <= set(pipeline.objects())
    assert table.height == 40


@pytest.mark.slow
def test_two_rows_deleted_before_they_were_ever_seen_leave_the_day_whole_at_once(site, pipeline):
    site.set_day(DAY, 12)
    for row in [row for row in site.rows(DAY) if row.state == "active"][:2]:
        site.delete(row.disclosure_id, at=datetime(2026, 6, 10, 16, 56, tzinfo=TOKYO))

    result = pipeline.materialize(DAY)

    assert result.success
    assert len([seen for seen in site.requests if "I_list" in seen.path]) == 1
    assert pipeline.table("disclosures", DAY)["disclosure_id"].null_count() == 2
    evaluations = pipeline.logged(result, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    assert len(evaluations) > 5
    assert all(event.event_specific_data.passed for event in evaluations)


@pytest.mark.slow
def test_documents_are_retried_refused_or_accepted_by_what_they_are(site, pipeline):
    site.set_day(DAY, 12)
    linked = [row for row in site.rows(DAY) if row.pdf_name]
    html, cut, tiny, missing = (row.pdf_name for row in linked[:4])
    site.faults.html_instead(html)
    site.faults.truncate_file(cut, times=2)
    site.faults.small_pdf_instead(tiny, size=600)
    site.faults.answer(missing, status=404)

    result = pipeline.materialize(DAY)

    outcomes = {
        row["disclosure_id"]: row
        for row in pipeline.table("documents", DAY).filter(pl.col("kind") == "pdf").to_dicts()
    }
    refused = outcomes[linked[0].disclosure_id]
    assert (refused["status"], refused["attempts"], refused["s3_key"]) == ("failed", 5, None)
    assert "this is not a PDF: 150 bytes of HTML" in refused["error"]
    mended = outcomes[linked[1].disclosure_id]
    assert (mended["status"], mended["attempts"]) == ("stored", 3)
    accepted = outcomes[linked[2].disclosure_id]
    assert (accepted["status"], accepted["bytes"], accepted["pages"]) == ("stored", 600, 1)
    absent = outcomes[linked[3].disclosure_id]
    assert (absent["status"], absent["attempts"]) == ("failed", 1)
    assert not result.success
    assert pipeline.checks(result, "files_complete") == {str(DAY): False}
    assert pipeline.record(result).failed_count == 2
    made = pipeline.materialized(result)
    assert "documents" not in made
    assert made["disclosures"] == [str(DAY)]

    site.faults.clear()
    again = pipeline.materialize(DAY)

    assert again.success
    assert pipeline.record(again).collected_count == 2


@pytest.mark.slow
def test_stored_bytes_are_the_bytes_that_were_sent(site, pipeline):
    site.set_day(DAY, 25)
    pipeline.materialize(DAY)

    for row in site.rows(DAY):
        for name, suffix in ((row.pdf_name, "pdf"), (row.xbrl_name, "zip")):
            if name:
                key = f"documents/date={DAY}/{row.disclosure_id}.{suffix}"
                assert pipeline.lake.read(key) == site.document(name)


@pytest.mark.slow
def test_a_file_that_is_forbidden_inside_the_window_is_failed_not_gone(site, pipeline):
    today = datetime.now(TOKYO).date()
    site.set_day(today, 0)
    (row,) = site.publish(today, 1, time="00:00")
    site.faults.answer(r"\.(pdf|zip)$", status=403)

    result = pipeline.materialize(today)

    assert not result.success
    assert set(pipeline.table("documents", today)["status"]) == {"failed"}
    assert row.disclosure_id in pipeline.failure(result)


@pytest.mark.slow
@pytest.mark.parametrize("status", [503, 429, 403])
def test_a_site_that_refuses_every_file_is_asked_tens_of_times_and_not_thousands(
    site, pipeline, status
):
    site.set_day(DAY, 450)
    site.faults.answer(r"\.(pdf|zip)$", status=status)

    results = [pipeline.materialize(DAY) for _ in range(3)]

    assert not any(result.success for result in results)
    files = pipeline.table("documents", DAY)
    assert files.height > 500
    assert set(files["status"]) == {"failed"}
    not_asked = files.filter(pl.col("error").str.starts_with("not asked for"))
    assert not_asked.height >= files.height - 8
    assert len(_documents_requested(site)) < 40


@pytest.mark.slow
@pytest.mark.parametrize("status", [503, 429, 403])
def test_a_site_that_refuses_everything_is_asked_tens_of_times_by_a_run_of_a_month(
    site, pipeline, status
):
    first = date(2026, 6, 1)
    for back in range(30):
        site.set_day(first + timedelta(days=back), 130)
    site.faults.answer(".", status=status)

    result = pipeline.materialize(first, date(2026, 6, 30))

    assert not result.success
    assert "30 of 30 days not complete" in pipeline.failure(result)
    assert len(site.requests) < 40


@pytest.mark.slow
def test_hostile_archives_and_links_never_reach_the_lake(site, pipeline):
    site.set_day(DAY, 60)
    with_xbrl = [row for row in site.rows(DAY) if row.xbrl_name]
    site.faults.zip_bomb(with_xbrl[0].xbrl_name)
    site.faults.escaping_zip(with_xbrl[1].xbrl_name)
    site.faults.malformed_row(DAY, page=1, position=1, kind="hostile_path")
    site.faults.malformed_row(DAY, page=1, position=2, kind="hostile_host")

    result = pipeline.materialize(DAY)

    assert not result.success
    hostile = {row.disclosure_id for row in with_xbrl[:2]}
    failed = pipeline.table("documents", DAY).filter(pl.col("status") == "failed")
    listed = set(pipeline.table("disclosures", DAY)["disclosure_id"])
    assert set(failed["disclosure_id"]) == hostile & listed
    assert pipeline.table("rejects", DAY)["position"].to_list() == [1, 2]
    assert all(seen.path.startswith("/inbs/") for seen in site.requests)


def test_a_day_that_tdnet_does_not_list_is_refused_with_the_reason(pipeline):
    result = pipeline.materialize(date(2026, 3, 2))

    assert not result.success
    assert "TDnet has no list for 2026-03-02" in pipeline.failure(result)
    record = pipeline.record(result)
    assert (record.status, record.error_type) == ("failed", "DayNotListedError")


@pytest.mark.slow
def test_one_bad_day_of_a_range_costs_only_itself(site, pipeline):
    first, last = date(2026, 6, 8), date(2026, 6, 11)
    for number, day in enumerate((first, date(2026, 6, 9), DAY, last), start=1):
        site.set_day(day, number * 5)
    site.faults.bare_page(r"I_list_001_20260609")

    result = pipeline.materialize(first, last)

    assert not result.success
    good = [str(first), str(DAY), str(last)]
    assert pipeline.materialized(result) == dict.fromkeys(ASSETS, good)
    assert pipeline.checks(result, "files_complete") == {
        **dict.fromkeys(good, True),
        "2026-06-09": False,
    }
    assert "1 of 4 days not complete: 2026-06-09" in pipeline.failure(result)
    record = pipeline.record(result)
    assert (record.partition_start, record.partition_end) == (str(first), str(last))
    assert (record.status, record.total_count) == ("failed", 5 + 15 + 20)


def test_a_morning_row_belongs_to_its_tokyo_day_and_range_ends_are_included(site, pipeline):
    site.set_day(DAY, 0)
    site.publish(DAY, 1, time="08:30")
    site.set_day(date(2026, 6, 11), 0)
    site.publish(date(2026, 6, 11), 1, time="00:05")
    pipeline.materialize(DAY, date(2026, 6, 11), select=["listing_pages", "disclosures"])

    (morning,) = pipeline.table("disclosures", DAY).to_dicts()
    assert morning["disclosed_at"] == datetime(2026, 6, 10, 8, 30, tzinfo=TOKYO)
    (midnight,) = pipeline.table("disclosures", date(2026, 6, 11)).to_dicts()
    assert midnight["disclosed_at"] == datetime(2026, 6, 11, 0, 5, tzinfo=TOKYO)
    found = scan_disclosures(config=pipeline.config, first=DAY, last=date(2026, 6, 11)).collect()
    # 23:30 of the day before, and 15:05 of it, in UTC.
    assert found["date"].to_list() == [DAY, date(2026, 6, 11)]


def test_letter_codes_and_codes_that_end_in_4_are_found(site, pipeline):
    site.set_day(DAY, 0)
    for code in ("141A0", "15570", "15574", "587A4"):
        site.publish(DAY, 1, code=code)
    pipeline.materialize(DAY, select=["listing_pages", "disclosures"])

    assert sorted(pipeline.table("disclosures", DAY)["code"]) == [
        "141A0",
        "15570",
        "15574",
        "587A4",
    ]


@pytest.mark.slow
def test_a_record_goes_from_start_over_progress_to_completion_and_keeps_its_start(site, pipeline):
    site.set_day(DAY, 150)
    # Long enough to be seen in between, on any machine: a look takes milliseconds.
    site.faults.wait(r"I_list_001", seconds=2, times=1)
    site.faults.wait(r"[02468]\.pdf$", seconds=0.04)
    seen = []

    def item_is(wanted):
        key = {"execution_id": {"S": seen[0]["execution_id"]["S"]}} if seen else first_key()
        answer = key and client.get_item(TableName=table, Key=key, ConsistentRead=True)
        if answer and wanted(answer["Item"]):
            seen.append(answer["Item"])
            return True
        return False

    def first_key():
        items = client.scan(TableName=table, ConsistentRead=True)["Items"]
        return {"execution_id": items[0]["execution_id"]} if items else None

    client, table = pipeline.executions.client, pipeline.config.executions_table
    process = start(variables(pipeline.config), "collect", str(DAY))
    try:
        wait_until(lambda: item_is(lambda item: item["status"]["S"] == "running"), seconds=60)
        wait_until(
            lambda: item_is(lambda item: item.get("progress", {"N": "0"})["N"] != "0"), seconds=60
        )
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert item_is(lambda item: item["status"]["S"] == "completed")

    started, going, completed = seen
    assert not {"completed_at", "progress", "total_count"} & started.keys()
    assert going["status"]["S"] == "running"
    assert 0 < int(going["progress"]["N"]) < 100 == int(completed["progress"]["N"])
    assert going["total_count"]["N"] == completed["total_count"]["N"] == "150"
    assert 0 < int(going["collected_count"]["N"]) < 150
    assert completed["collected_count"]["N"] == "150"
    assert started["started_at"] == going["started_at"] == completed["started_at"]
    times = [started["started_at"], *(item["updated_at"] for item in seen)]
    assert times == sorted(times, key=lambda time: time["S"])
    assert completed["completed_at"]["S"] > going["updated_at"]["S"] > started["updated_at"]["S"]


@pytest.mark.slow
def test_every_metric_of_the_catalogue_is_read_back_under_its_exact_name(site, pipeline):
    site.set_day(DAY, 20)
    site.faults.malformed_row(DAY, page=1, position=1, kind="bad_code")
    before = datetime.now(TOKYO)

    result = pipeline.materialize(DAY)

    def last(name):
        data = pipeline.metrics.statistics(
            name, start=before - timedelta(minutes=2), end=before + timedelta(minutes=5)
        )
        return data[-1][1]

    files = pipeline.table("documents", DAY).height
    assert last("DisclosuresCollected") == 19
    assert last("DisclosuresFailed") == 1
    assert last("CollectionSuccessRate") == pytest.approx(95.0)
    assert last("DocumentsStored") == files
    assert last("DocumentsFailed") == 0
    assert last("TdnetRequests") == len(site.requests) == files + 1
    assert last("PartitionsFailed") == 1
    assert last("RunDuration") > 0
    assert pipeline.checks(result, "metrics_delivered") == {str(DAY): True}


@pytest.mark.slow
def test_a_refused_metric_fails_a_check_and_is_in_the_record_but_fails_no_run(site, pipeline):
    site.set_day(DAY, 3)
    denied = b'{"__type": "AccessDenied", "message": "not authorized: cloudwatch:PutMetricData"}'
    with answering("application/x-amz-json-1.0", denied) as (endpoint, _):
        elsewhere = pipeline.config.changed(aws_endpoint_url=endpoint)
        pipeline.overrides["metrics"] = MetricsResource(config=elsewhere)

        result = pipeline.materialize(DAY)

    assert result.success
    record = pipeline.record(result)
    assert record.status == "completed"
    assert record.metrics_error.startswith("AccessDenied")
    assert pipeline.config.metrics_namespace in record.metrics_error
    assert pipeline.checks(result, "metrics_delivered") == {str(DAY): False}
    assert pipeline.table("disclosures", DAY).height == 3
