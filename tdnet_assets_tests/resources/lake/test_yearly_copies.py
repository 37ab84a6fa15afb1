"""What a yearly copy takes for the same daily file, and a year that is in several files."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import polars as pl
import pytest
from pydantic import PrivateAttr

from benchmarks.aws_proxy import proxy
from benchmarks.years import Traffic
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, StoredObject
from tdnet_assets.resources.lake.yearly_copies import (
    ContainedDay,
    daily_files,
    scan_copied,
    yearly_copy,
)
from tdnet_assets.tables.earnings import EARNINGS_COPY, EARNINGS_TABLE
from tdnet_assets.tables.report_links import REPORT_LINKS_COPY, REPORT_LINKS_TABLE
from tdnet_assets_tests.lake_days import write_day

DAY, NEXT_DAY = date(2026, 6, 10), date(2026, 6, 11)


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [('"a"', '"a"', True), ('"a"', '"b"', False), ("", "", False), ("", '"a"', False)],
)
def test_a_day_stands_while_its_file_has_the_e_tag_that_was_read_and_none_is_no_e_tag(
    then, now, same
):
    found = StoredObject("key", 1, datetime(2026, 6, 10, tzinfo=UTC), now)

    assert ContainedDay(then, 3).is_of(found) is same


class Vanishing(LakeResource):
    """A lake whose file of the day goes away between the listing and the reading."""

    def read_table(self, table, day):
        if day == DAY:
            self.store.delete(layout.table_key(table, day))
        return super().read_table(table, day)


def test_a_daily_file_that_goes_away_once_it_is_listed_is_as_good_as_never_listed(platform):
    lake = Vanishing(config=platform)
    for day in (DAY, NEXT_DAY):
        write_day(lake, day, 5)

    yearly_copy(lake).bring_up_to_date(2026)

    copy = yearly_copy(lake).read(2026)
    assert set(copy.contents) == set(copy.frame["date"]) == {NEXT_DAY}


CODES = ("13010", "130A0", "25935", "43210", "72030", "86970", "99840")


@pytest.fixture
def lake(platform):
    return LakeResource(config=platform)


@pytest.fixture
def reports(lake):
    """Six days of reports of some companies, each with another number."""
    for day in range(1, 7):
        rows = [
            {"disclosure_id": f"2026060{day}{number:06d}", "code": code}
            for number, code in enumerate(CODES)
        ]
        lake.write_table("earnings", date(2026, 6, day), EARNINGS_TABLE.frame(rows), {})


def _rows(lake, table, codes):
    days = daily_files(lake, table.copy_of)
    found = scan_copied(lake, table, days, codes=codes)
    return found if codes is None else found.filter(pl.col("code").is_in(codes))


def _opened(config, endpoint, ask):
    """The files of copies, and the daily ones, that a question opens."""
    traffic = Traffic()
    with proxy(endpoint, traffic.pass_on) as address:
        ask(LakeResource(config=config.changed(aws_endpoint_url=address))).collect()
    return [target.split("/tables/")[1] for target, _ in traffic.passed if "/tables/" in target]


@pytest.mark.slow
def test_a_company_s_rows_of_a_wide_table_are_one_request_a_year(
    lake, reports, platform, aws_endpoint
):
    by_days = {code: _rows(lake, EARNINGS_COPY, [code]).collect() for code in CODES}
    yearly_copy(lake, EARNINGS_COPY).bring_up_to_date(2026)

    parts = set()
    for code in CODES:
        opened = _opened(platform, aws_endpoint, lambda of: _rows(of, EARNINGS_COPY, [code]))  # noqa: B023 - called at once
        assert len(opened) == 1
        parts.update(opened)
        found = _rows(lake, EARNINGS_COPY, [code]).collect()
        assert found.sort("date").equals(by_days[code].sort("date"))
        assert found.height == 6

    assert len(parts) > 3
    assert _rows(lake, EARNINGS_COPY, []).collect().is_empty()


@pytest.mark.slow
def test_all_rows_of_a_wide_table_are_those_of_all_parts(lake, reports):
    yearly_copy(lake, EARNINGS_COPY).bring_up_to_date(2026)

    stored = yearly_copy(lake, EARNINGS_COPY).read(2026)
    (opened,) = yearly_copy(lake, EARNINGS_COPY).open_years([2026], None)

    assert sorted(stored.frame["code"]) == sorted(CODES * 6)
    assert opened.rows.collect().equals(stored.frame)
    assert opened.contents == stored.contents
    assert len(list(lake.list("tables/earnings_history/"))) == EARNINGS_COPY.parts


@pytest.mark.slow
def test_a_part_that_is_older_than_the_others_stands_for_its_own_companies_alone(lake, reports):
    copy = yearly_copy(lake, EARNINGS_COPY)
    copy.bring_up_to_date(2026)
    old = copy.key(2026, 1)
    before = lake.read_with_head(old)
    changed = EARNINGS_TABLE.frame([{"disclosure_id": "9" * 14, "code": code} for code in CODES])
    lake.write_table("earnings", date(2026, 6, 3), changed, {})
    expected = _rows(lake, EARNINGS_COPY, None).collect().sort("code", "disclosure_id")
    copy.bring_up_to_date(2026)

    lake.store.put(old, before[0], attributes={"Content-Type": "x"})

    assert copy.read(2026).contents == {}
    found = _rows(lake, EARNINGS_COPY, None).collect()
    assert found.sort("code", "disclosure_id").equals(expected)
    for code in CODES:
        of_company = _rows(lake, EARNINGS_COPY, [code]).collect()
        assert of_company.sort("disclosure_id").equals(expected.filter(pl.col("code") == code))
    assert len(copy.bring_up_to_date(2026).changed) == 6
    assert len(copy.read(2026).contents) == 6


@pytest.mark.slow
def test_a_copy_of_the_layout_with_one_file_a_year_is_made_anew(lake, reports):
    copy = yearly_copy(lake, EARNINGS_COPY)
    older = type(copy)(lake, copy.name, copy.source, copy.schema, copy.order)
    older.bring_up_to_date(2026)
    assert len(list(lake.list("tables/earnings_history/"))) == 1

    assert _rows(lake, EARNINGS_COPY, ["72030"]).collect().height == 6
    copy.bring_up_to_date(2026)

    assert len(copy.read(2026).contents) == 6
    assert sorted(copy.read(2026).frame["code"]) == sorted(CODES * 6)


class Dying(LakeResource):
    """A lake whose process is gone after so many puts."""

    _left: int = PrivateAttr(default=7)

    def put_parquet(self, *arguments, **options):
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        return super().put_parquet(*arguments, **options)


@pytest.mark.slow
def test_a_file_of_the_older_layout_has_every_company_until_all_others_are_there(lake, reports):
    copy = yearly_copy(lake, EARNINGS_COPY)
    older = type(copy)(lake, copy.name, copy.source, copy.schema, copy.order)
    older.bring_up_to_date(2026)

    with pytest.raises(KeyboardInterrupt):
        yearly_copy(Dying(config=lake.config), EARNINGS_COPY).bring_up_to_date(2026)

    stored = {found.key for found in lake.list("tables/earnings_history/")}
    assert len(stored) == copy.parts
    assert older.read(2026).frame.height == len(CODES) * 6


def _put_links(lake, year):
    for day in range(1, 7):
        row = {"disclosure_id": f"{year}060{day}000000", "code": "72030", "relation": "replaces"}
        lake.write_table("report_links", date(year, 6, day), REPORT_LINKS_TABLE.frame([row]), {})


def test_years_that_are_together_are_one_request_however_many_they_are(
    lake, platform, aws_endpoint
):
    copy = yearly_copy(lake, REPORT_LINKS_COPY)
    for year in (2024, 2025, 2026):
        _put_links(lake, year)
        assert len(copy.bring_up_to_date(year).changed) == 6

    opened = _opened(platform, aws_endpoint, lambda of: _rows(of, REPORT_LINKS_COPY, ["72030"]))

    assert opened == ["report_links_by_code/data.parquet"]
    assert _rows(lake, REPORT_LINKS_COPY, ["72030"]).collect().height == 18
    assert copy.bring_up_to_date(2025).changed == []
    lake.store.delete(layout.table_key("report_links", date(2025, 6, 2)))
    assert copy.bring_up_to_date(2025).removed == [date(2025, 6, 2)]
    assert len(copy.read(2025).contents) == 17


def test_years_that_are_brought_up_to_date_at_once_are_all_in_the_file(lake):
    years = (2023, 2024, 2025, 2026)
    for year in years:
        _put_links(lake, year)
    copy = yearly_copy(lake, REPORT_LINKS_COPY)

    with ThreadPoolExecutor(len(years)) as pool:
        list(pool.map(copy.bring_up_to_date, years))

    assert {day.year for day in copy.read(2026).contents} == set(years)
    assert copy.read(2026).frame.height == 24
