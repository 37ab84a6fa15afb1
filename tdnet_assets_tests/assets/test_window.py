"""Days that TDnet lists no more: refused at once, or rebuilt from the lake without a request."""

from datetime import datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from tdnet_assets.partitions import tags_for
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.pipeline import Pipeline

TODAY = datetime.now(TOKYO).date()
OLD = TODAY - timedelta(days=40)
WINDOW = 31


@pytest.fixture
def limited(platform, instance):
    """The same code location at a site that lists 31 days."""
    return Pipeline(platform.changed(window_days=WINDOW), instance)


def test_a_day_behind_the_window_is_refused_with_the_reason_and_no_request(site, limited):
    site.set_day(OLD, 5)  # the site would have it: it is not asked

    result = limited.materialize(OLD)

    assert not result.success
    assert site.requests == []
    reason = limited.failure(result)
    oldest = TODAY - timedelta(days=WINDOW - 1)
    assert f"TDnet has no list for {OLD} any more" in reason
    assert str(oldest) in reason or str(oldest + timedelta(days=1)) in reason
    assert "the lake has no capture of the day" in reason
    record = limited.record(result)
    assert (record.status, record.error_type) == ("failed", "DayNotListedError")


def test_the_refusal_is_permanent_so_that_no_retry_repeats_it(limited):
    with pytest.raises(dg.Failure) as caught:
        limited.job().execute_in_process(
            instance=limited.instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags=tags_for(str(OLD), str(OLD)),
        )

    assert caught.value.allow_retries is False


@pytest.mark.slow
def test_a_range_with_a_day_behind_the_window_is_retried_for_the_sake_of_one_that_may_pass(
    site, limited
):
    first = TODAY - timedelta(days=WINDOW)
    last = TODAY - timedelta(days=WINDOW - 3)
    for number in range((last - first).days + 1):
        site.set_day(first + timedelta(days=number), 2)
    site.faults.answer(f"I_list_001_{last:%Y%m%d}", status=503)

    with pytest.raises(dg.Failure) as caught:
        limited.job().execute_in_process(
            instance=limited.instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags=tags_for(str(first), str(last)),
        )

    failed = [record.data for record in caught.value.metadata["failed"].records]
    assert {row["day"]: row["error"] for row in failed if row["asset"] == "listing_pages"} == {
        str(first): "DayNotListedError",
        str(last): "PageNotGivenError",
    }
    assert caught.value.allow_retries is True


@pytest.mark.slow
def test_the_oldest_day_of_the_window_is_asked_for(site, limited):
    day = TODAY - timedelta(days=WINDOW - 2)
    site.set_day(day, 3)

    assert limited.materialize(day).success
    assert site.requests


@pytest.mark.slow
def test_one_old_day_of_a_range_costs_only_itself(site, limited):
    first = TODAY - timedelta(days=WINDOW)
    last = first + timedelta(days=3)
    for number in range(4):
        site.set_day(first + timedelta(days=number), 2)

    result = limited.materialize(first, last)

    assert not result.success
    assert str(last) in limited.materialized(result)["documents"]
    assert str(first) not in limited.materialized(result).get("listing_pages", [])
    assert not [seen for seen in site.requests if f"{first:%Y%m%d}.html" in seen.path]


@pytest.mark.slow
def test_an_old_day_with_captures_is_rebuilt_from_the_lake_without_a_request(
    site, pipeline, limited
):
    site.set_day(OLD, 120)
    assert pipeline.materialize(OLD).success
    tables = {name: pipeline.table(name, OLD) for name in ("disclosures", "documents")}
    for name in tables:
        pipeline.lake.store.delete(layout.table_key(name, OLD))
    asked, objects = len(site.requests), set(pipeline.objects())

    result = limited.materialize(OLD)

    assert result.success
    assert len(site.requests) == asked
    for name, before in tables.items():
        assert limited.table(name, OLD).equals(before)
    assert not [key for key in set(limited.objects()) - objects if not key.startswith("tables/")]
    (made,) = [
        event.step_materialization_data.materialization
        for event in limited.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
        if event.asset_key.to_user_string() == "listing_pages"
    ]
    assert made.metadata["readings"].value == 0
    assert made.metadata["requests"].value == 0
    assert made.metadata["from"].value == "the lake: TDnet lists the day no more"
    before = limited.objects()
    assert limited.materialize(OLD).success
    assert limited.objects() == before


