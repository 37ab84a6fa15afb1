"""Files that the lake has, against what the table ``documents`` says of them."""

from datetime import date

import polars as pl
import pytest

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import sha256

DAY = date(2026, 6, 10)
STEPS = ("listing_pages", "disclosures", "documents")


@pytest.fixture
def exchanged(site, pipeline):
    """Exchanges a stored file's bytes for one more than it had; gives key and old and new bytes."""
    site.set_day(DAY, 6)
    assert pipeline.materialize(DAY, select=STEPS).success
    row = pipeline.table("documents", DAY).row(0, named=True)
    key = layout.document_key(DAY, row["disclosure_id"], row["kind"])
    content, head = pipeline.lake.read_with_head(key)

    def exchange(*, its_own_metadata):
        other = content + b"\n"
        own = {"bytes": str(len(other)), "sha256": sha256(other)} if its_own_metadata else {}
        pipeline.lake.store.put(key, other, attributes={**head.metadata, **own})
        return key, content, other

    return exchange


def outcome_of(pipeline, key):
    (row,) = pipeline.table("documents", DAY).filter(pl.col("s3_key") == key).to_dicts()
    return row


def test_a_file_of_another_size_than_recorded_is_taken_as_it_says_of_itself(pipeline, exchanged):
    key, _, content = exchanged(its_own_metadata=True)

    assert pipeline.materialize(DAY, select=STEPS).success

    row = outcome_of(pipeline, key)
    assert (row["bytes"], row["sha256"]) == (len(content), sha256(content))


@pytest.mark.slow
def test_a_file_of_another_size_than_it_says_of_itself_is_damaged_and_not_stored(
    site, pipeline, exchanged
):
    key, before, now = exchanged(its_own_metadata=False)
    asked = len(site.requests)

    result = pipeline.materialize(DAY, select=STEPS)

    assert not result.success
    damage = f"{key} is damaged, {len(now)} of {len(before)} bytes: bring back its earlier version"
    assert damage in pipeline.failure(result)
    assert pipeline.checks(result, "files_complete") == {str(DAY): False}
    assert not [seen for seen in site.requests[asked:] if "I_list" not in seen.path]
