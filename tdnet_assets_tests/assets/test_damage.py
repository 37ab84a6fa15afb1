"""Objects that are not what was stored: mended by the next run, or named with key and advice."""

import io
import zipfile
from datetime import date

import pytest

from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore

DAY = date(2026, 6, 10)


@pytest.fixture
def collected(site, pipeline):
    site.set_day(DAY, 25)
    assert pipeline.materialize(DAY).success
    return pipeline


def state_of(pipeline):
    index = DisclosureIndexResource(config=pipeline.config)
    return read_day_state(pipeline.lake, index, DAY)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["disclosures", "documents", "financial_facts", "earnings"])
def test_a_table_that_was_cut_is_not_whole_and_the_next_run_makes_it_again(collected, table):
    key = layout.table_key(table, DAY)
    content, head = collected.lake.read_with_head(key)
    collected.lake.store.put(key, content[:500], attributes=dict(head.metadata))
    (lack,) = state_of(collected).lacks(table)
    assert lack.reason == f"damaged: 500 of {len(content)} bytes"

    assert collected.materialize(DAY).success

    assert state_of(collected).why() == ""
    assert collected.lake.read(key) == content


def test_a_table_whose_bytes_turned_over_is_put_anew_though_it_says_that_it_is_right(collected):
    key = layout.table_key("disclosures", DAY)
    content, head = collected.lake.read_with_head(key)
    broken = content[:4] + bytes(len(content) - 8) + content[-4:]
    collected.lake.store.put(key, broken, attributes=dict(head.metadata))

    assert collected.materialize(DAY).success

    assert collected.lake.read(key) == content


@pytest.mark.slow
def test_a_page_that_is_damaged_in_the_lake_is_asked_for_again(site, collected):
    (capture,) = CaptureStore(collected.lake).ids(DAY)
    collected.lake.store.put(layout.page_key(DAY, capture, 1), b"no gzip file")

    result = collected.materialize(DAY)

    assert result.success
    first, second = CaptureStore(collected.lake).ids(DAY)
    assert (first, second > first) == (capture, True)
    assert collected.table("disclosures", DAY).height == 25


@pytest.mark.slow
def test_an_alien_manifest_costs_a_reading_and_the_rows_stay(site, collected):
    (capture,) = CaptureStore(collected.lake).ids(DAY)
    collected.lake.store.put(layout.manifest_key(DAY, capture), b"[]")

    result = collected.materialize(DAY)

    # The day is listed: a new capture takes its place, and the old rows are not lost.
    assert len(CaptureStore(collected.lake).ids(DAY)) == 2
    assert collected.table("disclosures", DAY).height == 25
    assert result.success


@pytest.mark.slow
def test_an_archive_that_is_not_what_was_stored_is_named_and_no_fact_of_it_is_read(site, collected):
    row = next(row for row in site.rows(DAY) if row.xbrl_name)
    key = layout.document_key(DAY, row.disclosure_id, "xbrl")
    content, head = collected.lake.read_with_head(key)
    collected.lake.store.delete(layout.table_key("financial_facts", DAY))
    collected.lake.store.put(key, content[:-1] + b"!", attributes=dict(head.metadata))

    result = collected.materialize(DAY, select=["financial_facts"])

    assert not result.success
    assert f"{key} is not what was stored" in collected.failure(result)
    assert "tdnet verify --repair" in collected.failure(result)
    facts = collected.table("financial_facts", DAY)
    assert row.disclosure_id not in set(facts["disclosure_id"])

    collected.lake.store.put(key, content, attributes=dict(head.metadata))
    assert collected.materialize(DAY, select=["financial_facts"]).success
    assert row.disclosure_id in set(collected.table("financial_facts", DAY)["disclosure_id"])


@pytest.mark.slow
def test_a_table_beside_another_that_turned_over_is_put_anew_too(site, pipeline):
    site.set_day(DAY, 25)
    name = next(row.xbrl_name for row in site.rows(DAY) if row.xbrl_name)
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme.txt", "no filing")
    site.faults.send_instead(name, empty.getvalue())
    pipeline.materialize(DAY)
    key = layout.table_key("unread_filings", DAY)
    content, head = pipeline.lake.read_with_head(key)
    broken = content[:4] + bytes(len(content) - 8) + content[-4:]
    pipeline.lake.store.put(key, broken, attributes=dict(head.metadata))

    pipeline.materialize(DAY)

    assert pipeline.lake.read(key) == content
