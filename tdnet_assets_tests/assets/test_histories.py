"""The yearly copy: what it holds, what it reads again, and when it is made."""

import random
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from tdnet_assets.assets.histories import HISTORIES, ROWS_OF_THE_DAYS, YEARS
from tdnet_assets.assets.previews import column_metadata
from tdnet_assets.automation.schedules import yearly_copies, years_that_change
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.earnings import EARNINGS_COPY
from tdnet_assets.tables.report_links import REPORT_LINKS_COPY, REPORT_LINKS_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.lake_days import write_day

(disclosure_history,) = (one for one in HISTORIES if one.key.to_user_string() == HISTORY_TABLE.name)
DAY = date(2026, 6, 10)
KEY = "tables/disclosure_history/year=2026/data.parquet"


@pytest.fixture
def lake(platform):
    return LakeResource(config=platform)


@pytest.fixture
def make(lake, instance):
    """Materializes the copy of a year through Dagster; gives its metadata and whether it passed."""

    def run(year=2026, asset=disclosure_history):
        result = dg.materialize(
            [asset],
            instance=instance,
            partition_key=str(year),
            resources={"lake": lake},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        (made,) = result.asset_materializations_for_node(asset.key.to_user_string())
        (check,) = result.get_asset_check_evaluations()
        assert check.check_name == ROWS_OF_THE_DAYS
        assert isinstance(made.metadata["object"], dg.UrlMetadataValue)
        values = {name: value.value for name, value in made.metadata.items()}
        return values, check

    return run


def _stored(lake):
    return next(lake.list("tables/disclosure_history/"))


def _copy(lake, year=2026):
    return yearly_copy(lake).read(year).frame


def test_the_copy_holds_every_row_of_the_year_by_company_and_time(lake, make):
    days = [DAY + timedelta(days=offset) for offset in range(3)]
    frames = [write_day(lake, day, 40, seed=day.day) for day in days]
    write_day(lake, date(2025, 12, 31), 40)

    metadata, check = make()

    copy = _copy(lake)
    expected = pl.concat(frames)
    assert copy.sort("disclosure_id").equals(expected.sort("disclosure_id"))
    assert copy.equals(copy.sort(HISTORY_TABLE.order, nulls_last=True))
    assert copy["code"].is_sorted()
    assert check.passed
    assert (metadata["dagster/partition_row_count"], metadata["days"]) == (120, 3)
    assert metadata["codes"] == expected["code"].n_unique()
    assert metadata["changed_days"] == 3
    assert metadata["megabytes"] == round(_stored(lake).bytes / 1e6, 3)
    assert metadata["last_day"] == "2026-06-12"
    assert metadata["object"] == lake.console_url(KEY)


def test_an_unchanged_year_is_not_written_again(lake, make):
    write_day(lake, DAY, 40)
    make()
    before = _stored(lake)

    metadata, check = make()

    assert _stored(lake) == before
    assert metadata["changed_days"] == 0
    assert metadata["dagster/partition_row_count"] == 40
    assert check.passed


def test_only_days_that_changed_are_read_again(lake, make):
    for offset in range(4):
        write_day(lake, DAY + timedelta(days=offset), 30, seed=offset)
    make()
    write_day(lake, DAY + timedelta(days=1), 35, seed=9)

    metadata, check = make()

    assert metadata["changed"] == "2026-06-11"
    assert metadata["dagster/partition_row_count"] == 125
    assert check.passed


@pytest.mark.slow
def test_a_copy_made_in_steps_is_the_one_made_at_once(lake, make):
    chance = random.Random(7)  # noqa: S311 - sample data
    for step in range(4):
        for day in chance.sample([DAY + timedelta(days=offset) for offset in range(6)], 3):
            write_day(lake, day, chance.randrange(60), seed=step)
        make()
    in_steps = _copy(lake)
    lake.store.delete(KEY)

    make()

    assert _copy(lake).equals(in_steps)
    assert in_steps.height > 0


def test_a_day_whose_file_is_gone_leaves_the_copy(lake, make):
    write_day(lake, DAY, 30)
    write_day(lake, DAY + timedelta(days=1), 30)
    make()
    lake.store.delete(layout.table_key("disclosures", DAY))

    metadata, check = make()

    assert set(_copy(lake)["date"]) == {DAY + timedelta(days=1)}
    assert metadata["changed"] == "2026-06-10"
    assert check.passed


def test_a_year_without_days_is_no_file_and_no_failure(lake, make):
    metadata, check = make()

    assert lake.read(KEY) is None
    assert (metadata["dagster/partition_row_count"], metadata["days"]) == (0, 0)
    assert check.passed


def test_a_day_without_rows_is_contained_too(lake, make):
    write_day(lake, DAY, 0)

    metadata, _ = make()

    assert (metadata["days"], metadata["dagster/partition_row_count"]) == (1, 0)
    assert make()[0]["changed_days"] == 0


def test_a_daily_file_of_an_earlier_version_gets_the_columns_of_today(lake, make):
    frame = write_day(lake, DAY, 5)
    older = frame.drop("is_correction").with_columns(given_up=pl.lit(1))
    lake.write_table("disclosures", DAY, older, {})

    _, check = make()

    copy = _copy(lake)
    assert copy.schema == pl.Schema(HISTORY_TABLE.schema)
    assert copy["is_correction"].to_list() == [None] * 5
    assert check.passed


def test_a_copy_with_other_columns_is_made_anew(lake, make):
    write_day(lake, DAY, 5)
    make()
    whole = yearly_copy(lake)
    narrow = {name: type_ for name, type_ in whole.schema.items() if name != "is_correction"}
    older = type(whole)(lake, whole.name, whole.source, narrow, HISTORY_TABLE.order)
    older.bring_up_to_date(2026)
    assert whole.read(2026).contents == {}

    metadata, _ = make()

    assert metadata["changed_days"] == 1
    assert _copy(lake)["is_correction"].null_count() == 0


def test_the_check_fails_where_the_copy_lacks_rows(lake, make):
    write_day(lake, DAY, 20)
    make()
    footer = pl.read_parquet_metadata(lake.read(KEY))
    lake.put_parquet(
        KEY,
        _copy(lake).head(15),
        {},
        expected=_stored(lake).etag,
        footer={name: text for name, text in footer.items() if name != "ARROW:schema"},
    )

    _, check = make()

    assert not check.passed
    assert check.description == "2026-06-10: 15 rows, 20 in the daily file"


def test_the_days_of_a_year_are_upstream_of_its_copy():
    (dep,) = disclosure_history.specs_by_key[dg.AssetKey("disclosure_history")].deps
    assert dep.asset_key == dg.AssetKey("disclosures")
    lineage = column_metadata(HISTORY_TABLE)["dagster/column_lineage"].deps_by_column
    assert set(lineage) == set(DISCLOSURES_TABLE.schema)
    assert list(HISTORY_TABLE.schema) == ["date", *DISCLOSURES_TABLE.schema]
    assert YEARS.has_partition_key(f"{datetime.now(TOKYO):%Y}")
    assert YEARS.get_first_partition_key() == "2016"


@pytest.mark.parametrize(
    ("now", "years"),
    [
        (datetime(2026, 11, 23, 2, 30, tzinfo=TOKYO), ["2026"]),
        (datetime(2026, 1, 1, 2, 30, tzinfo=TOKYO), ["2025", "2026"]),
        (datetime(2026, 1, 31, 2, 30, tzinfo=TOKYO), ["2025", "2026"]),
        (datetime(2026, 2, 1, 2, 30, tzinfo=TOKYO), ["2026"]),
    ],
)
def test_each_night_the_years_that_may_have_changed_are_asked_for(now, years, instance):
    location = dg.Definitions(
        assets=[*HISTORIES],
        schedules=[yearly_copies],
        resources={"lake": dg.ResourceDefinition.none_resource()},
    )
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=now.astimezone(UTC),
        repository_def=location.get_repository_def(),
    )

    requests = yearly_copies.evaluate_tick(context).run_requests

    assert [request.partition_key for request in requests] == years == years_that_change(now.date())
    assert len({request.run_key for request in requests}) == len(years)
    assert yearly_copies.default_status == dg.DefaultScheduleStatus.RUNNING


def test_a_year_of_a_copy_of_all_years_shows_its_own_rows(lake, make):
    (links,) = (one for one in HISTORIES if one.key.to_user_string() == REPORT_LINKS_COPY.name)
    for year, count in ((2025, 3), (2026, 2)):
        rows = [
            {"disclosure_id": f"{year}06010{number}0000", "code": "72030", "relation": "replaces"}
            for number in range(count)
        ]
        lake.write_table("report_links", date(year, 6, 1), REPORT_LINKS_TABLE.frame(rows), {})

    metadata, check = make(2026, links)

    assert check.passed
    assert metadata["dagster/partition_row_count"] == 2
    assert metadata["dagster/uri"] == lake.uri("tables/report_links_by_code/data.parquet")
    assert make(2025, links)[0]["dagster/partition_row_count"] == 3


def test_a_year_in_several_files_is_shown_with_its_folder(lake, make):
    (earnings,) = (one for one in HISTORIES if one.key.to_user_string() == EARNINGS_COPY.name)

    assert make(2026, earnings)[0]["dagster/uri"] == lake.uri("tables/earnings_history/year=2026/")
