"""What a materialization's metadata shows to a person."""

import re
from collections.abc import Mapping
from datetime import date

import dagster as dg
import pytest

from tdnet_assets.assets.previews import preview

DAY = date(2026, 5, 14)


def _tables(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, int]:
    return {
        name: len(value.records)
        for name, value in metadata.items()
        if isinstance(value, dg.TableMetadataValue)
    }


def test_a_table_has_at_most_the_ten_rows_that_are_shown_without_a_click():
    shown = preview({"number": number} for number in range(25))

    assert [record.data["number"] for record in shown.records] == [str(n) for n in range(10)]


def test_where_there_is_nothing_to_show_there_is_no_table():
    assert preview([]) is None


@pytest.mark.slow
def test_what_a_busy_day_shows_is_short_tables_and_numbers_that_are_plotted(site, pipeline):
    site.set_day(DAY, 60)

    result = pipeline.materialize(DAY)

    made = pipeline.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
    shown = {one.asset_key.to_user_string(): one.materialization.metadata for one in made}
    checked = pipeline.logged(result, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    tables = [
        *map(_tables, shown.values()),
        *(_tables(one.event_specific_data.metadata) for one in checked),
    ]
    assert 0 < max(rows for found in tables for rows in found.values()) <= 10
    values = [value for found in shown.values() for value in found.values()]
    assert not any(isinstance(value, dg.MarkdownMetadataValue) for value in values)
    close = [shown["disclosures"][f"{when}_the_close"].value for when in ("before", "after")]
    assert sum(close) == shown["disclosures"]["dagster/partition_row_count"].value == 60
    assert min(close) > 0
    groups = [name for name in shown["report_figures"] if re.fullmatch(r"\w+_forecast", name)]
    assert groups == ["below_forecast", "near_forecast", "above_forecast"]
    kinds = ("earnings", "dividend", "reit")
    notices = [shown["forecast_revisions"][f"{kind}_notices"].value for kind in kinds]
    assert sum(notices) == shown["forecast_revisions"]["notices"].value > 0
