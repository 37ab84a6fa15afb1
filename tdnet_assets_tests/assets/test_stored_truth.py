"""Whether a day is whole does not depend on which run looks: the lake is the truth."""

from datetime import date

import polars as pl
import pytest

from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, names

DAY = date(2026, 6, 10)


@pytest.fixture
def state(platform, pipeline):
    index = DisclosureIndexResource(config=platform)
    return lambda: read_day_state(pipeline.lake, index, DAY)


@pytest.fixture
def spoil(site):
    """Ways to make a day that is not whole."""

    def row():
        site.faults.malformed_row(DAY, page=1, position=2, kind="bad_time")

    def archive():
        name = next(row.xbrl_name for row in site.rows(DAY) if row.xbrl_name)
        site.faults.html_instead(name)

    return {"row": row, "archive": archive}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["row", "archive"])
def test_derived_tables_made_alone_of_a_day_that_is_not_whole_are_not_whole_either(
    site, pipeline, state, spoil, kind
):
    site.set_day(DAY, 60)
    spoil[kind]()
    assert not pipeline.materialize(DAY).success

    result = pipeline.materialize(DAY, select=names(DERIVATION))

    assert not result.success
    assert pipeline.record(result).status == "failed"
    assert pipeline.materialized(result) == {}
    assert set(names(DERIVATION)) <= state().not_whole().keys()
    # They are made all the same, as far as it goes.
    assert pipeline.table("earnings", DAY).height
    assert all(state().is_current(name) for name in names(DERIVATION))


def test_a_file_that_answers_404_once_is_failed_and_stored_by_the_next_collection(
    site, pipeline, state
):
    site.set_day(DAY, 5)
    name = next(row.pdf_name for row in site.rows(DAY) if row.pdf_name)
    site.faults.answer(name, status=404)
    first = pipeline.materialize(DAY, select=names(COLLECTION))
    assert pipeline.record(first).status == "failed"
    failed = pipeline.table("documents", DAY).filter(pl.col("status") != "stored")
    assert failed["status"].to_list() == ["failed"]
    site.faults.clear()

    second = pipeline.materialize(DAY, select=names(COLLECTION))

    assert second.success
    assert set(pipeline.table("documents", DAY)["status"]) == {"stored"}
    assert state().is_whole("documents")


@pytest.mark.slow
def test_a_bad_page_that_is_mended_with_the_same_last_modified_becomes_green_with_the_next_run(
    site, pipeline, state
):
    site.set_day(DAY, 30)
    site.faults.malformed_row(DAY, page=1, position=2, kind="missing_cell")
    assert not pipeline.materialize(DAY).success
    seen = site.reply(
        site.requests[0].path, user_agent="tdnet_assets", if_modified_since=None
    ).headers
    site.faults.clear()
    mended = site.reply(
        site.requests[0].path, user_agent="tdnet_assets", if_modified_since=None
    ).headers
    assert mended["last-modified"] == seen["last-modified"]

    result = pipeline.materialize(DAY)

    assert result.success
    assert state().not_whole() == {}
    assert pipeline.table("rejects", DAY).height == 0
