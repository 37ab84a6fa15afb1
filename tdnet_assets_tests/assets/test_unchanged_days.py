"""A day that has not changed is shown again: its tables are neither read nor made nor put."""

import re
from collections import Counter
from datetime import date
from urllib.parse import unquote

import dagster as dg
import pytest

from benchmarks.aws_proxy import proxy
from tdnet_assets.resources.lake import layout
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES, names
from tdnet_assets.tables.wholeness import Origin
from tdnet_assets_tests.assets.test_earnings import _with_other_assets
from tdnet_assets_tests.pipeline import Pipeline
from tdnet_assets_tests.risen_reader import raise_reader

DAY = date(2026, 6, 10)
MADE = dg.DagsterEventType.ASSET_MATERIALIZATION
EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION


@pytest.fixture
def watched(platform, instance, aws_endpoint):
    """A pipeline, and the requests that it sent to the bucket: method and table or folder."""
    seen = []

    def passed(request, send):
        target = unquote(request.target)
        if found := re.search(rf"/{platform.bucket}/(?:tables/)?([a-z_]+)[/.]", target):
            seen.append((request.method, found[1]))
        return send()

    with proxy(aws_endpoint, passed) as address:
        yield Pipeline(platform.changed(aws_endpoint_url=address), instance), seen


def shown(pipeline, result):
    """What the run shows of its assets and checks, without what is the run's own."""
    own = {"execution", "made_in", "requests", "changed", "readings"}
    own |= {"new", "fetched_now", "retried", "put", "deleted", "read_now"}
    made = {
        event.asset_key.to_user_string(): {
            label: value
            for label, value in event.materialization.metadata.items()
            if label not in own
        }
        for event in pipeline.logged(result, MADE)
    }
    checks = {
        (one.asset_key.to_user_string(), one.check_name): replace_target(one)
        for one in (event.event_specific_data for event in pipeline.logged(result, EVALUATED))
        if one.check_name != "metrics_delivered"
    }
    return made, checks


def replace_target(evaluation):
    return (evaluation.passed, evaluation.severity, evaluation.description, evaluation.metadata)


def made_in(pipeline, result):
    """The assets that the run only showed again."""
    return {
        event.asset_key.to_user_string()
        for event in pipeline.logged(result, MADE)
        if "made_in" in event.materialization.metadata
    }


def test_a_second_run_of_an_unchanged_day_reads_no_table_and_puts_nothing(site, watched):
    pipeline, seen = watched
    site.set_day(DAY, 60)
    first = pipeline.materialize(DAY)
    seen.clear()
    asked = len(site.requests)

    second = pipeline.materialize(DAY)

    assert first.success
    assert second.success
    requests = Counter(seen)
    tables = RECIPES.keys() - {"listing_pages", "disclosure_index"}
    assert not [method for method, _ in requests if method not in ("GET", "HEAD")]
    assert {table for method, table in requests if method == "GET"} == {"raw", "refusals"}
    assert requests["GET", "refusals"] == 1
    assert {table for method, table in requests if method == "HEAD"} == tables
    assert len(site.requests) - asked == 1
    assert made_in(pipeline, second) == RECIPES.keys() - {"listing_pages"}
    assert shown(pipeline, second) == shown(pipeline, first)
    record = pipeline.record(second)
    assert (record.total_count, record.collected_count, record.skipped_count) == (60, 0, 60)


@pytest.mark.slow
def test_facts_are_read_once_for_the_reports_and_for_their_figures(site, watched):
    pipeline, seen = watched
    day = date(2026, 6, 16)  # whose archives no other test has read in this process
    site.set_day(day, 47)
    assert pipeline.materialize(day, select=[*names(COLLECTION), "financial_facts"]).success
    assert pipeline.materialize(day, select=["forecast_revisions"]).success
    seen.clear()

    result = pipeline.materialize(day, select=["earnings", "report_figures"])

    assert result.success
    assert Counter(seen)["GET", "financial_facts"] == 1
    figures = pipeline.lake.table_head("report_figures", day).metadata["made-from"]
    facts = pipeline.lake.table_head("financial_facts", day).metadata
    version = Origin.from_metadata(facts).version
    assert f"financial_facts={version}" in figures.split(",")
    assert set(pipeline.table("earnings", day)["disclosure_id"]) <= set(
        pipeline.table("report_figures", day)["disclosure_id"]
    )