@pytest.mark.slow
def test_files_that_the_closed_window_took_are_gone_unasked_and_the_day_is_red_for_good(
    site, pipeline, limited
):
    site.set_day(OLD, 12)
    linked = [row for row in site.rows(OLD) if row.pdf_name]
    site.faults.answer(linked[0].pdf_name, status=500)
    assert not pipeline.materialize(OLD).success
    asked = len(site.requests)

    result = limited.materialize(OLD)

    assert not result.success
    assert "1 of 14 files cannot be had any more" in limited.failure(result)
    assert limited.checks(result, "files_complete") == {str(OLD): False}
    assert len(site.requests) == asked
    (row,) = limited.table("documents", OLD).filter(pl.col("status") == "gone").to_dicts()
    assert row["disclosure_id"] == linked[0].disclosure_id
    assert row["attempts"] == 5
    assert f"not asked for: TDnet lists {OLD} no more; asked earlier: " in row["error"]
    assert "answers 500" in row["error"]
    before = limited.objects()
    assert not limited.materialize(OLD).success
    assert limited.objects() == before


@pytest.mark.slow
def test_a_file_that_was_stored_and_is_lost_from_the_lake_stays_a_failure(site, pipeline, limited):
    site.set_day(OLD, 12)
    pipeline.materialize(OLD)
    (row, *_) = [row for row in site.rows(OLD) if row.pdf_name]
    pipeline.lake.store.delete(layout.document_key(OLD, row.disclosure_id, "pdf"))

    for _ in range(2):
        result = limited.materialize(OLD)
        assert not result.success
        assert "stored once, but not in the lake any more" in limited.failure(result)

    # A site that lists more days than this one gives it back.
    assert pipeline.materialize(OLD).success


@pytest.mark.slow
def test_files_that_were_never_asked_for_are_asked_for_when_the_window_is_wider(
    site, pipeline, limited
):
    site.set_day(OLD, 6)
    pipeline.materialize(OLD, select=["listing_pages"])
    assert not limited.materialize(OLD).success
    assert set(limited.table("documents", OLD)["status"]) == {"gone"}
    assert set(limited.table("documents", OLD)["attempts"]) == {0}

    assert pipeline.materialize(OLD).success

    assert set(pipeline.table("documents", OLD)["status"]) == {"stored"}


@pytest.mark.slow
def test_an_incomplete_last_capture_stays_incomplete_when_it_is_taken_from_the_lake(
    site, pipeline, limited
):
    site.set_day(OLD, 230)
    site.faults.answer("I_list_003", status=404)
    assert not pipeline.materialize(OLD, select=["listing_pages"]).success

    result = limited.materialize(OLD)

    assert not result.success
    assert limited.checks(result, "list_complete") == {str(OLD): False}
    capture = CaptureStore(limited.lake).latest(OLD)
    assert f"the last capture of {OLD}, {capture.id}, is not complete" in limited.failure(result)
    assert limited.table("disclosures", OLD).height == 200


@pytest.mark.slow
def test_only_the_failed_days_of_a_range_are_missing_and_run_again(site, pipeline):
    days = [TODAY - timedelta(days=number) for number in (5, 4, 3)]
    for day in days:
        site.set_day(day, 4)
    site.faults.bare_page(f"I_list_001_{days[1]:%Y%m%d}")
    result = pipeline.materialize(days[0], days[2])
    made = pipeline.materialized(result)["documents"]
    assert made == [str(days[0]), str(days[2])]
    site.faults.clear()
    asked = len(site.requests)

    missing = [day for day in days if str(day) not in made]
    again = pipeline.materialize(missing[0], missing[-1])

    assert again.success
    assert pipeline.materialized(again)["documents"] == [str(days[1])]
    digits = {seen.path[-13:-5] for seen in site.requests[asked:] if "I_list" in seen.path}
    assert digits == {f"{days[1]:%Y%m%d}"}
