"""``disclosures`` as a fold of all the day's captures, whichever reader made the table before."""

from datetime import date

import polars as pl
import pytest

from tdnet_assets_tests.risen_reader import raise_reader

DAY = date(2026, 6, 10)
LISTED = ("listing_pages", "disclosures")


def test_a_raised_reader_makes_the_table_from_the_first_capture_on(site, pipeline, monkeypatch):
    site.set_day(DAY, 12)
    pipeline.materialize(DAY, select=LISTED)
    gone, renamed = [row for row in site.rows(DAY) if row.state == "active"][:2]
    site.delete(gone.disclosure_id)
    site.retitle(renamed.disclosure_id, "新しい表題")
    pipeline.materialize(DAY, select=LISTED)
    before = pipeline.table("disclosures", DAY)
    raise_reader(monkeypatch, "disclosures")

    assert pipeline.materialize(DAY, select=("disclosures",)).success

    stored = pipeline.lake.read_table("disclosures", DAY)
    assert stored.metadata["reader"] == "next"
    assert stored.frame.equals(before)
    (deleted,) = stored.frame.filter(pl.col("status") == "deleted").to_dicts()
    assert deleted["disclosure_id"] == gone.disclosure_id
    assert deleted["pdf_url"].endswith(gone.pdf_name)
    assert deleted["first_seen_at"] < deleted["last_seen_at"]


@pytest.mark.slow
def test_a_table_that_holds_its_day_inside_is_made_again_from_the_lake(site, pipeline):
    site.set_day(DAY, 12)
    assert pipeline.materialize(DAY).success
    stored = pipeline.lake.read_table("disclosures", DAY)
    older = stored.frame.insert_column(2, pl.lit(DAY).alias("date"))
    said = {name: stored.metadata[name] for name in ("made-from", "result", "capture")}
    pipeline.lake.write_table("disclosures", DAY, older, {**said, "reader": "3"})
    requests = len(site.requests)

    made = pipeline.materialize(DAY, select=("disclosures", "documents"))

    assert made.success, pipeline.failure(made)
    assert "date" not in pipeline.table("disclosures", DAY).columns
    assert len(site.requests) == requests