@pytest.mark.slow
def test_a_check_that_only_warned_is_shown_again_in_the_same_words(site, pipeline):
    site.set_day(DAY, 60)
    row = next(row for row in site.rows(DAY) if (row.xbrl_name or "").startswith("0812"))
    archive = _with_other_assets(site.document(row.xbrl_name))
    site.faults.send_instead(rf"{row.disclosure_id}\.zip$", archive)
    first = pipeline.materialize(DAY)

    second = pipeline.materialize(DAY)

    _, checks = shown(pipeline, first)
    warned = {name: one for name, one in checks.items() if not one[0]}
    assert warned
    assert all(one[1] == dg.AssetCheckSeverity.WARN for one in warned.values())
    assert any(row.disclosure_id in one[2] for one in warned.values())
    assert shown(pipeline, second)[1] == checks
    assert "earnings" in made_in(pipeline, second)
    # And again, from what was shown again.
    assert shown(pipeline, pipeline.materialize(DAY))[1] == checks


@pytest.mark.slow
@pytest.mark.parametrize("flip", [False, True])
def test_a_derived_table_that_was_damaged_is_made_again_of_an_unchanged_day(site, pipeline, flip):
    site.set_day(DAY, 25)
    assert pipeline.materialize(DAY).success
    key = layout.table_key("earnings", DAY)
    content, head = pipeline.lake.read_with_head(key)
    broken = content[:4] + bytes(len(content) - 8) + content[-4:] if flip else content[:500]
    pipeline.lake.store.put(key, broken, attributes=dict(head.metadata))

    result = pipeline.materialize(DAY, select=names(DERIVATION))

    assert result.success
    assert pipeline.lake.read(key) == content
    assert made_in(pipeline, result) == set(names(DERIVATION)) - {"earnings"}


@pytest.mark.slow
def test_a_risen_reader_makes_its_table_again_and_no_other(site, pipeline, monkeypatch):
    site.set_day(DAY, 25)
    assert pipeline.materialize(DAY).success
    raise_reader(monkeypatch, "earnings")

    result = pipeline.materialize(DAY, select=names(DERIVATION))

    assert pipeline.lake.table_head("earnings", DAY).metadata["reader"] == "next"
    assert "earnings" not in made_in(pipeline, result)
    assert "forecast_revisions" in made_in(pipeline, result)


@pytest.mark.slow
def test_a_changed_input_makes_again_what_is_made_of_it(site, pipeline):
    site.set_day(DAY, 25)
    assert pipeline.materialize(DAY).success
    site.publish(DAY, 1)

    result = pipeline.materialize(DAY)

    assert result.success
    assert made_in(pipeline, result).isdisjoint(("disclosures", "documents", "financial_facts"))
    assert pipeline.table("disclosures", DAY).height == 26


@pytest.mark.slow
def test_a_document_that_is_lost_from_the_lake_is_fetched_again_of_an_unchanged_list(
    site, pipeline
):
    site.set_day(DAY, 25)
    assert pipeline.materialize(DAY).success
    row = next(row for row in site.rows(DAY) if row.pdf_name)
    key = layout.document_key(DAY, row.disclosure_id, "pdf")
    pipeline.lake.store.delete(key)

    result = pipeline.materialize(DAY)

    assert result.success
    assert pipeline.lake.read(key) is not None
    assert "documents" not in made_in(pipeline, result)
    assert "disclosures" in made_in(pipeline, result)


@pytest.mark.slow
def test_a_table_that_this_dagster_has_not_seen_is_made_and_so_looked_at(site, pipeline):
    site.set_day(DAY, 25)
    assert pipeline.materialize(DAY).success
    before = pipeline.objects()
    with dg.DagsterInstance.ephemeral() as other:
        elsewhere = Pipeline(pipeline.config, other)

        assert made_in(elsewhere, elsewhere.materialize(DAY)) == set()
        assert made_in(elsewhere, elsewhere.materialize(DAY)) > set(names(DERIVATION))

    assert pipeline.objects() == before


@pytest.mark.slow
def test_a_failed_check_is_looked_at_again_although_nothing_has_changed(site, pipeline):
    site.set_day(DAY, 25)
    row = next(row for row in site.rows(DAY) if row.xbrl_name)
    site.faults.send_instead(row.xbrl_name, b"no archive")
    assert not pipeline.materialize(DAY).success

    result = pipeline.materialize(DAY, select=names(DERIVATION))

    assert not result.success
    assert made_in(pipeline, result) == set()
