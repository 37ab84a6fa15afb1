"""``disclosures`` as a fold of all the day's captures, whichever reader made the table before."""

from dataclasses import replace
from datetime import date

import polars as pl

from tdnet_assets.tables.recipes import RECIPES

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
    raised = replace(RECIPES["disclosures"], reader="next")
    monkeypatch.setitem(RECIPES, "disclosures", raised)

    assert pipeline.materialize(DAY, select=("disclosures",)).success

    stored = pipeline.lake.read_table("disclosures", DAY)
    assert stored.metadata["reader"] == "next"
    assert stored.frame.equals(before)
    (deleted,) = stored.frame.filter(pl.col("status") == "deleted").to_dicts()
    assert deleted["disclosure_id"] == gone.disclosure_id
    assert deleted["pdf_url"].endswith(gone.pdf_name)
    assert deleted["first_seen_at"] < deleted["last_seen_at"]
